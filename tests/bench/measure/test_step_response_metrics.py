"""Delay and response time against known truth: families, windows, clocks, and devices that must fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.measure.step.plants import FAMILIES, behind_a_ramp
from bench.measure.step.reach import reach_s
from bench.model import Metric
from bench.recording import Recording
from tests.bench.measure.synthetic import ACCURACY, Frequency


def metrics(case: Frequency) -> list[Metric]:
    recording = case.recording()
    return measure(recording, [MeasureSpec(name="step_response")], case.names())


def named(found: list[Metric], name: str) -> list[Metric]:
    return [m for m in found if m.name == name]


def errors(case: Frequency, found: list[Metric]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    delays = named(found, "delay_s")
    assert all(m.state == "measured" for m in delays)
    value = np.array([m.value for m in delays], float)
    return value - np.array(case.truth["delay_s"]), np.array([m.uncertainty for m in delays], float)


@pytest.mark.parametrize(
    "family",
    [item for plain in FAMILIES.values() for item in (plain, behind_a_ramp(plain, 0.4))],
    ids=lambda item: item.name,
)
def test_integral_and_centroid_agree_with_the_response(family: Any) -> None:
    shape = [np.array(0.4), *(np.array((low + high) / 2) for low, high in family.ranges)]
    x = np.linspace(0.0, 20.0, 200_001)
    h = family.response(x, shape)
    by_sum = np.concatenate([[0.0], np.cumsum((h[1:] + h[:-1]) / 2 * np.diff(x))])
    assert np.max(np.abs(by_sum - family.integral(x, shape))) < 1e-7
    assert float(x[-1] - by_sum[-1]) == pytest.approx(float(family.centroid(shape)), abs=1e-6)
    assert float(family.integral(np.array(-1.0), shape)) == 0.0


def test_reach_is_the_inverse_of_the_response() -> None:
    lag = FAMILIES["dead time + lag"]
    entry = reach_s(lag, np.array([[0.3]]), np.array([0.9, 1.2]), np.array([1.1, 1.3]))
    assert entry[0, 0] == pytest.approx(0.3 * np.log(10.0), rel=1e-3)
    assert np.isinf(entry[1, 0])
    swinging = FAMILIES["dead time + second order"]
    shapes = np.array([[0.1, 0.2]])
    late = reach_s(swinging, shapes, np.array([0.9]), np.array([1.1]))[0, 0]
    x = np.linspace(0.0, 5.0, 500_001)
    outside = np.abs(swinging.response(x, [np.array(0.1), np.array(0.2)]) - 1.0) > 0.1
    assert late == pytest.approx(float(x[outside][-1]), abs=0.02)


@pytest.mark.parametrize("plant", ["lag", "ramp", "second", "two_lag", "ramp_lag", "s"])
def test_dead_time_of_every_plant_at_100_ms(plant: str) -> None:
    """First sample over 10 % would be 94 ms late here, and a lag fitted to a ramp 96 ms (metrology 3.2)."""
    case = Frequency(plant=plant, holds=False)
    error, doubt = errors(case, metrics(case))
    assert abs(float(error.mean())) < 0.005
    assert float(error.std()) < 0.005
    assert np.all(np.abs(error) < 0.015)
    assert np.all(doubt < 0.03)


@pytest.mark.parametrize("window_s", [0.02, 0.05, 0.2, 0.5, 1.0])
def test_windows_of_every_kind(window_s: float) -> None:
    case = Frequency(window_s=window_s, holds=False, delay_s=0.7)
    error, doubt = errors(case, metrics(case))
    assert np.all(np.abs(error) < 1.5 * doubt + 0.001)
    assert np.all(np.abs(error) < 0.03 + 0.12 * window_s)


def test_windows_with_gaps_between_them_are_as_uncertain_as_the_gaps() -> None:
    """Readings of 20 ms every 200 ms: steps and answers can hide between them."""
    case = Frequency(window_s=0.02, update_s=0.2, holds=False, delay_s=0.7, plant="ramp", ramp_s=0.05)
    error, doubt = errors(case, metrics(case))
    assert np.all(doubt > 0.05)
    assert np.mean(np.abs(error) <= doubt) >= 0.9


def test_polling_out_of_step_with_the_meter() -> None:
    case = Frequency(window_s=0.25, poll_s=0.1, holds=False)
    error, doubt = errors(case, metrics(case))
    assert np.all(np.abs(error) < 1.5 * doubt)
    assert np.all(np.abs(error) < 0.03)


def test_undeclared_one_second_meter_is_too_uncertain_to_pass_near_the_limit() -> None:
    case = Frequency(window_s=1.0, declared=False, delay_s=1.8, holds=False)
    error, doubt = errors(case, metrics(case))
    assert np.all(doubt > 0.4)
    assert np.all(1.8 + error + doubt > 2.0)
    assert np.all(np.abs(error) < doubt)
    assert all("window" in m.components for m in named(metrics(case), "delay_s"))


def test_undeclared_window_costs_half_of_it() -> None:
    case = Frequency(window_s=0.1, declared=False, holds=False)
    error, doubt = errors(case, metrics(case))
    assert np.all(doubt > 0.05)
    assert np.all(np.abs(error) < doubt)


def test_worst_step_and_mean_show_jitter() -> None:
    case = Frequency(jitter_s=0.3, holds=False)
    found = metrics(case)
    error, _ = errors(case, found)
    assert np.all(np.abs(error) < 0.01)
    mean = next(m for m in named(found, "delay_mean_s") if m.scope.direction == "up")
    truth = case.truth["delay_s"][0::2]
    assert mean.value == pytest.approx(float(np.mean(truth)), abs=0.005)
    worst = max(m.value or 0.0 for m in named(found, "delay_s"))
    assert worst == pytest.approx(max(case.truth["delay_s"]), abs=0.01)


def test_too_slow_to_start() -> None:
    case = Frequency(delay_s=2.3, holds=False)
    found = metrics(case)
    delays = named(found, "delay_s")
    assert all((m.value or 0.0) - (m.uncertainty or 0.0) > 2.0 for m in delays)
    assert all(m.follows is None for m in delays)
    assert all((m.value or 0.0) < 10.0 for m in named(found, "response_s"))


def test_response_is_the_entry_into_the_band() -> None:
    case = Frequency(holds=False)
    for m in named(metrics(case), "response_s"):
        assert m.value == pytest.approx(0.5 + 0.3 * np.log(10.0), abs=0.02)
        assert m.uncertainty is not None
        assert m.uncertainty < 0.05


@pytest.mark.parametrize(
    ("change", "words"),
    [({"plant": "none"}, "never moved"), ({"gain": -1.0}, "wrong way")],
)
def test_no_response_is_never(change: dict[str, Any], words: str) -> None:
    found = metrics(Frequency(holds=False, **change))
    delays, responses = named(found, "delay_s"), named(found, "response_s")
    assert len(delays) == len(responses) == 10
    assert {(m.state, m.value, m.follows) for m in delays} == {("never", None, None)}
    assert {(m.state, m.value, m.follows) for m in responses} == {("never", None, "delay")}
    assert all(words in m.note for m in delays)


def test_one_sided_device_fails_one_direction_only() -> None:
    found = named(metrics(Frequency(holds=False, one_sided="up")), "delay_s")
    assert {m.state for m in found if m.scope.direction == "up"} == {"measured"}
    assert {m.state for m in found if m.scope.direction == "down"} == {"never"}


def test_wrong_level_never_responds_but_has_a_delay() -> None:
    found = metrics(Frequency(gain=0.85, holds=False))
    assert {m.state for m in named(found, "delay_s")} == {"measured"}
    responses = named(found, "response_s")
    assert {(m.state, m.follows) for m in responses} == {("never", "band")}
    assert all("settled at 8" in m.note for m in responses)


def test_on_the_way_at_the_end_of_the_step_is_never_by_itself() -> None:
    """Nobody saw it arrive: no extrapolated time."""
    found = named(metrics(Frequency(plant="ramp", ramp_s=30.0, holds=False)), "response_s")
    assert {m.value for m in found} == {None}
    # only before the first step was power at rest: of the others nobody can tell
    assert [m.state for m in found].count("never") == 1
    assert {m.note.split(":")[0] for m in found if m.state == "missing"} <= {
        "power had not come back from the step before", "power was still moving before the step",
    }  # fmt: skip


def test_slow_ramp_has_a_late_response() -> None:
    case = Frequency(plant="ramp", ramp_s=13.0, holds=False)
    for m in named(metrics(case), "response_s"):
        assert m.value == pytest.approx(0.5 + 0.9 * 13.0, abs=0.3)


def test_leaving_the_band_again_counts_as_no_response() -> None:
    quick = Frequency(holds=False, steps_count=1)
    start = next(low for name, low, *_ in quick.recording().phases if name == "step")
    case = Frequency(holds=False, steps_count=1, drops=[(start + 4.0, start + 20.0, 0.0)])
    up = [m for m in named(metrics(case), "response_s") if m.scope.direction == "up"]
    assert [m.state for m in up] == ["never"]


def test_a_dip_makes_the_response_late() -> None:
    quick = Frequency(holds=False, steps_count=1)
    start = next(low for name, low, *_ in quick.recording().phases if name == "step")
    case = Frequency(holds=False, steps_count=1, drops=[(start + 4.0, start + 8.0, 0.0)])
    up = next(m for m in named(metrics(case), "response_s") if m.scope.direction == "up")
    assert up.value == pytest.approx(8.0, abs=1.2)


def test_no_step_in_the_measured_frequency_is_missing() -> None:
    case = Frequency(holds=False)
    recording = case.recording()
    flat = recording.signals["meter.frequency_hz"]
    signals = dict(recording.signals)
    signals["meter.frequency_hz"] = type(flat)(flat.t_s, np.full(len(flat.t_s), 50.0), flat.quality, "Hz")
    still = Recording(signals, recording.commands, recording.phases, recording.facts, recording.accuracy)
    found = measure(still, [MeasureSpec(name="step_response")], case.names())
    assert {m.state for m in named(found, "delay_s")} == {"missing"}


def test_no_power_around_a_step_is_missing() -> None:
    case = Frequency(holds=False, steps_count=2)
    start = next(low for name, low, *_ in case.recording().phases if name == "step")
    lost = Frequency(holds=False, steps_count=2, lost=[(start + 0.3, start + 12.0)])
    first = next(
        m for m in named(metrics(lost), "delay_s") if m.scope.step == 1 and m.scope.direction == "up"
    )
    others = [m for m in named(metrics(lost), "delay_s") if m.scope.step == 2]
    assert (first.state, first.value) == ("missing", None)
    assert {m.state for m in others} == {"measured"}


def test_slow_source_counts_from_where_the_dead_band_is_left() -> None:
    case = Frequency(slew_hz_per_s=1.0, holds=False)
    found = named(metrics(case), "delay_s")
    # the synthetic device answers 0.5 s after half the step; the dead band was left 95 ms before that
    assert np.mean([m.value for m in found]) == pytest.approx(0.595, abs=0.01)


def test_clock_of_the_channels_enters_the_budget() -> None:
    exact, loose = Frequency(holds=False), Frequency(holds=False, accuracy={**ACCURACY, "time_s": 0.02})
    tight = named(metrics(exact), "delay_s")[0]
    wide = named(metrics(loose), "delay_s")[0]
    assert wide.components["clock"] == pytest.approx(0.02 / 3**0.5)
    assert (wide.uncertainty or 0.0) > 0.023 > (tight.uncertainty or 0.0)


def test_without_measured_frequency_the_command_is_the_start() -> None:
    case = Frequency(holds=False)
    recording = case.recording()
    signals = {name: item for name, item in recording.signals.items() if name != "meter.frequency_hz"}
    blind = Recording(signals, recording.commands, recording.phases, recording.facts, recording.accuracy)
    found = named(measure(blind, [MeasureSpec(name="step_response")], case.names()), "delay_s")
    assert all(abs((m.value or 0.0) - 0.5) < (m.uncertainty or 0.0) for m in found)
    assert all((m.uncertainty or 0.0) > 0.1 for m in found)


def test_steps_are_found_without_phases() -> None:
    case = Frequency(phases_known=False)
    error, _ = errors(case, metrics(case))
    assert len(error) == 12
    assert np.all(np.abs(error) < 0.01)


def test_steps_are_found_in_the_measured_frequency_alone() -> None:
    case = Frequency(phases_known=False)
    recording = case.recording()
    bare = Recording(recording.signals, (), (), recording.facts, recording.accuracy, foreign=True)
    found = named(measure(bare, [MeasureSpec(name="step_response")], case.names()), "delay_s")
    assert [m.state for m in found] == ["measured"] * 12
    assert all(abs((m.value or 0.0) - 0.5) < 0.01 for m in found)


def test_a_rest_that_began_restless_does_not_shift_the_base() -> None:
    """The way back takes most of the rest: only its quiet end is the base of the next step."""
    case = Frequency(plant="ramp", ramp_s=17.0, holds=False)
    error, doubt = errors(case, metrics(case))
    assert np.all(np.abs(error) < np.maximum(1.5 * doubt, 0.05))
    assert np.all(doubt < 0.2)


def test_a_meter_without_noise_is_measured_too() -> None:
    case = Frequency(noise_ratio=0.0, noise_hz=0.0, holds=False)
    error, _ = errors(case, metrics(case))
    assert np.all(np.abs(error) < 0.003)


def test_a_device_that_acts_in_steps_has_its_entry_in_doubt_by_one_of_them() -> None:
    # a slow device whose power moves by 10 W at a time enters with a step, earlier than any smooth curve
    case = Frequency(tau_s=3.5, step_s=40.0, rest_s=40.0, holds=False, rated_kw=5.0, noise_ratio=0.002)
    recording = case.recording()
    smooth = {m.scope.step: m for m in named(metrics(case), "response_s") if m.scope.direction == "up"}
    power = recording.signals["meter.power_kw"]
    recording.signals["meter.power_kw"] = replace(power, value=np.round(power.value / 0.01) * 0.01)
    found = measure(recording, [MeasureSpec(name="step_response")], case.names())
    for metric in (m for m in named(found, "response_s") if m.scope.direction == "up"):
        plain = smooth[metric.scope.step]
        assert metric.uncertainty is not None
        assert metric.value == pytest.approx(plain.value, abs=metric.uncertainty)
        assert metric.components["shape"] > 0.1 > plain.components["shape"]
