"""When a response reaches ΔkW ± band and stays there, by the model's inverse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.measure.step.plants import Family

__all__ = ["reach_s"]

FloatArray = NDArray[np.float64]
_POINTS = 400


def reach_s(family: Family, shapes: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the time from the end of the dead time to the last entry of h into ``low..high``.

    Args:
        family: of the response.
        shapes: parameters, (cells, parameters).
        low: lower edge of the band over the height, per edge (edges,).
        high: upper edge likewise.

    Returns:
        (edges, cells); infinite where the response ends outside.
    """
    params = [column[:, None] for column in shapes.T]
    centroid = np.asarray(family.centroid(list(shapes.T)))[:, None]
    # an oscillation has a short centroid and a long tail
    grid = 14.0 * np.maximum(centroid, params[0]) * np.linspace(0.0, 1.0, _POINTS) ** 2
    level = family.response(grid, params)
    found = np.empty((len(low), len(shapes)))
    for edge, (bottom, top) in enumerate(zip(low, high, strict=True)):
        outside = (level < bottom) | (level > top)
        last = _POINTS - 1 - np.argmax(outside[:, ::-1], axis=1)
        last = np.where(outside.any(axis=1), last, -1)
        row = np.arange(len(shapes))
        at = np.clip(last, 0, _POINTS - 2)
        y0, y1 = level[row, at], level[row, at + 1]
        border = np.where(y0 < bottom, bottom, top)
        share = np.clip((border - y0) / np.where(y1 == y0, 1.0, y1 - y0), 0.0, 1.0)
        time = grid[row, at] + share * (grid[row, at + 1] - grid[row, at])
        found[edge] = np.where(last < 0, 0.0, np.where(last >= _POINTS - 1, np.inf, time))
    return found
