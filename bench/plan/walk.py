"""A signal that wanders like a load-frequency control signal: bounded, of mean zero, always the same.

It moves for a piece of time at one speed, up, down or not at all, and rather goes on than turns. It reaches
its bound no sooner than ``sweep_s`` after zero, so that whoever can make the full change in that time can
follow it. The second half is the first with the sign turned, so the mean is zero. Before it moves it rests
at zero for ``sweep_s``: whoever has to come to its centre first has the time.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

__all__ = ["walk"]

_PIECES_PER_SWEEP = 10
_GOES_ON = 0.8
_RESTS = 0.2


def _half(pieces: int, seed: int) -> list[int]:
    """Return heights (in pieces) at the pieces' ends: from 0, back to 0, bounded."""
    draw = random.Random(seed)  # noqa: S311  (a test signal that must always be the same, not a secret)
    heights = [0]
    way = 1
    for index in range(pieces):
        if draw.random() > _GOES_ON:
            way = 0 if draw.random() < _RESTS else -way or 1
        left = pieces - index - 1
        height = max(-_PIECES_PER_SWEEP, min(_PIECES_PER_SWEEP, heights[-1] + way))
        if height == heights[-1] and abs(height) == _PIECES_PER_SWEEP:
            way = -way
        if abs(height) > left:  # time to come home
            height = heights[-1] - (heights[-1] > 0) + (heights[-1] < 0)
        heights.append(height)
    return heights


def walk(
    duration_s: float, every_s: float, sweep_s: float, seed: int = 96
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when the signal is sent (from 0, every ``every_s``) and its values from -1 to 1, shape (n,).

    Args:
        duration_s: how long it lasts, the rest at the start included.
        every_s: from one value to the next.
        sweep_s: the least time from zero to the bound.
        seed: which of the many such signals; the default reaches both bounds and crosses zero often.
    """
    moving_s = max(duration_s - sweep_s, 0.0)
    pieces = max(2, int(moving_s / 2.0 / (sweep_s / _PIECES_PER_SWEEP)))
    half = _half(pieces, seed)
    heights = np.array([*half, *(-height for height in half[1:])]) / _PIECES_PER_SWEEP
    edges_s = duration_s - moving_s + np.linspace(0.0, moving_s, len(heights))
    count = max(1, round(duration_s / every_s))
    t_s = np.arange(count, dtype=np.float64) * every_s
    return t_s, np.asarray(np.interp(t_s, edges_s, heights), dtype=np.float64)
