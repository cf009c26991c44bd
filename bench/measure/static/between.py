"""What the levels themselves say of an edge, whatever the shape of the response.

On each side the edge lies between the last level at rest and the first with an answer. A line through three
levels or more that lie on it says where between them. Through two there always is a line, of a bent response
too; and where the levels do not lie on the curve, the truth is as far from its edge as they leave room for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.static.curve import EDGE, FLAT, GAIN_OVER, GAIN_UNDER, OFFSET, REST, SLACK
from bench.measure.static.fit import REST_RATIO, Fit

__all__ = ["LEAST_STEEP", "LEVELS_OF_A_LINE", "Edges", "apart", "edges", "signs", "steepest"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_SEEN = 6.0
_SURE = 2.0
_APART_HZ = 0.002
_APART_SHARE = 0.125
_REST_HZ = 0.001
LEVELS_OF_A_LINE = 2
"""Through so many levels there is a line; more tell whether it is one."""
LEAST_STEEP = 0.25
"""A curve less steep than this share of what its levels rise somewhere is not theirs."""
# Levels closer than this share of the farthest tell scatter, which differs between them, from a misfit.
_CLOSE_SHARE = 0.0625
_FEW_PAIRS = 4
_BY_CHANCE = 1.0
_MOST_BY_CHANCE = 0.9
# An edge may be off by so many times what the levels lie off the curve: the curve is continued to it.
_LEVER = 10.0
_OUTSIDE = 1.5
# The height of stairs over the root mean square of their distance from a line, 2 sqrt(3).
_STAIR = 3.46


@dataclass(frozen=True)
class Edges:
    """The edge inside the slack and the offset in Hz, and what the model of the curve leaves open of both.

    ``told`` is False where they are the middles between levels and not of the curve. ``rest_told`` is False
    where no level lies inside the dead band: the offset is then that at which power is zero. ``on_line`` is,
    for each sign of the deviation that answers, how many levels there may lie on a line.
    """

    edge_hz: float
    offset_hz: float
    u_edge_hz: float
    u_offset_hz: float
    told: bool
    rest_told: bool
    on_line: dict[float, int]


def signs(best: Fit) -> list[float]:
    """Return the signs of the deviation on the sides that answer."""
    return [sign for gain, sign in ((GAIN_UNDER, -1.0), (GAIN_OVER, 1.0)) if gain in best.free]


def apart(away_hz: FloatArray, least_hz: float = _APART_HZ) -> int:
    """Count the levels of one side that are apart from each other and from nominal."""
    count, last = 0, 0.0
    for at in np.sort(away_hz[away_hz > 0.0]).tolist():
        if at > last + least_hz:
            count, last = count + 1, at
    return count


def edges(best: Fit) -> Edges:
    """Return what the levels leave open of the edge and the offset of ``best``."""
    theta, curve = best.theta, best.curve
    gain, felt = _mean_gain(best), curve.felt(theta)
    inner, offset = max(float(theta[EDGE] - theta[SLACK]), 0.0), float(theta[OFFSET])
    found = _Bounds.of(best, felt, gain)
    on_line = {
        sign: _on_a_line(sign * curve.deviation[beyond], -sign * (curve.levels.kw[beyond] - found.rest_kw))
        for sign in signs(best)
        for beyond in [(sign * felt > inner) & (sign * curve.deviation > _APART_HZ)]
    }
    if curve.steps:  # its edges are the middles between levels already
        return Edges(inner, offset, 0.0, 0.0, True, True, on_line)
    misfit_kw = _misfit_kw(best)
    misfit_hz = _LEVER * misfit_kw / gain
    fits = misfit_hz < found.half_hz and abs(inner - found.middle_hz) <= _OUTSIDE * found.half_hz
    if fits and min(on_line.values()) > LEVELS_OF_A_LINE:
        u = min(misfit_hz, found.half_hz / math.sqrt(3.0))
        at_rest = int((np.abs(felt) < inner).sum())
        if at_rest and inner > _SURE * found.noise_kw / (gain * math.sqrt(at_rest)):
            return Edges(inner, offset, u, u, True, True, on_line)
        # without a level at rest an offset and a power at rest look alike: such power is small, or none
        rest_kw = float(theta[REST])
        at_zero_hz = offset - rest_kw / gain
        nominal_kw = abs(curve.lifted_kw + rest_kw - gain * offset)
        limit_hz = min(max(REST_RATIO * curve.rated_kw, nominal_kw) / gain, float(np.abs(felt).max()))
        return Edges(inner, at_zero_hz, u, math.hypot(u, limit_hz / math.sqrt(3.0)), True, False, on_line)
    if not fits or max(on_line.values()) < LEVELS_OF_A_LINE:
        # an offset that belongs to no curve
        found, offset = _Bounds.of(best, curve.deviation, gain, misfit_kw), 0.0
    u = found.half_hz / math.sqrt(3.0)
    # the power at nominal may be that of an offset
    u_offset = math.hypot(u, found.rest_kw / gain)
    return Edges(found.middle_hz, offset + found.aside_hz, u, u_offset, False, True, on_line)


def _mean_gain(best: Fit) -> float:
    """Return kW/Hz at the edges; a curve steeper than what the levels saw, or much less steep, is none."""
    gains = [float(best.theta[GAIN_UNDER if sign < 0.0 else GAIN_OVER]) for sign in signs(best)]
    steep = float(np.mean([steepest(best, sign) for sign in signs(best)]))
    return float(np.clip(np.mean(gains), LEAST_STEEP * steep, steep))


def steepest(best: Fit, sign: float) -> float:
    """Return the steepest rise between neighbouring levels of a side, in kW/Hz: no line is less steep."""
    levels, away_hz = best.curve.levels, sign * best.curve.deviation
    here = away_hz > -_REST_HZ
    order = np.argsort(away_hz[here], kind="stable")
    at_hz, kw = away_hz[here][order], -sign * levels.kw[here][order]
    # levels that lie close together are one
    width_hz = max(_APART_HZ / 4.0, _CLOSE_SHARE * float(at_hz.max(initial=0.0)))
    groups = np.floor(at_hz / width_hz + 0.5).astype(int)
    _, which, count = np.unique(groups, return_inverse=True, return_counts=True)
    at, power = np.bincount(which, at_hz) / count, np.bincount(which, kw) / count
    return max(float((np.diff(power) / np.diff(at)).max(initial=0.0)), 1e-6)


@dataclass(frozen=True)
class _Bounds:
    """Between which levels the sides begin to answer: middle, half of the distance, and how far aside."""

    middle_hz: float
    half_hz: float
    aside_hz: float
    rest_kw: float
    noise_kw: float

    @classmethod
    def of(cls, best: Fit, at_hz: FloatArray, gain: float, misfit_kw: float = 0.0) -> _Bounds:
        """Return the bounds on the deviations ``at_hz`` (n,) of the levels of ``best``."""
        levels, near_hz = best.curve.levels, np.abs(at_hz)
        u_kw = np.sqrt(levels.kw_var + gain**2 * levels.hz_var)
        at_rest = levels.kw[near_hz <= near_hz.min() + _REST_HZ]
        rest_kw = float(np.median(at_rest))
        # a level counts as at rest while its answer is within the noise, or within a stair of the response
        least_kw = _SEEN * u_kw + float(np.ptp(at_rest))
        unseen_hz = (least_kw + _STAIR * misfit_kw) / gain
        gaps = []
        for sign in signs(best):
            answer_kw = -sign * (levels.kw - rest_kw)
            seen, quiet = answer_kw > least_kw, np.abs(answer_kw) <= least_kw
            gaps.append(_between(sign * at_hz, quiet, seen, unseen_hz))
        low, high = np.array(gaps).mean(axis=0).tolist()
        low = max(low, 0.0)
        aside = (sum(gaps[0]) - sum(gaps[-1])) / 4.0
        return cls((low + high) / 2.0, max(high - low, 0.0) / 2.0, aside, rest_kw, float(np.median(u_kw)))


def _between(
    away_hz: FloatArray, quiet: BoolArray, seen: BoolArray, unseen_hz: FloatArray
) -> tuple[float, float]:
    """Return between which deviations a side begins to answer."""
    first = float(away_hz[seen].min(initial=float(away_hz.max())))
    nearer = quiet & (away_hz < first)
    low = float((away_hz - unseen_hz)[nearer].max()) if nearer.any() else min(first, 0.0)
    last = float(away_hz[quiet].max(initial=low))
    high = float(away_hz[seen & (away_hz > last)].min(initial=max(first, last)))
    return low, high


def _on_a_line(away_hz: FloatArray, answer_kw: FloatArray) -> int:
    """Count the levels of a side that may lie on a line: those at a limit of the device's own do not."""
    top_kw = float(answer_kw.max(initial=0.0))
    flat = answer_kw > (1.0 - FLAT) * top_kw
    limited = bool(flat.any()) and float(np.ptp(away_hz[flat])) > _APART_HZ
    on_line = np.sort(away_hz[(answer_kw > FLAT * top_kw) & ~flat] if limited else away_hz)
    if len(on_line) == 0:
        return 0
    least_hz = max(_APART_HZ / 2.0, _APART_SHARE * float(on_line[-1] - on_line[0]))
    return apart(on_line - on_line[0] + 2.0 * least_hz, least_hz)


def _misfit_kw(best: Fit) -> float:
    """Return by how much the curve misses levels that lie close together alike, beyond what scatter does.

    Where no levels lie close together nothing tells scatter from a curve that is wrong.
    """
    curve, levels, felt = best.curve, best.curve.levels, best.curve.felt(best.theta)
    order = np.argsort(felt, kind="stable")
    off = (levels.kw - curve.power_kw(best.theta, felt))[order]
    noise2 = float(np.mean(levels.kw_var + _mean_gain(best) ** 2 * levels.hz_var))
    beyond2 = max(float(np.mean(off**2)) - noise2, 0.0)
    close = np.diff(felt[order]) < _CLOSE_SHARE * float(np.abs(felt).max())
    count = int(close.sum())
    if count < _FEW_PAIRS:
        return math.sqrt(beyond2)
    before, after = off[:-1][close], off[1:][close]
    alike = 2.0 * float(before @ after) / max(float(before @ before + after @ after), 1e-24)
    chance = min(_BY_CHANCE / math.sqrt(count), _MOST_BY_CHANCE)
    return math.sqrt(beyond2 * max(alike - chance, 0.0) / (1.0 - chance))
