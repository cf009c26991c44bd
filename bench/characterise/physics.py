"""The parts of synthetic truth: channels, window means, lags and ramps on a fine grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bench.recording import Signal

__all__ = ["ACCURACY", "GRID_S", "lag", "ramp", "second_order", "signal", "slew", "window_means"]

FloatArray = NDArray[np.float64]
GRID_S = 0.002
ACCURACY = {
    "power_reading_pct": 0.1,
    "power_range_kw": 6.0,
    "power_range_pct": 0.05,
    "frequency_hz": 0.001,
    "time_s": 0.0,
}


def signal(t_s: FloatArray, value: FloatArray, unit: str, quality: str = "ok") -> Signal:
    """A channel; NaN is marked missing."""
    marks = np.where(np.isfinite(value), quality, "missing").astype(np.str_)
    return Signal(np.asarray(t_s, float), np.asarray(value, float), marks, unit)


def window_means(grid_s: FloatArray, value: FloatArray, ends_s: FloatArray, window_s: float) -> FloatArray:
    """Mean of ``value`` (given on ``grid_s``) over the windows that end at ``ends_s``."""
    total = np.concatenate([[0.0], np.cumsum((value[1:] + value[:-1]) / 2 * np.diff(grid_s))])
    means = (np.interp(ends_s, grid_s, total) - np.interp(ends_s - window_s, grid_s, total)) / window_s
    return np.asarray(means)


def lag(value: FloatArray, tau_s: float, step_s: float = GRID_S) -> FloatArray:
    """First-order lag, exact where ``value`` is the input's mean over the cell that ends at each point."""
    if tau_s <= 0:
        return value
    a = np.exp(-step_s / tau_s)
    return np.asarray(lfilter([1 - a], [1, -a], value, zi=[a * value[0]])[0])


def second_order(value: FloatArray, omega: float, zeta: float, step_s: float = GRID_S) -> FloatArray:
    """Second-order system by Tustin's rule, for an input given as :func:`lag` takes it."""
    value = np.r_[value[1:], value[-1]] * 0.5 + value * 0.5
    c = 2.0 / step_s
    w2 = omega * omega
    d0, d1, d2 = c * c + 2 * zeta * omega * c + w2, 2 * w2 - 2 * c * c, c * c - 2 * zeta * omega * c + w2
    start = value[0]
    out = lfilter([w2 / d0, 2 * w2 / d0, w2 / d0], [1.0, d1 / d0, d2 / d0], value - start)
    return np.asarray(out + start)


def ramp(grid_s: FloatArray, edges: Sequence[tuple[float, float, float]]) -> FloatArray:
    """Sum of linear ramps (start_s, length_s, height)."""
    out = np.zeros_like(grid_s)
    for start, length, height in edges:
        out += height * np.clip((grid_s - start) / max(length, 1e-9), 0.0, 1.0)
    return out


def slew(target: FloatArray, most: float) -> FloatArray:
    """Follow ``target`` by at most ``most`` a sample."""
    out = np.empty_like(target)
    now = target[0]
    edges = np.flatnonzero(np.diff(target)) + 1
    starts, stops = np.r_[0, edges], np.r_[edges, len(target)]
    for start, stop in zip(starts, stops, strict=True):
        goal = target[start]
        count = np.arange(1, stop - start + 1)
        out[start:stop] = now + np.sign(goal - now) * np.minimum(count * most, abs(goal - now))
        now = out[stop - 1]
    return out
