"""The guard band keeps its promise: a device exactly at the limit passes at most 2.5 times in a hundred."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judge.decide import read
from bench.model import Limit, Metric

TRIALS = 20_000
LIMIT = 2.0


def accepted(shift: float, sigma: float, *, decision: str, seed: int, lower: bool = False) -> float:
    """Return the share of PASS for a true value ``shift`` standard uncertainties beyond the limit."""
    sign = -1.0 if lower else 1.0
    limit = Limit(at_least=LIMIT) if lower else Limit(at_most=LIMIT)
    values = np.random.default_rng(seed).normal(LIMIT + sign * shift * sigma, sigma, TRIALS)
    passed = 0
    for value in values:
        metric = Metric(name="delay_s", value=float(value), unit="s", uncertainty=2 * sigma)
        passed += read(metric, limit, "guarded" if decision == "guarded" else "simple").outcome == "PASS"
    return passed / TRIALS


@pytest.mark.parametrize("lower", [False, True])
def test_false_accept_at_the_limit(lower: bool) -> None:
    assert accepted(0.0, 0.1, decision="guarded", seed=1, lower=lower) <= 0.025
    assert accepted(0.0, 0.1, decision="simple", seed=2, lower=lower) == pytest.approx(0.5, abs=0.01)


def test_false_reject_at_the_limit_and_power_inside() -> None:
    """As metrology 3.6 has it: 2 u inside passes half of the time, 4 u inside nearly always."""
    assert accepted(-2.0, 0.1, decision="guarded", seed=3) == pytest.approx(0.5, abs=0.01)
    assert accepted(-4.0, 0.1, decision="guarded", seed=4) >= 0.975
    assert accepted(2.0, 0.1, decision="guarded", seed=5) <= 0.0001
