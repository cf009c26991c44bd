"""A new driver is one small class: the table does the rest. Over the direct link."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from bench.clock import VirtualClock
from bench.drivers.base import Driver
from bench.drivers.descriptors import Control, Exchange, Reading
from bench.drivers.modbus import ModbusInstrument
from bench.drivers.registers import Register
from bench.drivers.scpi import ScpiInstrument
from bench.errors import InstrumentRefused, WrongInstrument, WrongReply
from tests.instruments.bench_setting import setting


class AcmeEl100(ScpiInstrument):
    """Sinks a set current, up to 40 A and 60 V."""

    MAKER, MODEL = "ACME", "EL1"

    current_set_a = Control(
        "CURR?", "CURR {:.3f}", unit="A", low=0.0, high=40.0, doc="Control the current.", page="41"
    )
    label = Control("LAB?", 'LAB "{}"', unit="1", kind=str, doc="Set the label.", page="42")
    voltage_v = Reading("MEAS:VOLT?", unit="V", doc="Measure the voltage.", page="57")
    power_kw = Reading("MEAS:POW?", unit="kW", scale=-0.001, doc="Measure the power.", page="58")

    SAMPLED = ("voltage_v", "power_kw")
    SAFE: ClassVar[dict[str, float]] = {"current_set_a": 0.0}
    RESTORED = ("current_set_a",)
    EXAMPLES = (Exchange("MEAS:VOLT?", "12.034", "voltage_v", 12.034, page="57"),)


class Acme:
    """The load's own dialect, straight from the words of its table."""

    def __init__(self) -> None:
        self.replies = {
            "*IDN?": "ACME,EL100,7,1.0",
            "MEAS:VOLT?": "12.034",
            "MEAS:POW?": "480.0",
            "LAB?": '"a"',
        }
        self.current = 0.0
        self.late_reads = 0
        self.errors: list[str] = []

    def handle(self, line: str) -> str | None:
        header, _, argument = line.partition(" ")
        if header == "SYST:ERR?":
            return self.errors.pop(0) if self.errors else '0,"No error"'
        if header == "CURR":
            self.current = float(argument)
        elif header == "LAB":
            self.replies["LAB?"] = argument
        elif header == "CURR?":
            return f"{self.current:.3f}"
        return self.replies.get(line)


@pytest.fixture
def acme() -> Acme:
    return Acme()


@pytest.fixture
def driver(acme: Acme) -> AcmeEl100:
    return AcmeEl100(setting("source", "DIRECT::source", clock=VirtualClock(), endpoints={"source": acme}))


def test_a_table_is_a_driver(driver: AcmeEl100, acme: Acme) -> None:
    assert isinstance(driver, Driver)
    assert driver.identify().model == "EL100"
    readings = driver.read()
    assert {name: reading.value for name, reading in readings.items()} == {
        "voltage_v": 12.034,
        "power_kw": -0.48,
    }
    assert driver.set("current_set_a", 5.5) == 5.5
    assert driver.set("label", "b") == "b"
    assert driver.snapshot() == {"current_set_a": 5.5}
    driver.restore({"current_set_a": 1.0})
    assert acme.current == 1.0
    assert driver.safe_values() == {"current_set_a": 0.0}


def test_descriptors_read_and_set(driver: AcmeEl100, acme: Acme) -> None:
    assert driver.voltage_v == 12.034
    driver.current_set_a = 2.0
    assert acme.current == 2.0
    assert AcmeEl100.voltage_v.unit == "V"


def test_an_assignment_never_hides_a_meter(driver: AcmeEl100) -> None:
    with pytest.raises(AttributeError, match="voltage_v can only be read"):
        driver.voltage_v = 1.0
    assert driver.voltage_v == 12.034


@pytest.mark.parametrize("value", [-0.001, 40.001, float("nan"), float("inf"), "5", True])
def test_out_of_range_is_refused_never_clipped(driver: AcmeEl100, acme: Acme, value: Any) -> None:
    acme.current = 3.0
    with pytest.raises(InstrumentRefused, match="current_set_a"):
        driver.set("current_set_a", value)
    assert acme.current == 3.0


def test_a_word_where_a_number_is_asked_and_the_other_way(driver: AcmeEl100) -> None:
    with pytest.raises(InstrumentRefused, match="expected a word"):
        driver.set("label", 5.0)


def test_quantities_tell_unit_range_and_page(driver: AcmeEl100) -> None:
    info = driver.quantities()["current_set_a"]
    assert (info.unit, info.low, info.high, info.settable, info.readable) == ("A", 0.0, 40.0, True, True)
    assert (info.doc, info.page) == ("Control the current.", "41")


@pytest.mark.parametrize("reply", ["", "ACME", "5.0", "No error"])
def test_an_error_queue_that_answers_nonsense_is_a_wrong_reply(
    driver: AcmeEl100, acme: Acme, reply: str
) -> None:
    acme.errors = [reply]
    with pytest.raises(WrongReply):
        driver.set("current_set_a", 1.0)


def test_an_error_queue_that_never_empties_ends(driver: AcmeEl100, acme: Acme) -> None:
    acme.errors = ['-350,"Queue overflow"'] * 500
    with pytest.raises(InstrumentRefused, match="Queue overflow"):
        driver.set("current_set_a", 1.0)


def test_unknown_keys_of_the_station_table_are_refused(acme: Acme) -> None:
    with pytest.raises(ValidationError, match="frequenzy"):
        AcmeEl100(setting("source", "DIRECT::source", endpoints={"source": acme}, frequenzy=1))


def test_the_wrong_make_is_named(driver: AcmeEl100, acme: Acme) -> None:
    acme.replies["*IDN?"] = "OTHER,EL100,7,1.0"
    with pytest.raises(
        WrongInstrument, match=r"source: .*OTHER EL100 answers, which AcmeEl100 does not speak to"
    ):
        driver.identify()


def test_tables_are_inherited() -> None:
    class AcmeEl200(AcmeEl100):
        """The larger one."""

        temperature_c = Reading("MEAS:TEMP?", unit="1", doc="Measure the temperature.")

    assert list(AcmeEl200.TABLE) == [*AcmeEl100.TABLE, "temperature_c"]
    assert "temperature_c" not in AcmeEl100.TABLE


class AcmeBattery(ModbusInstrument):
    """Keeps its power in a signed register that counts charging positive."""

    power_kw = Reading("", unit="kW", doc="Measure the power, discharge positive.", page="3")
    power_set_kw = Control("x", unit="kW", low=-5.0, high=5.0, doc="Control the power.", page="4")
    soc_pct = Reading("", unit="%", doc="Get the state of charge.", page="5")

    REGISTERS: ClassVar[dict[str, Register]] = {
        "power_kw": Register(2, "int16", scale=-0.001),
        "power_set_kw": Register(1, "int16", scale=-0.001),
        "soc_pct": Register(3, "uint16", scale=0.1),
    }


class AcmeRegisters:
    def __init__(self) -> None:
        self.values = [0, 0, 1500, 905]
        self.reads = 0
        self.deaf = False

    def read(self, unit: int, kind: str, address: int, count: int) -> list[int] | int:
        self.reads += 1
        return self.values[address : address + count]

    def write(self, unit: int, kind: str, address: int, values: list[int]) -> int | None:
        if not self.deaf:
            self.values[address : address + len(values)] = values
        return None


def test_a_modbus_table_is_a_driver() -> None:
    device, clock = AcmeRegisters(), VirtualClock()
    driver = AcmeBattery(setting("battery", "DIRECT::battery", clock=clock, endpoints={"battery": device}))
    readings = driver.read(["power_kw", "soc_pct", "power_set_kw"])
    assert {name: reading.value for name, reading in readings.items()} == pytest.approx(
        {"power_kw": -1.5, "soc_pct": 90.5, "power_set_kw": 0.0}
    )
    assert device.reads == 1
    assert driver.set("power_set_kw", 3.0) == 3.0
    assert device.values[1] == 0x10000 - 3000
    device.deaf = True
    with pytest.raises(
        InstrumentRefused, match=r"battery: power_set_kw was set to 1.0 kW and reads back 3.0"
    ):
        driver.set("power_set_kw", 1.0)
    assert clock.now_s() == pytest.approx(1.0), "given the time a device may take, and no more"
