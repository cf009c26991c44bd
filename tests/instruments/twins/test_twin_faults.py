"""Every fault of the catalogue shows on the wires, in its stretch of time and not outside it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from bench.clock import VirtualClock
from instruments.twins.faults import CATALOGUE, known
from instruments.twins.ports import ModbusPort, ScpiPort
from instruments.twins.sunspec_battery import SunSpecBattery
from instruments.twins.sunspec_image import Point
from tests.instruments.twins.worlds import DEVICE, host, world

Record = list[tuple[str, Any]]


def observe(**twin: Any) -> Record:
    """Lead a station through commands, frequency steps and a release; return all that it said."""
    clock = VirtualClock()
    station = host(clock, roles=("source", "meter", "battery", "gateway"), **twin)
    station.start()
    ports = station.endpoints
    source, meter, battery, gateway = (ports[role] for role in ("source", "meter", "battery", "gateway"))
    assert isinstance(source, ScpiPort)
    assert isinstance(meter, ScpiPort)
    assert isinstance(battery, ModbusPort)
    assert isinstance(gateway, ModbusPort)
    points = SunSpecBattery(station.world, DEVICE, 202.0).image.points
    record: Record = []

    def tried(name: str, ask: Callable[[], Any]) -> None:
        try:
            record.append((name, ask()))
        except TimeoutError:
            record.append((name, "silence"))

    def put(name: str, words: list[int]) -> None:
        point: Point = points[704 if name.startswith("WSet") else 711, name]
        tried(name, lambda: battery.write(1, "holding", point.address, words))

    def look(until_s: float, every_s: float) -> None:
        while clock.now_s() < until_s - 1e-9:
            clock.sleep_until(clock.now_s() + every_s)
            tried("meter", lambda: meter.handle(":NUM:NORM:VAL?"))
        for model, name in (
            (701, "W"),
            (701, "TotWhInj"),
            (713, "SoC"),
            (704, "WSetEna"),
            (701, "Hz"),
            (713, "SoH"),
            (802, "SoCRsvMin"),
            (701, "Alrm"),
        ):
            point = points[model, name]
            at, count = point.address, point.length
            tried(name, lambda at=at, count=count: battery.read(1, "holding", at, count))
        tried("gateway", lambda: gateway.read(1, "holding", 10, 8))
        tried("source", lambda: source.handle("FREQ?;:MEAS:FREQ?;:MEAS:VOLT:AC?"))

    meter.handle(":COMM:HEAD OFF;:NUM:NORM:NUM 4;ITEM1 P,1;ITEM2 FU,1;ITEM3 U,1;ITEM4 P,2")
    tried("rate", lambda: meter.handle(":RATE?"))
    source.handle("VOLT 202;:OUTP 1")
    put("WSet", [0, 0])
    put("WSetEna", [1])
    look(20.0, 1.0)
    put("WSet", [0, 3000])
    look(60.0, 1.0)
    look(62.0, 0.1)
    look(300.0, 10.0)
    put("WSet", [0, 0])
    look(310.0, 0.5)
    put("WSet", [0xFFFF, 0xFFFF & -3000])
    look(330.0, 1.0)
    put("WSetEna", [0])
    put("Ena", [1])
    look(350.0, 1.0)
    for deviation_mhz in (0, 8, 20, 12, 0, -8, -20, 0, 200, 0, -200, 0, 33, 0):
        source.handle(f"FREQ {50 - deviation_mhz / 1000:.3f}")
        look(clock.now_s() + 2.0, 0.1)
        look(clock.now_s() + 20.0, 2.13)  # a device that looks rarely is not met at one phase alone
    put("Ena", [0])
    tried("relay", lambda: gateway.write(1, "holding", 0, [1, 1500]))
    look(clock.now_s() + 20.0, 1.0)
    for watts in (700, 1500):
        tried("relay", lambda watts=watts: gateway.write(1, "holding", 1, [watts]))
        look(clock.now_s() + 1.0, 0.5)
    look(clock.now_s() + 20.0, 1.0)
    station.world.switch("lan_on", False)
    look(clock.now_s() + 40.0, 1.0)
    station.world.switch("lan_on", True)
    look(clock.now_s() + 20.0, 1.0)
    tried("relay", lambda: gateway.write(1, "holding", 0, [1, 1500]))
    look(clock.now_s() + 3000.0, 600.0)
    station.world.touch(True)
    look(clock.now_s() + 5.0, 1.0)
    look(clock.now_s() + 10.0, 1.0)
    station.world.battery.limit_export(clock.now_s(), "own", 0.5)
    put("WSet", [0, 3000])
    put("WSetEna", [1])
    look(clock.now_s() + 10.0, 1.0)
    return record


def ask_often(**twin: Any) -> Record:
    """Ask each instrument the same 210 times; return the answers."""
    station = host(roles=("source", "meter", "battery", "gateway"), **twin)
    station.start()
    record: Record = []
    for role, port in sorted(station.endpoints.items()):
        for _ in range(210):
            try:
                asked = port.handle("*IDN?") if isinstance(port, ScpiPort) else _first_word(role, port)
            except TimeoutError:
                asked = "silence"
            record.append((role, asked))
    return record


def _first_word(role: str, port: object) -> Any:
    assert isinstance(port, ModbusPort)
    return port.read(1, "holding", 40000 if role == "battery" else 10, 1)


def first_piece(**twin: Any) -> Record:
    """Ask over sockets; return what the first piece of each reply holds."""
    station = host(link="tcp", **twin)
    record: Record = []
    try:
        at = station.start()
        for role in ("source", "meter"):
            with socket.create_connection(("127.0.0.1", int(at[role].split("::")[2])), timeout=5.0) as wire:
                wire.sendall(b"*IDN?\n")
                record.append((role, wire.recv(4096)))
    finally:
        station.close()
    return record


@cache
def healthy(look: Callable[..., Record] = observe) -> Record:
    return look()


@pytest.mark.parametrize("look", [observe, ask_often, first_piece])
def test_without_faults_two_stations_say_the_same(look: Callable[..., Record]) -> None:
    assert look() == healthy(look)


LOOKS: dict[str, Callable[..., Record]] = {
    "split": first_piece, "late_reply": ask_often, "dropped": ask_often, "busy_at_times": ask_often
}  # fmt: skip
"""Where a walk through the station is not enough; every other fault shows in it."""


@pytest.mark.parametrize(("part", "name"), sorted(CATALOGUE))
def test_a_fault_shows(part: str, name: str) -> None:
    look = LOOKS.get(name, observe)
    assert look(**{part: {"faults": [name]}}) != healthy(look)


@pytest.mark.parametrize("part", sorted({part for part, _ in CATALOGUE}))
def test_outside_their_stretch_faults_do_nothing(part: str) -> None:
    assert observe(**{part: {"faults": [f"{name}@90000-90001" for name in known(part)]}}) == healthy()


def shown(record: Record, what: str) -> list[Any]:
    return [value for name, value in record if name == what]


def test_what_the_meter_faults_look_like() -> None:
    nan = shown(observe(meter={"faults": ["nan@100-200"]}), "meter")
    assert nan.count("NAN,NAN,NAN,NAN") == 10
    inf = shown(observe(meter={"faults": ["inf@100-200"]}), "meter")
    assert inf.count("INF,INF,INF,INF") == 10
    sentinel = shown(observe(meter={"faults": ["sentinel"]}), "meter")
    assert set(sentinel) == {",".join(["9.91E+37"] * 4)}
    frozen = shown(observe(meter={"faults": ["frozen"]}), "meter")
    assert len(set(frozen[60:])) == 1
    assert len(set(frozen[:59])) > 50


def test_a_refused_set_point_is_an_exception_and_one_not_applied_is_not() -> None:
    assert set(shown(observe(battery={"faults": ["refuses"]}), "WSet")) == {3}
    assert set(shown(observe(battery={"faults": ["not_applied"]}), "WSet")) == {None}


@pytest.mark.parametrize(
    ("name", "frequency_hz", "voltage_v"),
    [("offset", 49.83, 202.0), ("coarse", 49.8, 202.0), ("low_voltage", 49.81, 185.84)],
)
def test_a_fault_of_the_source_acts_without_a_new_setting(
    name: str, frequency_hz: float, voltage_v: float
) -> None:
    asked_hz = 49.8 if name == "offset" else 49.81
    made = world(battery={"mode": "frequency_response"}, source={"faults": [f"{name}@10-20"]})
    made.set_frequency(asked_hz)
    for t_s, wrong in ((9.9, False), (10.0, True), (19.9, True), (20.1, False)):
        made.advance_to(t_s)
        assert made.source.frequency_hz(t_s) == pytest.approx(frequency_hz if wrong else asked_hz)
        assert made.source.voltage_v.value(t_s) == pytest.approx(voltage_v if wrong else 202.0)
        assert made.source.set_hz == asked_hz


def test_a_source_that_is_stuck_goes_on_when_it_is_free() -> None:
    made = world(source={"faults": ["stuck@10-20"]})
    made.advance_to(15.0)
    made.set_frequency(49.8)
    assert made.source.frequency_hz(15.0) == 50.0
    made.advance_to(20.0)
    assert made.source.frequency_hz(20.0) == pytest.approx(49.8)
