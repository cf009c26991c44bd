"""A channel made ready for estimators: sorted, repeats and frozen stretches taken out, nothing filled in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.recording import Signal

__all__ = ["Series", "frozen_mask"]

FloatArray = NDArray[np.float64]
_FROZEN_SAMPLES = 10
_FROZEN_S = 5.0
_OFTEN_EQUAL = 0.3
_FEW_TURNS = 0.2
_CLOSEST_S = 1e-6
_UNEVEN, _GAP = 1.1, 2.5
_STAMP_TOLERANCE_S = 1e-3
_LOST = 1.5  # sampling intervals between two stamps: more than that is a sample that was lost, not late


def frozen_mask(t_s: FloatArray, value: FloatArray) -> NDArray[np.bool_]:
    """Return which samples belong to a frozen stretch: the same value again and again on a live channel.

    Zero is left out (analyzers show 0 below their creep threshold), and so is a channel whose
    neighbours are often equal (coarse resolution, or a recording without noise). The first sample of a
    stretch may be real.
    """
    frozen = np.zeros(len(value), dtype=bool)
    if len(value) <= _FROZEN_SAMPLES:
        return frozen
    equal = np.diff(value) == 0.0
    starts = np.flatnonzero(np.r_[True, ~equal])
    ends = np.r_[starts[1:], len(value)]
    length = ends - starts
    long = (length > _FROZEN_SAMPLES) & (t_s[ends - 1] - t_s[starts] >= _FROZEN_S) & (value[starts] != 0.0)
    if not long.any():
        return frozen
    idle = (length > _FROZEN_SAMPLES) & (value[starts] == 0.0)
    apart = long | idle
    rest = int((length[~apart]).sum())
    if rest == 0 or float((length[~apart] - 1).sum()) / rest > _OFTEN_EQUAL:
        return frozen
    if not _noisy(value, ~np.repeat(apart, length)):
        return frozen
    for start, end in zip(starts[long], ends[long], strict=True):
        frozen[start + 1 : end] = True
    return frozen


def _noisy(value: FloatArray, live: NDArray[np.bool_]) -> bool:
    """Say whether live neighbours go up and down as noise does, and not one way as in transitions."""
    steps = np.diff(value)
    together = live[:-2] & live[1:-1] & live[2:]
    turns = together & (steps[1:] * steps[:-1] < 0.0)
    return int(together.sum()) >= _FROZEN_SAMPLES and int(turns.sum()) > _FEW_TURNS * int(together.sum())


@dataclass(frozen=True)
class Series:
    """Good samples ``t_s``, ``value`` of shape (n,), and every stamp there was, good or bad."""

    t_s: FloatArray
    value: FloatArray
    stamps_s: FloatArray
    frozen_count: int = 0

    @classmethod
    def of(cls, signal: Signal | None, *, as_told: bool = False) -> Series:
        """Return the series of ``signal``; empty where there is no such channel.

        ``as_told``: a register that shows the same again is no frozen channel, however it moves elsewhere.
        """
        if signal is None or len(signal.t_s) == 0:
            nothing = np.zeros(0)
            return cls(nothing, nothing, nothing)
        t_s, value = signal.good()
        frozen = np.zeros(len(value), dtype=bool) if as_told else frozen_mask(t_s, value)
        return cls(t_s[~frozen], value[~frozen], np.sort(signal.t_s), int(frozen.sum()))

    def __len__(self) -> int:
        return len(self.t_s)

    @cached_property
    def interval_s(self) -> float:
        """The usual distance of two samples; never zero, whatever the stamps of a damaged file say."""
        return max(_CLOSEST_S, float(np.median(np.diff(self.t_s)))) if len(self.t_s) > 1 else 1.0

    @cached_property
    def jitter_s(self) -> float:
        """By how much that distance usually differs."""
        if len(self.t_s) < 2:
            return _STAMP_TOLERANCE_S
        spread = float(np.percentile(np.abs(np.diff(self.t_s) - self.interval_s), 90.0))
        return float(np.clip(spread, _STAMP_TOLERANCE_S, 0.25 * self.interval_s + _STAMP_TOLERANCE_S))

    @cached_property
    def longest_s(self) -> float:
        """The longest distance that still is one of uneven sampling, and no gap."""
        if len(self.t_s) < 2:
            return self.interval_s
        late_s = float(np.percentile(np.diff(self.t_s), 95.0))
        return min(late_s * _UNEVEN, _GAP * self.interval_s)

    @property
    def end_s(self) -> float:
        """The last stamp; minus infinity where there is none."""
        return float(self.stamps_s[-1]) if len(self.stamps_s) else -np.inf

    def between(self, from_s: float, to_s: float) -> Series:
        """Return the samples with ``from_s < t_s <= to_s``."""
        low, high = np.searchsorted(self.t_s, [from_s, to_s], side="right")
        first, last = np.searchsorted(self.stamps_s, [from_s, to_s], side="right")
        return Series(self.t_s[low:high], self.value[low:high], self.stamps_s[first:last])

    def last_window(self, end_s: float, window_s: float) -> FloatArray:
        """Return the values of the last ``window_s`` before ``end_s``; empty where data is missing.

        A recording sparser than the window gives its last value; half a window of bad samples is no value.
        Where a window holds about one sample, and this one came early and the next late, the early one is it.
        """
        tolerance = self.jitter_s
        reach = window_s if self.interval_s <= window_s + tolerance else self.interval_s + tolerance
        low, high = np.searchsorted(self.t_s, [end_s - reach + tolerance, end_s + tolerance], side="right")
        values = self.value[low:high]
        expected = max(1.0, np.floor(reach / self.interval_s))
        if len(values) == 0 and expected == 1.0:
            return self._latest(end_s + tolerance)
        return values if len(values) >= 0.5 * expected else values[:0]

    def _latest(self, at_s: float) -> FloatArray:
        """Return the value of the last stamp up to ``at_s``, if it is good and the next one was only late."""
        stamps = int(np.searchsorted(self.stamps_s, at_s, side="right"))
        good = int(np.searchsorted(self.t_s, at_s, side="right"))
        if not good or stamps == len(self.stamps_s) or self.t_s[good - 1] != self.stamps_s[stamps - 1]:
            return self.value[:0]
        lost = self.stamps_s[stamps] - self.stamps_s[stamps - 1] > max(
            _LOST * self.interval_s, self.longest_s
        )
        return self.value[:0] if lost else self.value[good - 1 : good]
