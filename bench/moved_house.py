"""The house that moved by command around the battery: what it was told, and which command it hid.

At the receiving point a loop sends the battery the target and what the house takes more than in the baseline.
Judged there is the target: of all commands of one step the first, less what it compensates.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.recording import Command, Recording

__all__ = ["moved", "net_load_kw", "targets"]

_POWER = "power_set_kw"
_PHASE = "baseline"
_LATER_S = 1e-6


def _moves(recording: Recording) -> list[tuple[float, float]]:
    """Return when the house was told to move, and what it then took more than in the baseline, in kW."""
    set_kw = {"load_kw": 0.0, "pv_kw": 0.0}
    found: list[tuple[float, float]] = []
    baseline_kw: float | None = None
    for command in recording.commands:
        if command.role != "site" or command.quantity not in set_kw or isinstance(command.value, str | bool):
            continue
        set_kw[command.quantity] = float(command.value)
        net_kw = set_kw["load_kw"] - set_kw["pv_kw"]
        if command.phase == _PHASE:
            baseline_kw = net_kw
        elif baseline_kw is not None:
            found.append((command.t_s, net_kw - baseline_kw))
    return found


def moved(recording: Recording) -> bool:
    """Return whether the house was told to move after a baseline."""
    return bool(_moves(recording))


def net_load_kw(recording: Recording, at_s: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return what the house was told to take more than in the baseline at ``at_s``, shape (n,), in kW.

    None where nothing moved it after a baseline.
    """
    moves = _moves(recording)
    if not moves:
        return None
    told_s, told_kw = (np.array(column) for column in zip(*moves, strict=True))
    index = np.searchsorted(told_s, at_s - _LATER_S, side="right")
    return np.asarray(np.r_[0.0, told_kw][index])


def targets(recording: Recording) -> Recording:
    """Return the recording with the commands that ask for power at its point, those of the loop left out.

    The same recording at the device point, and where nothing moved the house.
    """
    if recording.point == "device" or not (moves := _moves(recording)):
        return recording
    kept: list[Command] = []
    last: tuple[str | None, int | None, str | None] | None = None
    for command in recording.commands:
        if command.quantity != _POWER or isinstance(command.value, str | bool):
            kept.append(command)
            continue
        place = (command.phase, command.step, command.direction)
        if place == last:
            continue
        last = place
        house_kw = next((kw for t_s, kw in reversed(moves) if t_s <= command.t_s), 0.0)
        kept.append(replace(command, value=round(float(command.value) - house_kw, 6)))
    return replace(recording, commands=tuple(kept))
