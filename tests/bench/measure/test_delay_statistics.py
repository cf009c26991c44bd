"""Bias, spread and coverage of the delay over many synthetic runs."""

from __future__ import annotations

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from tests.bench.measure.synthetic import Frequency

TRIALS = 16


def trials(plant: str, window_s: float) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    error, doubt = [], []
    for seed in range(TRIALS):
        case = Frequency(
            plant=plant,
            window_s=window_s,
            seed=100 + seed,
            holds=False,
            delay_s=0.2 + 0.06 * seed,
            tau_s=0.15,
        )
        found = measure(case.recording(), [MeasureSpec(name="step_response")], case.names())
        delays = [m for m in found if m.name == "delay_s"]
        error.append(
            [(m.value or np.nan) - true for m, true in zip(delays, case.truth["delay_s"], strict=True)]
        )
        doubt.append([m.uncertainty or np.nan for m in delays])
    return np.array(error), np.array(doubt)


@pytest.mark.parametrize(
    ("plant", "window_s", "bias_s", "sd_s"),
    [
        ("lag", 0.05, 0.003, 0.003),
        ("lag", 0.1, 0.005, 0.005),
        ("ramp", 0.1, 0.020, 0.010),
        ("lag", 0.2, 0.01, 0.01),
    ],
)
def test_delay_is_unbiased_and_its_uncertainty_holds(
    plant: str, window_s: float, bias_s: float, sd_s: float
) -> None:
    error, doubt = trials(plant, window_s)
    assert np.isfinite(error).all()
    assert abs(float(error.mean())) <= bias_s
    assert float(error.std()) <= sd_s
    covered = float(np.mean(np.abs(error) <= doubt))
    # 160 delays, those of one run not independent: two standard errors of a 95 % coverage are about 5 %
    assert covered >= 0.90
    assert float(np.median(doubt)) <= 6.0 * max(float(error.std()), 0.0005)
