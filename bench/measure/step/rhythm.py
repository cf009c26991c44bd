"""How often a device's report is new, told by when it changes.

A value that is the same again may be new: what it tells may be constant. But a report that is new every few
seconds changes just after its ticks and at no other time. Where every change lies on such ticks, although
the grid's steps came at all phases of them (or the report also changed on its own, again and again), it is
new no more often. A report that is new at every reading follows the steps, however late: its changes lie on
no ticks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.stale import LAG_S

__all__ = ["Rhythm", "rhythm"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_SHORTEST = 1.4  # intervals: nearer to one it may be two clocks that are not quite alike
_LONGEST_S = LAG_S + 1.0  # what stands still for longer is old by what the analyzer saw
_ORDINARY = 1.5  # usual distances: a wider pair of readings says little about when the value came
# of a distance: for the time of a reading, and for the grid of the search; two readings in a row that both
# differ are a whole distance apart on any ticks, and so never explained
_SLACK = 0.1
_SURE = 15.0  # log of how unlikely it must be that independent changes all lie on ticks
# after a step of the grid the report may change because of it; after another change
_SETTLED_S, _SOON_S = 18.0, 8.0
_LATEST_S, _LATE_STEP_S = 20.0, 0.1
_FEWEST_STEPS, _STEPS_RATIO = 4, 0.15
_FEWEST_ALONE, _FEWEST_MORE = 30, 12
_OWN_CLOCK = 1.1
_AT_ONCE = 1 << 20
_AT_FIRST = 60
_MOST_TRIED = 500_000
_MOST_READINGS = 4000  # an hour of seconds: longer records are looked at so far


@dataclass(frozen=True)
class Rhythm:
    """New every ``every_s``; ``new`` are the readings, of shape (n,), behind which a tick lies."""

    every_s: float
    new: BoolArray


def rhythm(read_s: FloatArray, changed: BoolArray, steps_s: FloatArray, interval_s: float) -> Rhythm | None:
    """Return the ticks of a report read at ``read_s``, of shape (n,); None where it may be new as asked.

    ``changed`` are the readings that differ from the one before, ``steps_s`` when the grid stepped, and
    ``interval_s`` how often the report is to be new. One that is, on a clock of its own, is late by up to an
    interval more now and then; so ticks that could be that need more changes than one after each step.
    """
    count = len(read_s)
    read_s, changed = read_s[:_MOST_READINGS], changed[:_MOST_READINGS]
    if count < 3:
        return None
    steps_s = steps_s[(steps_s > read_s[0]) & (steps_s < read_s[-1])]
    usual_s = float(np.median(np.diff(read_s)))
    if not usual_s > 0.0:
        return None
    at = np.flatnonzero(changed[1:]) + 1
    low, high = read_s[at - 1], read_s[at]
    ordinary = high - low <= _ORDINARY * usual_s
    low, high = low[ordinary], high[ordinary]
    if len(high) < 2:
        return None
    # each change needs a tick of its own
    longest_s = min(_LONGEST_S, float((high[1:] - low[:-1]).min()))
    longest_s = min(longest_s, float(high[-1] - low[0]) / (len(high) - 1))
    shortest_s = max(_SHORTEST * max(usual_s, interval_s), usual_s * float(np.exp(_SURE / len(high))))
    if shortest_s > longest_s:
        return None
    # the first changes rule out most of what has none, and are soon tried
    if _ticks(high[:_AT_FIRST], usual_s, shortest_s, longest_s) is None:
        return None
    found = _ticks(high, usual_s, shortest_s, longest_s)
    if found is None:
        return None
    every_s, phase_s = found
    new = _ticked(read_s[:-1], read_s[1:], every_s, phase_s)
    known = np.r_[True, new, np.ones(count - len(read_s), dtype=bool)]
    calm_s = high - _SETTLED_S
    settled = int((np.searchsorted(steps_s, high) == np.searchsorted(steps_s, calm_s)).sum())
    more = settled + int((np.diff(high) < _SOON_S).sum())
    later_s = 0.0 if more >= _FEWEST_MORE else _OWN_CLOCK * interval_s
    if settled >= _FEWEST_ALONE or _elsewhere(read_s, new, steps_s, later_s):
        return Rhythm(every_s, known)
    return None


def _ticks(
    high: FloatArray, usual_s: float, shortest_s: float, longest_s: float
) -> tuple[float, float] | None:
    """Return the interval of ticks, and when one comes, that best explain changes seen at ``high``.

    Just before each there was one, not longer ago than the readings are apart.
    """
    step_hz = _SLACK * usual_s / (longest_s * max(float(high[-1] - high[0]), usual_s))
    if not (1.0 / shortest_s - 1.0 / longest_s) / step_hz < _MOST_TRIED:
        return None  # times that lie so unevenly are no readings of a clock
    every_s = 1.0 / np.arange(1.0 / longest_s, 1.0 / shortest_s + step_hz, step_hz)
    spreads, lasts = [], []
    rows = max(1, _AT_ONCE // len(high))
    for first in range(0, len(every_s), rows):
        tried = every_s[first : first + rows, np.newaxis]
        place = np.sort(high[np.newaxis, :] % tried, axis=1)
        gaps = np.diff(np.concatenate([place, place[:, :1] + tried], axis=1), axis=1)
        widest = gaps.argmax(axis=1)
        spreads.append(tried[:, 0] - gaps.max(axis=1))
        lasts.append(np.take_along_axis(place, widest[:, np.newaxis], axis=1)[:, 0])
    spread_s = np.concatenate(spreads)
    if spread_s.min() > (1.0 - _SLACK) * usual_s:
        return None
    # half of the interval explains them as well: the longest of the best
    at = int(np.flatnonzero(spread_s <= spread_s.min() + _SLACK * usual_s)[0])
    # the tick comes before the earliest change and not more than a distance before the latest
    return float(every_s[at]), float(np.concatenate(lasts)[at] - 0.5 * (spread_s[at] + usual_s))


def _ticked(low: FloatArray, high: FloatArray, every_s: float, phase_s: float) -> BoolArray:
    """Return whether a tick lies after ``low`` and not after ``high``."""
    return np.asarray(np.floor((high - phase_s) / every_s) > np.floor((low - phase_s) / every_s))


def _elsewhere(read_s: FloatArray, new: BoolArray, steps_s: FloatArray, later_s: float) -> bool:
    """Return whether a report that follows each step late, by up to ``later_s`` more, would miss ticks."""
    least = max(_FEWEST_STEPS, _STEPS_RATIO * len(steps_s))
    ticks = np.r_[0, 0, np.cumsum(new)]  # before each reading
    for late_s in np.arange(0.0, _LATEST_S, _LATE_STEP_S):
        due_s = steps_s + late_s
        due_s = due_s[(due_s > read_s[0]) & (due_s + later_s < read_s[-1])]
        first, last = np.searchsorted(read_s, due_s), np.searchsorted(read_s, due_s + later_s)
        if int((ticks[last + 1] == ticks[first]).sum()) < least:
            return False
    return True
