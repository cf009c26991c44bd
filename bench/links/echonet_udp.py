"""UDP port 3610: one socket for what is sent to this address, one for what is sent to everybody.

Only one program at a time can hold the port of an address; all ECHONET Lite devices of a station share one
:class:`Hub`. Replies are told apart by the sender's address and the transaction, never by the sender's port:
devices are known that answer from another one.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import secrets
import select
import socket
import struct
import threading
from collections.abc import Callable

from bench.errors import LinkDown, WrongReply
from bench.links.echonet_frame import INF, INFC, INFC_RES, Frame

__all__ = ["GROUP", "PORT", "Hub"]

PORT = 3610
GROUP = "224.0.23.0"
_LARGEST = 65535
Heard = Callable[[str, Frame], None]


class Hub:
    """The sockets of one local address, and the thread that hands out what arrives.

    Args:
        local: the address to bind; for a peer on loopback, any address of 127.0.0.0/8.
        dropped: told of every frame that nobody waits for, such as a late reply.
        share: bind although somebody listens to every address of this machine.

    Raises:
        LinkDown: the port is taken, or the address is not this machine's.
    """

    def __init__(self, local: str, dropped: Heard | None = None, *, share: bool = False) -> None:
        self.local = local
        self._dropped = dropped or (lambda address, frame: None)
        self._waiting: dict[tuple[str, int], queue.SimpleQueue[Frame]] = {}
        self._announced: list[Heard] = []
        self._lock = threading.Lock()
        # not from 1: a late reply to the program that held the port before must not fit
        self._tid = secrets.randbelow(0xFFFF)
        self._unicast = _bound(local, share)
        self._group = _joined(local)
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="echonet", daemon=True)
        self._thread.start()

    def next_tid(self) -> int:
        """Return a transaction number that no request in flight carries."""
        with self._lock:
            self._tid = self._tid % 0xFFFF + 1
            return self._tid

    def ask(self, address: str, frame: Frame, timeout_s: float) -> Frame | None:
        """Send ``frame`` and return the reply of that address to that transaction; None: none in time.

        Raises:
            LinkDown: the network refuses to send.
        """
        box: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        key = (address, frame.tid)
        with self._lock:
            self._waiting[key] = box
        try:
            self._unicast.sendto(frame.encode(), (address, PORT))
            return box.get(timeout=timeout_s)
        except queue.Empty:
            return None
        except OSError as error:
            raise LinkDown(f"{address}: cannot be sent to: {error}") from error
        finally:
            with self._lock:
                self._waiting.pop(key, None)

    def on_announcement(self, heard: Heard) -> None:
        """Have ``heard(address, frame)`` called for every INF and INFC."""
        self._announced.append(heard)

    def close(self) -> None:
        """Give the port back; may be called again."""
        with contextlib.suppress(OSError):
            self._wake.send(b"x")
        if self._thread is not threading.current_thread():
            self._thread.join(5.0)
        for one in (self._unicast, self._group, self._wake, self._woken):
            if one is not None:
                one.close()

    def _serve(self) -> None:
        wires = [one for one in (self._unicast, self._group) if one is not None]
        while True:
            ready, _, _ = select.select([*wires, self._woken], [], [])
            if self._woken in ready:
                return
            for wire in ready:
                with contextlib.suppress(
                    OSError, WrongReply
                ):  # an ICMP error, or another protocol's datagram
                    data, (address, _) = wire.recvfrom(_LARGEST)
                    self._take(address, Frame.decode(data))

    def _take(self, address: str, frame: Frame) -> None:
        if frame.service in (INF, INFC):
            for heard in self._announced:
                heard(address, frame)
            if frame.service == INFC:
                empty = tuple((code, b"") for code, _ in frame.properties)
                reply = Frame(frame.tid, frame.target, frame.source, INFC_RES, empty)
                self._unicast.sendto(reply.encode(), (address, PORT))
            return
        with self._lock:
            box = self._waiting.get((address, frame.tid))
        if box is not None:
            box.put(frame)
        else:
            self._dropped(address, frame)


def _bound(local: str, share: bool) -> socket.socket:
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if share:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wire.bind((local, PORT))
        # only now: whoever shares (a program that listens to every address) may still come, and nobody twice
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError as error:
        wire.close()
        raise LinkDown(
            f"UDP port {PORT} of {local} cannot be had ({error.strerror}): another ECHONET Lite program "
            "holds it, or local_address is not this machine's"
        ) from error
    return wire


def _joined(local: str) -> socket.socket | None:
    """Return a socket that hears what is sent to everybody; None where the network has no multicast."""
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wire.bind((GROUP, PORT))
        interface = "127.0.0.1" if ipaddress.ip_address(local).is_loopback else local
        member = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(interface))
        wire.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError:
        wire.close()
        return None
    return wire
