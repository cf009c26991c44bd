"""The edge of a dead band of the kind "step": power jumps there, so the edge lies between two levels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bench.measure.static.curve import EDGE, GAIN_UNDER, OFFSET, SLACK
from bench.measure.static.fit import Fit, best_gains

__all__ = ["step_edge"]

_RISE = 3.841458820694124
_GRID_HZ = 0.00025
_REACH = 0.6
_CLOSEST = 24


def step_edge(hinge: Fit) -> tuple[Fit, float] | None:
    """Return the best fit of a curve with a step and the standard uncertainty of its edge (and its offset).

    The cost does not change while an edge moves between two levels, so edges are tried one by one, and of
    either side each place between the levels around it is as likely. None where nothing fits.
    """
    curve = replace(hinge.curve, steps=True)
    reach = _REACH * float(np.abs(curve.deviation).max())
    free = [place for place in hinge.free if place not in (EDGE, SLACK)]
    starts = []
    for edge in np.arange(_GRID_HZ, reach, _GRID_HZ).tolist():
        theta = hinge.theta.copy()
        theta[[EDGE, SLACK]] = edge, 0.0
        theta = best_gains(curve, theta, free)
        starts.append(
            (float(np.sum((curve.levels.kw - curve.power_kw(theta, curve.felt(theta))) ** 2)), theta)
        )
    if not starts:
        return None
    near = sorted(starts, key=lambda item: item[0])[:_CLOSEST]
    blank = replace(hinge, curve=curve, free=tuple(free), scale=1.0)
    tried = [replace(blank, theta=theta).refit(free, 40) for _, theta in near]
    cost = [item.unlikely for item in tried]
    best = tried[int(np.argmin(cost))]
    scale = max(1.0, best.cost / max(len(curve.levels) + 1 - len(free), 1))
    edges = [
        float(item.theta[EDGE])
        for item, its in zip(tried, cost, strict=True)
        if its <= min(cost) + _RISE * scale
    ]
    # nothing was measured between the last level without an answer and the first with one, on either side
    felt = curve.felt(best.theta)
    gaps = [
        (float(side[side < min(edges)].max(initial=0.0)), float(side[side > max(edges)].min(initial=reach)))
        for side in (-felt[felt < 0.0], felt[felt > 0.0])
    ]
    middles = [(low + high) / 2.0 for low, high in gaps]
    theta = best.theta.copy()
    if OFFSET in free:
        theta[EDGE] = sum(middles) / 2.0
        theta[OFFSET] += (middles[0] - middles[1]) / 2.0
        # without an offset both edges lie at the same place of their gaps
        width = sum(high - low for low, high in gaps) / 2.0
    else:
        side = 0 if GAIN_UNDER in free else 1
        theta[EDGE], width = middles[side], gaps[side][1] - gaps[side][0]
    noise = float(np.sqrt(np.median(curve.levels.hz_var)))
    return replace(best, theta=theta, scale=scale), math.hypot(width / math.sqrt(12.0), noise)
