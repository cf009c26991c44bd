"""Modbus devices at the other end of a serial line, and inside TLS, that answer as a test tells them to."""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence


def crc(data: bytes) -> bytes:
    """Return the CRC of the serial line protocol (Modbus over serial line V1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def rtu(body: bytes) -> bytes:
    """Return a frame: unit, function and data with their CRC."""
    return body + crc(body)


def rtu_registers(values: Sequence[int]) -> bytes:
    """Return the frame in which unit 1 answers a read of holding registers."""
    return rtu(struct.pack(f">BBB{len(values)}H", 1, 3, 2 * len(values), *values))


class RtuPeer:
    """A Modbus RTU device on a pseudo terminal. ``answer(request)`` gives a frame, or None for silence.

    ``requests`` are the frames it was sent, whole.
    """

    def __init__(self, answer: Callable[[bytes], bytes | None] = lambda request: None) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.master, self._slave = pty.openpty()
        self.device = os.ttyname(self._slave)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        buffer = b""
        while True:
            try:
                buffer += os.read(self.master, 300)
            except OSError:
                return
            while len(buffer) >= (length := 9 + buffer[6] if len(buffer) > 6 and buffer[1] == 16 else 8):
                request, buffer = buffer[:length], buffer[length:]
                self.requests.append(request)
                reply = self.answer(request)
                if reply:
                    os.write(self.master, reply)

    def close(self) -> None:
        """Hang up."""
        os.close(self._slave)
        os.close(self.master)

    def __enter__(self) -> RtuPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def tls_server(certificate: str, key: str, talk: Callable[[ssl.SSLSocket], None]) -> Iterator[int]:
    """Serve one client after the other inside TLS; ``talk`` holds the conversation. Give the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as client:
                talk(client)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
