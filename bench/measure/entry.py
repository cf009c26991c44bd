"""When power enters a band and stays there, found on the fastest samples and robust against single ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from bench.measure.series import Series

__all__ = ["ROUNDING", "Run", "inside_runs", "smooth", "without_lone"]

FloatArray = NDArray[np.float64]
ROUNDING = 1e-7
"""Of a band: so far beyond its edge is inside, for differences and running sums are not exact."""
_MEDIAN = 5
_MEDIAN_UP_TO_S = 2.0
_GAP_INTERVALS = 3.0


@dataclass(frozen=True)
class Run:
    """A stretch inside the band; its entry lies between ``earliest_s`` and ``from_s`` (a gap, a sample)."""

    earliest_s: float
    from_s: float
    to_s: float

    @property
    def length_s(self) -> float:
        """How long it lasted."""
        return self.to_s - self.from_s


def smooth(power: Series, window_s: float) -> FloatArray:
    """Return the running mean over ``window_s`` (backward, as the judged points), then a median of five.

    The median keeps edges and drops a lone sample; sparse recordings are left as they are.
    """
    value = power.value
    count = round(window_s / power.interval_s)
    if count > 1 and len(value) >= count:
        total = np.cumsum(np.r_[0.0, value])
        head = total[1:count] / np.arange(1, count)
        value = np.r_[head, (total[count:] - total[:-count]) / count]
    if power.interval_s <= _MEDIAN_UP_TO_S and len(value) >= _MEDIAN:
        value = np.asarray(median_filter(value, size=_MEDIAN, mode="nearest"), dtype=np.float64)
    return value


def without_lone(power: Series, least_kw: float) -> Series:
    """Return the series without samples that stand alone: far from neighbours that agree among themselves.

    For what is fitted or averaged around a step; the data finding and the judged points see every sample.
    """
    value = power.value
    if power.interval_s > _MEDIAN_UP_TO_S or len(value) < 2 * _MEDIAN:
        return power
    around = np.asarray(median_filter(value, size=_MEDIAN, mode="nearest"))
    off = np.abs(value - around)
    far = off > max(least_kw, 8.0 * 1.4826 * float(np.median(off)))
    near = off < 0.5 * max(least_kw, 1e-9)
    lone = far & np.r_[True, near[:-1]] & np.r_[near[1:], True]
    return Series(power.t_s[~lone], value[~lone], power.stamps_s) if lone.any() else power


def inside_runs(t_s: FloatArray, deviation: FloatArray, band: float, interval_s: float) -> list[Run]:
    """Return the stretches with ``|deviation| <= band``, entry times interpolated between samples.

    A device exactly at the edge is inside, whatever rounding makes of it.
    Across a gap nothing is interpolated: the entry is the first sample seen inside.
    """
    if len(t_s) == 0:
        return []
    size = np.abs(deviation)
    inside = size <= band * (1.0 + ROUNDING)
    padded = np.r_[False, inside, False].astype(np.int8)
    starts = np.flatnonzero(np.diff(padded) == 1)
    ends = np.flatnonzero(np.diff(padded) == -1) - 1
    runs = []
    for start, end in zip(starts, ends, strict=True):
        entered = earliest = float(t_s[start])
        if start > 0:
            earliest = float(t_s[start - 1])
            step = entered - earliest
            if step <= _GAP_INTERVALS * interval_s:
                share = (size[start - 1] - band) / (size[start - 1] - size[start])
                entered = earliest + min(float(share), 1.0) * step
        runs.append(Run(earliest, entered, float(t_s[end])))
    return runs
