"""The data gate: who disagrees with whom, and who of them is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.measure.series import Series
from bench.measure.settling import tail_of
from bench.model import Metric
from bench.recording import Recording
from tests.bench.measure.synthetic import Following, signal

OPTIONS = {
    "device_reading_ratio": 0.1,
    "device_rating_ratio": 0.02,
    "source_reading_ratio": 0.05,
    "wiring_ratio": 0.05,
    "source_error_hz": 0.005,
    "efficiency_ratio": 0.8,
}
CAPACITY_KWH = 15.0


def recorded(
    *,
    meter: float = 1.0,
    device: float = 1.0,
    source: float | None = 1.0,
    receiving: float | None = 1.0,
    charge: float = 1.0,
    house_kw: float = 0.5,
    wander_kw: float = 0.0,
) -> Recording:
    """A good device, and what each witness makes of its power: a factor each, None where there is none."""
    base = Following(baseline_s=600.0, response_s=600.0, duration_s=600.0, interval_s=300.0).recording()
    seen = base.signals["meter.power_kw"]
    t_s, true = seen.t_s, seen.value
    rng = np.random.default_rng(7)
    house = house_kw + wander_kw * np.repeat(rng.normal(0.0, 1.0, len(t_s) // 60 + 1), 60)[: len(t_s)]
    energy = np.cumsum(true) / 3600.0 / 0.95
    soc = np.round(90.0 - charge * 100.0 * energy / CAPACITY_KWH, 1)
    signals = {
        **base.signals,
        "meter.power_kw": signal(t_s, meter * true, "kW"),
        "battery.power_kw": signal(t_s[::5], device * true[::5], "kW"),
        "battery.soc_pct": signal(t_s[::5], soc[::5], "%"),
    }
    if source is not None:
        signals["source.measured_power_kw"] = signal(t_s[::5], -source * (true - house)[::5], "kW")
    if receiving is not None:
        signals["meter.receiving_power_kw"] = signal(t_s, meter * (receiving * true - house), "kW")
    return replace(base, signals=signals)


def found(recording: Recording) -> dict[str, Metric]:
    names = {**Following().names(), "capacity_kwh": CAPACITY_KWH}
    return {m.name: m for m in measure(recording, [MeasureSpec(name="agreement", options=OPTIONS)], names)}


def value(metrics: dict[str, Metric], name: str) -> float:
    number = metrics[name].value
    assert number is not None, metrics[name].note
    return number


def test_witnesses_that_agree() -> None:
    seen = found(recorded())
    assert value(seen, "sign_doubt_count") == value(seen, "device_sign_count") == 0.0
    assert value(seen, "device_disagreement_ratio") < 0.3
    assert value(seen, "power_disagreement_ratio") < 0.3
    assert value(seen, "receiving_over_device_ratio") == pytest.approx(1.0, abs=0.01)
    assert value(seen, "source_disagreement_ratio") < 0.1
    assert value(seen, "energy_balance_steps") < 2.0


def test_a_meter_wired_the_wrong_way_round_is_the_benchs_fault() -> None:
    seen = found(recorded(meter=-1.0))
    assert value(seen, "sign_doubt_count") > 100
    assert value(seen, "device_sign_count") == 0.0
    assert "wiring" in seen["sign_doubt_count"].note
    assert value(seen, "power_disagreement_ratio") > 5.0


def test_a_device_that_reports_the_wrong_sign_does_not_spoil_the_run() -> None:
    seen = found(recorded(device=-1.0))
    assert value(seen, "sign_doubt_count") == 0.0
    assert value(seen, "device_sign_count") > 100


def test_without_a_state_of_charge_nobody_can_tell_and_the_run_is_in_doubt() -> None:
    recording = recorded(device=-1.0)
    alone = {name: one for name, one in recording.signals.items() if name != "battery.soc_pct"}
    seen = found(replace(recording, signals=alone))
    assert value(seen, "sign_doubt_count") > 100
    assert seen["energy_balance_steps"].state == "not_applicable"


def test_a_battery_that_really_charges_agrees_with_its_meter() -> None:
    """The opposite case: a wrong battery is not a wrong wire."""
    base = recorded()
    turned = {
        name: signal(one.t_s, -one.value, "kW") if name.endswith("power_kw") else one
        for name, one in base.signals.items()
    }
    soc = base.signals["battery.soc_pct"]
    turned["battery.soc_pct"] = signal(soc.t_s, 180.0 - soc.value, "%")
    seen = found(replace(base, signals=turned))
    assert value(seen, "sign_doubt_count") == value(seen, "device_sign_count") == 0.0


@pytest.mark.parametrize(("gain", "over"), [(1.15, True), (0.85, True), (1.02, False)])
@pytest.mark.parametrize("receiving", [1.0, None])
def test_the_source_tells_when_the_meter_reads_high(gain: float, over: bool, receiving: float | None) -> None:
    seen = found(recorded(meter=gain, receiving=receiving))
    assert (value(seen, "power_disagreement_ratio") > 1.0) is over


@pytest.mark.parametrize(("device", "over"), [(1.2, True), (1.08, False), (0.85, True)])
def test_ten_percent_between_device_and_meter(device: float, over: bool) -> None:
    seen = found(recorded(device=device))
    assert (value(seen, "device_disagreement_ratio") > 1.0) is over
    assert value(seen, "power_disagreement_ratio") < 0.3


def test_a_device_wired_past_the_receiving_point() -> None:
    seen = found(recorded(receiving=0.0))
    metric = seen["receiving_over_device_ratio"]
    assert metric.value == pytest.approx(0.0, abs=0.02)
    assert "past" in metric.note


def test_a_restless_house_does_not_look_like_a_bypass() -> None:
    metric = found(recorded(wander_kw=1.5))["receiving_over_device_ratio"]
    assert metric.state == "not_applicable" or metric.value == pytest.approx(
        1.0, abs=0.05 + (metric.uncertainty or 0.0)
    )


@pytest.mark.parametrize(("charge", "over"), [(0.0, True), (2.0, True), (1.0, False)])
def test_the_charge_follows_the_energy_or_does_not(charge: float, over: bool) -> None:
    assert (value(found(recorded(charge=charge)), "energy_balance_steps") > 5.0) is over


def test_what_nobody_recorded_is_not_applicable() -> None:
    seen = found(Following(foreign=True).recording())
    for name in ("sign_doubt_count", "power_disagreement_ratio", "receiving_over_device_ratio"):
        assert seen[name].state == "not_applicable"
        assert seen[name].note


def settling(tau_s: float, rest_kw: float) -> Series:
    t_s = np.arange(0.1, 20.05, 0.1)
    noise = np.random.default_rng(3).normal(0.0, 0.002, len(t_s))
    value = 0.1 + rest_kw * np.exp(-(t_s - 20.0) / tau_s) + noise
    return Series(t_s, value, t_s)


def test_power_that_is_still_settling_is_known_for_what_it_is() -> None:
    tail = tail_of(settling(8.0, 0.05), 0.0, 20.0, 0.5)
    assert tail is not None
    assert tail.level_kw == pytest.approx(0.1, abs=3.0 * tail.level_u_kw)
    assert tail.level_u_kw < 0.01
    assert tail.rest_kw == pytest.approx(0.05, abs=0.01)


def test_power_that_has_settled_leaves_nothing() -> None:
    assert tail_of(settling(0.5, 0.0), 0.0, 20.0, 0.5) is None


@pytest.mark.parametrize(("every", "sparse"), [(1, False), (2, False), (20, True)])
def test_an_analyzer_that_publishes_less_often_than_it_says(every: int, sparse: bool) -> None:
    base = recorded()
    held = {
        name: replace(one, value=np.repeat(one.value[::every], every)[: len(one.value)])
        if name.startswith("meter.")
        else one
        for name, one in base.signals.items()
    }
    seen = found(replace(base, signals=held, facts={**base.facts, "window_s": 1.0}))
    assert (value(seen, "update_ratio") > 2.5) is sparse
    assert found(base)["update_ratio"].state == "not_applicable"


@pytest.mark.parametrize(
    ("every", "moves", "told", "outcome"),
    [
        (1, True, True, "usual"),  # nothing makes noise: readings repeat while the world stands still
        (5, True, True, "sparse"),
        (1, False, True, "sparse"),  # the device says that it moved: the analyzer is frozen
        (1, False, False, "nobody knows"),
    ],
)
def test_a_world_without_noise_is_not_an_analyzer_that_sleeps(
    every: int, moves: bool, told: bool, outcome: str
) -> None:
    base = recorded()
    t_s = base.signals["meter.power_kw"].t_s
    rise = 3.0 * (1.0 - np.exp(-np.clip(t_s - 600.0, 0.0, 600.0) / 3.0))
    world_kw = np.round(rise - np.where(t_s > 1200.0, rise, 0.0), 4)
    shown_kw = np.repeat(world_kw[::every], every)[: len(t_s)] if moves else np.zeros(len(t_s))
    signals = {
        **base.signals,
        "meter.power_kw": signal(t_s, shown_kw, "kW"),
        "meter.frequency_hz": signal(t_s, np.full(len(t_s), 50.0), "Hz"),
        "meter.voltage_v": signal(t_s, np.full(len(t_s), 202.0), "V"),
        "battery.power_kw": signal(t_s[::5], (world_kw if told else 0.0 * world_kw)[::5], "kW"),
    }
    seen = found(replace(base, signals=signals, facts={**base.facts, "window_s": 1.0}))["update_ratio"]
    if outcome == "usual":  # an analyzer that takes its time to answer is read at every third tick
        slow = {name: signals[name].value.copy() for name in signals if name.startswith("meter.")}
        for shown in slow.values():
            shown[np.arange(len(shown)) % 3 != 0] = np.nan
        signals |= {name: replace(signals[name], value=shown) for name, shown in slow.items()}
        again = found(replace(base, signals=signals, facts={**base.facts, "window_s": 1.0}))["update_ratio"]
        assert again.value == pytest.approx(1.0, abs=0.5)
    assert seen.state == ("not_applicable" if outcome == "nobody knows" else "measured")
    if outcome != "nobody knows":
        assert seen.value is not None
        assert (seen.value > 2.5) is (outcome == "sparse")
