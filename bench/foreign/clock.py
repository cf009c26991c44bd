"""The offset of the meter's clock against the commander's, where both saw the same power.

What the device says of itself is stamped as the commands are; the analyzer may have its own clock. Their
powers are the same power, so the shift that makes them agree best is the offset. A device that reports late
looks like a meter whose clock is behind: that is told apart by the command, which nothing can precede.
Likewise the frequency that the source was set to and the one that the analyzer measured are one frequency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.recording import Command, Signal

__all__ = ["Offset", "estimated_offset", "source_offset"]

FloatArray = NDArray[np.float64]
_SLOWEST_S = 10.0
_FINEST_S = 0.5
_FARTHEST_S = 600.0
_AGREE = 0.98
_BETTER = 0.25
_LEAST_S = 1.5
_FEWEST = 50
_SPARSE = 20  # of so many places on the grid at least one must have a reading
_MOVED = 0.2
_LATENCY_S = 0.5
_SPREAD_HZ = 0.005


@dataclass(frozen=True)
class Offset:
    """``offset_s`` ± ``doubt_s``: meter's clock less the commander's; ``move``: whether to apply it."""

    offset_s: float
    doubt_s: float
    move: bool


def _stretched(span_s: float, step_s: float, readings: int) -> bool:
    """Tell whether a time far off the others stretches the grid beyond all memory."""
    return not span_s < _SPARSE * readings * step_s  # no quotient: the smallest step overflows it


def _grid(signal: Signal, at_s: FloatArray) -> FloatArray:
    t_s, value = signal.good()
    return np.asarray(np.interp(at_s, t_s, value))


def _first_move(t_s: FloatArray, value: FloatArray) -> float:
    """Return when ``value`` first left its level before for a fifth of its span."""
    span = float(np.percentile(value, 99.0) - np.percentile(value, 1.0))
    level = float(np.median(value[: max(3, len(value) // 20)]))
    away = np.abs(value - level) > _MOVED * span
    return float(t_s[int(np.argmax(away))]) if bool(away.any()) else np.inf


def _error(one: FloatArray, other: FloatArray, lag: int) -> float:
    """Return the mean square by which ``one``, ``lag`` cells earlier, differs from ``other``."""
    mine = one[max(0, lag) : len(one) + min(0, lag)]
    theirs = other[max(0, -lag) : len(other) + min(0, -lag)]
    return float(np.mean((mine - theirs) ** 2))


def estimated_offset(meter: Signal, device: Signal, commands: Sequence[Command]) -> Offset | None:
    """Return the offset, or None where the two agree as they are or cannot tell."""
    asked = [
        c.t_s for c in commands if c.quantity == "power_set_kw" and isinstance(c.value, float) and c.value
    ]
    pair = (meter.good()[0], device.good()[0])
    if not asked or min(len(part) for part in pair) < _FEWEST:
        return None
    step_s = max(float(np.median(np.diff(part))) for part in pair)
    if not 0.0 < step_s <= _SLOWEST_S:
        return None
    low, high = max(part[0] for part in pair), min(part[-1] for part in pair)
    if _stretched(high - low, step_s, max(len(part) for part in pair)):
        return None
    step_s = max(step_s, _FINEST_S)
    at_s = np.arange(low, high, step_s)
    if len(at_s) < _FEWEST:
        return None
    one, other = _grid(meter, at_s), _grid(device, at_s)
    farthest = min(int(_FARTHEST_S / step_s), len(at_s) // 4)
    errors = [_error(one, other, lag) for lag in range(-farthest, farthest + 1)]
    best = int(np.argmin(errors))
    offset_s = (best - farthest) * step_s
    spread = float(np.mean((other - other.mean()) ** 2))
    if abs(offset_s) < max(_LEAST_S, 2.0 * step_s) or errors[best] > (1.0 - _AGREE) * spread:
        return None
    if errors[best] > _BETTER * errors[farthest]:
        return None
    before = _first_move(at_s, one) < min(asked) - step_s
    return Offset(offset_s, step_s, offset_s > 0.0 or before)


def source_offset(meter: Signal, source: Signal) -> Offset | None:
    """Return the offset of the meter's clock from the source's log; None where they agree or cannot tell.

    Both are frequencies of the same terminals. That these follow the set-point by up to half a second is the
    source's latency, which the gates judge; that they precede it, or follow later than that, is a clock.
    """
    pair = (meter.good(), source.good())
    if min(len(part[0]) for part in pair) < _FEWEST:
        return None
    fine_s = max(float(np.median(np.diff(part[0]))) for part in pair)
    if not 0.0 < fine_s <= _SLOWEST_S:
        return None
    low, high = max(part[0][0] for part in pair), min(part[0][-1] for part in pair)
    if _stretched(high - low, fine_s, max(len(part[0]) for part in pair)):
        return None
    lag_s, best, none = 0.0, np.inf, np.inf
    # first roughly and far, then finely around
    for step_s, reach_s in ((max(fine_s, _FINEST_S), _FARTHEST_S), (fine_s, 2.0 * max(fine_s, _FINEST_S))):
        at_s = np.arange(low, high, step_s)
        if len(at_s) < _FEWEST:
            return None
        one, other = _grid(meter, at_s), _grid(source, at_s)
        middle = round(lag_s / step_s)
        most = min(int(reach_s / step_s), len(at_s) // 4)
        lags = [lag for lag in range(middle - most, middle + most + 1) if abs(lag) < len(at_s) // 3]
        errors = [_error(one, other, lag) for lag in lags]
        lag_s = lags[int(np.argmin(errors))] * step_s
        best, none = min(errors), _error(one, other, 0)
    spread = float(np.var(other))
    sure = best <= (1.0 - _AGREE) * spread and best <= _BETTER * none and spread > _SPREAD_HZ**2
    return Offset(lag_s, fine_s, True) if sure and not -fine_s <= lag_s <= _LATENCY_S + fine_s else None
