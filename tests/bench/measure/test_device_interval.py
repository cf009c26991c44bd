"""The device's own sampling interval from dithered steps, and when the steps cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Metric
from bench.recording import Recording
from tests.bench.measure.synthetic import Frequency, signal


def interval(case: Frequency) -> Metric:
    found = measure(case.recording(), [MeasureSpec(name="step_response")], case.names())
    return next(m for m in found if m.name == "measurement_interval_s")


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_fifty_milliseconds_pass(seed: int) -> None:
    metric = interval(Frequency(interval_s=0.05, seed=seed))
    assert metric.state == "measured"
    assert metric.interval95 is not None
    low, high = metric.interval95
    assert low is not None
    assert high is not None
    assert low <= 0.05 <= high
    assert high <= 0.1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_hundred_milliseconds_fail(seed: int) -> None:
    metric = interval(Frequency(interval_s=0.2, seed=seed))
    assert metric.state == "measured"
    assert metric.value == pytest.approx(0.2, abs=0.01)
    assert metric.interval95 is not None
    assert (metric.interval95[0] or 0.0) > 0.1


def test_no_spread_gives_an_upper_bound() -> None:
    metric = interval(Frequency(interval_s=0.0))
    assert metric.state == "measured"
    assert metric.interval95 is not None
    assert metric.interval95[0] == 0.0
    assert (metric.interval95[1] or 1.0) < 0.03
    assert "upper bound" in metric.note


def test_jitter_is_not_taken_for_sampling() -> None:
    metric = interval(Frequency(jitter_s=0.3))
    assert metric.state == "not_applicable"
    assert "no common period" in metric.note


@pytest.mark.parametrize("jitter_s", [0.2, 0.3])
def test_jitter_among_noise_is_not_taken_for_sampling(jitter_s: float) -> None:
    """A period shorter than the longest wait explains nothing, however well the answers lie on it."""
    metric = interval(Frequency(jitter_s=jitter_s, noise_ratio=0.035, seed=1))
    assert metric.state == "not_applicable"
    assert "no common period" in metric.note


def test_a_device_far_slower_than_the_limit_is_seen_on_its_comb() -> None:
    metric = interval(Frequency(interval_s=0.7, dither_s=1.0, noise_ratio=0.035, seed=1))
    assert metric.value == pytest.approx(0.7, abs=0.01)
    assert "comb" in metric.method


def test_a_coarse_meter_cannot_tell() -> None:
    metric = interval(Frequency(interval_s=0.05, window_s=1.0))
    assert metric.state == "not_applicable"
    assert metric.note


def test_steps_at_one_phase_cannot_tell() -> None:
    metric = interval(Frequency(interval_s=0.2, dither_s=0.0))
    assert metric.state == "not_applicable"
    assert "phase" in metric.note


def test_too_few_steps_cannot_tell() -> None:
    metric = interval(Frequency(steps_count=1))
    assert metric.state == "not_applicable"


def record(missing: bool, every_s: float = 1.0) -> Metric:
    case = Frequency(steps_count=1)
    recording = case.recording()
    end = recording.signals["meter.power_kw"].t_s[-1]
    t_s = np.arange(0.0, end, every_s)
    value = 50.0 + 0.001 * np.sin(t_s)
    if missing:
        value[(t_s > 300.0) & (t_s < 305.0)] = np.nan
    signals = {**recording.signals, "battery.frequency_hz": signal(t_s, value, "Hz")}
    logged = Recording(signals, recording.commands, recording.phases, recording.facts, recording.accuracy)
    found = measure(logged, [MeasureSpec(name="step_response")], case.names())
    return next(m for m in found if m.name == "record_missing_count")


def test_record_complete_and_torn() -> None:
    assert record(missing=False).value == 0.0
    torn = record(missing=True).value
    assert torn is not None
    assert 3.0 <= torn <= 5.0


def test_a_sparse_record_cannot_tell() -> None:
    assert record(missing=False, every_s=5.0).state == "not_applicable"


def test_exactly_at_the_limit_is_not_told_from_it() -> None:
    metric = interval(Frequency(interval_s=0.1, seed=5))
    assert metric.state == "not_applicable"
    assert metric.interval95 is not None
    assert (metric.interval95[0] or 1.0) <= 0.1 <= (metric.interval95[1] or 0.0)
