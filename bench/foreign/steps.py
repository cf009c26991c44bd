"""Commands found in the data: changes of a set-point, or steps of the measured frequency."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.foreign.levels import plateaus, sample_noise
from bench.recording import Command, Signal

__all__ = ["frequency_steps", "power_commands", "source_commands"]

FloatArray = NDArray[np.float64]
Direction = Literal["up", "down"]
# Two set-points that differ by less than the rounding of a factor are one.
_ROUNDING = 1e-9
# So are two powers that differ by less than this share of the largest: nobody commands that.
_SAME_POWER = 0.005
# Where nearly every row brings another value, the column carries noise or a signal that never rests.
_RESTLESS = 0.5
_NOISE, _WHITE = 5.0, 1.5
_FEWEST = 50


def power_commands(signal: Signal) -> list[Command]:
    """Return a command for ``battery.power_set_kw`` at the start and at each change (discharge positive).

    A column with numeric noise gives the levels that it keeps; a level within the noise of zero is zero.
    """
    t_s, value = signal.good()
    if len(value) == 0:
        return []
    scale = float(np.abs(value).max())
    least = _SAME_POWER * scale
    level_t_s, level_kw = t_s, value
    if len(value) >= _FEWEST and float(np.count_nonzero(np.diff(value))) > _RESTLESS * len(value):
        noise, found = sample_noise(value), plateaus(t_s, value)
        if found:
            level_t_s = np.array([level.from_s for level in found])
            level_kw = np.array([level.value for level in found])
        elif float(np.std(value)) < _WHITE * noise:
            level_t_s, level_kw = t_s[:1], np.array([float(np.median(value))])
        if found or len(level_kw) == 1:
            least = max(least, _NOISE * noise)
    level_kw = np.where(np.abs(level_kw) <= least, 0.0, level_kw)
    keep = _lasting(level_kw, least)
    rows_s = _rows_s(signal, t_s, value)
    return _commands(level_t_s[keep], level_kw[keep], "battery", "power_set_kw", 0.0, 1.0, rows_s=rows_s)


def _rows_s(signal: Signal, t_s: FloatArray, value: FloatArray) -> FloatArray:
    """Return the times at which the command was known: where only changes are written, those of all rows.

    Before the first command there was none, so the rows before it are known too.
    """
    every_s = np.unique(signal.t_s)
    if float(np.count_nonzero(np.diff(value) == 0.0)) <= _RESTLESS * len(value):
        return every_s
    return np.concatenate([every_s[every_s < t_s[0]], t_s])


def source_commands(signal: Signal, nominal_hz: float | None) -> list[Command]:
    """Return a command for ``source.frequency_hz`` at the start and at each change."""
    return _commands(*_changes(*signal.good()), "source", "frequency_hz", nominal_hz, -1.0)


def frequency_steps(signal: Signal, nominal_hz: float | None) -> list[Command]:
    """Return what the source must have been set to, from the levels of the measured frequency.

    Empty where frequency does not keep levels: a recorded grid has no steps.
    """
    found = plateaus(*signal.good())
    t_s = np.array([level.from_s for level in found])
    value = np.array([level.value for level in found])
    if not found:
        return []
    # The level at rest is as far from nominal as source and meter are wrong.
    about = value[0] if nominal_hz is None else nominal_hz
    rest = float(value[np.argmin(np.abs(value - about))])
    near = max(level.noise for level in found)
    return _commands(t_s, value, "source", "frequency_hz", rest, -1.0, near)


def _lasting(value: FloatArray, least: float) -> list[int]:
    """Return which values differ by more than ``least`` from the one kept before."""
    kept = [0]
    for index in np.flatnonzero(np.r_[False, np.diff(value) != 0.0]).tolist():
        if abs(value[index] - value[kept[-1]]) > least:
            kept.append(index)
    return kept


def _changes(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    if len(value) == 0:
        return t_s, value
    scale = float(np.abs(value).max())
    keep = np.r_[True, np.abs(np.diff(value)) > _ROUNDING * scale]
    return t_s[keep], value[keep]


def _commands(
    t_s: FloatArray,
    value: FloatArray,
    role: str,
    quantity: str,
    rest: float | None,
    up: float,
    near: float = 0.0,
    rows_s: FloatArray | None = None,
) -> list[Command]:
    """Return commands; ``rest`` is the level that asks for nothing, ``up`` the sign of discharge.

    ``rows_s`` are the times of all rows: a command came after the row before the first that shows it.
    """
    found = []
    step = 0
    for at, level in zip(t_s.tolist(), value.tolist(), strict=True):
        away = 0.0 if rest is None else up * (level - rest)
        asks = abs(away) > max(near, _ROUNDING * max(abs(level), 1.0))
        direction: Direction | None = ("up" if away > 0 else "down") if asks else None
        step += asks
        not_before = None
        if rows_s is not None:
            row = int(np.searchsorted(rows_s, at)) - 1
            not_before = float(rows_s[row]) if row >= 0 else -np.inf
        found.append(
            Command(
                t_s=at,
                quantity=quantity,
                value=level,
                role=role,
                step=step if asks else None,
                direction=direction,
                not_before_s=not_before,
            )
        )
    return found
