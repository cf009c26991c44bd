"""The ECHONET Lite drivers against written-out frames on real UDP, with no code of the twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.clock import VirtualClock
from bench.drivers.base import Driver
from bench.drivers.descriptors import Exchange
from bench.errors import (
    InstrumentRefused,
    LinkTimeout,
    NotArrived,
    WrongInstrument,
    WrongReply,
)
from instruments.echonet_battery import EchonetBattery
from instruments.echonet_meter import EchonetMeter
from tests.bench.links.udp_node import UdpNode, codes, frame
from tests.instruments.bench_setting import setting

pytestmark = pytest.mark.wire

US = "05ff01"


class Device:
    """A node of the tests' own with one object: ``data`` by property in hex, ``settable`` as listed."""

    def __init__(self, eoj: str, data: dict[int, str], settable: tuple[int, ...] = ()) -> None:
        self.eoj, self.data, self.settable = eoj, data, settable
        self.objects = [eoj]
        self.refuses: set[int] = set()
        self.ignores: set[int] = set()
        self.silent: set[int] = set()
        self.sets: list[tuple[int, str]] = []
        self.node = UdpNode(self.answer)

    def answer(self, request: bytes) -> list[bytes]:
        number, target, service = int.from_bytes(request[2:4], "big"), request[7:10].hex(), request[10]
        if target == "0ef001":
            listed = f"{len(self.objects):02x}" + "".join(self.objects)
            return [frame(number, "0ef001", US, 0x72, (0xD6, listed))]
        if service == 0x62:
            told = [(code, self._maps().get(code, self.data.get(code, ""))) for code in codes(request)]
            return [frame(number, self.eoj, US, 0x72 if all(d for _, d in told) else 0x52, *told)]
        code, data = request[12], request[14:].hex()
        if code in self.refuses:
            return [frame(number, self.eoj, US, 0x51, (code, data))]
        if code not in self.ignores:
            self.data[code] = data
        self.sets.append((code, data))
        return [] if code in self.silent else [frame(number, self.eoj, US, 0x71, (code, ""))]

    def _maps(self) -> dict[int, str]:
        def listed(known: list[int]) -> str:
            if len(known) < 16:
                return bytes([len(known), *known]).hex()
            bits = [sum(1 << (c >> 4) - 8 for c in known if c & 15 == low) for low in range(16)]
            return bytes([len(known), *bits]).hex()

        return {0x9D: "00", 0x9E: listed(sorted(self.settable)), 0x9F: listed(sorted(self.data))}


BATTERY = {
    0x82: "00005200", 0x83: "fe" + "000077" + "00" * 12 + "2a", 0x88: "42", 0x89: "0000", 0x8A: "000077",
    0x8C: b"B5-HOME".hex(), 0xC2: "02", 0xC8: "00000000000007d0", 0xC9: "00000000000015 7c".replace(" ", ""),
    0xCF: "46", 0xD0: "00003a98", 0xD3: "fffff448", 0xDA: "46", 0xE4: "5a", 0xE5: "63", 0xA8: "000004d2",
    0xA9: "000003e8", 0xAA: "00000000", 0xAB: "00000000", 0xEB: "00000000", 0xEC: "00000000",
}  # fmt: skip
SETTABLE = (0xC2, 0xDA, 0xAA, 0xAB, 0xEB, 0xEC)
Make = Callable[..., tuple[Device, EchonetBattery]]


@pytest.fixture
def make() -> Iterator[Make]:
    open_now: list[Any] = []

    def build(
        changes: dict[int, str | None] | None = None,
        settable: tuple[int, ...] = SETTABLE,
        driver: type[Any] = EchonetBattery,
        eoj: str = "027d01",
        base: dict[int, str] | None = None,
        **options: Any,
    ) -> tuple[Device, Any]:
        data = {**(BATTERY if base is None else base), **(changes or {})}
        device = Device(eoj, {code: text for code, text in data.items() if text is not None}, settable)
        made = driver(
            setting(
                "battery", f"ECHONET::{device.node.address}", clock=VirtualClock(), timeout_s=0.15, **options
            )
        )
        open_now.append((made, device.node))
        return device, made

    yield build
    for made, node in open_now:
        made.close()
        node.close()


def test_identity_and_readings(make: Make) -> None:
    _, driver = make()
    assert isinstance(driver, Driver)
    who = driver.identify()
    assert (who.maker, who.model, who.firmware) == ("ECHONET maker 000077", "B5-HOME", "release R")
    assert who.serial == BATTERY[0x83]
    values = {name: reading.value for name, reading in driver.read(list(driver.quantities())).items()}
    assert values == pytest.approx(
        {
            "power_kw": 3.0,  # D3 = -3000 W: discharging
            "soc_pct": 90.0,
            "soh_pct": 99.0,
            "capacity_kwh": 15.0,
            "energy_charged_kwh": 1.234,
            "energy_discharged_kwh": 1.0,
            "rated_charge_kw": 2.0,
            "rated_discharge_kw": 5.5,
            "alarm": 0.0,
            "mode": "auto",
            "mode_actual": "auto",
            "power_set_kw": 0.0,
        }
    )


EXAMPLES = [(driver, example) for driver in (EchonetBattery, EchonetMeter) for example in driver.EXAMPLES]
METER = {0xE7: "00000000", 0xE8: "000a7ffe", 0xE0: "00000000", 0xE1: "01", 0xE3: "00000001", 0xD3: "00000001"}


@pytest.mark.parametrize(
    ("driver", "example"), EXAMPLES, ids=lambda it: str(getattr(it, "sent", it.__class__))
)
def test_what_others_have_shown(make: Make, driver: type[Any], example: Exchange) -> None:
    meter = driver is EchonetMeter
    changes = {int(example.sent.split()[1], 16): example.reply}
    _, made = make(changes, (), driver, "028801" if meter else "027d01", METER if meter else None)
    value = made.read([example.quantity])[example.quantity].value
    assert value == (pytest.approx(example.value) if isinstance(example.value, float) else example.value)


def test_a_set_point_is_how_how_much_and_last_what(make: Make) -> None:
    device, driver = make()
    assert driver.set("power_set_kw", 3.0) == pytest.approx(3.0)
    assert device.sets == [(0xC2, "03"), (0xEC, "00000bb8"), (0xDA, "43")]
    device.sets.clear()
    assert driver.set("power_set_kw", 2.5) == pytest.approx(2.5)
    assert device.sets == [(0xEC, "000009c4")]
    device.sets.clear()
    assert driver.set("power_set_kw", -1.0) == pytest.approx(-1.0)
    assert device.sets == [(0xEB, "000003e8"), (0xDA, "42")]
    device.sets.clear()
    assert driver.set("power_set_kw", 0.0) == 0.0
    assert device.sets == [(0xDA, "44")]


def test_a_stale_amount_is_replaced_before_it_could_end_the_discharge(make: Make) -> None:
    device, driver = make({0xAB: "00000064", 0xA5: "00002ee0"})
    driver.set("power_set_kw", 3.0)
    assert (0xAB, "00002ee0") in device.sets
    assert device.sets[-1] == (0xDA, "43")


def test_without_eb_and_ec_a_power_is_an_amount(make: Make) -> None:
    device, driver = make({0xEB: None, 0xEC: None}, (0xDA, 0xAA, 0xAB), amount_hours=2.0)
    driver.identify()
    assert not driver.takes_power
    assert driver.set("power_set_kw", 3.0) == pytest.approx(3.0)
    assert device.sets == [(0xAB, f"{6000:08x}"), (0xDA, "43")]


def test_the_ratings_bound_the_set_point(make: Make) -> None:
    device, driver = make()
    for power_kw in (5.6, -2.1):
        with pytest.raises(InstrumentRefused, match=r"outside -2 to 5\.5"):
            driver.set("power_set_kw", power_kw)
    assert device.sets == []


def test_a_power_that_is_rounded_to_the_devices_own_step_is_taken(make: Make) -> None:
    device, driver = make(confirm_s=0.3)
    driver.do("start")
    device.ignores = {0xEC}
    device.data[0xEC] = "00000798"  # 1944 W
    assert driver.set("power_set_kw", 2.0) == 1.944
    device.data[0xEC] = "0000076c"
    with pytest.raises(InstrumentRefused, match="EC = 000007d0 was acknowledged but not applied"):
        driver.set("power_set_kw", 2.0)


def test_refused_not_applied_and_no_answer_are_three_things(make: Make) -> None:
    device, driver = make(confirm_s=0.3)
    device.refuses = {0xDA}
    with pytest.raises(
        InstrumentRefused, match="DA = 44 refused with SetC_SNA 0x51, though the device lists"
    ):
        driver.set("mode", "standby")
    device.refuses, device.ignores = set(), {0xDA}
    with pytest.raises(InstrumentRefused, match="acknowledged but not applied: it reads back 46"):
        driver.set("mode", "standby")
    device.silent = {0xDA, 0xAB}
    with pytest.raises(NotArrived, match=r"no answer to SetC DA=44.*reads back 46"):
        driver.set("mode", "standby")
    device.ignores |= {0xAB}
    with pytest.raises(LinkTimeout) as amount:  # an amount of energy is never given twice
        driver.put(0xAB, bytes(3) + b"\x01")
    assert not isinstance(amount.value, NotArrived)
    device.ignores = set()  # only the acknowledgement is lost: what reads back as set is set
    assert driver.set("mode", "standby") == "standby"
    device.silent = set()
    driver.set("power_set_kw", 3.0)
    device.silent = device.ignores = {0xEC}
    with pytest.raises(NotArrived, match="reads back 00000bb8"):  # a power near by is the one before
        driver.set("power_set_kw", 3.05)
    with pytest.raises(InstrumentRefused, match="does not list it as settable"):
        driver.put(0xA7, b"\x10")


@pytest.mark.parametrize(
    ("changes", "soc_pct"),
    [
        ({0xE4: "32"}, 50.0),
        ({0xE4: None, 0xE2: "00001d4c"}, 50.0),
        ({0xE4: None, 0xE3: "00c8", 0xD1: "0190"}, 50.0),
        ({0xE4: None, 0xE3: "00c8"}, None),
        ({0xE4: "ff"}, None),
    ],
)
def test_the_state_of_charge_from_whichever_there_is(
    make: Make, changes: dict[int, str | None], soc_pct: float | None
) -> None:
    _, driver = make(changes)
    assert driver.read(["soc_pct"])["soc_pct"].value == soc_pct


def test_a_battery_without_d3_has_no_power(make: Make) -> None:
    _, driver = make({0xD3: None, 0xCF: None})
    readings = driver.read()
    assert "power_kw" not in readings
    assert "mode_actual" not in readings
    with pytest.raises(InstrumentRefused, match="has no quantity 'power_kw'"):
        driver.read(["power_kw"])


@pytest.mark.parametrize("data", ["7ffffffe", "7fffffff", "80000000"])
def test_no_data_is_none(make: Make, data: str) -> None:
    _, driver = make({0xD3: data})
    assert driver.read(["power_kw"])["power_kw"].value is None


def test_a_value_of_the_wrong_length_is_no_value(make: Make) -> None:
    _, driver = make({0xD3: "0bb8"})
    with pytest.raises(WrongReply, match="D3 has 4 bytes, got 2"):
        driver.read(["power_kw"])


def test_a_fault_is_an_alarm(make: Make) -> None:
    _, driver = make({0x88: "41", 0x89: "0103"})
    assert driver.read(["alarm"])["alarm"].value == 0x0103


def test_settings_go_back_in_standby_and_the_mode_last(make: Make) -> None:
    device, driver = make({0xEC: "000001f4"})
    before = driver.snapshot()
    assert before["DA"] == "46"
    driver.do("start")
    driver.set("power_set_kw", 3.0)
    device.sets.clear()
    driver.restore(before)
    assert driver.snapshot() == before
    assert device.sets[0] == (0xDA, "44")
    assert device.sets[-1] == (0xDA, "46")
    device.sets.clear()
    driver.restore(before)
    assert device.sets == []


def test_stop_goes_back_to_the_mode_of_before(make: Make) -> None:
    device, driver = make({0xDA: "42"})
    driver.do("start")
    assert device.data[0xDA] == "44"
    driver.do("stop")
    assert (device.data[0xDA], device.data[0xC2]) == ("42", "02")
    with pytest.raises(InstrumentRefused, match="no property for it"):
        driver.do("frequency_response_on")
    with pytest.raises(InstrumentRefused, match="has no mode 'frequency_response'"):
        driver.set("mode", "frequency_response")


def test_another_device_at_the_address(make: Make) -> None:
    device, driver = make()
    device.objects = ["013001"]
    with pytest.raises(WrongInstrument, match=r"no object of class 027D; the node has: 013001"):
        driver.identify()
    device.objects = ["027d01", "027d02"]
    with pytest.raises(WrongInstrument, match="name one"):
        driver.identify()


def test_the_meter_names_a_counter_without_its_unit(make: Make) -> None:
    _, meter = make({0xE1: None}, (), EchonetMeter, "028801", METER)
    with pytest.raises(WrongReply, match="its unit"):
        meter.read(["energy_charged_kwh"])
    for coefficient in ("00000000", "fffffffe"):
        _, meter = make({0xD3: coefficient}, (), EchonetMeter, "028801", METER)
        with pytest.raises(WrongReply, match=r"its coefficient \(D3\) is"):
            meter.read(["energy_charged_kwh"])
    _, meter = make({0xE1: "03", 0xD3: "0000000a", 0xE0: "00000064"}, (), EchonetMeter, "028801", METER)
    assert meter.read(["energy_charged_kwh"])["energy_charged_kwh"].value == pytest.approx(1.0)
    stamp = "07ea04010c1e00" + "00000064"
    _, meter = make({0xEA: stamp}, (), EchonetMeter, "028801", METER)
    assert meter.half_hour() == ("2026-04-01T12:30:00", pytest.approx(10.0), None)
