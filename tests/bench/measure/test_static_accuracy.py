"""The device's frequency against the analyzer's, on levels with known errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.measure.options import Options
from bench.measure.static.accuracy import OPTIONS, static_accuracy
from bench.model import Metric
from bench.recording import Recording
from tests.bench.measure.static_truth import Staircase, signal

LEVELS = np.array([0.0, -0.02, -0.1, -0.5, 0.0, 0.02, 0.1, 0.5])


def recording(
    error_hz: float, noise_hz: float = 0.0, stale_s: float = 0.0, glitch_hz: float = 0.0
) -> Recording:
    case = Staircase(path_hz=LEVELS, dwell_s=60.0)
    t_s = np.arange(1.0, 480.0)
    level = np.clip(np.ceil((t_s - stale_s) / 60.0 - 1e-9).astype(int) - 1, 0, None)
    own = 50.0 + LEVELS[level] + error_hz + np.random.default_rng(3).normal(0.0, noise_hz, len(t_s))
    own[200] += glitch_hz
    signals = {**case.recording().signals, "battery.frequency_hz": signal(t_s, np.round(own, 3), "Hz")}
    return replace(case.recording(), signals=signals)


def measured(case: Recording) -> dict[str, Metric]:
    options, _ = Options.resolve("static_accuracy", {}, OPTIONS, {})
    return {metric.name: metric for metric in static_accuracy(case, options)}


@pytest.mark.parametrize("error_hz", [0.0, 0.015, -0.022])
def test_a_constant_error_is_found_within_its_uncertainty(error_hz: float) -> None:
    found = measured(recording(error_hz))["frequency_error_hz"]
    assert found.value is not None
    assert found.uncertainty is not None
    assert abs(found.value - abs(error_hz)) < 0.0008
    assert found.uncertainty < 0.002


def test_a_reading_that_arrives_late_is_not_an_error() -> None:
    found = measured(recording(0.004, stale_s=5.0))
    assert found["frequency_reading_error_hz"].value == pytest.approx(0.004, abs=0.001)


def test_a_single_wrong_reading_shows_and_the_mean_hides_it() -> None:
    found = measured(recording(0.0, glitch_hz=0.03))
    assert found["frequency_reading_error_hz"].value == pytest.approx(0.03, abs=0.001)
    assert found["frequency_reading_error_hz"].follows is None
    mean = found["frequency_error_hz"].value
    assert mean is not None
    assert mean < 0.002


def test_without_a_reading_of_the_device_there_is_nothing_to_judge() -> None:
    found = measured(Staircase(path_hz=LEVELS, dwell_s=60.0).recording())
    assert found["frequency_error_hz"].state == "not_applicable"


def test_levels_without_readings_are_counted() -> None:
    case = recording(0.0)
    own = case.signals["battery.frequency_hz"]
    own.value[(own.t_s > 120.0) & (own.t_s < 240.0)] = np.nan
    assert measured(case)["missing_judged_count"].value == 2.0
