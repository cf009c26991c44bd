"""The device's own sampling interval from dithered steps, and when the steps cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.measure.step.interval import _by_chance, _comb
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


def record(
    *lost: float, blank: Sequence[float] = (), power_blank: Sequence[float] = (), every_s: float = 1.0,
    taken_s: float | None = None,
) -> Metric:  # fmt: skip
    """Give the worst; ``lost``: readings without an answer, ``blank``: answers without this value.

    ``taken_s``: how far apart the device's own times of its reports are, which it tells.
    """
    case = Frequency(steps_count=1)
    recording = case.recording()
    end = recording.signals["meter.power_kw"].t_s[-1]
    t_s = np.arange(0.0, end, every_s)
    signals = dict(recording.signals)
    for name, unit, gone in (
        ("frequency_hz", "Hz", blank),
        ("power_kw", "kW", power_blank),
        ("soc_pct", "%", ()),
    ):
        missing = np.isin(t_s, [*lost, *gone])
        value = np.where(missing, np.nan, 50.0 + 0.001 * np.sin(t_s))
        quality = np.where(missing, "missing", "ok")
        if taken_s is not None:
            value = value[np.searchsorted(t_s, taken_s * np.floor(t_s / taken_s))]
        signals[f"battery.{name}"] = replace(signal(t_s, value, unit), quality=quality)
    if taken_s is not None:
        signals["battery.report_time_s"] = signal(t_s, taken_s * np.floor(t_s / taken_s), "s")
    logged = Recording(signals, recording.commands, recording.phases, recording.facts, recording.accuracy)
    found = measure(logged, [MeasureSpec(name="step_response")], case.names())
    metrics = [m for m in found if m.name == "record_missing_count"]
    return max(metrics, key=lambda metric: metric.value or 0.0)


def test_record_complete_and_torn() -> None:
    assert record().value == 0.0
    assert record(blank=[301.0, 302.0, 303.0, 304.0]).value == 4.0
    assert record(power_blank=[301.0]).value == 1.0


def test_a_record_that_lacks_every_second_value_is_half_missing() -> None:
    found = record(blank=list(range(101, 301, 2)))
    assert (found.value, found.interval95) == (100.0, (100.0, 100.0))


def test_an_answer_that_was_lost_once_may_be_the_wires_doing_and_many_leave_it_open() -> None:
    once = record(301.0)
    assert (once.value, once.interval95) == (0.0, (0.0, 0.0))
    assert "1 single readings" in once.note
    often = record(*range(101, 301, 2))
    assert (often.value, often.interval95) == (0.0, (0.0, 100.0))
    assert record(301.0, 302.0, 303.0).value == 2.0


def test_a_report_that_says_itself_that_it_is_new_every_other_second_is_half_missing() -> None:
    assert record(taken_s=1.0).value == 0.0
    seldom = record(taken_s=2.0)
    assert seldom.interval95 == (seldom.value, seldom.value)  # no wire does that
    asked = int(seldom.method.split()[1])
    assert seldom.value == pytest.approx(0.5 * asked, abs=1.0)
    assert "new every 2 s only" in seldom.note


def test_a_sparse_record_cannot_tell() -> None:
    assert record(every_s=5.0).state == "not_applicable"


def test_exactly_at_the_limit_is_not_told_from_it() -> None:
    metric = interval(Frequency(interval_s=0.1, seed=5))
    assert metric.state == "not_applicable"
    assert metric.interval95 is not None
    assert (metric.interval95[0] or 1.0) <= 0.1 <= (metric.interval95[1] or 0.0)


def test_answers_at_random_fit_some_comb_and_that_is_known_for_chance() -> None:
    """A dozen answers over six minutes, each known to 19 ms: often they fit one of 0.17 s or more."""
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(10):
        answers_s = 30.0 * np.arange(12) + rng.uniform(0.0, 5.0, 12)
        comb = _comb([answers_s], 0.019, 0.17, 0.5)
        found += comb is not None
        assert comb is None or _by_chance([answers_s], 0.019, comb[0]) > 0.1
    assert found >= 3


def test_answers_on_a_comb_of_their_own_do_not_fit_it_by_chance() -> None:
    rng = np.random.default_rng(1)
    asked_s = 30.0 * np.arange(12) + rng.uniform(0.0, 5.0, 12)
    answers_s = 0.15 * np.ceil(asked_s / 0.15) + rng.normal(0.0, 0.004, 12)
    comb = _comb([answers_s], 0.004, 0.1, 0.5)
    assert comb is not None
    assert comb[0] == pytest.approx(0.15, abs=1e-3)
    assert _by_chance([answers_s], 0.004, comb[0]) < 1e-3
