"""What somebody else's rows went through, in the words of our own runs, for what asks for phases."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise

from bench.recording import Command, Recording

__all__ = ["with_phases"]

Phase = tuple[str, float, float, int | None, str | None]
_SET = "power_set_kw"
_SIGNAL = "lfc"
_TINY_S = 1e-3
_FEWEST = 60
_FASTEST_REST_S = 60.0
"""A signal of load-frequency control moves at least this often (its period is a second to some tens)."""


def with_phases(recording: Recording, estimators: Collection[str]) -> Recording:
    """Return ``recording`` with the phases that ``estimators`` need and its commands tell.

    ``restore``: each command of power is a control that its end stopped. ``site_export``: nothing says when
    export was forbidden, but the cap of the total always holds. ``lfc``: the stretch in which commands never
    rest, with the level it starts from, is the signal. ``telemetry``: changes are steps to time.
    """
    sent = [c for c in recording.commands if c.quantity == _SET and isinstance(c.value, float)]
    times = [signal.t_s for signal in recording.signals.values() if len(signal.t_s)]
    if not times:
        return recording
    begin_s, end_s = min(float(t_s.min()) for t_s in times), max(float(t_s.max()) for t_s in times)
    phases: list[Phase] = []
    if "restore" in estimators:
        phases += _controls(sent, begin_s, end_s)
    if "site_export" in estimators:
        phases.append(("cap", begin_s - _TINY_S, end_s, None, None))
    if "telemetry" in estimators:
        steps = {id(command) for command in sent}
        commands = [replace(c, phase="step") if id(c) in steps else c for c in recording.commands]
        recording = replace(recording, commands=tuple(commands))
    if _SIGNAL in estimators:
        recording, found = _signal(recording, sent, begin_s, end_s)
        phases += found
    return replace(recording, phases=(*recording.phases, *phases))


def _controls(sent: list[Command], begin_s: float, end_s: float) -> list[Phase]:
    found: list[Phase] = []
    free_s = begin_s
    edges = [*sent, Command(end_s, _SET, 0.0, "battery")]
    started_s: float | None = None
    for command, after in pairwise(edges):
        if command.value and started_s is None:
            started_s = command.earliest_s
        if command.value or started_s is None:
            continue
        if math.isfinite(started_s):
            found += [
                ("stop_before", free_s, started_s, None, None),
                ("stop_control", started_s, command.t_s, None, None),
                ("stop_after", command.t_s, after.earliest_s, None, None),
                ("stop_check", after.earliest_s, after.earliest_s, None, None),
            ]
        free_s, started_s = command.t_s, None
    return found


def _signal(
    recording: Recording, sent: list[Command], begin_s: float, end_s: float
) -> tuple[Recording, list[Phase]]:
    """Mark the longest row of commands that follow each other fast."""
    best = (0, 0)
    first = 0
    for index in range(1, len(sent) + 1):
        if index < len(sent) and sent[index].t_s - sent[index - 1].t_s <= _FASTEST_REST_S:
            continue
        best = max(best, (first, index), key=lambda span: span[1] - span[0])
        first = index
    low, high = best
    if high - low < _FEWEST:
        return recording, []
    held: list[Command] = []
    if low > 0 and sent[low - 1].value:
        # the level it starts from belongs to it, held until it starts
        low -= 1
        held = [replace(sent[low], t_s=sent[low + 1].t_s - _TINY_S, phase=_SIGNAL)]
    signal = sent[low:high]
    last = signal.pop() if high < len(sent) or not signal[-1].value else None
    until_s = end_s if last is None else last.earliest_s
    marked = {id(command) for command in signal}
    commands = tuple(replace(c, phase=_SIGNAL) if id(c) in marked else c for c in recording.commands)
    commands = tuple(sorted((*commands, *held), key=lambda command: command.t_s))
    started_s = next((c.earliest_s for c in sent if c.value), begin_s)
    phases: list[Phase] = [(_SIGNAL, signal[0].t_s, until_s, None, None)]
    if math.isfinite(started_s):
        phases.append(("baseline", begin_s, started_s, None, None))
    return replace(recording, commands=commands), phases
