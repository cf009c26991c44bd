"""A recorded grid frequency played: what was measured against what was asked."""

from __future__ import annotations

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Metric
from bench.recording import Command, Recording
from tests.bench.measure.synthetic import GRID_S, signal, window_means

SPECS = [MeasureSpec(name="replay"), MeasureSpec(name="data")]
NAMES = {
    "nominal_hz": 50.0,
    "abnormal_hz": 0.2,
    "response_s": 10.0,
    "duration_s": 300.0,
    "rated_kw": 5.5,
    "delta_kw": 0.5,
}


def played(
    *,
    window_s: float = 0.1,
    lag_s: float = 0.07,
    slew_hz_per_s: float = 5.0,
    offset_hz: float = 0.0,
    gain: float = 1.0,
    stuck: tuple[float, float] | None = None,
    lost: tuple[float, float] | None = None,
    noise_hz: float = 0.001,
) -> Recording:
    rng = np.random.default_rng(7)
    wander = np.cumsum(rng.normal(0.0, 0.006, 300))
    asked = np.round(50.0 + wander - wander.mean(), 2)
    at = 10.0 + np.arange(300.0)
    grid = np.arange(-1.0, 330.0, GRID_S)
    course = np.full_like(grid, 50.0)
    before = 50.0
    for start, value in zip(at, asked, strict=True):
        if stuck and stuck[0] <= start < stuck[1]:
            continue
        rise = max(abs(value - before) / slew_hz_per_s, GRID_S)
        course += (value - before) * np.clip((grid - start - lag_s) / rise, 0.0, 1.0)
        before = value
    course = 50.0 + gain * (course - 50.0) + offset_hz
    t_s = np.arange(0.1, 325.0, 0.1)
    hz = window_means(grid, course, t_s, window_s) + rng.normal(0.0, noise_hz, len(t_s))
    if lost:
        hz[(t_s >= lost[0]) & (t_s <= lost[1])] = np.nan
    commands = [Command(0.0, "frequency_hz", 50.0, "source")]
    commands += [
        Command(float(a), "frequency_hz", float(v), "source") for a, v in zip(at, asked, strict=True)
    ]
    return Recording(
        signals={"meter.frequency_hz": signal(t_s, hz, "Hz"), "meter.power_kw": signal(t_s, 0.0 * t_s, "kW")},
        commands=tuple(commands),
        phases=(("settle", 0.0, 10.0, None, None), ("replay", 10.0, 310.0, None, None)),
        facts={"window_s": window_s, "point": "device"},
        accuracy={"frequency_hz": 0.001},
    )


def error(recording: Recording) -> Metric:
    return next(m for m in measure(recording, SPECS, NAMES) if m.name == "replay_error_hz")


@pytest.mark.parametrize(("window_s", "lag_s"), [(0.1, 0.07), (0.1, 0.0), (0.5, 0.2), (0.05, 0.4)])
def test_a_true_replay_whatever_the_lag(window_s: float, lag_s: float) -> None:
    metric = error(played(window_s=window_s, lag_s=lag_s))
    assert (metric.value or 0.0) + (metric.uncertainty or 0.0) < 0.01
    rms = next(m for m in measure(played(lag_s=lag_s), SPECS, NAMES) if m.name == "replay_rms_hz")
    assert (rms.value or 1.0) < 0.003


@pytest.mark.parametrize(
    "wrong",
    [{"offset_hz": 0.03}, {"gain": 0.5}, {"gain": -1.0}, {"stuck": (100.0, 160.0)}, {"slew_hz_per_s": 0.01}],
)
def test_a_false_replay(wrong: dict[str, object]) -> None:
    metric = error(played(**wrong))  # type: ignore[arg-type]
    assert (metric.value or 0.0) - (metric.uncertainty or 0.0) > 0.01


def test_lost_seconds_are_counted() -> None:
    found = measure(played(lost=(100.0, 110.0)), SPECS, NAMES)
    missing = next(m for m in found if m.name == "missing_judged_count").value
    assert missing is not None
    assert 9.0 <= missing <= 12.0
    whole = measure(played(), SPECS, NAMES)
    assert next(m for m in whole if m.name == "missing_judged_count").value == 0.0


def test_nothing_asked_is_not_applicable() -> None:
    recording = played()
    silent = Recording(recording.signals, (), recording.phases, recording.facts, recording.accuracy)
    assert error(silent).state == "not_applicable"
