"""Overshoot, settling, time to 90 % and steady value of steps whose truth is known."""

from __future__ import annotations

import math

import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Metric
from tests.bench.measure.synthetic import Frequency


def shape(name: str, case: Frequency) -> list[Metric]:
    found = measure(case.recording(), [MeasureSpec(name="step_response")], case.names())
    return [metric for metric in found if metric.name == name]


def values(metrics: list[Metric]) -> list[float]:
    assert len(metrics) == 10
    return [float(metric.value) for metric in metrics if metric.value is not None]


@pytest.mark.parametrize("zeta", [0.4, 0.6])
def test_overshoot_of_an_oscillating_device(zeta: float) -> None:
    truth = math.exp(-math.pi * zeta / math.sqrt(1.0 - zeta**2))
    found = shape("overshoot_ratio", Frequency(plant="second", omega=6.0, zeta=zeta, holds=False))
    errors = [value - truth for value in values(found)]
    assert sum(errors) / 10 == pytest.approx(0.0, abs=0.01)
    assert max(abs(error) for error in errors) < 2.0 * max(metric.uncertainty or 0.0 for metric in found)


@pytest.mark.parametrize("noise_ratio", [0.005, 0.02])
def test_noise_is_no_overshoot(noise_ratio: float) -> None:
    found = shape("overshoot_ratio", Frequency(noise_ratio=noise_ratio, holds=False))
    # the largest of two hundred readings lies three deviations above the steady value
    assert sum(values(found)) / 10 < noise_ratio
    assert (
        sum(value <= (metric.uncertainty or 0.0) for value, metric in zip(values(found), found, strict=True))
        >= 9
    )


def test_times_and_level_of_a_lag() -> None:
    case = Frequency(tau_s=0.5, holds=False)
    for name, truth in (("t90_s", 0.5 + 0.5 * math.log(10)), ("settling_s", 0.5 + 0.5 * math.log(10))):
        for metric in shape(name, case):
            assert metric.value == pytest.approx(truth, abs=metric.uncertainty)
    for metric in shape("steady_kw", case):
        assert metric.value == pytest.approx(case.full_kw, abs=2.0 * (metric.uncertainty or 0.0))


def test_coarse_readings_show_no_peak() -> None:
    found = shape("overshoot_ratio", Frequency(window_s=0.5, plant="second", zeta=0.4, holds=False))
    assert {metric.state for metric in found} == {"not_applicable"}
