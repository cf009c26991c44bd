"""A device that is busy after every write, or serves few registers at once: asked again, never told twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.clock import VirtualClock
from bench.config.load import load_station
from bench.errors import InstrumentBusy, InstrumentRefused, StillBusy
from bench.execute.guard import Guard
from bench.execute.journal import Journal
from bench.execute.sender import Sender
from bench.execute.stop import Stopped
from bench.links.base import RegisterKind
from bench.record.recorder import Recorder
from bench.timeline import SetPoint
from instruments.modbus_map import ModbusMap
from instruments.sunspec import SunSpec
from tests.instruments.bench_setting import setting

MAP = """name = "Slow B1"
[quantities.mode]
register = 0
type = "uint16"
access = "rw"
codes = {auto = 0, remote = 1}
[quantities.power_set_kw]
register = 1
type = "int16"
scale = 0.001
access = "rw"
confirm = true
"""
_BUSY_CODE, _TOO_MANY = 6, 3


class Slow:
    """Two registers; exception 6 to everything within ``busy_s`` of a write."""

    def __init__(self, clock: VirtualClock, busy_s: float) -> None:
        self.clock, self.busy_s = clock, busy_s
        self.registers = [0, 0]
        self.at_once = 125
        self.reads: list[int] = []
        self.writes: list[tuple[int, int]] = []
        self.free_s = 0.0

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        self.reads.append(count)
        if count > self.at_once:
            return _TOO_MANY
        return self.registers[address : address + count] if self.clock.now_s() >= self.free_s else _BUSY_CODE

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        if self.clock.now_s() < self.free_s:
            return _BUSY_CODE
        self.registers[address] = values[0]
        self.writes.append((address, values[0]))
        self.free_s = self.clock.now_s() + self.busy_s
        return None


def driver_of(tmp_path: Path, busy_s: float) -> tuple[Slow, ModbusMap]:
    clock = VirtualClock()
    device = Slow(clock, busy_s)
    path = tmp_path / "slow.toml"
    path.write_text(MAP, encoding="utf-8")
    endpoints = {"battery": device}
    return device, ModbusMap(
        setting("battery", "DIRECT::battery", clock=clock, endpoints=endpoints, map=str(path))
    )


def sender_of(tmp_path: Path, wire: threading.Lock, busy_s: float) -> tuple[Slow, Sender, Journal]:
    device, driver = driver_of(tmp_path, busy_s)
    journal = Journal(Recorder(tmp_path, {}, {}, device.clock), device.clock)
    limits = load_station("twin").station.limits
    return device, Sender({"battery": driver}, Guard(limits), journal, {"battery": wire}), journal


def test_every_order_goes_out_once(tmp_path: Path) -> None:
    device, driver = driver_of(tmp_path, busy_s=0.35)
    before = driver.snapshot()
    driver.do("start")
    assert driver.set("power_set_kw", 1.5) == 1.5
    driver.restore(before)
    assert device.writes == [(0, 1), (1, 1500), (0, 0), (1, 0)]


def test_an_order_whose_read_back_stays_busy_is_not_given_again(tmp_path: Path) -> None:
    device, sender, _ = sender_of(tmp_path, threading.Lock(), busy_s=1.3)
    with pytest.raises(StillBusy):
        sender.send(SetPoint(0.0, "battery", "power_set_kw", 1.5, "step"))
    assert device.writes == [(1, 1500)]


def test_an_order_that_waits_for_the_wire_while_the_run_ends_is_not_given(tmp_path: Path) -> None:
    """It would come after the safe state."""
    wire = threading.Lock()
    device, sender, journal = sender_of(tmp_path, wire, busy_s=0.0)
    left: list[BaseException] = []

    def order() -> None:
        try:
            sender.send(SetPoint(0.0, "battery", "power_set_kw", 1.5, "step"))
        except Stopped as error:
            left.append(error)

    with wire:  # a reading hangs in it
        thread = threading.Thread(target=order)
        thread.start()
        journal.ending = True
    thread.join(30.0)
    assert not thread.is_alive()
    assert (device.writes, len(left)) == ([], 1)


def test_a_sample_does_not_wait_and_patience_ends(tmp_path: Path) -> None:
    device, driver = driver_of(tmp_path, busy_s=5.0)
    device.free_s = 5.0
    with pytest.raises(InstrumentBusy):
        driver.read(["mode"])
    assert device.clock.now_s() == 0.0
    with pytest.raises(InstrumentBusy, match=r"battery.*busy"):
        driver.identify()
    assert 1.0 <= device.clock.now_s() < 1.2


def test_a_device_that_serves_few_registers_at_once_is_asked_for_few(tmp_path: Path) -> None:
    device, driver = driver_of(tmp_path, busy_s=0.0)
    device.at_once = 1
    assert {name: reading.value for name, reading in driver.read().items()} == {
        "mode": "auto",
        "power_set_kw": 0.0,
    }
    driver.read()
    assert device.reads == [2, 1, 1, 1, 1], "it is refused once"
    device.at_once = 0
    with pytest.raises(InstrumentRefused, match=r"read of 1 holding at 0 refused with exception 3"):
        driver.read()


def test_a_busy_sunspec_device_is_busy_and_not_another_one(tmp_path: Path) -> None:
    clock = VirtualClock()
    device = Slow(clock, 0.0)
    device.free_s = 60.0
    driver = SunSpec(setting("battery", "DIRECT::battery", clock=clock, endpoints={"battery": device}))
    with pytest.raises(InstrumentBusy, match=r"battery: .*device busy"):
        driver.identify()
