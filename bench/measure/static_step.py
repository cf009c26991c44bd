"""The edge of a dead band of the kind "step": power jumps there, so the edge lies between two levels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bench.measure.static_curve import EDGE, SLACK
from bench.measure.static_fit import Fit, best_gains

__all__ = ["step_edge"]

_RISE = 3.841458820694124
_GRID_HZ = 0.00025
_REACH = 0.6
_CLOSEST = 24


def step_edge(hinge: Fit) -> tuple[Fit, float] | None:
    """Return the best fit of a curve with a step and the standard uncertainty of its edge.

    The cost does not change while the edge moves between two levels, so edges are tried one by one; those
    that the data do not rule out are all equally likely. None where nothing fits.
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
    best = min(tried, key=lambda item: item.cost)
    scale = max(1.0, best.cost / max(len(curve.levels) + 1 - len(free), 1))
    edges = [float(item.theta[EDGE]) for item in tried if item.cost <= best.cost + _RISE * scale]
    theta = best.theta.copy()
    theta[EDGE] = (min(edges) + max(edges)) / 2.0
    return replace(best, theta=theta, scale=scale), (max(edges) - min(edges) + _GRID_HZ) / math.sqrt(12.0)
