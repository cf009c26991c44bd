"""The mode after a block, and an export that averages would hide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.characterise.following import Following
from bench.characterise.physics import signal
from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Metric
from bench.recording import Recording

CODES = {"auto": 0, "remote": 1, "standby": 2}


def recorded(after: str = "auto", **change: object) -> Recording:
    case = Following(
        baseline_s=300.0, response_s=120.0, duration_s=300.0, interval_s=60.0, foreign=True, **change
    )  # type: ignore[arg-type]  # fields by name
    made = case.recording()
    t_s = made.signals["meter.power_kw"].t_s
    end = 300.0 + 120.0 + 300.0 + 61.0
    code = np.where(t_s < 300.0, 0, np.where(t_s < end, 1, CODES[after])).astype(float)
    return replace(made, signals={**made.signals, "battery.mode": signal(t_s, code, "")}, mode_codes=CODES)


def named(recording: Recording, name: str, **names: float) -> Metric:
    everything = {**Following().names(), "response_s": 120.0, **names}
    found = measure(recording, [MeasureSpec(name="after_block")], everything)
    return next(metric for metric in found if metric.name == name)


@pytest.mark.parametrize(("after", "count"), [("auto", 0.0), ("standby", 1.0)])
def test_mode_after_the_end(after: str, count: float) -> None:
    metric = named(recorded(after), "mode_differs_count")
    assert (metric.state, metric.value) == ("measured", count)
    assert f"{after} after the command, auto before it" in metric.note


def test_the_declared_prior_mode_comes_first() -> None:
    declared = replace(recorded(), facts={**recorded().facts, "prior_mode": "standby"})
    assert named(declared, "mode_differs_count").value == 1.0


def test_a_mode_that_may_still_come_back_is_not_judged() -> None:
    metric = named(recorded("standby", end_s=830.0), "mode_differs_count")
    assert (metric.state, metric.value) == ("missing", None)


def test_no_mode_is_not_applicable() -> None:
    bare = recorded()
    signals = {name: item for name, item in bare.signals.items() if name != "battery.mode"}
    assert named(replace(bare, signals=signals), "mode_differs_count").state == "not_applicable"


def test_three_seconds_of_export_are_seen() -> None:
    burst = recorded(drops=[(500.0, 503.0, 3.3)])
    metric = named(burst, "export_peak_kw", export_limit_kw=3.1)
    assert metric.value == pytest.approx(3.3, abs=0.02)
    assert metric.interval95 is not None
    assert (metric.interval95[0] or 0.0) > 3.1
    assert "for 3.0 s" in metric.note


def test_noise_is_no_excess() -> None:
    metric = named(recorded(noise_kw=0.02), "export_peak_kw", export_limit_kw=3.02)
    assert metric.value is not None
    assert metric.interval95 is not None
    assert metric.value > 3.02
    assert (metric.interval95[0] or 0.0) < 3.02


def test_without_a_declared_limit_there_is_nothing_to_judge() -> None:
    assert named(recorded(), "export_peak_kw").state == "not_applicable"
