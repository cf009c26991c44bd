"""The WT driver against a scripted analyzer over a raw socket, through pyvisa, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bench.clock import VirtualClock
from bench.errors import InstrumentRefused, WrongInstrument, WrongReply
from instruments.yokogawa_wt import YokogawaWt
from tests.bench.links.wire_peers import Peer, scpi_peer
from tests.instruments.bench_setting import setting, socket_resource
from tests.instruments.scripted import ScriptedWt

pytestmark = pytest.mark.wire

VALUES = {
    "P,1": "-1.2500E+03",
    "FU,1": "49.868E+00",
    "U,1": "201.50E+00",
    "I,1": "6.2034E+00",
    "P,2": "0.4000E+03",
    "U,2": "202.00E+00",
    "I,2": "2.0000E+00",
    **{f"U,{n}": "0.00E+00" for n in range(3, 20)},
}
BOTH: dict[str, Any] = {"device_point": 1, "receiving_point": 2}


@pytest.fixture
def wt() -> ScriptedWt:
    return ScriptedWt(dict(VALUES))


@pytest.fixture
def peer(wt: ScriptedWt) -> Iterator[Peer]:
    def answer(command: str) -> bytes | None:
        reply = wt.handle(command)
        return None if reply is None else reply.encode() + b"\n"

    with scpi_peer(answer) as peer:
        yield peer


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def driver_of(peer: Peer, clock: VirtualClock, **config: Any) -> YokogawaWt:
    return YokogawaWt(setting("meter", socket_resource(peer.port), clock=clock, timeout_s=0.3, **config))


def test_both_elements_in_one_query(peer: Peer, wt: ScriptedWt, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock, **BOTH)
    assert driver.identify().maker == "YOKOGAWA"
    driver.prepare(0.1)
    wt.log.clear()
    values = {name: reading.value for name, reading in driver.read().items()}
    assert wt.log == [":NUM:NORM:VAL?"]
    assert values == pytest.approx(
        {
            "power_kw": -1.25,
            "frequency_hz": 49.868,
            "voltage_v": 201.5,
            "current_a": 6.2034,
            "receiving_power_kw": 0.4,
            "receiving_voltage_v": 202.0,
            "receiving_current_a": 2.0,
        }
    )
    driver.close()


def test_a_model_that_cannot_leave_its_headers_out_is_understood(
    peer: Peer, wt: ScriptedWt, clock: VirtualClock
) -> None:
    wt.knows_headers = False
    driver = driver_of(peer, clock)
    driver.prepare(0.1)
    assert wt.header
    assert driver.power_kw == pytest.approx(-1.25)
    driver.close()


def test_an_analyzer_that_answers_the_question_before_is_found_out(
    peer: Peer, wt: ScriptedWt, clock: VirtualClock
) -> None:
    driver = driver_of(peer, clock)
    driver.identify()
    driver.prepare(0.5)
    driver.read()
    wt.one_behind = True
    clock.sleep_until(clock.now_s() + 10.0)
    with pytest.raises(WrongReply, match=r"meter: answers another question: ':NUM:NORM:NUM\?'"):
        driver.read()
    with pytest.raises(WrongInstrument, match=r"answered 'YOKOGAWA,.*before, and now"):
        driver.read()
    wt.one_behind = False
    assert driver.power_kw == pytest.approx(-1.25)
    driver.close()


def test_signs_turn_power_alone(peer: Peer, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock, **BOTH, device_point_sign=-1, receiving_point_sign=-1)
    values = {name: reading.value for name, reading in driver.read().items()}
    assert values["power_kw"] == pytest.approx(1.25)
    assert values["receiving_power_kw"] == pytest.approx(-0.4)
    assert values["current_a"] == pytest.approx(6.2034)
    driver.close()


def test_elements_as_the_station_file_says(peer: Peer, wt: ScriptedWt, clock: VirtualClock) -> None:
    wt.values["FU,2"] = "50.000E+00"
    driver = driver_of(peer, clock, device_point=2)
    driver.prepare(1.0)
    assert set(driver.quantities()) == {"power_kw", "frequency_hz", "voltage_v", "current_a"}
    assert driver.power_kw == pytest.approx(0.4)
    with pytest.raises(InstrumentRefused, match="no quantity 'receiving_power_kw'"):
        driver.read(["receiving_power_kw"])
    driver.close()


@pytest.mark.parametrize(
    ("sample_s", "rate_s"), [(0.1, 0.1), (0.2, 0.1), (0.3, 0.25), (1.0, 1.0), (0.05, 0.1), (60.0, 5.0)]
)
def test_the_update_rate_is_set_and_what_it_really_is_is_known(
    peer: Peer, clock: VirtualClock, sample_s: float, rate_s: float
) -> None:
    driver = driver_of(peer, clock)
    driver.prepare(sample_s)
    assert driver.capabilities.reading_interval_s == rate_s
    assert driver.capabilities.window_s == rate_s
    driver.close()


def test_ranges_are_fixed_for_all_elements_and_verified(
    peer: Peer, wt: ScriptedWt, clock: VirtualClock
) -> None:
    driver = driver_of(peer, clock, voltage_range_v=300, current_range_a=30)
    driver.prepare(0.1)
    assert wt.ranges == {"VOLT": [300.0, 300.0], "CURR": [30.0, 30.0]}
    assert wt.log.index(":INP:VOLT:AUTO OFF") < wt.log.index(":INP:VOLT:RANG 300V")
    wt.ranges_stick, wt.ranges["VOLT"] = True, [300.0, 150.0]
    with pytest.raises(InstrumentRefused, match=r"set to 300 V and reads back \[300.0, 150.0\]"):
        driver.prepare(0.1)
    driver.close()


def test_an_update_rate_that_is_taken_and_not_kept_is_named(
    peer: Peer, wt: ScriptedWt, clock: VirtualClock
) -> None:
    wt.ignores_rate = True
    driver = driver_of(peer, clock)
    with pytest.raises(InstrumentRefused, match=r"meter: .* of 0\.1 s reads back as 0\.5 s: not applied"):
        driver.prepare(0.1)
    driver.close()


def test_no_data_and_over_range(peer: Peer, wt: ScriptedWt, clock: VirtualClock) -> None:
    wt.values.update({"P,1": "NAN", "FU,1": "INF", "U,1": "9.91E+37", "I,1": "-9.9E+37"})
    driver = driver_of(peer, clock)
    readings = driver.read()
    assert {name: (reading.value, reading.quality) for name, reading in readings.items()} == {
        "power_kw": (None, "missing"),
        "frequency_hz": (None, "overflow"),
        "voltage_v": (None, "missing"),
        "current_a": (None, "overflow"),
    }
    driver.close()


def test_repeats_are_marked_between_updates_only(peer: Peer, wt: ScriptedWt, clock: VirtualClock) -> None:
    wt.rates_s = {0.5}
    driver = driver_of(peer, clock)
    driver.prepare(0.1)
    seen = []
    for tick in range(1, 12):
        clock.sleep_until(tick * 0.1)
        if tick == 4:
            wt.values["P,1"] = "-1.2600E+03"
        seen.append(driver.read(["power_kw"])["power_kw"].quality)
    # new at 0.1 and 0.4; at 0.9 the half second since 0.4 is over: the same digits are a new reading
    assert seen == ["ok", "repeated", "repeated", "ok", *["repeated"] * 4, "ok", "repeated", "repeated"]
    driver.close()


def test_equal_values_at_the_update_interval_are_new(peer: Peer, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.prepare(0.1)
    for tick in range(1, 20):
        clock.sleep_until(tick * 0.1)
        assert driver.read(["power_kw"])["power_kw"].quality == "ok"
    driver.close()


def test_equal_values_read_a_little_early_are_new_too(peer: Peer, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.prepare(0.1)
    for tick in range(1, 20):
        clock.sleep_until(tick * 0.1 + (0.012 if tick % 2 else 0.0))
        assert driver.read(["power_kw"])["power_kw"].quality == "ok"
    driver.close()


@pytest.mark.parametrize("cut", [40, 20, 42, 43])
def test_a_reply_cut_short_is_a_wrong_reply(
    peer: Peer, wt: ScriptedWt, clock: VirtualClock, cut: int
) -> None:
    driver = driver_of(peer, clock)
    driver.prepare(0.1)
    assert len(",".join(VALUES[item] for item in ("P,1", "FU,1", "U,1", "I,1"))) == 44
    wt.cut = cut
    with pytest.raises(WrongReply, match="meter: "):
        driver.read()
    driver.close()


def test_items_that_are_not_taken_are_caught(peer: Peer, wt: ScriptedWt, clock: VirtualClock) -> None:
    wt.ignores_items = True
    driver = driver_of(peer, clock)
    with pytest.raises(InstrumentRefused, match="item 1 was set to P,1 and reads back 'U,1'"):
        driver.prepare(0.1)
    driver.close()


def test_an_analyzer_that_restarted_is_set_up_again(peer: Peer, wt: ScriptedWt, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.identify()
    driver.prepare(0.1)
    assert driver.power_kw == pytest.approx(-1.25)
    wt.restart()
    peer.hang_up()
    assert driver.power_kw == pytest.approx(-1.25), "not the voltage that item 1 is after a restart"
    assert wt.items[1] == "P,1"
    driver.close()


def test_an_analyzer_that_restarts_during_a_query(peer: Peer, wt: ScriptedWt, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.identify()
    driver.prepare(0.1)

    def lose_power() -> None:
        wt.restart()
        peer.hang_up()

    wt.before_values = lose_power
    with pytest.raises(Exception, match="meter: "):
        driver.read()
    assert driver.power_kw == pytest.approx(-1.25)
    driver.close()


def test_accuracy_comes_from_the_station_file(peer: Peer, clock: VirtualClock) -> None:
    table = {"power_reading_pct": 0.1, "frequency_hz": 0.001}
    driver = driver_of(peer, clock, accuracy=table)
    assert driver.capabilities.accuracy == table
    assert driver.capabilities.accuracy_from == "station file"
    driver.close()


def test_accuracy_of_the_data_sheet_names_its_page(peer: Peer, clock: VirtualClock) -> None:
    driver = driver_of(peer, clock)
    driver.identify()
    assert driver.capabilities.accuracy == pytest.approx(
        {
            "power_reading_pct": 0.1,
            "power_range_pct": 0.05,
            "power_range_kw": 7.0,
            "frequency_hz": 0.03,
            "voltage_reading_pct": 0.1,
            "voltage_range_pct": 0.05,
            "voltage_range_v": 300.0,
        }
    )
    assert "WT310E-02EN p. 7-7" in driver.capabilities.accuracy_from
    driver.close()
