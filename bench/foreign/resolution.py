"""How finely a meter's power was written down, where that is coarser than its noise."""

from __future__ import annotations

import numpy as np

from bench.recording import Signal

__all__ = ["power_resolution_kw"]

_STEPS_KW = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_SHARE = 0.05
_EXACT = 1e-4
_MOVING = 0.5
_FEWEST = 20


def power_resolution_kw(power: Signal) -> float:
    """Return the coarsest step, at most 0.1 kW, that all readings are whole numbers of; 0 where none shows.

    Readings that mostly differ from the one before carry noise of that size or more: their mean knows better
    than the step. A step of more than a twentieth of the largest power is round numbers, no resolution.
    """
    _, value = power.good()
    if len(value) < _FEWEST or float(np.mean(np.diff(value) != 0.0)) > _MOVING:
        return 0.0
    largest = float(np.abs(value).max())
    for step_kw in _STEPS_KW:
        turns = value / step_kw
        if step_kw <= _SHARE * largest and bool(np.all(np.abs(turns - np.round(turns)) < _EXACT)):
            return step_kw
    return 0.0
