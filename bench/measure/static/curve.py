"""The static characteristic of a frequency response: two lines, a dead band between them, slack, a limit.

    u = f - nominal + offset + slack,   P = P0 + K_under max(-u - b, 0) - K_over max(u - b, 0)

clipped at ± the rated power, or at a limit of the device's own. A line may be bent: beyond its edge by ``y``
it gives ``K y (1 + c y)``, and the straight one has ``c`` zero. The slack is backlash: going up in frequency
the device feels ``f - h``, going down ``f + h``, and after a turn nothing until 2 h are taken up; so the
outward edges lie at ``b + h``. With a dead band of the kind "step" the lines go through the origin and power
jumps at the edge.

Frequency and power are both measured, so a level's distance from the curve is weighted with the noise of both
and their covariance (errors in both variables; metrology section 2).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.measure.static.levels import Levels

__all__ = [
    "BEND_OVER",
    "BEND_UNDER",
    "EDGE",
    "FLAT",
    "GAIN_OVER",
    "GAIN_UNDER",
    "OFFSET",
    "PARAMETERS",
    "REST",
    "SLACK",
    "Curve",
]

FloatArray = NDArray[np.float64]
_NODES, _RAW = np.polynomial.hermite_e.hermegauss(9)
_WEIGHTS = _RAW / _RAW.sum()
_WEIGHTED_NODES = _NODES * _WEIGHTS
_TURN = 5.0
FLAT = 0.03
"""The largest power and what is within 3 % of it may be a limit."""
PARAMETERS = 8
OFFSET, EDGE, SLACK, GAIN_UNDER, GAIN_OVER, REST, BEND_UNDER, BEND_OVER = range(PARAMETERS)
"""Places in the vector of parameters: Hz, Hz (outward edge b + h), Hz, kW/Hz, kW/Hz, kW, 1/Hz, 1/Hz."""


@dataclass(frozen=True)
class Curve:
    """The levels, as deviations ``x`` (n,) from nominal, and what is known of the device.

    ``limits_kw`` are limits of the device's own, in charging and in discharging, below the rated power;
    ``lifted_kw`` is a power behind the meter that was taken off the levels.
    """

    levels: Levels
    nominal_hz: float
    rated_kw: float
    steps: bool
    limits_kw: tuple[float, float] = (math.inf, math.inf)
    lifted_kw: float = 0.0

    @cached_property
    def deviation(self) -> FloatArray:
        """Measured frequency less nominal, (n,)."""
        return self.levels.hz - self.nominal_hz

    @cached_property
    def _sigma(self) -> FloatArray:
        """Standard deviation of the frequency of each level, (n,)."""
        return np.asarray(np.sqrt(self.levels.hz_var))

    @cached_property
    def _places(self) -> FloatArray:
        """Where the frequency of each level may have been, from the mean, (n, nodes)."""
        return np.asarray(self._sigma[:, None] * _NODES)

    @cached_property
    def _range_kw(self) -> tuple[float, float]:
        """The lowest and the highest power."""
        charging_kw, discharging_kw = (min(limit, self.rated_kw) for limit in self.limits_kw)
        return -charging_kw, discharging_kw

    @cached_property
    def _runs(self) -> list[tuple[int, int, bool]]:
        """The stretches in which the frequency only rises or only falls: first, last + 1, rising.

        Where the path is itself measured, a turn counts once the frequency went back by more than its noise.
        """
        path = self.levels.path_hz
        noise = float(np.sqrt(self.levels.hz_var.max())) if self.levels.by_measurement else 0.0
        turns, rising, farthest = [1], bool(path[-1] > path[0]), 0
        for index in range(1, len(path)):
            ahead = float(path[index] - path[farthest])
            if ahead == 0.0 or (ahead > 0.0) == rising:
                farthest = index
            elif abs(ahead) > _TURN * noise:
                if farthest > 0:
                    turns.append(farthest + 1)
                rising, farthest = not rising, index
        edges = [*turns, len(path)]
        return [
            (low, high, bool(path[high - 1] >= path[low - 1]))
            for low, high in itertools.pairwise(edges)
            if high > low
        ]

    def slack(self, half_hz: float) -> FloatArray:
        """Return what backlash of half width ``half_hz`` adds to the deviation on each level, (n,)."""
        path = self.levels.path_hz
        if half_hz == 0.0:
            return np.zeros(len(path))
        # a negative half width stands for branches that lie the other way round
        half = abs(half_hz)
        felt = path.copy()
        for low, high, rising in self._runs:
            state, part = felt[low - 1], path[low:high]
            felt[low:high] = np.maximum(part - half, state) if rising else np.minimum(part + half, state)
        return np.asarray(math.copysign(1.0, half_hz) * (felt - path))

    def felt(self, theta: FloatArray) -> FloatArray:
        """Return the deviation that the device acts on, (n,)."""
        return np.asarray(self.deviation + theta[OFFSET] + self.slack(float(theta[SLACK])))

    def power_kw(self, theta: FloatArray, felt: FloatArray) -> FloatArray:
        """Return the power of the curve at the deviations ``felt``, in their shape."""
        band = float(theta[EDGE] - theta[SLACK])
        taken = 0.0 if self.steps else band
        size, under = np.abs(felt), felt < 0.0
        beyond = size - taken
        gain = np.where(under, theta[GAIN_UNDER], -theta[GAIN_OVER])
        bent = 1.0 + np.where(under, theta[BEND_UNDER], theta[BEND_OVER]) * beyond
        power = theta[REST] + np.where(size > band, gain * beyond * bent, 0.0)
        lowest_kw, highest_kw = self._range_kw
        return np.asarray(np.minimum(np.maximum(power, lowest_kw), highest_kw))

    @property
    def below_limits(self) -> NDArray[np.bool_]:
        """Which levels are not at a limit, (n,)."""
        lowest_kw, highest_kw = self._range_kw
        kw = self.levels.kw
        return np.asarray(np.abs(kw) < (1.0 - FLAT) * np.where(kw < 0.0, -lowest_kw, highest_kw))

    def distances(self, theta: FloatArray) -> FloatArray:
        """Return the signed distance of each level from the curve in standard deviations, (n,).

        The curve is averaged over where the frequency may truly have been (Gauss-Hermite quadrature). On the
        lines this is total least squares, and at a corner it is still smooth.
        """
        mean, variance = self._expected(theta)
        return np.asarray((self.levels.kw - mean) / np.sqrt(variance))

    def log_variance(self, theta: FloatArray) -> float:
        """Return the sum of the logarithms of the variances in :meth:`distances`.

        A level on the edge of a step may lie on either side, so that its variance is large: where an edge is
        sought, that has to count against it.
        """
        return float(np.log(self._expected(theta)[1]).sum())

    def _expected(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        item = self.levels
        power = self.power_kw(theta, self.felt(theta)[:, None] + self._places)
        mean = power @ _WEIGHTS
        spread = (power - mean[:, None]) ** 2 @ _WEIGHTS
        slope = power @ _WEIGHTED_NODES / self._sigma
        variance = np.maximum(item.kw_var + spread - 2.0 * slope * item.cov, 0.05 * item.kw_var)
        return np.asarray(mean), np.asarray(variance)
