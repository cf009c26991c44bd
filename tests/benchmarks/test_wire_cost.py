"""What a driver's reading costs, as a ratio to a bare socket exchange with the same peer in the same run.

The peer is another process, as an instrument is: in our own it would share the interpreter's lock with us.

The bound that is asserted is no speed, since the cores are shared with whatever else runs. It catches what
makes a reading many times dearer: a sleep of a millisecond is 10 to 50 bare exchanges, an acknowledgement
that TCP delays (40 ms) several hundred. The ratio itself is printed beside its aim.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import pytest

from bench.clock import RealClock
from bench.links.modbus import PymodbusLink
from instruments.kikusui_pcr import KikusuiPcr
from instruments.sunspec import SunSpec
from instruments.yokogawa_wt import YokogawaWt
from tests.bench.links.wire_peers import Peer, split_lines, split_mbap
from tests.instruments.bench_setting import setting, socket_resource
from tests.instruments.scripted import ScriptedPcr, ScriptedWt
from tests.instruments.sunspec_server import POINTS, image

pytestmark = [pytest.mark.benchmark, pytest.mark.wire]

ROUNDS = 300
CATASTROPHE_RATIO = 10.0


def serve_source(pipe: Connection) -> None:
    serve_lines(pipe, ScriptedPcr().handle)


def serve_meter(pipe: Connection) -> None:
    values = [
        "-1.2500E+03",
        "49.868E+00",
        "201.50E+00",
        "6.2034E+00",
        "0.4000E+03",
        "202.00E+00",
        "2.0000E+00",
    ]
    serve_lines(
        pipe,
        ScriptedWt(dict(zip(["P,1", "FU,1", "U,1", "I,1", "P,2", "U,2", "I,2"], values, strict=True))).handle,
    )


def serve_lines(pipe: Connection, handle: Callable[[str], str | None]) -> None:
    def answer(message: bytes) -> bytes | None:
        reply = handle(message.decode())
        return None if reply is None else reply.encode() + b"\n"

    stay(pipe, Peer(answer, split=split_lines))


def serve_registers(pipe: Connection) -> None:
    registers, _ = image(POINTS)

    def answer(frame: bytes) -> bytes:
        tid, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", frame[:12])
        first = address - 40000
        values = registers[first : first + count] if first >= 0 else [0] * count
        body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *values)
        return struct.pack(">HHH", tid, 0, len(body)) + body

    stay(pipe, Peer(answer, split=split_mbap))


def stay(pipe: Connection, peer: Peer) -> None:
    pipe.send(peer.port)
    pipe.recv()
    peer.close()


@contextmanager
def elsewhere(serve: Callable[[Connection], None]) -> Iterator[int]:
    """Run a peer in a process of its own; yield its port."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        assert ours.poll(30), "the peer did not start"
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(5)


def bare_client(port: int, message: bytes, end: bytes) -> Callable[[], bytes]:
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange() -> bytes:
        client.sendall(message)
        reply = client.recv(4096)
        while end and not reply.endswith(end):
            reply += client.recv(4096)
        return reply

    return exchange


def bare_read(port: int, address: int, count: int) -> Callable[[], bytes]:
    return bare_client(port, struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, address, count), b"")


def compare(
    what: str,
    aim: float,
    exchanges: int,
    ours: Callable[[], object],
    bare: Callable[[], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Measure both in turns, print the ratio, and refuse a catastrophe; ``exchanges`` is what ours takes."""
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, times in zip((ours, bare), spent, strict=True):
            start_s = time.perf_counter()
            work()
            times.append(time.perf_counter() - start_s)
    bare_s = statistics.median(spent[1])
    ratio = statistics.median(spent[0]) / bare_s
    with capsys.disabled():
        print(f"\n{what}: {ratio:.2f} bare exchanges of {bare_s * 1e6:.0f} us (aim {aim:g})")
    assert ratio < CATASTROPHE_RATIO * exchanges


def test_one_source_quantity(capsys: pytest.CaptureFixture[str]) -> None:
    with elsewhere(serve_source) as port:
        driver = KikusuiPcr(setting("source", socket_resource(port)))
        bare = bare_client(port, b"FREQ?\n", b"\n")
        compare("one SCPI quantity", 2.0, 1, lambda: driver.read(["frequency_hz"]), bare, capsys)
        driver.close()


def test_a_whole_meter_sample(capsys: pytest.CaptureFixture[str]) -> None:
    with elsewhere(serve_meter) as port:
        driver = YokogawaWt(setting("meter", socket_resource(port), device_point=1, receiving_point=2))
        driver.prepare(0.1)
        bare = bare_client(port, b":NUM:NORM:VAL?\n", b"\n")
        compare("a meter sample of seven items", 2.0, 1, driver.read, bare, capsys)
        driver.close()


def test_one_set_point(capsys: pytest.CaptureFixture[str]) -> None:
    """A command and the question after it are two small segments, which TCP holds back without NODELAY."""
    with elsewhere(serve_source) as port:
        driver = KikusuiPcr(setting("source", socket_resource(port)))
        bare = bare_client(port, b"FREQ?\n", b"\n")
        compare(
            "one set-point: command, error queue, read-back",
            4.0,
            3,
            lambda: driver.set("frequency_hz", 50.0),
            bare,
            capsys,
        )
        driver.close()


def test_one_block_of_registers(capsys: pytest.CaptureFixture[str]) -> None:
    with elsewhere(serve_registers) as port:
        link = PymodbusLink(f"TCP::127.0.0.1::{port}", RealClock(), unit_id=1, timeout_s=1.0)
        compare(
            "one Modbus block",
            3.0,
            1,
            lambda: link.read("holding", 40076, 21),
            bare_read(port, 40076, 21),
            capsys,
        )
        link.close()


def test_one_battery_quantity(capsys: pytest.CaptureFixture[str]) -> None:
    with elsewhere(serve_registers) as port:
        driver = SunSpec(setting("battery", f"TCP::127.0.0.1::{port}"))
        driver.identify()
        compare(
            "one SunSpec quantity",
            3.0,
            1,
            lambda: driver.read(["power_kw"]),
            bare_read(port, 40076, 1),
            capsys,
        )
        driver.close()


def test_a_whole_battery_sample(capsys: pytest.CaptureFixture[str]) -> None:
    with elsewhere(serve_registers) as port:
        driver = SunSpec(setting("battery", f"TCP::127.0.0.1::{port}"))
        driver.identify()
        compare(
            "a battery sample of eight quantities", 6.0, 2, driver.read, bare_read(port, 40076, 21), capsys
        )
        driver.close()
