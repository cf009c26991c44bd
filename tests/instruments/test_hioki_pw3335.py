"""The Hioki driver against a scripted meter over a raw socket, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.clock import VirtualClock
from bench.errors import InstrumentRefused, WrongInstrument, WrongReply
from instruments.hioki_pw3335 import HiokiPw3335
from instruments.hioki_pw3390 import HiokiPw3390
from tests.bench.links.wire_peers import Peer, scpi_peer
from tests.instruments.bench_setting import setting, socket_resource

pytestmark = pytest.mark.wire

VALUES = {"P1": "-01.250E+3", "FREQU1": "+49.868E+0", "U1": "+201.50E+0", "I1": "+06.203E+0",
          "P2": "+00.400E+3", "U2": "+202.00E+0", "I2": "+02.000E+0"}  # fmt: skip


class Meter:
    """What the manual and two public drivers show: headers, ``;`` between values, ``*ESR?`` for errors."""

    def __init__(self) -> None:
        self.idn = "HIOKI,PW3336-03,140000001,V1.20"
        self.values = dict(VALUES)
        self.header = False
        self.headers_work = True
        self.status = 0
        self.cut: int | None = None
        self.swap = False
        self.separator = ";"
        self.log: list[str] = []

    def handle(self, line: str) -> str | None:
        self.log.append(line)
        line = line.removesuffix("\r")
        if line == "*IDN?":
            return self.idn
        if line == "*ESR?":
            status, self.status = self.status, 0
            return f"*ESR {status}" if self.header else str(status)
        if line.startswith(":HEAD "):
            self.header = self.headers_work and line.endswith("ON")
            return None
        if line == ":HEAD?":
            return ":HEADER ON" if self.header else "OFF"
        if line.startswith(":MEAS? "):
            items = line.removeprefix(":MEAS? ").split(",")
            if any(item not in self.values for item in items):
                self.status |= 16
                return None
            if self.swap:
                items[0], items[1] = items[1], items[0]
            texts = [f"{i} {self.values[i]}" if self.header else self.values[i] for i in items]
            return self.separator.join(texts)[: self.cut]
        self.status |= 32
        return None


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def peer(meter: Meter) -> Iterator[Peer]:
    def answer(command: str) -> bytes | None:
        reply = meter.handle(command)
        return None if reply is None else reply.encode() + b"\r\n"

    with scpi_peer(answer) as peer:
        yield peer


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def driver_of(peer: Peer, clock: VirtualClock, **config: Any) -> HiokiPw3335:
    config.setdefault("accuracy", {"power_reading_pct": 0.1, "frequency_hz": 0.01})
    return HiokiPw3335(setting("meter", socket_resource(peer.port), clock=clock, timeout_s=0.3, **config))


def test_both_channels_in_one_query(peer: Peer, meter: Meter, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock, device_point=1, receiving_point=2, device_point_sign=-1)
    assert driver.identify().serial == "140000001"
    driver.prepare(0.2)
    meter.log.clear()
    values = {name: reading.value for name, reading in driver.read().items()}
    assert [line.removesuffix("\r") for line in meter.log] == [":MEAS? P1,FREQU1,U1,I1,P2,U2,I2"]
    assert values == pytest.approx(
        {
            "power_kw": 1.25,
            "frequency_hz": 49.868,
            "voltage_v": 201.5,
            "current_a": 6.203,
            "receiving_power_kw": 0.4,
            "receiving_voltage_v": 202.0,
            "receiving_current_a": 2.0,
        }
    )
    driver.close()


def test_a_value_of_another_item_is_no_reading(peer: Peer, meter: Meter, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.prepare(0.2)
    meter.swap = True
    with pytest.raises(WrongReply, match="answered with 'FREQU1"):
        driver.read()
    driver.close()


def test_headers_that_come_off_later_are_understood(peer: Peer, meter: Meter, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.prepare(0.2)
    meter.header = False
    assert driver.power_kw == pytest.approx(-1.25)
    driver.close()


def test_headers_that_stay_off_are_named(peer: Peer, meter: Meter, clock: VirtualClock) -> None:
    meter.headers_work = False
    driver = driver_of(peer, clock)
    with pytest.raises(InstrumentRefused, match="headers stay off"):
        driver.prepare(0.2)
    driver.close()


@pytest.mark.parametrize("cut", [20, 50, 57, 58])
def test_a_reply_cut_short_is_a_wrong_reply(peer: Peer, meter: Meter, clock: VirtualClock, cut: int) -> None:
    driver = driver_of(peer, clock)
    driver.prepare(0.2)
    whole = len(";".join(f"{name} {VALUES[name]}" for name in ("P1", "FREQU1", "U1", "I1")))
    assert whole == 59
    meter.cut = cut
    with pytest.raises(WrongReply):
        driver.read()
    driver.close()


@pytest.mark.parametrize(
    ("text", "quality"),
    [("+999.99E+9", "overflow"), ("-999.99E+9", "overflow"), ("+777.77E+9", "missing"),
     ("+888.88E+9", "missing"), ("+9999.9E+99", "overflow"), ("+9.91E+37", "missing"),
     ("INF", "overflow"), ("9.9E+37", "overflow"),
     ("NAN", "missing")],
)  # fmt: skip
def test_no_value_is_no_reading(
    peer: Peer, meter: Meter, clock: VirtualClock, text: str, quality: str
) -> None:
    meter.values["P1"] = text
    driver = driver_of(peer, clock)
    reading = driver.read(["power_kw"])["power_kw"]
    assert (reading.value, reading.quality) == (None, quality)
    driver.close()


@pytest.mark.parametrize("separator", [";", ","])
def test_both_separators_are_understood(
    peer: Peer, meter: Meter, clock: VirtualClock, separator: str
) -> None:
    meter.separator = separator
    driver = driver_of(peer, clock)
    driver.prepare(0.2)
    assert driver.power_kw == pytest.approx(-1.25)
    driver.close()


def test_items_named_by_the_station_file(peer: Peer, meter: Meter, clock: VirtualClock) -> None:
    meter.values = {"P1": "-01.250E+3", "FREQ1": "+49.868E+0", "Urms1": "+201.50E+0", "Irms1": "+06.203E+0"}
    driver = driver_of(peer, clock)
    with pytest.raises(InstrumentRefused, match="refuses to measure P1,FREQU1,U1,I1: execution error"):
        driver.prepare(0.2)
    driver.close()
    named = {"frequency": "FREQ", "voltage": "Urms", "current": "Irms"}
    driver = driver_of(peer, clock, items=named)
    driver.prepare(0.2)
    assert driver.frequency_hz == pytest.approx(49.868)
    driver.close()


def test_a_meter_of_one_channel_may_name_items_without_its_number(
    peer: Peer, meter: Meter, clock: VirtualClock
) -> None:
    meter.values = {"P": "-1.2500E+3", "FREQU": "+49.868E+0", "U": "+201.50E+0", "I": "+6.2030E+0"}
    driver = driver_of(peer, clock, numbered=False)
    driver.prepare(0.2)
    assert driver.power_kw == pytest.approx(-1.25)
    driver.close()
    driver = driver_of(peer, clock)
    with pytest.raises(InstrumentRefused, match="items and numbered"):
        driver.prepare(0.2)
    driver.close()


def analyzer_of(peer: Peer, clock: VirtualClock, **config: Any) -> HiokiPw3390:
    config.setdefault("accuracy", {"power_reading_pct": 0.05, "frequency_hz": 0.01})
    return HiokiPw3390(setting("meter", socket_resource(peer.port), clock=clock, timeout_s=0.3, **config))


def test_a_model_whose_items_no_page_tells_asks_the_station_file(
    peer: Peer, meter: Meter, clock: VirtualClock
) -> None:
    meter.idn = "HIOKI,PW8001,1,V1.00"
    driver = analyzer_of(peer, clock)
    with pytest.raises(InstrumentRefused, match=r"names its items: add \[instruments.meter.items\]"):
        driver.identify()
    driver.close()
    names = {"power": "P", "frequency": "FREQ", "voltage": "Urms", "current": "Irms"}
    driver = analyzer_of(peer, clock, items=names)
    assert driver.identify().model == "PW8001"
    driver.close()


def test_the_update_interval_is_the_station_files(peer: Peer, clock: VirtualClock) -> None:
    unknown = driver_of(peer, clock)
    unknown.prepare(0.2)
    assert unknown.capabilities.reading_interval_s is None, "no source tells it"
    unknown.close()
    driver = driver_of(peer, clock, update_s=0.2)
    driver.prepare(0.1)
    assert driver.capabilities.window_s == 0.2
    seen = []
    for tick in range(1, 6):
        clock.sleep_until(tick * 0.1)
        seen.append(driver.read(["power_kw"])["power_kw"].quality)
    assert seen == ["ok", "repeated", "ok", "repeated", "ok"]
    driver.close()


def test_errors_are_read_from_the_register(peer: Peer, meter: Meter, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.prepare(0.2)
    with pytest.raises(InstrumentRefused, match="command error"):
        driver.tell(":NONSENSE 1")
    assert driver.errors() == []
    driver.close()


def test_another_meter_is_refused(peer: Peer, meter: Meter, clock: VirtualClock) -> None:
    meter.idn = "HIOKI,PW6001-16,1,V1.00"
    driver = driver_of(peer, clock)
    with pytest.raises(WrongInstrument, match="PW6001"):
        driver.identify()
    driver.close()


def test_an_accuracy_that_no_page_tells_is_asked_for(peer: Peer, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock, accuracy=None)
    with pytest.raises(InstrumentRefused, match=r"add \[instruments.meter.accuracy\] with frequency_hz"):
        driver.identify()
    driver.close()


def test_a_simulated_meter_says_that_its_accuracy_is_assumed(
    peer: Peer, meter: Meter, clock: VirtualClock
) -> None:
    meter.idn = "HIOKI,PW3336-TWIN,SIM000002,V1.00"
    driver = driver_of(peer, clock, accuracy=None)
    assert driver.identify().simulated
    assert "assumed" in driver.capabilities.accuracy_from
    driver.close()


def test_a_meter_that_restarted_is_set_up_again(peer: Peer, meter: Meter, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.identify()
    driver.prepare(0.2)
    meter.header = False
    peer.hang_up()
    assert driver.power_kw == pytest.approx(-1.25)
    assert meter.header, "as after every start"
    driver.close()


def test_a_meter_of_one_channel_has_no_two_points() -> None:
    def faults(**config: Any) -> list[str]:
        table = setting("meter", "TCPIP::192.0.2.1::3300::SOCKET", numbered=False, **config).config
        return [fault.place for fault in HiokiPw3335.check_config(table, Path(), "s.toml: instruments.meter")]

    assert faults(device_point=1, receiving_point=2) == ["s.toml: instruments.meter.numbered"]
    assert faults(device_point=1) == faults(receiving_point=1) == faults() == []
