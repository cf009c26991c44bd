"""A rest in which power was still settling from what came before, and what is left of it afterwards.

A power stage that has not come to rest when the next step arrives carries the remainder into it. Of a linear
stage the two simply add, so the remainder is fitted in the rest, ``level + rest * exp(-dt / tau)``, and
taken off what follows; else a slow device would seem to answer at another level and another time each step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.series import Series
from bench.measure.uncertainty import noise_sd

__all__ = ["Tail", "tail_of"]

FloatArray = NDArray[np.float64]
_LAST_S = 5.0
_FEWEST = 12
_TAUS = np.geomspace(0.5, 60.0, 97)
_SURE = 5.0
_SMALLEST = 0.01
_WELL = 2.0


@dataclass(frozen=True)
class Tail:
    """What power would come to (``level_kw``), and how far from it power was at ``at_s``."""

    at_s: float
    level_kw: float
    level_u_kw: float
    rest_kw: float
    tau_s: float

    def left_kw(self, t_s: FloatArray) -> FloatArray:
        """Return what is left of the settling at ``t_s``, shape (n,)."""
        return self.rest_kw * np.exp(-(t_s - self.at_s) / self.tau_s)


def tail_of(power: Series, rest_s: float, until_s: float, full_kw: float) -> Tail | None:
    """Return how power was settling at the end of a rest; None where it had settled, or nobody can tell.

    Args:
        power: of the analyzer.
        rest_s: when the rest began; its first fifth is left out, where a dead time may still run.
        until_s: when it ended.
        full_kw: the step; movement below a hundredth of it is nothing.
    """
    last = power.between(max(until_s - _LAST_S, rest_s), until_s).value
    half = len(last) // 2
    if half < 3:
        return None
    noise = noise_sd(last)
    moved = abs(float(last[half:].mean() - last[:half].mean()))
    if moved < max(_SURE * noise * math.sqrt(2.0 / half), _SMALLEST * full_kw):
        return None
    part = power.between(rest_s + 0.2 * (until_s - rest_s), until_s)
    if len(part) < _FEWEST:
        return None
    best: tuple[float, FloatArray, FloatArray, float] | None = None
    # counted from where the part begins: from its end, a short time constant overflows in a long rest
    late = part.t_s - part.t_s[0]
    for tau in _TAUS[until_s - rest_s > _TAUS]:
        shape = np.column_stack([np.ones(len(part)), np.exp(-late / tau)])
        found, *_ = np.linalg.lstsq(shape, part.value, rcond=None)
        squares = float(((part.value - shape @ found) ** 2).sum())
        if best is None or squares < best[0]:
            best = squares, found, shape, float(tau)
    if best is None:
        return None
    squares, found, shape, tau_s = best
    scatter = math.sqrt(squares / (len(part) - 3))
    if scatter > _WELL * noise + 0.1 * _SMALLEST * full_kw:
        return None
    # the time constant is known no better than the data tell: a third column of the design
    full = np.column_stack([shape, found[1] * late / tau_s**2 * shape[:, 1]])
    level_u = scatter * math.sqrt(max(float(np.linalg.pinv(full.T @ full)[0, 0]), 0.0))
    rest_kw = float(found[1]) * math.exp(-(until_s - float(part.t_s[0])) / tau_s)
    return Tail(until_s, float(found[0]), level_u, rest_kw, tau_s)
