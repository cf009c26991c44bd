"""How often a report is new, on records whose truth is known: coarse, late and uneven ones are as asked."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.measure.step.rhythm import Rhythm, rhythm

Array = NDArray[np.float64]
LONG_S = 340.0
STEPS_S = 30.0 + np.cumsum([0.0, *(20.0 + 0.05 * k + (k // 4 % 4) * (k % 2) for k in range(19))])
ALL_S = np.r_[STEPS_S, STEPS_S[-1] + np.cumsum([20.0, LONG_S, 20.0, LONG_S])]


def power(t_s: Array, delay_s: float, tau_s: float, steps_s: Array) -> Array:
    """Return what the battery gives: half a kilowatt at every other step, and zero between."""
    value = np.zeros_like(t_s)
    for k, step_s in enumerate(steps_s):
        from_kw, to_kw = (0.0, 0.5) if k % 2 == 0 else (0.5, 0.0)
        since_s = t_s - step_s - delay_s
        course = to_kw + (from_kw - to_kw) * np.exp(-np.maximum(since_s, 0.0) / tau_s)
        value = np.where(since_s > 0.0, course, value)
    return value


def told(
    every_s: float, *, late_s: float = 0.0, tau_s: float = 0.3, delay_s: float = 0.5, noise_kw: float = 0.0,
    step_kw: float = 0.001, uneven_s: float = 0.0, steps_s: Array = ALL_S, seed: int = 1,
) -> Rhythm | None:  # fmt: skip
    """Read once a second a report that is new ``every_s`` (0: whenever it is read)."""
    rng = np.random.default_rng(seed)
    read_s = np.arange(0.0, steps_s[-1] + 25.0)
    read_s = read_s + rng.normal(0.0, uneven_s, len(read_s))
    taken_s = np.floor((read_s - 0.31) / every_s) * every_s + 0.31 if every_s else read_s
    known, index = np.unique(np.round(taken_s, 6), return_inverse=True)
    value = power(known - late_s, delay_s, tau_s, steps_s) + rng.normal(0.0, noise_kw, len(known))
    value = (step_kw * np.round(value / step_kw))[index]
    return rhythm(read_s, np.r_[False, np.diff(value) != 0.0], steps_s, 1.0)


@pytest.mark.parametrize("every_s", [0.0, 0.2, 0.999, 1.0, 1.02])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"step_kw": 0.1},
        {"step_kw": 0.5},
        {"noise_kw": 0.002},
        {"noise_kw": 0.002, "uneven_s": 0.05},
        {"noise_kw": 0.0004},  # it flickers between two values, seldom
        {"late_s": 3.7},
        {"delay_s": 9.0, "tau_s": 0.05},
        {"tau_s": 3.0},
        {"steps_s": 20.0 * np.arange(1.0, 25.0)},  # all at one phase: they tell nothing
    ],
    ids=[
        "sound",
        "coarse",
        "two_values",
        "noise",
        "uneven",
        "flicker",
        "late",
        "dead_time",
        "lag",
        "one_phase",
    ],
)
def test_a_report_that_is_new_as_asked_has_no_ticks(every_s: float, more: dict[str, float]) -> None:
    assert told(every_s, **more) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("every_s", [2.0, 3.0, 4.0, 5.0])
@pytest.mark.parametrize(
    "more",
    [{}, {"noise_kw": 0.002}, {"noise_kw": 0.002, "uneven_s": 0.05}, {"late_s": 0.8}],
    ids=["sound", "noise", "uneven", "late"],
)
def test_a_report_that_is_new_every_few_seconds_is_found(every_s: float, more: dict[str, float]) -> None:
    found = told(every_s, **more)  # type: ignore[arg-type]
    assert found is not None
    assert found.every_s == pytest.approx(every_s, rel=0.01)
    assert 1.0 / found.new.mean() == pytest.approx(every_s, rel=0.02)


@pytest.mark.parametrize(("every_s", "is_found"), [(3.0, True), (4.0, True), (2.0, False)])
def test_power_without_a_way_shows_ticks_by_the_phases_of_the_steps(every_s: float, is_found: bool) -> None:
    """A report of two seconds looks like one of a second on a clock of its own, unless it tells the way."""
    assert (told(every_s, tau_s=0.02, delay_s=0.1, step_kw=0.1) is not None) is is_found


def test_a_long_record_and_times_without_any_order_are_soon_looked_at() -> None:
    read_s = np.arange(86_400.0)
    changed = np.random.default_rng(1).random(len(read_s)) < 0.5
    assert rhythm(read_s, changed, np.arange(30.0, 86_400.0, 20.0), 1.0) is None
    slow = np.floor(read_s / 3.0) != np.floor((read_s - 1.0) / 3.0)
    found = rhythm(read_s, slow, np.arange(30.0, 86_400.0, 20.0), 1.0)
    assert found is not None
    assert len(found.new) == len(read_s)
    wild_s = np.r_[1e-9 * np.arange(30.0), 1e6 * np.arange(1.0, 20.0)]
    assert rhythm(wild_s, np.ones(len(wild_s), dtype=bool), np.array([1.0]), 1.0) is None
    assert rhythm(np.zeros(9), np.ones(9, dtype=bool), np.array([1.0]), 1.0) is None


def test_steps_at_one_phase_prove_nothing_of_a_report_without_noise() -> None:
    once = 60.0 * np.arange(1.0, 25.0)
    assert told(4.0, tau_s=0.02, delay_s=0.1, steps_s=once) is None
    assert told(4.0, tau_s=0.02, delay_s=0.1, steps_s=once, noise_kw=0.002) is not None
