"""The Modbus link over a serial line and inside TLS, against peers of the tests' own."""

from __future__ import annotations

import os
import pty
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.clock import RealClock
from bench.errors import LinkDown, LinkTimeout, WrongReply
from bench.links.modbus import PymodbusLink

pytestmark = pytest.mark.wire


def registers(frame: bytes, *values: int) -> bytes:
    """Return the Modbus TCP answer to a read with its transaction and unit."""
    body = struct.pack(f">BB{len(values)}H", frame[7], 2 * len(values), *values)
    return frame[:2] + b"\0\0" + struct.pack(">H", len(body) + 1) + frame[6:7] + body


def crc(data: bytes) -> bytes:
    """Return the CRC of the serial line protocol (Modbus over serial line V1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


class SerialPeer:
    """A Modbus RTU device on a pseudo terminal; ``answer(address, count)`` gives registers, or raw bytes."""

    def __init__(self) -> None:
        self.master, self._slave = pty.openpty()
        self.device = os.ttyname(self._slave)
        self.answer: Callable[[int, int], list[int] | bytes | None] = lambda address, count: [0] * count
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def frame(self, values: list[int]) -> bytes:
        body = struct.pack(f">BBB{len(values)}H", 1, 3, 2 * len(values), *values)
        return body + crc(body)

    def _serve(self) -> None:
        buffer = b""
        while True:
            try:
                buffer += os.read(self.master, 256)
            except OSError:
                return
            while len(buffer) >= 8:
                request, buffer = buffer[:8], buffer[8:]
                self.requests.append(request)
                address, count = struct.unpack(">HH", request[2:6])
                reply = self.answer(address, count)
                if isinstance(reply, list):
                    reply = self.frame(reply)
                if reply:
                    os.write(self.master, reply)

    def close(self) -> None:
        os.close(self._slave)
        os.close(self.master)


@pytest.fixture
def line() -> Iterator[SerialPeer]:
    peer = SerialPeer()
    yield peer
    peer.close()


def rtu(line: SerialPeer, timeout_s: float = 0.3) -> PymodbusLink:
    return PymodbusLink(f"RTU::{line.device}::115200N81", RealClock(), unit_id=1, timeout_s=timeout_s)


def test_rtu_over_a_serial_port(line: SerialPeer) -> None:
    line.answer = lambda address, count: [address + i for i in range(count)]
    link = rtu(line)
    assert link.read("holding", 100, 3) == [100, 101, 102]
    assert line.requests == [bytes.fromhex("0103 0064 0003") + crc(bytes.fromhex("0103 0064 0003"))]
    link.close()


def test_rtu_a_late_frame_is_never_the_next_answer(line: SerialPeer) -> None:
    """A serial frame carries no number: only silence before the next request tells it apart."""
    line.answer = lambda address, count: None if address == 100 else [2222]
    link = rtu(line)
    with pytest.raises(LinkTimeout):
        link.read("holding", 100, 1)
    timer = threading.Timer(0.15, lambda: os.write(line.master, line.frame([1111])))
    timer.start()
    assert link.read("holding", 200, 1) == [2222]
    timer.join()
    link.close()


def test_rtu_a_line_that_never_falls_silent_is_a_wrong_reply(line: SerialPeer) -> None:
    line.answer = lambda address, count: None
    link = rtu(line, timeout_s=0.1)
    with pytest.raises(LinkTimeout):
        link.read("holding", 100, 1)
    stop = threading.Event()

    def chatter() -> None:
        while not stop.wait(0.02):
            os.write(line.master, b"\x00")

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        with pytest.raises(WrongReply, match="without being asked"):
            link.read("holding", 100, 1)
    finally:
        stop.set()
        thread.join()
    link.close()


def test_rtu_a_broken_checksum_is_never_a_value(line: SerialPeer) -> None:
    line.answer = lambda address, count: line.frame([5])[:-1] + b"\x00"
    link = rtu(line)
    with pytest.raises((LinkTimeout, WrongReply)):
        link.read("holding", 100, 1)
    link.close()


def test_rtu_a_port_that_is_not_there() -> None:
    link = PymodbusLink("RTU::/dev/there_is_no_such_port::9600E81", RealClock(), unit_id=1, timeout_s=0.3)
    with pytest.raises(LinkDown, match=r"cannot be opened: .*No such file"):
        link.read("holding", 0, 1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a self-signed certificate for the name ``localhost``, with its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = server.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as client:
                    while frame := client.recv(260):
                        client.sendall(registers(frame, 4242))
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(server.getsockname()[1])
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_tls_with_the_right_name(tls_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    link = PymodbusLink(f"TLS::localhost::{tls_port}", RealClock(), unit_id=1, timeout_s=2.0)
    assert link.read("holding", 0, 1) == [4242]
    link.close()


def test_tls_with_another_name_is_refused(
    tls_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    link = PymodbusLink(f"TLS::127.0.0.1::{tls_port}", RealClock(), unit_id=1, timeout_s=2.0)
    with pytest.raises(LinkDown, match="certificate"):
        link.read("holding", 0, 1)


def test_tls_without_trust_is_refused(tls_port: int) -> None:
    link = PymodbusLink(f"TLS::localhost::{tls_port}", RealClock(), unit_id=1, timeout_s=2.0)
    with pytest.raises(LinkDown, match="certificate"):
        link.read("holding", 0, 1)
