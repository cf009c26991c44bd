"""A posterior on a grid that zooms in: when edges of one kind happened, and what shape they share.

For each edge the centroid is free; the shape (lag, ramp...) is common to all edges of one direction, or
free too where ``pooled`` is False. Base and height are linear and solved for. With flat priors the
weights of the grid cells give mean and standard deviation without linearising, so an edge that fell
between two windows simply comes out as wide as the gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.step.edges import Edges
from bench.measure.step.plants import Family

__all__ = ["Posterior", "explore"]

FloatArray = NDArray[np.float64]
_CENTROIDS = {0: 15, 1: 11}
_TIMES = {0: 15, 1: 9}
_RATIOS = 7
_LEVELS = 12
_HOPELESS_AFTER = 5
_SPILL = 0.02
_SHRINK = np.array([4.0, 2.0])
_REACH = 4.5
_FINE_ENOUGH = 1.3
_SHORTEST_S = 1e-4
_PRIOR_S = 10.0


@dataclass(frozen=True)
class Posterior:
    """What the edges say under one family.

    ``centroid_s`` (edges, cells in time), ``shapes`` (cells of shape, parameters), ``weight`` (edges, time,
    shape) summing to 1 for each edge; ``height`` likewise the amplitude; ``chi2`` the best sum of squares
    over the variance of the noise, ``evidence`` its log marginal likelihood over all edges.
    """

    family: Family
    centroid_s: FloatArray
    shapes: FloatArray
    weight: FloatArray
    height: FloatArray
    height_sd: FloatArray
    chi2: float
    evidence: float

    @property
    def shape_centroid_s(self) -> FloatArray:
        """Centroid of each cell of shape, counted from the end of the dead time."""
        return np.asarray(self.family.centroid(list(self.shapes.T)))

    def moments(self, quantity: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation, per edge, of a quantity on the grid (edges, time, shape)."""
        mean = (self.weight * quantity).sum(axis=(1, 2))
        spread = (self.weight * (quantity - mean[:, None, None]) ** 2).sum(axis=(1, 2))
        return mean, np.sqrt(spread)

    def dead_time_s(self) -> FloatArray:
        """Return the dead time on the grid (edges, time, shape), relative to the reference."""
        return self.centroid_s[:, :, None] - self.shape_centroid_s[None, None, :]


@dataclass(frozen=True)
class _Cells:
    log_like: FloatArray
    chi2: FloatArray
    height: FloatArray
    height_sd: FloatArray


def _evaluate(
    family: Family, edges: Edges, noise: float, centroid: FloatArray, shapes: FloatArray, earliest_s: float
) -> _Cells:
    params = [column[None, None, :, None] for column in shapes.T]
    dead = centroid[:, :, None] - np.asarray(family.centroid(list(shapes.T)))[None, None, :]
    end = edges.end[:, None, None, :] - dead[..., None]
    start = edges.start[:, None, None, :] - dead[..., None]
    length = (edges.end - edges.start)[:, None, None, :]
    model = (family.integral(end, params) - family.integral(start, params)) / length
    weight, value = edges.weight, edges.value
    total = weight.sum(axis=1)[:, None, None]
    value_mean = (weight * value).sum(axis=1)[:, None, None] / total
    centred = weight * (value - value_mean[:, 0])
    model_mean = np.einsum("sjkn,sn->sjk", model, weight) / total
    square = np.einsum("sjkn,sjkn,sn->sjk", model, model, weight) - total * model_mean**2
    cross = np.einsum("sjkn,sn->sjk", model, centred)
    square = np.maximum(square, 1e-9)
    height = cross / square
    spread = (weight * (value - value_mean[:, 0]) ** 2).sum(axis=1)[:, None, None]
    chi2 = np.maximum(spread - cross * height, 0.0) / noise**2
    log_like = -0.5 * chi2 - 0.5 * np.log(square)
    wrong = (height * np.sign(edges.height)[:, None, None] <= 0.0) | (dead < earliest_s)
    return _Cells(
        np.where(wrong, -np.inf, log_like), np.where(wrong, np.inf, chi2), height, noise / np.sqrt(square)
    )


def _temper(cells: _Cells, pooled: bool) -> float:
    """Return by how much to flatten so that a handful of cells count: the true peak may lie between cells."""
    chi2 = cells.chi2.reshape(len(cells.chi2), -1)
    best = chi2.min(axis=1)
    ranked = np.partition(chi2, 8, axis=1)[:, 8]
    known = np.isfinite(ranked)
    gap = float(np.max(ranked[known] - best[known], initial=0.0))
    if pooled and cells.chi2.shape[2] > 1:
        common = cells.chi2.min(axis=1).sum(axis=0)
        ranked_common = np.partition(common, min(2, len(common) - 1))[min(2, len(common) - 1)]
        if np.isfinite(ranked_common):
            gap = max(gap, float(ranked_common - common.min()))
    return max(1.0, gap / 8.0)


def _softmax(log: FloatArray, axes: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    top = log.max(axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    weight = np.exp(log - top)
    total = weight.sum(axis=axes, keepdims=True)
    return weight / np.maximum(total, 1e-300), np.squeeze(top + np.log(np.maximum(total, 1e-300)), axes)


def _weights(cells: _Cells, temper: float, pooled: bool) -> tuple[FloatArray, FloatArray, float]:
    """Return cell weights (edges, time, shape), shape weights (edges or 1, shape) and the log sum."""
    log = cells.log_like / temper
    if not pooled:
        weight, total = _softmax(log, (1, 2))
        return weight, weight.sum(axis=1), float(total.sum())
    _, per_shape = _softmax(log, (1,))
    common = per_shape.sum(axis=0)
    shape_weight, total = _softmax(common[None, :], (1,))
    inside, _ = _softmax(log, (1,))
    return inside * shape_weight[:, None, :], shape_weight, float(total.sum())


def explore(
    family: Family,
    edges: Edges,
    noise: float,
    *,
    pooled: bool = True,
    earliest_s: float = -np.inf,
    beat: float = np.inf,
) -> Posterior | None:
    """Return the posterior of the edges under ``family``.

    Args:
        family: shape of the edges.
        edges: reduced samples.
        noise: standard deviation of one sample.
        pooled: one shape for all edges, or one for each.
        earliest_s: no dead time may end before this (relative to the reference).
        beat: sum of squares of a family already fitted.

    Returns:
        None where the family cannot come near ``beat``.
    """
    interval = np.median(edges.end[:, 1:-1] - edges.end[:, :-2]) if edges.end.shape[1] > 3 else 0.1
    half = 1.2 * float(interval) + 0.25 * edges.span
    centre = edges.centroid.copy()
    longest = 1.5 * float(edges.span.max())
    lows = np.array([_SHORTEST_S, *(low for low, _ in family.ranges)])
    highs = np.array([longest, *(high for _, high in family.ranges)])
    counts = [_TIMES[len(family.ranges)], *(_RATIOS for _ in family.ranges)]
    number = _CENTROIDS[len(family.ranges)]
    grid = np.linspace(-1.0, 1.0, number)
    shrink = _SHRINK[: len(lows)]
    # a grid of n cells over ± 4.5 deviations is 9 / (n - 1) of them fine at best
    fine_enough = np.maximum(_FINE_ENOUGH, 1.1 * 2.0 * _REACH / (np.array(counts) - 1))
    bottom, top = lows.copy(), np.array([np.inf, *highs[1:]])
    for level in range(_LEVELS):
        axes = [np.linspace(low, high, n) for low, high, n in zip(lows, highs, counts, strict=True)]
        shapes = np.stack([part.ravel() for part in np.meshgrid(*axes, indexing="ij")], axis=1)
        centroid = centre[:, None] + half[:, None] * grid
        cells = _evaluate(family, edges, noise, centroid, shapes, earliest_s)
        if not np.isfinite(_best(cells, pooled)):
            return None
        temper = _temper(cells, pooled)
        weight, shape_weight, total = _weights(cells, temper, pooled)
        mean = (weight.sum(axis=2) * centroid).sum(axis=1)
        sd = np.sqrt((weight.sum(axis=2) * (centroid - mean[:, None]) ** 2).sum(axis=1))
        cell = 2.0 * half / (number - 1)
        shape_mean = shape_weight @ shapes
        shape_sd = np.sqrt(np.maximum(shape_weight @ shapes**2 - shape_mean**2, 0.0))
        shape_cell = (highs - lows) / (np.array(counts) - 1)
        coarse = cell > _FINE_ENOUGH * sd + 1e-6
        coarse_shape = shape_cell > fine_enough * shape_sd.min(axis=0) + 1e-6
        fine = not (coarse.any() or coarse_shape.any())
        spill = weight[:, [0, -1], :].sum(axis=(1, 2)) > _SPILL
        sides = _sides(shape_weight, counts)
        spilled = (sides[:, 0] > _SPILL) & (lows > bottom), (sides[:, 1] > _SPILL) & (highs < top)
        inside = not (spill.any() or spilled[0].any() or spilled[1].any())
        if (fine and inside and temper == 1.0) or level == _LEVELS - 1:
            break
        best = _best(cells, pooled)
        if level >= _HOPELESS_AFTER and best > 4.0 * beat + 100.0:
            return None
        # a range shrinks by a few times at most while the peak may still lie between cells
        slow = np.where(coarse | (temper > 1.0), half / _SHRINK[0], 0.0)
        half = np.where(spill, 1.5 * half, np.maximum(_REACH * sd, slow) + 1e-6)
        centre = mean
        width = highs - lows
        slow_shape = np.where(coarse_shape | (temper > 1.0), width / 2.0 / shrink, 0.0)
        reach = np.maximum(_REACH * shape_sd, slow_shape)
        wanted = (shape_mean - reach).min(axis=0), (shape_mean + reach).max(axis=0)
        lows, highs = (
            np.clip(np.where(spilled[0], lows - width / 2.0, wanted[0]), bottom, top),
            np.where(spilled[1], highs + width / 2.0, wanted[1]),
        )
        highs = np.clip(highs, lows + 1e-5, top)
    volume = np.log(cell).sum()
    extent = np.array([_PRIOR_S, *(high - low for low, high in family.ranges)])
    times = 1 if pooled else len(edges.centroid)
    volume += times * float(np.log(shape_cell / extent).sum())
    best = _best(cells, pooled)
    return Posterior(
        family, centroid, shapes, weight, cells.height, cells.height_sd, best, total + float(volume)
    )


def _sides(shape_weight: FloatArray, counts: list[int]) -> FloatArray:
    """Return the weight in the first and the last layer of each shape parameter, of the worst edge."""
    block = shape_weight.reshape(len(shape_weight), *counts)
    found = []
    for axis in range(1, block.ndim):
        layers = np.moveaxis(block, axis, 1).reshape(len(block), counts[axis - 1], -1).sum(axis=2)
        found.append([layers[:, 0].max(), layers[:, -1].max()])
    return np.array(found)


def _best(cells: _Cells, pooled: bool) -> float:
    chi2 = cells.chi2.min(axis=1)
    return float(chi2.sum(axis=0).min()) if pooled else float(chi2.min(axis=1).sum())
