"""Commands found in the data: changes of a set-point, or steps of the measured frequency."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.foreign.levels import plateaus
from bench.recording import Command, Signal

__all__ = ["frequency_steps", "power_commands", "source_commands"]

FloatArray = NDArray[np.float64]
Direction = Literal["up", "down"]
# Two set-points that differ by less than the rounding of a factor are one.
_ROUNDING = 1e-9


def power_commands(signal: Signal) -> list[Command]:
    """Return a command for ``battery.power_set_kw`` at the start and at each change (discharge positive)."""
    return _commands(*_changes(*signal.good()), "battery", "power_set_kw", 0.0, 1.0)


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
) -> list[Command]:
    """Return commands; ``rest`` is the level that asks for nothing, ``up`` the sign of discharge."""
    found = []
    step = 0
    for at, level in zip(t_s.tolist(), value.tolist(), strict=True):
        away = 0.0 if rest is None else up * (level - rest)
        asks = abs(away) > max(near, _ROUNDING * max(abs(level), 1.0))
        direction: Direction | None = ("up" if away > 0 else "down") if asks else None
        step += asks
        found.append(
            Command(
                t_s=at,
                quantity=quantity,
                value=level,
                role=role,
                step=step if asks else None,
                direction=direction,
            )
        )
    return found
