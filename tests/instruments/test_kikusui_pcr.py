"""The PCR driver against a scripted source over a raw socket, through pyvisa."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.drivers.base import Driver
from bench.errors import InstrumentRefused, LinkDown, LinkTimeout, WrongInstrument, WrongReply
from instruments.kikusui_pcr import KikusuiPcr
from tests.bench.links.wire_peers import Peer, free_port, scpi_peer
from tests.instruments.bench_setting import setting, socket_resource
from tests.instruments.scripted import ScriptedPcr

pytestmark = pytest.mark.wire


@pytest.fixture
def pcr() -> ScriptedPcr:
    return ScriptedPcr()


@pytest.fixture
def peer(pcr: ScriptedPcr) -> Iterator[Peer]:
    def answer(command: str) -> bytes | None:
        reply = pcr.handle(command)
        return None if reply is None else reply.encode() + b"\n"

    with scpi_peer(answer) as peer:
        yield peer


@pytest.fixture
def driver(peer: Peer) -> Iterator[KikusuiPcr]:
    options = {"frequency_resolution_hz": 0.001, "sink_kw": 6.0}
    driver = KikusuiPcr(setting("source", socket_resource(peer.port), timeout_s=0.3, **options))
    yield driver
    driver.close()


def test_it_is_a_driver_with_capabilities(driver: KikusuiPcr) -> None:
    assert isinstance(driver, Driver)
    assert driver.capabilities.resolution == {"frequency_hz": 0.001}
    assert driver.capabilities.sink_kw == 6.0
    assert driver.safe_values() == {"output": False}


def test_a_resolution_that_no_source_tells_is_unknown(peer: Peer) -> None:
    driver = KikusuiPcr(setting("source", socket_resource(peer.port)))
    assert driver.capabilities.resolution == {}
    assert driver.capabilities.slew_hz_per_s is None
    assert driver.capabilities.sink_kw is None


def test_identity(driver: KikusuiPcr) -> None:
    identity = driver.identify()
    assert (identity.maker, identity.model, identity.serial) == ("KIKUSUI", "PCR500MA", "AB000001")
    assert not identity.simulated


@pytest.mark.parametrize("frequency_hz", [50.0, 49.8, 50.005, 59.999, 47.5])
def test_set_is_checked_and_read_back(driver: KikusuiPcr, pcr: ScriptedPcr, frequency_hz: float) -> None:
    assert driver.set("frequency_hz", frequency_hz) == pytest.approx(frequency_hz, abs=1e-9)
    assert pcr.log[-3:] == [f"FREQ {frequency_hz:.3f}", "SYST:ERR?", "FREQ?"]


def test_output_reads_back_as_a_truth_value(driver: KikusuiPcr, pcr: ScriptedPcr) -> None:
    assert driver.set("output", True) is True
    assert driver.output is True
    assert driver.set("output", 0) is False
    assert pcr.values["OUTP"] == 0.0


def test_attributes_read_and_set(driver: KikusuiPcr) -> None:
    driver.frequency_hz = 50.1
    assert driver.frequency_hz == pytest.approx(50.1)
    assert driver.measured_power_kw == pytest.approx(1.25)
    with pytest.raises(AttributeError, match="measured_power_kw can only be read"):
        driver.measured_power_kw = 1.0


def test_out_of_range_is_refused_and_nothing_is_sent(driver: KikusuiPcr, pcr: ScriptedPcr) -> None:
    for bad in (39.9, 500.1, float("nan"), float("inf"), "50", True):
        with pytest.raises(InstrumentRefused, match="source: frequency_hz"):
            driver.set("frequency_hz", bad)
    assert pcr.log == []


def test_the_instruments_own_refusal_is_named(driver: KikusuiPcr, pcr: ScriptedPcr) -> None:
    del pcr.values["VOLT"]
    with pytest.raises(InstrumentRefused, match=r"VOLT 100.*Undefined header"):
        driver.set("voltage_v", 100.0)


def test_errors_of_others_are_not_ours(driver: KikusuiPcr, pcr: ScriptedPcr) -> None:
    pcr.errors = ['-100,"Command error"', '-222,"Data out of range"']
    driver.set("frequency_hz", 50.1)


def test_a_source_that_ignores_a_command_is_caught(driver: KikusuiPcr, pcr: ScriptedPcr) -> None:
    pcr.ignores = {"FREQ", "OUTP"}
    with pytest.raises(InstrumentRefused, match=r"49.8 Hz and reads back 50.0: not applied"):
        driver.set("frequency_hz", 49.8)
    with pytest.raises(InstrumentRefused, match="not applied"):
        driver.set("output", True)


def test_a_source_coarser_than_told_is_caught(driver: KikusuiPcr, pcr: ScriptedPcr) -> None:
    pcr.step_hz = 0.01
    driver.set("frequency_hz", 50.02)
    with pytest.raises(InstrumentRefused, match="reads back"):
        driver.set("frequency_hz", 50.005)


def test_snapshot_and_restore(driver: KikusuiPcr, pcr: ScriptedPcr) -> None:
    before = driver.snapshot()
    driver.set("frequency_hz", 49.8)
    driver.restore(before)
    assert "output" not in before, "a source is never switched on to put things back"
    assert pcr.values == {"FREQ": 50.0, "VOLT": 0.0, "OUTP": 0.0}


@pytest.mark.parametrize(
    "idn", ["YOKOGAWA,WT310,C2PH,F1.03", "KIKUSUI,PLZ1004W,A,1", "101.1", "KIKUSUI,PCR500MA"]
)
def test_the_wrong_instrument_is_named(driver: KikusuiPcr, pcr: ScriptedPcr, idn: str) -> None:
    pcr.idn = idn
    with pytest.raises(WrongInstrument, match="source: "):
        driver.identify()


def test_the_serial_of_the_station_file_must_answer(peer: Peer) -> None:
    driver = KikusuiPcr(setting("source", socket_resource(peer.port), serial="ZZ9"))
    with pytest.raises(WrongInstrument, match=r"'AB000001'.*not 'ZZ9'"):
        driver.identify()


def test_silence_and_a_dead_port() -> None:
    with scpi_peer({}) as mute:
        driver = KikusuiPcr(setting("source", socket_resource(mute.port), timeout_s=0.2))
        with pytest.raises(LinkTimeout, match="source: "):
            driver.identify()
    driver = KikusuiPcr(setting("source", socket_resource(free_port()), timeout_s=0.2))
    with pytest.raises(LinkDown, match="source: "):
        driver.identify()


def test_the_header_of_another_question_is_refused() -> None:
    with scpi_peer({"FREQ?": b"VOLT +5.00000E+01\n", "VOLT?": b"VOLT +5.00000E+01\n"}) as peer:
        driver = KikusuiPcr(setting("source", socket_resource(peer.port), timeout_s=0.2))
        assert driver.voltage_v == 50.0
        with pytest.raises(WrongReply, match="another question"):
            driver.read(["frequency_hz"])


def test_an_unknown_quantity_or_sequence_is_named(driver: KikusuiPcr) -> None:
    with pytest.raises(InstrumentRefused, match="no quantity 'phase'; it has: frequency_hz"):
        driver.read(["phase"])
    with pytest.raises(InstrumentRefused, match="no sequence 'start'"):
        driver.do("start")
    with pytest.raises(InstrumentRefused, match="can only be read"):
        driver.set("measured_power_kw", 1.0)
