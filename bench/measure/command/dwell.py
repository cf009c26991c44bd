"""Stretches in which one command was in force: for what is judged interval by interval."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bench.errors import Fault, UsageError
from bench.measure.series import Series
from bench.measure.zero import zero_kw
from bench.recording import Command, Recording

__all__ = ["Dwell", "dwells", "zero_before"]

_TINY_S = 1e-3
_MOST = 100_000


@dataclass(frozen=True)
class Dwell:
    """From one command to the next, the same value or not. ``cut`` says that the record ended first.

    ``until_s`` is the last instant at which the command is known to have been in force.
    """

    from_s: float
    to_s: float
    kw: float
    previous_kw: float
    phase: str | None
    step: int | None
    direction: str | None
    cut: bool
    until_s: float


def _sent(recording: Recording) -> list[Command]:
    return sorted(
        (
            c
            for c in recording.commands
            if c.quantity == "power_set_kw" and not isinstance(c.value, str | bool)
        ),
        key=lambda command: command.t_s,
    )


def dwells(recording: Recording, end_s: float, interval_s: float) -> list[Dwell]:
    """Return every stretch between commands of the run, in order, up to ``end_s``.

    In a recording without phases commands that hold longer than ``interval_s`` are cut into intervals of it.

    Raises:
        UsageError: one command holds for longer than any test (months): the times are not in seconds.
    """
    sent = _sent(recording)
    found: list[Dwell] = []
    previous = 0.0
    for index, command in enumerate(sent):
        kw = float(command.value)
        last = index + 1 == len(sent)
        to_s = end_s if last else sent[index + 1].t_s
        planned_s = command.t_s + interval_s if last and command.phase is not None else to_s
        until_s = to_s if last else max(command.t_s, min(to_s, sent[index + 1].earliest_s))
        edges = [command.t_s, to_s]
        if command.phase is None:
            count = max(1, round((to_s - command.t_s) / interval_s))
            if count > _MOST:
                held = f"one command holds for {to_s - command.t_s:g} s, more than {_MOST} intervals"
                raise UsageError(Fault("command_kw", f"{held} of {interval_s:g} s"))
            edges = [command.t_s + (to_s - command.t_s) * k / count for k in range(count + 1)]
        for low, high in pairwise(edges):
            if high > low + _TINY_S:
                cut = high >= end_s - _TINY_S and planned_s > end_s + 1.0
                known_s = until_s if high >= to_s - _TINY_S else high
                found.append(
                    Dwell(
                        low, high, kw, previous, command.phase, command.step, command.direction, cut, known_s
                    )
                )
            previous = kw
    return found


def zero_before(recording: Recording, power: Series, first_s: float) -> tuple[tuple[float, float], str]:
    """Return what power is counted from, taken before ``first_s``, the first command that is not zero."""
    return zero_kw(recording, power, -float("inf"), first_s)
