"""The analyzer's window: declared, or estimated from the data; and its readings on their own time grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.series import Series
from bench.recording import Recording

__all__ = ["Averaging", "meter_channels"]

FloatArray = NDArray[np.float64]
_SHARES = (0.02, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
_REPEATED_SHARE = 0.3


@dataclass(frozen=True)
class Averaging:
    """``widths_s`` are the candidates for the averaging window: one where it is declared.

    ``stamp_s`` is half the width of what the time stamps leave open beyond that.
    """

    widths_s: tuple[float, ...]
    known: bool
    update_s: float
    stamp_s: float


def _drop_repeats(power: Series, frequency: Series) -> tuple[Series, Series]:
    """Drop readings in which the analyzer had nothing new, where they come in a regular pattern."""
    if len(power) < 50 or len(power) != len(frequency) or not np.array_equal(power.t_s, frequency.t_s):
        return power, frequency
    new = np.r_[True, (np.diff(power.value) != 0.0) | (np.diff(frequency.value) != 0.0)]
    spacing = np.diff(np.flatnonzero(new))
    if len(spacing) < 10 or float(1.0 - new.mean()) < _REPEATED_SHARE:
        return power, frequency
    low, high = np.percentile(spacing, [5.0, 99.0])
    if low < 2 or high > low + 1:
        return power, frequency
    return (
        Series(power.t_s[new], power.value[new], power.stamps_s),
        Series(frequency.t_s[new], frequency.value[new], frequency.stamps_s),
    )


def _regular(t_s: FloatArray, poll_s: float) -> FloatArray | None:
    """Return the ends of the windows where polling has blurred a regular update; None where it has not."""
    steps = np.diff(t_s)
    typical = float(np.median(steps))
    near = steps[steps < 1.8 * typical]
    if len(near) < 20 or float(near.std()) < 0.01 * typical:
        return None
    period = float(near.mean())
    for _ in range(3):
        index = np.round((t_s - t_s[0]) / period)
        period = float(np.polyfit(index, t_s, 1)[0])
    index = np.round((t_s - t_s[0]) / period)
    late = t_s - index * period
    if float(late.max() - late.min()) > 1.1 * poll_s:
        return None
    return np.asarray(late.min() + index * period)


def meter_channels(recording: Recording) -> tuple[Series, Series, Averaging]:
    """Return power and frequency of the analyzer without repeats, and its averaging window.

    An undeclared window may be anything up to a sliding mean of two updates; the frequency steps then
    say which widths are likely.
    """
    power = Series.of(recording.power())
    frequency = Series.of(recording.signals.get("meter.frequency_hz"))
    poll = float(np.min(np.diff(power.stamps_s))) if len(power.stamps_s) > 1 else 0.0
    power, frequency = _drop_repeats(power, frequency)
    stamp_s = 0.0
    if len(power) > 50:
        grid = _regular(power.t_s, poll)
        if grid is not None:
            if len(frequency) == len(power) and np.array_equal(frequency.t_s, power.t_s):
                frequency = Series(grid, frequency.value, frequency.stamps_s)
                power = Series(grid, power.value, power.stamps_s)
            else:
                stamp_s = poll / 2.0
        elif power.jitter_s > 0.05 * power.interval_s:
            stamp_s = power.jitter_s
    declared = recording.facts.get("window_s")
    update = power.interval_s
    if isinstance(declared, int | float) and not isinstance(declared, bool) and declared > 0:
        return power, frequency, Averaging((float(declared),), True, update, stamp_s)
    return power, frequency, Averaging(tuple(share * update for share in _SHARES), False, update, stamp_s)
