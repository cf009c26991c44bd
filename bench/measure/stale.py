"""Which readings of a device are old: its own time of them, or what the analyzer saw meanwhile, says so.

A value that is the same again is not old by that alone: what it tells may be constant. It is where the device
says itself that it took it earlier, and where the analyzer has left what it saw when the value was new, and
stayed away for longer than any report takes.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.measure.series import Series
from bench.measure.uncertainty import robust_noise_sd
from bench.recording import Recording

__all__ = ["LAG_S", "new_readings", "old_spans", "stamped_interval_s"]

BoolArray = NDArray[np.bool_]
LAG_S = 5.0  # how late a report is is another finding; one that is this late is late, and not yet old
_NOISE = 6.0
_LEAST_RATIO = 0.02  # of the largest reading
_LEAST_HZ = 0.02
_ROUND = (0.1, 0.05, 0.02, 0.01)
_ROUND_SHARE, _ROUND_EXACT = 0.2, 1e-6
_SECOND_S = 1.0 - 1e-6
_NO_IDENTITY = 0.1


def _allowed(told: Series, true: Series, frequency: bool) -> float:
    """Return by how much the true value must have moved before the report of it must have changed."""
    steps = np.abs(np.diff(told.value))
    resolution = float(steps[steps > 0.0].min()) if (steps > 0.0).any() else 0.0
    least = _LEAST_HZ if frequency else _LEAST_RATIO * float(np.abs(true.value).max())
    most = np.inf if frequency else _ROUND_SHARE * float(np.abs(true.value).max())
    coarse = next((step for step in _ROUND if step <= most and _whole(told.value, step)), 0.0)
    return max(least, min(resolution, 2.0 * least), coarse, _NOISE * robust_noise_sd(true.value))


def _whole(value: NDArray[np.float64], step: float) -> bool:
    return bool(np.all(np.abs(value / step - np.round(value / step)) < _ROUND_EXACT))


def _retold(recording: Recording, role: str, told: Series) -> BoolArray:
    """Return which readings carry the device's time of the one before, so that they are that one again.

    Where one reads each second, a clock of seconds may show one of them twice; and one under whose time other
    values are told again and again is not the time of the report.
    """
    again = np.zeros(len(told), dtype=bool)
    stamps = recording.signals.get(f"{role}.report_time_s")
    at_s, taken_s = (np.empty(0), np.empty(0)) if stamps is None else stamps.good()
    if not len(at_s):
        return again
    index = np.maximum(np.searchsorted(at_s, told.t_s, side="right") - 1, 0)
    known = at_s[index] == told.t_s
    taken_s = taken_s[index]
    again[1:] = (np.diff(taken_s) == 0.0) & known[1:] & known[:-1]
    moved = np.zeros(len(told), dtype=bool)
    for name in (f"{role}.power_kw", f"{role}.frequency_hz"):
        signal = recording.signals.get(name)
        t_s, value = (np.empty(0), np.empty(0)) if signal is None else signal.good()
        if np.array_equal(t_s, told.t_s):
            moved[1:] |= np.diff(value) != 0.0
    # that the stamp is read a moment before its values, or after, shows for one reading
    other = int((again[:-1] & moved[:-1] & again[1:]).sum())
    if other > max(1.0, _NO_IDENTITY * int((~again).sum())):
        return np.zeros(len(told), dtype=bool)
    if told.interval_s > 0.5 * _SECOND_S and np.all(taken_s == np.round(taken_s)):
        first_s = told.t_s[np.maximum.accumulate(np.where(again, 0, np.arange(len(told))))]
        again &= told.t_s - first_s >= _SECOND_S
    return np.asarray(again & ~np.r_[False, np.diff(told.value) != 0.0])


def stamped_interval_s(recording: Recording, role: str, told: Series) -> float | None:
    """Return how far apart the device's own times of ``told`` are; None where they tell no repeats."""
    stamps = recording.signals.get(f"{role}.report_time_s")
    if stamps is None or len(told) < 2 or not _retold(recording, role, told).any():
        return None
    apart = np.diff(stamps.good()[1])
    return float(np.median(apart[apart > 0.0])) if (apart > 0.0).any() else None


def _outrun(told: Series, true: Series, allowed: float, window_s: float) -> BoolArray:
    """Return which readings repeat a value that the true one has left for longer than any report takes.

    Whenever a value is told, it is what the true one was at some time within the lag before. So a value that
    is told again and again belongs to all of these stretches; where they no longer have one in common, it is
    old. How far it is from the true one does not matter: a device may be wrong.

    Power at one instant is seen whole in the first window that begins after it. That begins up to one window
    later, ends one later still, and may be read another one later; or it is stamped with its beginning.
    """
    old = np.zeros(len(told), dtype=bool)
    starts = np.flatnonzero(np.r_[True, np.diff(told.value) != 0.0])
    ends = np.r_[starts[1:], len(told)]
    window_s = max(window_s, true.interval_s)
    lows = np.searchsorted(true.t_s, told.t_s - LAG_S - window_s, side="right")
    highs = np.searchsorted(true.t_s, told.t_s + 3.0 * window_s, side="right")
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if told.t_s[end - 1] - told.t_s[start] <= LAG_S:
            continue
        least, most = -np.inf, np.inf
        for at in range(start, end):
            seen = true.value[lows[at] : highs[at]]
            if not len(seen):
                continue
            low, high = float(seen.min()), float(seen.max())
            old[at] = low > most + allowed or high < least - allowed
            if not old[at]:
                least, most = max(least, low), min(most, high)
    return old


def new_readings(recording: Recording, channel: str, told: Series) -> BoolArray:
    """Return which readings of ``told``, of shape (n,), brought something new or may have.

    ``channel`` is ``role.power_kw`` or ``role.frequency_hz``. The device's own time of them is
    ``role.report_time_s``, read with them.
    """
    role, _, quantity = channel.partition(".")
    new = np.ones(len(told), dtype=bool)
    if len(told) < 2:
        return new
    new &= ~_retold(recording, role, told)
    true = Series.of(recording.signals.get(f"meter.{quantity}"))
    if len(true) > 1:
        window_s = float(recording.facts.get("window_s") or 0.0)
        new &= ~_outrun(told, true, _allowed(told, true, quantity == "frequency_hz"), window_s)
    return new


def old_spans(told: Series, new: BoolArray) -> list[tuple[float, float]]:
    """Return from when to when (s) nothing new was told; only what lasts longer than any report takes."""
    times = told.t_s[new]
    edges = np.r_[times, told.t_s[-1:]]
    return [
        (float(low), float(high)) for low, high in pairwise(edges) if high - low > max(LAG_S, told.longest_s)
    ]
