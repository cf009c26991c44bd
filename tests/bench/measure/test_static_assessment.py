"""Assessment II on recordings whose response is known point by point."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.measure.options import Options
from bench.measure.static.assessment import OPTIONS, static_assessment
from bench.model import Metric
from bench.recording import Recording
from tests.bench.measure.static_truth import Staircase, signal

SLOPE = "assessment_slope_ratio"
DECLARED = "assessment_stay_declared_ratio"
REGRESSION = "assessment_stay_regression_ratio"


def replayed(
    gain: float = 1.0, delay_s: float = 2.0, spread_hz: float = 0.03, astray: float = 0.0, **facts: Any
) -> Recording:
    """Ten minutes of wandering frequency; ``astray`` is the share of time in which power is 0.2 kW off."""
    case = Staircase()
    rng = np.random.default_rng(5)
    t_s = np.arange(0.1, 600.0, 0.1)
    wander = np.convolve(rng.normal(0.0, 1.0, len(t_s) + 400), np.hanning(200), mode="valid")[: len(t_s)]
    deviation = spread_hz * wander / wander.std()
    power = np.interp(t_s - delay_s, t_s, gain * case.curve_kw(deviation)) + rng.normal(0.0, 0.002, len(t_s))
    power[(t_s % 50.0) < 50.0 * astray] += 0.2
    signals = {
        "meter.power_kw": signal(t_s, power, "kW"),
        "meter.frequency_hz": signal(t_s, 50.0 + deviation + rng.normal(0.0, 0.001, len(t_s)), "Hz"),
    }
    base = case.recording()
    return replace(base, signals=signals, commands=(), phases=(), facts={**base.facts, **facts}, foreign=True)


def measured(recording: Recording) -> dict[str, Metric]:
    options, _ = Options.resolve("static_assessment", {}, OPTIONS, Staircase().names())
    return {metric.name: metric for metric in static_assessment(recording, options)}


@pytest.mark.parametrize("gain", [1.0, 0.95, 0.8, -1.0, 0.0])
def test_the_slope_is_that_of_the_device_over_the_declared_one(gain: float) -> None:
    found = measured(replayed(gain))[SLOPE]
    assert found.value is not None
    assert found.uncertainty is not None
    if gain >= 0.0:
        assert abs(found.value - gain) < max(found.uncertainty, 0.01)
    else:
        assert found.value < 0.0


@pytest.mark.parametrize("delay_s", [0.3, 2.0, 7.5])
def test_the_delay_is_taken_out_before_points_are_compared(delay_s: float) -> None:
    found = measured(replayed(delay_s=delay_s))
    assert found["assessment_delay_s"].value == pytest.approx(delay_s, abs=0.15)
    assert found[DECLARED].value == 1.0
    assert found[REGRESSION].value == 1.0


@pytest.mark.parametrize(("astray", "share"), [(0.04, 0.96), (0.2, 0.8)])
def test_points_off_the_line_lower_the_stay_ratio(astray: float, share: float) -> None:
    found = measured(replayed(astray=astray))[DECLARED]
    assert found.value == pytest.approx(share, abs=0.025)
    assert found.interval95 is not None
    low, high = found.interval95
    assert low is not None
    assert high is not None
    assert low <= found.value <= high


def test_a_wrong_slope_stays_near_its_own_line_and_leaves_the_declared_one() -> None:
    found = measured(replayed(gain=0.2, spread_hz=0.06))
    declared, regression = found[DECLARED].value, found[REGRESSION].value
    assert declared is not None
    assert regression is not None
    assert declared < 0.7
    assert regression > 0.9


def unready(recording: Recording, until_s: float) -> Recording:
    """The same, the device still at 0.8 kW of its own until ``until_s``."""
    power = recording.signals["meter.power_kw"]
    noise = np.random.default_rng(6).normal(0.8, 0.002, len(power.value))
    own = replace(power, value=np.where(power.t_s < until_s, noise, power.value))
    return replace(recording, signals={**recording.signals, "meter.power_kw": own})


def test_a_mode_that_still_changes_at_the_start_moves_neither_delay_nor_slope_nor_rest() -> None:
    found = measured(unready(replayed(gain=0.95, delay_s=1.0), 20.0))
    assert found["assessment_delay_s"].value == pytest.approx(1.0, abs=0.15)
    assert found[SLOPE].value == pytest.approx(0.95, abs=0.01)
    for name in (DECLARED, REGRESSION):
        assert found[name].value == 1.0
        assert found[name].interval95 == pytest.approx((0.967, 1.0), abs=0.004)
    assert "did not follow yet in the first 19 s" in found[DECLARED].note


@pytest.mark.parametrize(
    ("until_s", "low", "high"),
    [(50.0, 0.917, 1.0), (90.0, 0.85, 0.945), (150.0, 0.75, 0.835), (350.0, 0.407, 0.417)],
)
def test_how_long_a_device_does_not_follow_is_held_against_it_beyond_a_minute(
    until_s: float, low: float, high: float
) -> None:
    found = measured(unready(replayed(delay_s=1.0), until_s))[DECLARED]
    assert found.interval95 is not None
    assert found.interval95 == pytest.approx((low, high), abs=0.01)


def test_a_single_reading_beyond_the_dead_band_is_no_excursion() -> None:
    quiet = replayed(spread_hz=0.001)
    frequency = quiet.signals["meter.frequency_hz"]
    value = frequency.value.copy()
    value[::500] += 0.012
    signals = {**quiet.signals, "meter.frequency_hz": replace(frequency, value=value)}
    assert "No excursion left the dead band" in measured(replace(quiet, signals=signals))[SLOPE].note


def test_a_quiet_or_a_short_recording_is_nothing_to_judge() -> None:
    quiet = measured(replayed(spread_hz=0.001))
    assert {quiet[name].state for name in (SLOPE, DECLARED, REGRESSION)} == {"not_applicable"}
    assert "No excursion left the dead band" in quiet[SLOPE].note
    whole = replayed()
    cut = {
        name: replace(s, t_s=s.t_s[:250], value=s.value[:250], quality=s.quality[:250])
        for name, s in whole.signals.items()
    }
    short = measured(replace(whole, signals=cut))
    assert short[SLOPE].state == "not_applicable"
    assert "Too short" in short[SLOPE].note
