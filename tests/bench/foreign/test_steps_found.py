"""Steps in recordings that do not say what was commanded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.foreign.steps import frequency_steps, power_commands, source_commands
from bench.recording import Signal

GRID = Path(__file__).resolve().parents[4] / "shared" / "data" / "grid_frequency_50hz_wuhan_025.csv"


def signal(value: NDArray[np.float64], interval_s: float = 0.1) -> Signal:
    t_s = np.linspace(0.0, (len(value) - 1) * interval_s, len(value))
    return Signal(t_s, value, np.full(len(value), "ok"), "Hz")


def staircase(levels: list[float], dwell_s: float, noise: float, seed: int = 1) -> NDArray[np.float64]:
    value = np.repeat(levels, round(dwell_s / 0.1)).astype(float)
    return value + np.random.default_rng(seed).normal(0.0, noise, len(value)) if noise else value


@pytest.mark.parametrize("noise", [0.0, 0.0002, 0.001, 0.003])
def test_steps_of_primary_in_the_measured_frequency(noise: float) -> None:
    levels = [50.0, 49.8, 50.0, 50.2, 50.0, 49.8, 50.0]
    found = frequency_steps(signal(staircase(levels, 20.0, noise) + 0.002), 50.0)
    assert [c.t_s for c in found] == pytest.approx([20.0 * n for n in range(7)], abs=0.11)
    assert [float(c.value) for c in found] == pytest.approx([level + 0.002 for level in levels], abs=0.002)
    assert [c.direction for c in found] == [None, "up", None, "down", None, "up", None]
    assert [c.step for c in found] == [None, 1, None, 2, None, 3, None]
    assert {c.role for c in found} == {"source"}


def test_small_steps_are_found_in_noise_and_noise_alone_has_none() -> None:
    levels = [50.0 + 0.002 * n for n in (0, 1, 2, 3, 2, 1, 0, -1, -2)]
    found = frequency_steps(signal(staircase(levels, 20.0, 0.0005)), 50.0)
    assert [float(c.value) for c in found] == pytest.approx(levels, abs=0.0005)
    assert len(frequency_steps(signal(staircase([50.0] * 90, 20.0, 0.001)), 50.0)) == 0


def test_a_slow_source_makes_one_step() -> None:
    value = staircase([50.0, 49.8, 50.0], 30.0, 0.0)
    for start, low, high in ((300, 50.0, 49.8), (600, 49.8, 50.0)):
        value[start : start + 5] = np.linspace(low, high, 7)[1:-1]
    for noise in (0.0, 0.001):
        noisy = value + np.random.default_rng(3).normal(0, noise, len(value))
        found = frequency_steps(signal(noisy), 50.0)
        assert [float(c.value) for c in found] == pytest.approx([50.0, 49.8, 50.0], abs=0.002)
        assert [c.t_s for c in found] == pytest.approx([0.0, 30.0, 60.0], abs=0.5)


@pytest.mark.parametrize(
    "meter", ["sliding mean of a second", "new value once a second", "10 mHz resolution"]
)
def test_steps_as_slow_or_coarse_meters_show_them(meter: str) -> None:
    value = staircase([50.0, 49.8, 50.0, 50.2, 50.0], 20.0, 0.001)
    if meter.startswith("sliding"):
        value = np.convolve(np.r_[np.full(9, 50.0), value], np.full(10, 0.1), "valid")
    elif meter.startswith("new"):
        value = np.repeat(value[9::10], 10)
    else:
        value = np.round(value, 2)
    found = frequency_steps(signal(value), 50.0)
    assert [c.t_s for c in found] == pytest.approx([0.0, 20.0, 40.0, 60.0, 80.0], abs=1.0)
    assert [c.direction for c in found] == [None, "up", None, "down", None]


def test_steps_that_follow_closely_are_told_apart() -> None:
    found = frequency_steps(signal(staircase([50.0, 49.8, 50.0, 50.2, 50.0], 2.5, 0.001)), 50.0)
    assert [c.t_s for c in found] == pytest.approx([0.0, 2.5, 5.0, 7.5, 10.0], abs=0.11)


def test_a_recorded_grid_has_no_steps() -> None:
    rng = np.random.default_rng(5)
    for noise in (0.0, 0.0005, 0.002):
        wander = np.cumsum(rng.normal(0, 0.0008, 9000)) + rng.normal(0, noise, 9000)
        assert frequency_steps(signal(50.0 + wander - wander.mean()), 50.0) == []
    if not GRID.exists():
        pytest.skip("the real recordings are not on this machine")
    t_s, value = np.loadtxt(GRID, delimiter=",", skiprows=1, unpack=True)
    for noise in (0.0, 0.001, 0.005):
        noisy = value + rng.normal(0, noise, len(value))
        assert frequency_steps(Signal(t_s, noisy, np.full(len(t_s), "ok"), "Hz"), 50.0) == []


def test_changes_of_a_set_point() -> None:
    value = np.array([0.0, 0.0, 3.0, 3.0, 3.0 + 1e-12, -1.5, np.nan, -1.5, 0.0])
    found = power_commands(signal(value, 1.0))
    assert [(c.t_s, c.value, c.direction) for c in found] == [
        (0.0, 0.0, None),
        (2.0, 3.0, "up"),
        (5.0, -1.5, "down"),
        (8.0, 0.0, None),
    ]
    found = source_commands(signal(np.array([60.0, 59.8, 60.2, 60.0])), 60.0)
    assert [c.direction for c in found] == [None, "up", "down", None]
    assert power_commands(signal(np.array([np.nan, np.nan]))) == []
