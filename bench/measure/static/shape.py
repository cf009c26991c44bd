"""Which shape the levels tell of: two straight lines; limited in power, with a step at the edge, or bent.

The droop is that of the straight lines whatever the shape, and how far the levels lie from them is linearity.
But where the lines do not fit, their misfit must not be read as an offset, a dead band or a difference of the
sides: those come from the shape that does fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.measure.static.between import LEVELS_OF_A_LINE, apart, signs
from bench.measure.static.curve import (
    BEND_OVER,
    BEND_UNDER,
    EDGE,
    FLAT,
    OFFSET,
    REST,
    SLACK,
    Curve,
)
from bench.measure.static.fit import Fit, fit
from bench.measure.static.jump import step_edge
from bench.measure.static.levels import Levels

__all__ = ["Shape", "shape"]

FloatArray = NDArray[np.float64]
# A hinge that leaves more than this over its noise makes other shapes worth a try. One is taken where it is
# so much likelier (twice the logarithm, over its own scatter).
_MISFIT = 1.5
_LIKELIER = 20.0
# A straight line is a bent one without a bend: taking one for nothing only widens the intervals.
_BENT_LIKELIER = 8.0
_REST_HZ = 0.001
_FAR_REST = 0.02
# A side's gain and edge with a bend need three levels that are apart.
_LEVELS_OF_A_BEND = 3
_NO_WEIGHT_KW2 = 1e9


@dataclass(frozen=True)
class Shape:
    """``lines`` tell the droop and ``best`` edges, offset and slack; they differ where the response is bent.

    ``on_lines`` (n,) are the levels that the lines are held against; to the others the lines give no weight.
    ``edge_u_hz`` is the standard uncertainty of the edge where power jumps there, else None.
    """

    lines: Fit
    best: Fit
    on_lines: NDArray[np.bool_]
    edge_u_hz: float | None = None


def shape(levels: Levels, nominal_hz: float, rated_kw: float, free: list[int], declared_step: bool) -> Shape:
    """Return the likeliest shape of ``levels``, with the parameters ``free`` of the straight lines."""
    hinge = _hinge(levels, nominal_hz, rated_kw, free)
    all_of_them = np.ones(len(levels), dtype=bool)
    found = Shape(hinge, hinge, all_of_them)
    limited = _limited(hinge)
    if limited is not None and _likelier(limited, hinge):
        found = Shape(limited, limited, all_of_them)
    if declared_step or found.best.scale > _MISFIT:
        stepped = step_edge(found.best)
        if stepped is not None and _likelier(stepped[0], found.best):
            found = Shape(stepped[0], stepped[0], all_of_them, stepped[1])
    if found.best.scale > _MISFIT:
        for straight in (hinge, limited):
            bent = None if straight is None else _bent(straight)
            if bent is not None and _likelier(bent, found.best, _BENT_LIKELIER):
                on_lines = np.abs(bent.curve.felt(bent.theta)) > bent.theta[EDGE] - bent.theta[SLACK]
                found = Shape(_lines(bent, hinge.free, on_lines), bent, on_lines)
    return found


def _likelier(other: Fit, than: Fit, by: float = _LIKELIER) -> bool:
    return than.unlikely - other.unlikely > by * other.scale


def _hinge(levels: Levels, nominal_hz: float, rated_kw: float, free: list[int]) -> Fit:
    rest_kw = _rest_kw(levels.kw, np.abs(levels.hz - nominal_hz))
    best = fit(Curve(levels, nominal_hz, rated_kw, steps=False), free)
    if abs(rest_kw) > _FAR_REST * rated_kw:
        # a house behind the meter, a set-point; or an offset of the frequency, if that tells it better
        lifted = replace(levels, kw=levels.kw - rest_kw)
        other = fit(Curve(lifted, nominal_hz, rated_kw, steps=False, lifted_kw=rest_kw), free)
        if other.unlikely < best.unlikely:
            return other
    return best


def _rest_kw(kw: FloatArray, far_hz: FloatArray) -> float:
    """Return the power of the levels that are nearest to nominal."""
    return float(np.median(kw[far_hz <= far_hz.min() + _REST_HZ]))


def _limited(best: Fit) -> Fit | None:
    """Return the fit of a device that goes no further than a power of its own; None where none shows.

    The droop is that of the line before the limit; how far the levels beyond it lie from the line is its
    linearity.
    """
    if best.scale < _MISFIT:
        return None
    curve, limits_kw = best.curve, {-1.0: math.inf, 1.0: math.inf}
    for sign in signs(best):
        away_hz, kw = sign * curve.deviation, -sign * curve.levels.kw
        top = float(kw[away_hz > 0.0].max(initial=0.0))
        flat, line = kw > (1.0 - FLAT) * top, (kw > FLAT * top) & (kw <= (1.0 - FLAT) * top)
        if max(apart(away_hz[flat]), apart(away_hz[line])) >= LEVELS_OF_A_LINE:
            limits_kw[sign] = float(np.median(kw[flat & (away_hz > 0.0)]))
    if min(limits_kw.values()) == math.inf:
        return None
    return fit(replace(curve, limits_kw=(limits_kw[1.0], limits_kw[-1.0])), best.free)


def _bent(straight: Fit) -> Fit | None:
    """Return the fit of a device whose lines are bent; None where a side has too few levels to tell."""
    curve, sides = straight.curve, signs(straight)
    if any(apart(sign * curve.deviation[curve.below_limits]) < _LEVELS_OF_A_BEND for sign in sides):
        return None
    free = [*straight.free, *(BEND_UNDER if sign < 0.0 else BEND_OVER for sign in sides)]
    return fit(curve, free, near=straight.theta)


def _lines(bent: Fit, free: tuple[int, ...], on_lines: NDArray[np.bool_]) -> Fit:
    """Return the straight lines closest to the levels ``on_lines``; offset, rest and slack are the curve's.

    Left to themselves the lines would shift sideways to lie closer on one side, at the cost of the other.
    """
    held = bent.theta.copy()
    held[[BEND_UNDER, BEND_OVER]] = 0.0
    levels = bent.curve.levels
    without_rest = replace(levels, kw_var=np.where(on_lines, levels.kw_var, _NO_WEIGHT_KW2))
    moving = [place for place in free if place not in (OFFSET, REST, SLACK)]
    return fit(replace(bent.curve, levels=without_rest), moving, held)
