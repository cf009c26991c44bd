"""The best curve through the levels, and how well each of its parameters is known: profile likelihood.

No random number is drawn, so a recording always gives the same answer to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.measure.static.curve import (
    BEND_OVER,
    BEND_UNDER,
    EDGE,
    GAIN_OVER,
    GAIN_UNDER,
    OFFSET,
    PARAMETERS,
    REST,
    SLACK,
    Curve,
)

__all__ = ["REST_RATIO", "Fit", "best_gains", "fit"]

FloatArray = NDArray[np.float64]
_EDGES_HZ = (0.0, 0.002, 0.005, 0.008, 0.012, 0.016, 0.022, 0.03, 0.04)
_SLACKS_HZ = (0.0, 0.004, 0.01)
_OFFSETS_HZ = (0.0, -0.003, 0.003, -0.006, 0.006, -0.01, 0.01, -0.015, 0.015, -0.02, 0.02, -0.03, 0.03)
REST_RATIO = 0.005
"""Of its rating, the power of a device at rest."""
_RISE = 3.841458820694124  # 95 % of chi-squared with one degree of freedom
_QUANTILE = 1.959963984540054
_NOTHING = 1e-24
_TRIES = 8
_REFINED = 5
_CLOSE = 0.3


@dataclass(frozen=True)
class Fit:
    """``theta`` as in :mod:`bench.measure.static.curve`; ``free`` are the parameters that the data decide.

    ``scale`` is by how much the levels scatter beyond their noise (at least 1).
    """

    curve: Curve
    theta: FloatArray
    free: tuple[int, ...]
    cost: float
    scale: float

    @property
    def unlikely(self) -> float:
        """Return minus twice the logarithm of the likelihood, but for a constant."""
        return self.cost + self.curve.log_variance(self.theta)

    def residuals(self, values: FloatArray, free: Sequence[int]) -> FloatArray:
        """Return the distances of all levels, and of the power at rest from zero, with ``free`` set."""
        theta = self.theta.copy()
        theta[list(free)] = values
        rest = theta[REST] / (REST_RATIO * self.curve.rated_kw)
        return np.append(self.curve.distances(theta), rest)

    def refit(self, free: Sequence[int], most: int | None = None) -> Fit:
        """Return the fit with ``free`` at their best and the others as they are."""
        from scipy.optimize import least_squares  # here: most runs fit no curve, and its import is slow

        found = least_squares(
            self.residuals, self.theta[list(free)], args=(free,), method="lm",
            x_scale=self._steps()[list(free)], xtol=1e-8, ftol=1e-8, max_nfev=most,
        )  # fmt: skip
        theta = self.theta.copy()
        theta[list(free)] = found.x
        return replace(self, theta=theta, cost=2.0 * float(found.cost))

    def _steps(self) -> FloatArray:
        steps = np.array([1e-3, 1e-3, 1e-3, 0.01, 0.01, 1e-3, 0.05, 0.05])
        steps[[GAIN_UNDER, GAIN_OVER]] *= np.maximum(np.abs(self.theta[[GAIN_UNDER, GAIN_OVER]]), 1e-2)
        return steps

    def interval(self, index: int) -> tuple[float, float]:
        """Return the 95 % interval of parameter ``index`` by profile likelihood, the scatter taken in."""
        place = self.free.index(index)
        others = [item for item in self.free if item != index]
        rise = _RISE * self.scale
        own = float(self._covariance[place, place])
        if own > _NOTHING:
            along, step = self._covariance[:, place] / own, math.sqrt(rise * own)
        else:  # where no level tells of it the curvature has no inverse: begin with the parameter alone
            along, step = np.eye(len(self.free))[place], float(self._steps()[index])
        ends = []
        for side in (-1.0, 1.0):
            size, lowest, highest = step, 0.0, math.inf
            for _ in range(_TRIES):
                at = self.theta.copy()
                at[list(self.free)] += side * size * along
                above = max(replace(self, theta=at).refit(others, 60).cost - self.cost, 1e-3 * rise)
                # the cost rises about as the square of the distance
                wanted = size * math.sqrt(rise / above)
                if abs(above - rise) < _CLOSE * rise:
                    size = wanted
                    break
                lowest, highest = (size, highest) if above < rise else (lowest, size)
                wanted = min(wanted, 3.0 * size)
                size = wanted if lowest < wanted < highest else (lowest + min(highest, 2.0 * size)) / 2.0
            ends.append(float(self.theta[index] + side * size))
        return ends[0], ends[1]

    def u(self, index: int) -> float:
        """Return the standard uncertainty of parameter ``index`` from the scatter alone."""
        low, high = self.interval(index)
        return (high - low) / (2.0 * _QUANTILE)

    @cached_property
    def _covariance(self) -> FloatArray:
        """The inverse of the curvature at the best fit, of the free parameters: where to begin to look."""
        best, steps = self.theta[list(self.free)], 0.02 * self._steps()[list(self.free)]
        columns = [
            (self.residuals(best + shift, self.free) - self.residuals(best - shift, self.free)) / (2.0 * size)
            for shift, size in zip(np.diag(steps), steps, strict=True)
        ]
        matrix = np.column_stack(columns)
        return np.linalg.pinv(matrix.T @ matrix)


def best_gains(curve: Curve, theta: FloatArray, free: Sequence[int]) -> FloatArray:
    """Return ``theta`` with gains, bends and rest by weighted least squares at its offset, edge and slack."""
    felt = curve.felt(theta)
    band = float(theta[EDGE] - theta[SLACK])
    taken = 0.0 if curve.steps else band
    under, over = np.where(-felt > band, -felt - taken, 0.0), np.where(felt > band, felt - taken, 0.0)
    # a bend times its gain is the factor of the square
    columns = {
        GAIN_UNDER: under,
        GAIN_OVER: -over,
        REST: np.ones(len(felt)),
        BEND_UNDER: under**2,
        BEND_OVER: -(over**2),
    }
    places = [place for place in columns if place in free]
    matrix = np.column_stack([columns[place] for place in places])
    held = theta[REST] if REST not in free else 0.0
    # a level at the limit tells nothing of the lines
    below = curve.below_limits
    solved, *_ = np.linalg.lstsq(matrix[below], curve.levels.kw[below] - held, rcond=None)
    found = theta.copy()
    found[places] = solved
    found[[GAIN_UNDER, GAIN_OVER]] = np.maximum(found[[GAIN_UNDER, GAIN_OVER]], 0.0)
    for gain, bend in ((GAIN_UNDER, BEND_UNDER), (GAIN_OVER, BEND_OVER)):
        if bend in free:
            found[bend] = found[bend] / found[gain] if found[gain] > 0.0 else 0.0
    return found


def fit(
    curve: Curve, free: Sequence[int], held: FloatArray | None = None, near: FloatArray | None = None
) -> Fit:
    """Return the best fit of ``curve`` with the parameters ``free``; the others stay as ``held``, else zero.

    Starts on a grid of edges, slacks and offsets, for each with the best gains; the best of them are refined,
    and ``near``, the best fit of a simpler curve.
    """
    held = np.zeros(PARAMETERS) if held is None else held
    starts: list[tuple[float, int, FloatArray]] = []
    for edge in _EDGES_HZ:
        for slack in _SLACKS_HZ if SLACK in free else (float(held[SLACK]),):
            for offset in _OFFSETS_HZ if OFFSET in free else (float(held[OFFSET]),):
                theta = held.copy()
                theta[[OFFSET, EDGE, SLACK]] = offset, edge + slack, slack
                theta = best_gains(curve, theta, free)
                left = curve.levels.kw - curve.power_kw(theta, curve.felt(theta))
                starts.append((float(left @ left), len(starts), theta))
    blank = Fit(curve, held, tuple(free), math.inf, 1.0)
    begins = [theta for _, _, theta in sorted(starts)[:_REFINED]] + ([] if near is None else [near])
    tried = [replace(blank, theta=theta).refit(free) for theta in begins]
    best = min(tried, key=lambda item: item.cost)
    # power at rest far from zero (a house behind the meter, a set-point) is no scatter of the levels
    scatter = float(np.sum(best.residuals(best.theta[list(free)], free)[:-1] ** 2))
    freedom = max(len(curve.levels) + 1 - len(free), 1)
    return replace(best, scale=max(1.0, scatter / freedom))
