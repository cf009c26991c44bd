"""The series of power commands: levels, and which of them are activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.recording import Recording

__all__ = ["SIGNAL_PHASE", "Level", "commands_kw", "levels"]

_SET = "power_set_kw"
_SAME_KW = 1e-6
SIGNAL_PHASE = "lfc"
"""Phase of a signal that never rests: judged by correlation (bench.measure.command.lfc), not as levels."""


@dataclass(frozen=True)
class Level:
    """A stretch with one power command; ``previous_kw`` is the one before, ``step`` counts activations.

    It is known to be in force from ``from_s`` to ``until_s``; it began after ``since_s`` (minus infinity:
    before the rows did) and ended before ``to_s``.
    """

    from_s: float
    to_s: float
    kw: float
    previous_kw: float
    step: int
    direction: Literal["up", "down"]
    closed: bool
    """True where another command ended it, False where the record did."""
    since_s: float
    until_s: float

    @property
    def sign(self) -> float:
        """+1 for discharge (up), -1 for charge (down)."""
        return 1.0 if self.direction == "up" else -1.0


def commands_kw(recording: Recording, *, signal: bool = True) -> list[tuple[float, float, float]]:
    """Return when each power was commanded, what in kW, and the earliest it may have come.

    ``signal`` says whether what belongs to a signal is among them. Times come from the commands as sent; in a
    recording without commands, from the changes of the set-point channel.
    """
    sent = [
        (command.t_s, float(command.value), command.earliest_s)
        for command in recording.commands
        if command.quantity == _SET
        and not isinstance(command.value, str | bool)
        and (signal or command.phase != SIGNAL_PHASE)
    ]
    if sent:
        return sorted(sent)
    for channel in (f"command.{_SET}", f"battery.{_SET}", f"gateway.{_SET}"):
        recorded = recording.signals.get(channel)
        if recorded is not None:
            t_s, value = recorded.good()
            keep = np.r_[True, np.abs(np.diff(value)) > _SAME_KW] if len(value) else np.zeros(0, bool)
            return list(zip(t_s[keep].tolist(), value[keep].tolist(), t_s[keep].tolist(), strict=True))
    return []


def levels(recording: Recording, end_s: float) -> list[Level]:
    """Return the levels in order up to ``end_s``; repeating a level starts no new one."""
    changes: list[tuple[float, float, float]] = []
    for t_s, kw, since_s in commands_kw(recording, signal=False):
        if t_s < end_s and (not changes or abs(kw - changes[-1][1]) > _SAME_KW):
            changes.append((t_s, kw, since_s))
    found: list[Level] = []
    step = 0
    previous = 0.0
    towards: Literal["up", "down"] = "up"
    for index, (t_s, kw, since_s) in enumerate(changes):
        closed = index + 1 < len(changes)
        if abs(kw) > _SAME_KW:
            step += 1
            towards = "up" if kw > 0 else "down"
        to_s, until_s = (changes[index + 1][0], changes[index + 1][2]) if closed else (end_s, end_s)
        found.append(Level(t_s, to_s, kw, previous, step, towards, closed, since_s, max(t_s, until_s)))
        previous = kw
    return found
