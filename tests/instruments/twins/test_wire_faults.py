"""Faults of the wires, on real sockets and on the direct link: each shows as what it is, or does no harm."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.clock import RealClock, VirtualClock
from bench.config.station import Device, StationHead
from bench.errors import InstrumentError, InstrumentRefused, LinkTimeout, WrongReply
from bench.links.direct import DirectModbusLink, DirectScpiLink
from bench.links.modbus import PymodbusLink
from bench.links.visa import VisaLink
from instruments.twins.faults import FaultSet
from instruments.twins.host import TwinHost
from instruments.twins.ports import ModbusPort, ScpiPort
from tests.instruments.twins.worlds import DEVICE, HEAD

TIMEOUT_S = 0.15
AT = 200
ASK = ":NUM:NORM:VAL?"
SUNSPEC = 40000


@contextmanager
def station(link: str = "tcp", **faults: list[str]) -> Iterator[tuple[TwinHost, dict[str, str]]]:
    head: StationHead = HEAD.model_copy(update={"timeout_s": TIMEOUT_S})
    device: Device = DEVICE
    twin = {"link": link, **{part: {"faults": names} for part, names in faults.items()}}
    made = TwinHost(twin, head, device, VirtualClock(), folder=Path())
    try:
        yield made, made.start()
    finally:
        made.close()


def raw(resource: str) -> socket.socket:
    port = int(resource.split("::")[2])
    wire = socket.create_connection(("127.0.0.1", port), timeout=5.0)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def modbus(resource: str) -> PymodbusLink:
    return PymodbusLink(resource, RealClock(), unit_id=1, timeout_s=TIMEOUT_S)


def test_a_reply_in_two_pieces_arrives_in_two_and_reads_as_one() -> None:
    with station(meter=["split"]) as (_, at):
        with raw(at["meter"]) as wire:
            wire.sendall(b"*IDN?\n")
            first = wire.recv(4096)
            assert not first.endswith(b"\n")
            assert (first + wire.recv(4096)).startswith(b"YOKOGAWA")
        link = VisaLink(at["meter"], RealClock(), timeout_s=2.0)
        assert link.query("*IDN?").startswith("YOKOGAWA")
        assert link.query(":RATE?").startswith(":RATE")
        link.close()


def test_a_late_reply_is_a_time_out_and_never_the_answer_to_the_next_question() -> None:
    with station(meter=["late_reply"]) as (_, at):
        link = VisaLink(at["meter"], RealClock(), timeout_s=TIMEOUT_S)
        for _ in range(AT - 1):
            link.query("*IDN?")
        with pytest.raises(LinkTimeout):
            link.query("*IDN?")
        assert link.query("*OPC?") == "1"
        link.close()


def test_on_the_direct_link_a_late_reply_is_a_time_out_too() -> None:
    with station("direct", meter=["late_reply"]) as (made, _):
        meter = made.endpoints["meter"]
        assert isinstance(meter, ScpiPort)
        link = DirectScpiLink("DIRECT::meter", VirtualClock(), meter)
        for _ in range(AT - 1):
            link.query("*IDN?")
        with pytest.raises(LinkTimeout):
            link.query("*IDN?")
        assert link.query("*OPC?") == "1"


@pytest.mark.parametrize("part", ["source", "meter"])
def test_the_previous_answer_comes_one_question_late(part: str) -> None:
    with station(**{part: ["previous_answer"]}) as (_, at), raw(at[part]) as wire:
        wire.sendall(b"*IDN?\n")
        assert wire.recv(4096) == b"\n"
        wire.sendall(b"*OPC?\n")
        assert b"SIM" in wire.recv(4096)


def test_a_deaf_instrument_takes_what_it_is_told_and_says_nothing() -> None:
    with station(source=["deaf"]) as (made, at):
        link = VisaLink(at["source"], RealClock(), timeout_s=TIMEOUT_S)
        with pytest.raises(LinkTimeout):
            link.query("*IDN?")
        link.write("VOLT 200")
        link.close()
        with pytest.raises(LinkTimeout):
            link.query("*IDN?")
        assert made.world.source.set_v == 200.0


def test_one_dropped_reply_is_one_time_out() -> None:
    with station(battery=["dropped"]) as (_, at):
        link = modbus(at["battery"])
        for _ in range(AT - 1):
            assert link.read("holding", SUNSPEC, 2) == [0x5375, 0x6E53]
        with pytest.raises(LinkTimeout):
            link.read("holding", SUNSPEC, 2)
        assert link.read("holding", SUNSPEC, 2) == [0x5375, 0x6E53]
        link.close()


def test_one_busy_reply_is_one_refusal() -> None:
    with station(battery=["busy_at_times"]) as (_, at):
        link = modbus(at["battery"])
        for _ in range(AT - 1):
            link.read("holding", SUNSPEC, 2)
        with pytest.raises(InstrumentRefused, match="device busy"):
            link.read("holding", SUNSPEC, 2)
        assert link.read("holding", SUNSPEC, 2) == [0x5375, 0x6E53]
        link.close()


def test_swapped_replies_are_never_believed() -> None:
    with station(battery=["swapped_replies"]) as (_, at):
        link = modbus(at["battery"])
        with pytest.raises((LinkTimeout, WrongReply)):
            link.read("holding", SUNSPEC, 2)
        link.close()


def test_the_previous_modbus_answer_of_another_length_is_never_believed() -> None:
    with station(battery=["previous_answer"]) as (_, at):
        link = modbus(at["battery"])
        link.read("holding", SUNSPEC, 2)
        with pytest.raises(InstrumentError):
            link.read("holding", SUNSPEC, 6)
        link.close()


@pytest.mark.parametrize("name", ["dropped", "swapped_replies"])
def test_what_the_direct_link_makes_of_lost_frames(name: str) -> None:
    with station("direct", battery=[name]) as (made, _):
        port = made.endpoints["battery"]
        assert isinstance(port, ModbusPort)
        link = DirectModbusLink("DIRECT::battery", VirtualClock(), port, 1)
        good = AT - 1 if name == "dropped" else 0
        for _ in range(good):
            link.read("holding", SUNSPEC, 2)
        with pytest.raises(LinkTimeout):
            link.read("holding", SUNSPEC, 2)


def test_without_faults_nothing_is_lost_on_either_link() -> None:
    with station() as (_, at):
        link = modbus(at["battery"])
        assert all(link.read("holding", SUNSPEC, 2) == [0x5375, 0x6E53] for _ in range(2 * AT))
        link.close()


def test_stretches_count_from_the_start_of_the_run() -> None:
    faults = FaultSet("meter", ["nan@10-20"])
    faults.begin(7.0)
    assert [faults.active("nan", t_s) for t_s in (16.9, 17.0, 26.9, 27.0)] == [False, True, True, False]
    assert faults.touches("nan", 16.0, 17.1)
    assert not faults.touches("nan", 10.0, 17.0)
    assert sorted(faults.edges_s()) == [17.0, 27.0]


def test_the_host_hands_the_start_of_the_run_to_every_part() -> None:
    with station("direct", source=["offset@10-20"], meter=["inf@10-20"]) as (made, _):
        made.begin_run(5.0)
        made.world.set_voltage(202.0)
        made.world.set_output(True)
        for t_s, off_hz in ((14.9, 0.0), (15.0, 0.03), (24.9, 0.03), (25.1, 0.0)):
            made.world.advance_to(t_s)
            hz = made.world.source.frequency_hz(t_s)
            assert hz == pytest.approx(made.world.source.nominal_hz + off_hz)
