"""Two witnesses of one power, compared only while it stands still: neither clocks nor windows matter then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter, minimum_filter1d, uniform_filter1d

from bench.measure.series import Series

__all__ = ["Pairs", "steady_pairs", "worst_of_five"]

FloatArray = NDArray[np.float64]
_AROUND_S = 4.0
_STEADY = 0.01
_NOISE = 8.0
_FEWEST = 5
_MEDIAN_OF_A_DIFFERENCE = 0.6745 * 2.0**0.5


@dataclass(frozen=True)
class Pairs:
    """Times, and what the analyzer and the other said then, each of shape (n,)."""

    t_s: FloatArray
    meter: FloatArray
    other: FloatArray


def steady_pairs(meter: Series, other: Series, rated_kw: float) -> Pairs | None:
    """Return the readings of ``other`` while the analyzer's power stood still, with the analyzer's mean.

    Still means: within a hundredth of the rating (or the noise) for four seconds either side, since a device
    may report what it measured seconds ago.
    """
    if len(meter) < _FEWEST or len(other) < _FEWEST:
        return None
    width = max(3, 2 * round(_AROUND_S / meter.interval_s) + 1)
    value = meter.value
    spread = maximum_filter1d(value, width) - minimum_filter1d(value, width)
    mean = uniform_filter1d(value, max(1, width // 4))
    # the median: one step of power in that stretch must not pass for noise; readings that lie farther apart
    # show what power did between them, not noise
    quiet = float(np.median(np.abs(np.diff(value[: 5 * width])))) / _MEDIAN_OF_A_DIFFERENCE
    quiet = quiet if meter.interval_s <= _AROUND_S else 0.0
    near = np.clip(np.searchsorted(meter.t_s, other.t_s), 0, len(value) - 1)
    close = np.abs(meter.t_s[near] - other.t_s) <= 1.5 * meter.interval_s
    still = spread[near] <= _STEADY * rated_kw + _NOISE * quiet
    # before the first and after the last reading nobody knows whether power stood still
    known = (other.t_s >= meter.t_s[0] + _AROUND_S) & (other.t_s <= meter.t_s[-1] - _AROUND_S)
    keep = close & still & known
    if int(keep.sum()) < _FEWEST:
        return None
    return Pairs(other.t_s[keep], mean[near[keep]], other.value[keep])


def worst_of_five(value: FloatArray) -> FloatArray:
    """Return the running median of five: a single odd reading is not a disagreement."""
    return np.asarray(median_filter(value, size=_FEWEST, mode="nearest"))
