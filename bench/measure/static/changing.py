"""Where power does not follow the frequency yet, and by how much it comes late once it does.

A device that is told to answer the frequency needs a while to leave what it did of its own. Where a record
begins before that, its own power stands far from the line: it would pull the correlation to another delay,
the regression to another slope and the rest to another level.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANGING_S", "changing", "lag_of", "points_of"]

FloatArray = NDArray[np.float64]
CHANGING_S = 60.0
"""For so long at the start of a record what does not follow may be a mode that is changing."""
_FEWEST = 30


def points_of(fine: FloatArray, per_point: int) -> FloatArray:
    """Return the means of each ``per_point`` values that follow each other; NaN where half are missing.

    A row that comes a little early leaves the step after it empty: that loses no point.
    """
    count = len(fine) // per_point
    rows = fine[: count * per_point].reshape(count, per_point)
    known = np.isfinite(rows)
    many = known.sum(axis=1)
    total = np.where(known, rows, 0.0).sum(axis=1)
    return np.where(2 * many > per_point, total / np.maximum(many, 1), np.nan)


def lag_of(power: FloatArray, asked: FloatArray, most: int) -> int:
    """Return by how many steps ``power`` follows ``asked``, at most ``most``: where they correlate best."""
    scores = []
    for shift in range(most + 1):
        ahead, behind = asked[: len(asked) - shift], power[shift:]
        both = np.isfinite(ahead) & np.isfinite(behind)
        x, y = ahead[both] - ahead[both].mean(), behind[both] - behind[both].mean()
        size = math.sqrt(float(x @ x) * float(y @ y))
        scores.append(float(x @ y) / size if size > 0.0 else 0.0)
    return int(np.argmax(scores))


def _ranks(values: FloatArray) -> FloatArray:
    """Return the rank of each value, the mean rank where several are alike, NaN where there is none, (n,)."""
    known = np.isfinite(values)
    _, index, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    ranks = np.full(len(values), np.nan)
    ranks[known] = (np.cumsum(counts) - 0.5 * (counts - 1))[index]
    return ranks


def changing(power: FloatArray, asked: FloatArray, most: int, per_point: int, band_kw: float) -> int:
    """Return how many points at the start are further than ``band_kw`` from what is asked, in a row.

    Args:
        power: in kW, in equal steps, NaN where there is no data, (n,).
        asked: of the declared line, in kW, (n,).
        most: by how many steps power may follow late.
        per_point: steps in a point.
        band_kw: half width of the band.

    The delay comes from ranks and the level from a median: few points far away move neither. 0 where what
    would be left is less than half, or fewer than 30 points.
    """
    shift = lag_of(_ranks(power), _ranks(asked), most)
    off = power[shift:] - asked[: len(asked) - shift]
    points = points_of(off, per_point)
    count = len(points)
    if not np.isfinite(points).any():
        return 0
    # a point without data neither follows nor stays away
    far = np.isfinite(points) & (np.abs(points - np.nanmedian(points)) > band_kw)
    first = int(np.argmin(far | ~np.isfinite(points)))
    left = int(np.isfinite(points[first:]).sum())
    return first if far[:first].any() and first <= count // 2 and left >= _FEWEST else 0
