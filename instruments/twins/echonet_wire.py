"""A node's wire: UDP port 3610 on a loopback address of its own, and the group that all nodes listen to.

Every node needs the same port, so each takes an address of 127.0.0.0/8 that nobody holds. Replies go to port
3610 of who asked, wherever it asked from, as the specification has it.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
from collections.abc import Callable

__all__ = ["EchonetWire"]

_PORT, _GROUP, _LOOPBACK = 3610, "224.0.23.0", "127.0.0.1"
_FIRST, _LAST = 2, 254
_LARGEST = 65535
_TAKEN: set[str] = set()  # addresses of this process, which a shared bind would not notice


class EchonetWire:
    """Serves ``answer`` until closed. ``address`` is where the node can be reached.

    Args:
        answer: returns the replies to one datagram.
        other_port: reply from another port than 3610, as some nodes do.

    Raises:
        OSError: no address of 127.0.0.0/8 is free.
    """

    def __init__(self, answer: Callable[[bytes], list[bytes]], *, other_port: bool = False) -> None:
        self._answer = answer
        self._own = _first_free()
        self.address = str(self._own.getsockname()[0])
        self._mouth = self._own
        if other_port:
            self._mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._mouth.bind((self.address, 0))
        self._group = _joined()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name=f"echonet {self.address}", daemon=True)
        self._thread.start()

    def announce(self, data: bytes) -> None:
        """Send to everybody; nobody may be there."""
        with contextlib.suppress(OSError):
            interface = socket.inet_aton(_LOOPBACK)
            self._own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            self._own.sendto(data, (_GROUP, _PORT))

    def close(self) -> None:
        """Stop serving; may be called again."""
        with contextlib.suppress(OSError):
            self._wake.send(b"x")
        self._thread.join(5.0)
        for one in (self._own, self._mouth, self._group, self._wake, self._woken):
            if one is not None:
                one.close()
        _TAKEN.discard(self.address)

    def _serve(self) -> None:
        wires = [one for one in (self._own, self._group) if one is not None]
        while True:
            ready, _, _ = select.select([*wires, self._woken], [], [])
            if self._woken in ready:
                return
            for wire in ready:
                with contextlib.suppress(OSError):  # an ICMP error of an earlier reply
                    data, (asker, port) = wire.recvfrom(_LARGEST)
                    if (asker, port) == (self.address, _PORT):
                        continue  # our own announcement
                    for reply in self._answer(data):
                        self._mouth.sendto(reply, (asker, _PORT))


def _first_free() -> socket.socket:
    """Bind an address that nobody holds; beside a program that holds them all, one of this process alone."""
    problem: OSError | None = None
    own = os.getpid()
    alone = [f"127.{16 + (own >> 8) % 200}.{own & 0xFF}.{number}" for number in range(_FIRST, _LAST)]
    for share, addresses in (
        (False, [f"127.0.0.{number}" for number in range(_FIRST, _LAST)]),
        (True, alone),
    ):
        for address in addresses:
            wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                if share and address not in _TAKEN:
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                wire.bind((address, _PORT))
            except OSError as error:
                wire.close()
                problem = error
                continue
            _TAKEN.add(address)
            # from now on a controller that listens to every address may do so beside us
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            return wire
    raise OSError(f"no loopback address has UDP port {_PORT} free: {problem}")


def _joined() -> socket.socket | None:
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wire.bind((_GROUP, _PORT))
        member = struct.pack("4s4s", socket.inet_aton(_GROUP), socket.inet_aton(_LOOPBACK))
        wire.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError:
        wire.close()
        return None
    return wire
