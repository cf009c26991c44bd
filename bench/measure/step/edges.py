"""Samples around an edge, reduced to what a fit needs: fine where it moves, blocks where it rests.

A block of window means that follow each other without a gap is itself a window mean, so nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

__all__ = ["Edge", "Edges", "edge_of", "stack"]

FloatArray = NDArray[np.float64]
_FINE = 32
_TAIL = 6


@dataclass(frozen=True)
class Edge:
    """One edge: windows ``start`` to ``end`` (s, relative to its reference), their means and sample counts.

    ``centroid`` and ``span`` are first guesses; ``base`` and ``height`` the levels before and the change.
    """

    start: FloatArray
    end: FloatArray
    value: FloatArray
    weight: FloatArray
    base: float
    height: float
    centroid: float
    span: float


@dataclass(frozen=True)
class Edges:
    """Edges of one kind, padded to the same length with weight 0; arrays of shape (edges, n)."""

    start: FloatArray
    end: FloatArray
    value: FloatArray
    weight: FloatArray
    centroid: FloatArray
    span: FloatArray
    height: FloatArray

    @property
    def count(self) -> int:
        """How many reduced samples carry weight."""
        return int((self.weight > 0).sum())


def _moving_span(t_s: FloatArray, level: FloatArray, threshold: float) -> tuple[int, int]:
    """Return the first index that has left 0 for good and the first from which on it stays at 1."""
    away = np.abs(level) > threshold
    off = np.abs(level - 1.0) > threshold
    both = away[:-1] & away[1:]
    first = int(np.argmax(both)) if bool(both.any()) else len(level) - 1
    last = int(np.flatnonzero(off)[-1]) + 1 if bool(off.any()) else first
    return first, min(max(last, first), len(level) - 1)


def _blocks(indices: NDArray[np.int_], most: int) -> list[NDArray[np.int_]]:
    if len(indices) == 0:
        return []
    return [part for part in np.array_split(indices, min(most, len(indices))) if len(part)]


def edge_of(
    t_s: FloatArray, value: FloatArray, window_s: float, *, before: NDArray[np.bool_], noise: float
) -> Edge | None:
    """Reduce the samples of one edge.

    Args:
        t_s: ends of the windows, relative to the reference.
        value: window means.
        window_s: the averaging window.
        before: which samples certainly lie before any movement.
        noise: standard deviation of a sample.

    Returns:
        None where there is no level before or after to compare.
    """
    if int(before.sum()) < 1 or len(t_s) - int(before.sum()) < 3:
        return None
    base = float(value[before].mean())
    tail = value[-max(2, (len(value) - int(before.sum())) // 4) :]
    height = float(tail.mean()) - base
    if height == 0.0:
        return None
    level = (value - base) / height
    level = np.asarray(median_filter(level, size=3, mode="nearest")) if len(level) > 8 else level
    first, last = _moving_span(t_s, level, max(0.12, min(0.4, 4.0 * noise / abs(height))))
    interval = float(np.median(np.diff(t_s)))
    span = max(float(t_s[last] - t_s[first]) + interval, window_s)
    margin = max(2.0 * interval, 0.7 * span)
    fine = (t_s > t_s[first] - interval - margin) & (t_s <= t_s[last] + 1.4 * margin)
    early = (t_s <= t_s[first] - interval - margin) | (before & ~fine)
    late = ~early & ~fine
    # the last sample before stays by itself: a step inside a lone block would only move the base
    quiet = np.flatnonzero(early)
    groups = _blocks(quiet[:-1], 1) + _blocks(quiet[-1:], 1) + _blocks(np.flatnonzero(fine), _FINE)
    groups += _blocks(np.flatnonzero(late), _TAIL)
    moving = np.flatnonzero(fine)
    steps = np.diff(t_s, prepend=t_s[0] - interval)[moving]
    share = (value[moving] - base) / height
    centroid = float(t_s[moving[-1]] - (share * steps).sum())
    return Edge(
        np.array([t_s[group[0]] - window_s for group in groups]),
        np.array([t_s[group[-1]] for group in groups]),
        np.array([value[group].mean() for group in groups]),
        np.array([float(len(group)) for group in groups]),
        base,
        height,
        centroid,
        span,
    )


def stack(edges: Sequence[Edge]) -> Edges:
    """Return the edges as padded arrays."""
    length = max(len(edge.value) for edge in edges)

    def pad(name: str, fill: float) -> FloatArray:
        rows = [getattr(edge, name) for edge in edges]
        return np.array([np.pad(row, (0, length - len(row)), constant_values=fill) for row in rows])

    return Edges(
        pad("start", 0.0),
        pad("end", 1.0),
        pad("value", 0.0),
        pad("weight", 0.0),
        np.array([edge.centroid for edge in edges]),
        np.array([edge.span for edge in edges]),
        np.array([edge.height for edge in edges]),
    )
