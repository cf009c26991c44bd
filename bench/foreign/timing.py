"""What the times of a recording tell: rhythm, disorder, gaps, and the window of a meter nobody declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.recording import Gap, Signal

__all__ = ["estimated_window_s", "find_gaps", "interval_s", "time_events"]

_MANY_CHANGES = 20
"""Fewer changes of value than this say nothing about a rhythm."""
_SMALL_QUANTILE = 0.1
"""The smallest distance between changes, but for a burst of late rows."""
_GAP = 2.5
"""A distance of this many usual ones means that at least one row is not there."""


def interval_s(t_s: NDArray[np.float64]) -> float | None:
    """Return the usual distance of rows; None when there are fewer than two times."""
    steps = np.diff(np.unique(t_s))
    return float(np.median(steps)) if len(steps) else None


def estimated_window_s(power: Signal) -> float | None:
    """Return the smallest interval between changes of value: the meter had nothing new in between.

    Where the value hardly ever changes, the distance of the samples.
    """
    t_s, value = power.good()
    if len(t_s) < 2:
        return None
    changes = t_s[1:][np.diff(value) != 0]
    usual = float(np.median(np.diff(t_s)))
    if len(changes) < _MANY_CHANGES:
        return usual
    return float(np.quantile(np.diff(changes), _SMALL_QUANTILE, method="lower"))


def time_events(t_s: NDArray[np.float64], rows: Mapping[str, Signal]) -> list[dict[str, Any]]:
    """Return what is wrong with the order of rows: out of order, or twice the same time.

    Nothing is repaired: rows stay as they came, and the estimators take the first of equal times.
    """
    events: list[dict[str, Any]] = []
    back = np.flatnonzero(np.diff(t_s) < 0)
    if len(back):
        events.append(_event("out_of_order", t_s[back + 1], "rows go back in time"))
    order = np.argsort(t_s, kind="stable")
    twice = np.flatnonzero(np.diff(t_s[order]) == 0)
    if len(twice):
        first, second = order[twice], order[twice + 1]
        events.append(_event("duplicate", t_s[second], "rows repeat a time"))
        differ = np.zeros(len(twice), dtype=bool)
        for signal in rows.values():
            one, other = signal.value[first], signal.value[second]
            differ |= ~((one == other) | (np.isnan(one) & np.isnan(other)))
        if differ.any():
            at = t_s[second[differ]]
            events.append(_event("duplicate_conflict", at, "rows repeat a time with other values"))
    return events


def _event(kind: str, t_s: NDArray[np.float64], text: str) -> dict[str, Any]:
    return {"kind": kind, "t_s": float(t_s[0]), "count": len(t_s), "text": f"{len(t_s)} {text}"}


def find_gaps(t_s: NDArray[np.float64], signals: Mapping[str, Signal]) -> tuple[Gap, ...]:
    """Return stretches without rows (channel None), and stretches in which one channel has no data."""
    whole = [Gap(low, high, None, "no rows") for low, high in _stretches(np.unique(t_s), None)]
    found = list(whole)
    ends = (float(t_s.min()), float(t_s.max()))
    for channel, signal in signals.items():
        good, _ = signal.good()
        lost = signal.t_s[~np.isfinite(signal.value)]
        if not len(lost):
            continue
        for low, high in _stretches(good, ends):
            inside = int(np.count_nonzero((lost >= low) & (lost <= high)))
            if inside:
                found.append(Gap(low, high, channel, f"no data in {inside} rows"))
    return tuple(sorted(found, key=lambda gap: (gap.from_s, gap.to_s, gap.channel or "")))


def _stretches(t_s: NDArray[np.float64], ends: tuple[float, float] | None) -> list[tuple[float, float]]:
    """Return where ``t_s`` (sorted) jumps unusually far; with ``ends`` also before and after it."""
    if len(t_s) == 0:
        return [] if ends is None else [ends]
    steps = np.diff(t_s)
    found: list[tuple[float, float]] = []
    limit = 0.0
    if len(steps):
        usual, late = (float(np.quantile(steps, q)) for q in (0.5, 0.95))
        # Sampling that is uneven on purpose has no usual distance: its long ones are then the measure.
        limit = _GAP * (usual if late <= _GAP * usual else late)
        jumps = np.flatnonzero(steps > limit)
        found = list(zip(t_s[jumps].tolist(), t_s[jumps + 1].tolist(), strict=True))
    if ends is not None:
        found += [(ends[0], float(t_s[0]))] if t_s[0] - ends[0] > limit else []
        found += [(float(t_s[-1]), ends[1])] if ends[1] - t_s[-1] > limit else []
    return found
