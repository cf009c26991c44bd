"""The LMG670 driver against a simulated analyzer of its dialect, and against sockets that hang."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bench.clock import VirtualClock
from bench.config.station import Device, StationHead
from bench.errors import InstrumentRefused, LinkTimeout, WrongReply
from instruments.twins.host import TwinHost
from instruments.zes_lmg670 import ZesLmg670
from tests.bench.links.wire_peers import scpi_peer
from tests.instruments.bench_setting import setting, socket_resource

pytestmark = pytest.mark.wire

DEVICE = Device(
    maker="x", model="x", serial="SIM-1", rated_kw=5.5, capacity_kwh=15.0,
    declared_droop_pct=4.0, declared_dead_band_hz=0.005,
)  # fmt: skip
ACCURACY = {"power_reading_pct": 0.03, "frequency_hz": 0.001}
IDN = b"ZES ZIMMER Electronic Systems GmbH,LMG670,07320615,3.045\n"
SAMPLE = "INIM;TSNORM?;P1?;FCYC1?;UTRMS1?;ITRMS1?"


@contextmanager
def served(meter: dict[str, Any] | None = None, **config: Any) -> Iterator[tuple[ZesLmg670, TwinHost, Any]]:
    clock = VirtualClock()
    head = StationHead(name="test", nominal_hz=50.0)
    host = TwinHost({"meter": {"dialect": "zes_lmg670", **(meter or {})}}, head, DEVICE, clock)
    try:
        driver = ZesLmg670(setting("meter", host.start()["meter"], clock=clock, **config))
        yield driver, host, clock
        driver.close()
    finally:
        host.close()


def energise(host: TwinHost) -> None:
    host.world.set_voltage(202.0)
    host.world.set_output(on=True)


def test_both_channels_with_the_time_of_the_cycle() -> None:
    with served(receiving_point=2, device_point=1) as (driver, host, clock):
        assert driver.identify().simulated
        driver.prepare(0.1)
        energise(host)
        clock.sleep_until(1.0)
        values = {name: reading.value for name, reading in driver.read().items()}
        assert values["voltage_v"] == pytest.approx(202.0, abs=0.2)
        assert values["frequency_hz"] == pytest.approx(50.0, abs=0.01)
        truth_kw = host.world.receiving_kw.value(1.0)
        assert values["receiving_power_kw"] == pytest.approx(truth_kw, abs=0.01)
        assert driver.capabilities.window_s == 0.1


def test_the_sign_of_the_wiring() -> None:
    with served({"noise_kw": 0.0}, device_point=2, device_point_sign=-1) as (driver, host, clock):
        driver.prepare(0.1)
        energise(host)
        clock.sleep_until(1.0)
        truth_kw = host.world.receiving_kw.value(1.0)
        assert abs(truth_kw) > 0.01
        assert driver.power_kw == pytest.approx(-truth_kw, abs=0.004)


def test_a_cycle_that_was_read_already_is_repeated() -> None:
    with served() as (driver, host, clock):
        driver.prepare(0.2)
        energise(host)
        clock.sleep_until(1.0)
        seen = []
        for tick in range(4):
            clock.sleep_until(1.05 + 0.1 * tick)
            seen.append(driver.read(["power_kw"])["power_kw"].quality)
        assert seen == ["ok", "repeated", "ok", "repeated"]


def test_no_data_is_missing_and_over_range_is_overflow() -> None:
    with served({"faults": ["nan@1-2"]}, voltage_range_v=100.0) as (driver, host, clock):
        driver.prepare(0.1)
        energise(host)
        clock.sleep_until(1.55)
        assert driver.read(["power_kw"])["power_kw"].quality == "missing"
        clock.sleep_until(3.0)
        readings = driver.read(["voltage_v", "power_kw", "frequency_hz"])
        assert {name: reading.quality for name, reading in readings.items()} == {
            "voltage_v": "overflow",
            "power_kw": "overflow",
            "frequency_hz": "ok",
        }
        assert readings["voltage_v"].value is None


def test_a_cycle_that_cannot_be_set_is_named() -> None:
    with served({"update_s": 0.5}) as (driver, _, _), pytest.raises(InstrumentRefused, match=r"cycl 0\.1"):
        driver.prepare(0.1)


def test_a_cycle_that_is_accepted_and_not_kept_is_named() -> None:
    def answer(command: str) -> bytes | None:
        if "DURNORM" in command:
            return b"0.5\n"
        return b"0\n" if command == "*ESR?" else None

    with scpi_peer(answer) as peer:
        driver = ZesLmg670(setting("meter", socket_resource(peer.port), clock=VirtualClock(), timeout_s=0.3))
        with pytest.raises(InstrumentRefused, match=r"set to 0.1 s and takes 0.5 s"):
            driver.prepare(0.1)
        driver.close()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"2026:01:05D12:00:00.100000000;1.250000E+03;4.986800E+01;2.015000E+02\n", "expected 4 values"),
        (b"2026:01:05D12:00:00.100000000;1.25E+03;4.98E+01;2.01E+02;6.2E+\n", "a number"),
        (b"1.250000E+03;4.986800E+01;2.015000E+02;6.2E+00\n", "where a time was asked for"),
    ],
)
def test_a_reply_that_is_not_the_whole_answer_is_wrong(reply: bytes, words: str) -> None:
    def answer(command: str) -> bytes | None:
        if command == SAMPLE:
            return reply
        if "DURNORM" in command:
            return b"1.0\n"
        return b"0\n" if command == "*ESR?" else None

    with scpi_peer(answer) as peer:
        driver = ZesLmg670(setting("meter", socket_resource(peer.port), clock=VirtualClock(), timeout_s=0.3))
        with pytest.raises(WrongReply, match=words):
            driver.read()
        driver.close()


def test_a_session_that_hangs_is_freed_by_a_break() -> None:
    freed: list[str] = []

    def free(command: str) -> bytes:
        freed.append(command)
        return b"0 ok\n"

    def answer(command: str) -> bytes | None:
        return IDN if command == "*IDN?" and freed else None

    with scpi_peer(answer) as peer, scpi_peer(free) as side:
        config = {"break_resource": socket_resource(side.port), "accuracy": ACCURACY}
        driver = ZesLmg670(setting("meter", socket_resource(peer.port), timeout_s=0.3, **config))
        assert driver.identify().serial == "07320615"
        assert freed == ["break"]
        driver.close()


def test_a_dead_analyzer_stays_a_time_out() -> None:
    with scpi_peer({}) as peer:
        driver = ZesLmg670(setting("meter", socket_resource(peer.port), timeout_s=0.2, accuracy=ACCURACY))
        with pytest.raises(LinkTimeout):
            driver.identify()
        driver.close()


def test_an_accuracy_that_no_page_tells_is_asked_for() -> None:
    with scpi_peer({"*IDN?": IDN}) as peer:
        driver = ZesLmg670(setting("meter", socket_resource(peer.port), timeout_s=0.3))
        with pytest.raises(InstrumentRefused, match="power_reading_pct, frequency_hz"):
            driver.identify()
        driver.close()
