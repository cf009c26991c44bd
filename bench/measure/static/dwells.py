"""The dwells of a staircase: where the frequency stood still, and from when on a signal had settled.

Dwells come from the set-points of the source. Where a recording does not tell them, or where the measured
frequency moves within one (steps finer than the noise, a ramp), the dwell is cut into short blocks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.averaging import Averaging
from bench.measure.series import Series
from bench.measure.steps import asked_frequency
from bench.recording import Recording

__all__ = ["Dwell", "Settling", "dwells", "settling"]

FloatArray = NDArray[np.float64]
_SAME_HZ = 1e-7
_BLOCK_S = 10.0
_FEWEST = 5
_MOVED = 6.0
_PARTS = 20
_LATEST = 0.6
_SIGNIFICANT = 3.0
_OF_MEDIAN = np.pi / 2.0
_WAIT = "settle"
"""The phase in which a device may still do something of its own."""


@dataclass(frozen=True)
class Dwell:
    """A stretch at one frequency. ``asked_hz`` is None where only the measurement tells."""

    from_s: float
    to_s: float
    asked_hz: float | None


@dataclass(frozen=True)
class Settling:
    """``after_s`` after each change the signal no longer drifts; ``left`` is the drift that remains then.

    ``left`` is zero where the signal settled within the usable part of the dwells.
    """

    after_s: float
    left: float


def _asked(recording: Recording, end_s: float) -> list[Dwell]:
    asked = asked_frequency(recording)
    keep = np.r_[True, np.abs(np.diff(asked.value)) > _SAME_HZ] if len(asked) else np.zeros(0, bool)
    starts, values = asked.t_s[keep].tolist(), asked.value[keep].tolist()
    return [
        Dwell(low, high, value)
        for low, high, value in zip(starts, [*starts, end_s][1:], values, strict=True)
        if high > low
    ]


def _moves(part: Series) -> bool:
    """Say whether the means of four parts of a dwell differ by more than its noise explains.

    Readings that mostly stand still and jump by one resolution say nothing of what is finer than that.
    """
    count = len(part) // 4
    if count < 2:
        return False
    means = part.value[: 4 * count].reshape(4, count).mean(axis=1)
    steps = np.abs(np.diff(part.value))
    noise = float(np.median(steps)) * 1.4826 / math.sqrt(2.0)
    least = _MOVED * max(noise, 1e-6) / math.sqrt(count)
    if noise == 0.0 and steps.any():
        least = max(least, 1.01 * float(steps[steps > 0.0].min()))
    return float(np.ptp(means)) > least


def _blocks(dwell: Dwell, frequency: Series) -> list[Dwell]:
    count = math.floor((dwell.to_s - dwell.from_s) / _BLOCK_S)
    edges = [dwell.from_s + _BLOCK_S * k for k in range(count + 1)]
    found = [Dwell(low, high, None) for low, high in itertools.pairwise(edges)]
    return [item for item in found if not _moves(frequency.between(item.from_s, item.to_s))]


def _taken_up_s(recording: Recording) -> float:
    """Return when the time is over that a run of ours gives the device to take the frequency up."""
    waits = itertools.takewhile(lambda phase: phase[0] == _WAIT, sorted(recording.phases, key=lambda p: p[1]))
    return max((to_s for _, _, to_s, _, _ in waits), default=-math.inf)


def dwells(recording: Recording, frequency: Series, averaging: Averaging) -> list[Dwell]:
    """Return the dwells in order of time; blocks in which the frequency moves are left out."""
    if len(frequency) < _FEWEST:
        return []
    first_s, end_s = max(float(frequency.t_s[0]), _taken_up_s(recording)), frequency.end_s
    asked = _asked(recording, end_s) or [Dwell(first_s, end_s, None)]
    lead_s = averaging.widths_s[-1] + 2.0 * frequency.interval_s
    # elsewhere a window may be stamped at its start, and a step found in the data lie a window late
    tail_s = 2.0 * frequency.interval_s if recording.foreign else 0.0
    found: list[Dwell] = []
    for item in asked:
        item = Dwell(max(item.from_s, first_s), item.to_s - tail_s, item.asked_hz)
        if item.to_s - item.from_s < lead_s + _FEWEST * frequency.interval_s:
            continue
        # a slow source arrives late: what counts is whether the frequency stands in the later part
        late = frequency.between((item.from_s + lead_s + item.to_s) / 2.0, item.to_s - 1e-6)
        whole = item.asked_hz is not None and not _moves(late)
        found += [item] if whole else _blocks(item, frequency)
    return found


def settling(series: Series, spans: Sequence[Dwell], lead_s: float) -> Settling:
    """Judge by drift, over all dwells at once, when ``series`` has settled after a change.

    The parts of all dwells are compared with their later part, signed by the direction of the step, so a
    drift too small to be seen in one dwell shows in all. The first part from which on no part differs by
    more than three of its standard uncertainties, and one part more for safety.
    """
    pairs = [
        (after, float(np.sign(after.asked_hz - before.asked_hz)))
        for before, after in itertools.pairwise(spans)
        if after.asked_hz is not None
        and before.asked_hz is not None
        and abs(before.to_s - after.from_s) < 1e-3
    ]
    if not pairs:
        return Settling(lead_s, 0.0)
    usual_s = float(np.median([item.to_s - item.from_s for item, _ in pairs]))
    width_s = max(usual_s / _PARTS, 1.01 * series.interval_s)
    count = math.floor(_LATEST * usual_s / width_s)
    total, variance, used = np.zeros(count), np.zeros(count), 0
    for item, sign in pairs:
        if item.to_s - item.from_s < 0.99 * usual_s:
            continue
        late = series.between(item.from_s + _LATEST * usual_s, item.to_s - 1e-6).value
        edges = np.searchsorted(series.t_s, item.from_s + width_s * np.arange(count + 1), side="right")
        parts = [series.value[low:high] for low, high in itertools.pairwise(edges.tolist())]
        if len(late) < 3 or any(len(part) == 0 for part in parts):
            continue
        used += 1
        # neighbours tell of the noise even where the signal still moves; slow noise is added by the parts
        noise2 = max(float(np.mean(np.diff(late) ** 2)) / 2.0, float(late.var(ddof=1)))
        # medians, so that a lone wrong reading is not taken for a drift
        total += sign * (_medians(parts) - float(np.median(late)))
        variance += [_OF_MEDIAN * (noise2 / len(part) + noise2 / len(late)) for part in parts]
    if used == 0:
        return Settling(lead_s, 0.0)
    moving = np.flatnonzero(np.abs(total) > _SIGNIFICANT * np.sqrt(variance))
    if len(moving) == 0:
        return Settling(lead_s, 0.0)
    last = int(moving[-1])
    if last >= count - 2:
        return Settling(max(lead_s, _LATEST * usual_s), abs(float(total[-2:].mean())) / used)
    return Settling(max(lead_s, width_s * (last + 2)), 0.0)


def _medians(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the median of each part; none is empty."""
    sizes = np.array([len(part) for part in parts])
    filled = np.full((len(parts), int(sizes.max())), np.inf)
    for row, part in zip(filled, parts, strict=True):
        row[: len(part)] = part
    filled.sort(axis=1)
    rows = np.arange(len(parts))
    return np.asarray((filled[rows, (sizes - 1) // 2] + filled[rows, sizes // 2]) / 2.0)
