"""The wandering signal: bounded, of mean zero, slow enough, and always the same."""

from __future__ import annotations

import numpy as np
import pytest

from bench.plan.walk import walk


@pytest.mark.parametrize("every_s", [1.0, 2.0, 2.5, 3.0, 5.0])
def test_it_reaches_both_bounds_and_no_further(every_s: float) -> None:
    t_s, value = walk(2100.0, every_s, 300.0)
    assert value.max() <= 1.0
    assert value.min() >= -1.0
    assert np.ptp(value) > 1.9
    assert abs(value.mean()) < 0.01
    assert np.allclose(np.diff(t_s), every_s)


@pytest.mark.parametrize("seed", range(1, 60))
def test_it_never_moves_faster_than_the_sweep(seed: int) -> None:
    t_s, value = walk(2100.0, 1.0, 300.0, seed)
    assert np.abs(np.diff(value)).max() <= 1.0 / 300.0 + 1e-9
    assert abs(value.mean()) < 1e-9
    assert np.all(value[t_s <= 300.0] == 0.0)


def test_it_is_always_the_same_and_another_seed_is_another() -> None:
    first, again, other = (walk(2100.0, 1.0, 300.0, seed)[1] for seed in (96, 96, 3))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
