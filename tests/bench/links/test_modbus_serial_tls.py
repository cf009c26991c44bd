"""The Modbus link over a serial line and inside TLS, against peers of the tests' own."""

from __future__ import annotations

import os
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.clock import RealClock
from bench.errors import LinkDown, LinkTimeout, WrongReply
from bench.links.modbus import PymodbusLink
from tests.bench.links.modbus_peers import RtuPeer, rtu, rtu_registers, tls_server

pytestmark = pytest.mark.wire


def registers(frame: bytes, *values: int) -> bytes:
    """Return the Modbus TCP answer to a read with its transaction and unit."""
    body = struct.pack(f">BB{len(values)}H", frame[7], 2 * len(values), *values)
    return frame[:2] + b"\0\0" + struct.pack(">H", len(body) + 1) + frame[6:7] + body


@pytest.fixture
def line() -> Iterator[RtuPeer]:
    with RtuPeer() as peer:
        yield peer


def over(line: RtuPeer, timeout_s: float = 0.3) -> PymodbusLink:
    return PymodbusLink(f"RTU::{line.device}::115200N81", RealClock(), unit_id=1, timeout_s=timeout_s)


def test_rtu_over_a_serial_port(line: RtuPeer) -> None:
    line.answer = lambda request: rtu_registers([100, 101, 102])
    link = over(line)
    assert link.read("holding", 100, 3) == [100, 101, 102]
    assert line.requests == [rtu(bytes.fromhex("0103 0064 0003"))]
    link.close()


def test_rtu_a_late_frame_is_never_the_next_answer(line: RtuPeer) -> None:
    """A serial frame carries no number: only silence before the next request tells it apart."""
    line.answer = lambda request: None if request[2:4] == b"\0\x64" else rtu_registers([2222])
    link = over(line)
    with pytest.raises(LinkTimeout):
        link.read("holding", 100, 1)
    timer = threading.Timer(0.15, lambda: os.write(line.master, rtu_registers([1111])))
    timer.start()
    assert link.read("holding", 200, 1) == [2222]
    timer.join()
    link.close()


def test_rtu_a_line_that_never_falls_silent_is_a_wrong_reply(line: RtuPeer) -> None:
    link = over(line, timeout_s=0.1)
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


def test_rtu_a_broken_checksum_is_never_a_value(line: RtuPeer) -> None:
    line.answer = lambda request: rtu_registers([5])[:-1] + b"\x00"
    link = over(line)
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
    def talk(client: ssl.SSLSocket) -> None:
        while frame := client.recv(260):
            client.sendall(registers(frame, 4242))

    with tls_server(str(certificate), str(certificate.with_name("key.pem")), talk) as port:
        yield port


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
