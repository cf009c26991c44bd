"""Levels in a noisy signal: where its mean changes for good."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Plateau", "plateaus", "sample_noise"]

FloatArray = NDArray[np.float64]

# A change counts when the means of the seconds before and after differ by this many of their own standard
# deviations: in an hour at ten a second noise alone does that less than once in ten thousand hours.
_SIGNIFICANT = 7.0
# First large steps that may follow each other closely, then small ones that last.
_WINDOWS_S = (1.0, 5.0)
_FEWEST = 3
# Within a level nothing moves but noise, so means of a second scatter as noise lets them; or else a step is
# much more than what moves within a level. A recorded grid does neither: it wanders as far as it "steps".
_QUIET = 1.8
_CLEAR = 6.0
_MOST = 0.8


@dataclass(frozen=True)
class Plateau:
    """A level: from when, its median, and the noise of one sample."""

    from_s: float
    value: float
    noise: float


def plateaus(t_s: FloatArray, value: FloatArray) -> list[Plateau]:
    """Return the levels of ``value`` (sorted by ``t_s``), shape (n,); empty when it keeps none."""
    if len(value) < 2 * _FEWEST:
        return []
    usual_s = float(np.median(np.diff(t_s)))
    widths = [max(_FEWEST, round(window_s / usual_s)) for window_s in _WINDOWS_S]
    noise, held = _noise(value)
    cuts = _all_cuts(value, widths, noise, held)
    if not _quiet(value, cuts, widths[0], noise, held):
        # Neighbours that share samples of a sliding mean differ by less than the noise: take what moves in
        # seconds for it, and believe only in steps that are much larger.
        noise, held = _wandering(value, widths[1]), float(widths[1])
        cuts = _all_cuts(value, widths[1:], noise, held, apart=2)
        if not _clear(value, cuts):
            return []
    if len(cuts) == 2:
        return []
    parts = [value[low:high] for low, high in itertools.pairwise(cuts)]
    starts = t_s[cuts[:-1]].tolist()
    return [Plateau(at, float(np.median(part)), noise) for at, part in zip(starts, parts, strict=True)]


def _all_cuts(value: FloatArray, widths: list[int], noise: float, held: float, apart: int = 1) -> list[int]:
    cuts = [0, len(value)]
    for width in widths:
        least = _SIGNIFICANT * noise * math.sqrt(2.0 / max(1.0, width / held))
        for low, high in list(itertools.pairwise(cuts)):
            cuts += _cuts(value, low, high, width, least, apart * width)
        cuts.sort()
    return _joined(value, cuts, noise)


def _quiet(value: FloatArray, cuts: list[int], width: int, noise: float, held: float) -> bool:
    """Tell whether the means of ``width`` samples scatter within the levels as noise lets them."""
    off: list[float] = []
    for low, high in itertools.pairwise(cuts):
        part = value[low:high]
        blocks = [part[at : at + width].mean() for at in range(0, len(part) - width + 1, width)]
        off += [abs(block - np.median(part)) for block in blocks]
    scatter = 1.4826 * float(np.median(off)) if off else 0.0
    return scatter <= _QUIET * noise / math.sqrt(max(1.0, width / held))


def _clear(value: FloatArray, cuts: list[int]) -> bool:
    """Tell whether nearly every step is much larger than the spread of the levels beside it."""
    parts = [value[low:high] for low, high in itertools.pairwise(cuts)]
    steps = np.abs(np.diff([np.median(part) for part in parts]))
    spreads = np.array([_spread(part) for part in parts])
    return len(steps) > 0 and bool(np.mean(steps > _CLEAR * np.maximum(spreads[1:], spreads[:-1])) >= _MOST)


def _wandering(value: FloatArray, width: int) -> float:
    """Return the usual spread within ``width`` samples."""
    parts = [value[at : at + width] for at in range(0, len(value) - width + 1, width)] or [value]
    return max(float(np.median([np.std(part) for part in parts])), 1e-9 * float(np.abs(value).max()))


def _joined(value: FloatArray, cuts: list[int], noise: float) -> list[int]:
    """Return the cuts without those inside one level, of which a ramp may have cut off the beginning."""
    kept = [0]
    level = math.nan
    for low, high in itertools.pairwise(cuts):
        here = float(np.median(value[low:high]))
        least = _SIGNIFICANT * noise * math.sqrt(1.0 / max(1, low - kept[-1]) + 1.0 / (high - low))
        if low > 0 and abs(here - level) <= least:
            level = float(np.median(value[kept[-1] : high]))
            continue
        kept += [low] if low > 0 else []
        level = here
    return [*kept, len(value)]


def sample_noise(value: FloatArray) -> float:
    """Return the noise of one sample of ``value``, shape (n,), from the differences of neighbours."""
    return _noise(value)[0]


def _noise(value: FloatArray) -> tuple[float, float]:
    """Return the noise of one sample, from the differences of neighbours, and how many samples a value lasts.

    A meter that publishes less often than it is read repeats itself: only changes tell of its noise.
    """
    moved = np.abs(np.diff(value))
    moved = moved[moved > 0]
    least = 1e-9 * float(np.abs(value).max())
    if len(moved) < len(value) / 20:
        return least, 1.0
    return max(1.4826 * float(np.median(moved)) / math.sqrt(2.0), least), len(value) / len(moved)


def _spread(part: FloatArray) -> float:
    """Return the standard deviation of a level, unmoved by the few samples of a ramp into it."""
    return 1.4826 * float(np.median(np.abs(part - np.median(part))))


def _cuts(value: FloatArray, low: int, high: int, width: int, least: float, apart: int) -> list[int]:
    """Return where the mean of ``width`` samples changes by more than ``least``, the largest first."""
    if high - low < 2 * width:
        return []
    sums = np.concatenate([[0.0], np.cumsum(value[low:high] - value[low])])
    means = (sums[width:] - sums[:-width]) / width
    change = np.abs(means[width:] - means[:-width])  # change[i]: at sample low + i + width
    found: list[int] = []
    while True:
        index = int(np.argmax(change))
        if change[index] <= least:
            return found
        found.append(low + width + index)
        change[max(0, index - apart + 1) : index + apart] = 0.0
