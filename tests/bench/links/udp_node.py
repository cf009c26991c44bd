"""An ECHONET Lite peer of the tests' own: raw UDP on a loopback address, no code of the twin."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable

PORT = 3610
Answer = Callable[[bytes], list[bytes]]


def frame(tid: int, source: str, target: str, service: int, *properties: tuple[int, str]) -> bytes:
    """Return a frame written out by hand; objects and data in hex."""
    parts = b"".join(
        bytes((code, len(bytes.fromhex(data)))) + bytes.fromhex(data) for code, data in properties
    )
    head = b"\x10\x81" + tid.to_bytes(2, "big") + bytes.fromhex(source) + bytes.fromhex(target)
    return head + bytes((service, len(properties))) + parts


def codes(request: bytes) -> list[int]:
    """Return the properties that a request names."""
    at, found = 12, []
    for _ in range(request[11]):
        found.append(request[at])
        at += 2 + request[at + 1]
    return found


class UdpNode:
    """Answers each datagram with what ``answer`` returns; ``heard`` are the requests."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heard: list[bytes] = []
        self.asker = ("", 0)
        self.wire = free_wire()
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = str(self.wire.getsockname()[0])
        self.other.bind((self.address, 0))
        self.mouth = self.wire
        self._over = False
        threading.Thread(target=self._serve, daemon=True).start()

    def send(self, data: bytes) -> None:
        """Send to who asked last."""
        self.mouth.sendto(data, self.asker)

    def close(self) -> None:
        self._over = True
        with contextlib.suppress(OSError):
            self.other.sendto(b"x", (self.address, PORT))
        self.other.close()

    def _serve(self) -> None:
        while True:
            data, self.asker = self.wire.recvfrom(65535)
            if self._over:
                self.wire.close()
                return
            self.heard.append(data)
            for reply in self.answer(data):
                self.send(reply)


def free_wire() -> socket.socket:
    """Return port 3610 of a loopback address that nobody holds."""
    own = os.getpid()
    for share in (False, True):  # the second way beside a program that listens to every address
        for number in range(2, 254):
            wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with contextlib.suppress(OSError):
                if share:
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                wire.bind((f"127.5.{own & 0xFF}.{number}" if share else f"127.0.2.{number}", PORT))
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                return wire
            wire.close()
    raise OSError("no loopback address is free")
