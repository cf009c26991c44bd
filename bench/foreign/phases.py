"""What somebody else's rows went through, in the words of our own runs, for what asks for phases."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bench.recording import Command, Recording, Signal

__all__ = ["with_phases"]

Phase = tuple[str, float, float, int | None, str | None]
_SET = "power_set_kw"
_SIGNAL = "lfc"
_TINY_S = 1e-3
_FEWEST = 60
_FASTEST_REST_S = 60.0
"""A signal of load-frequency control moves at least this often (its period is a second to some tens)."""
_FEWEST_TOGETHER = 5
_FEWEST_ROWS = 6
_PASSING_S = 5.0
"""A mode that is gone sooner was passed through on the way to another."""


def with_phases(
    recording: Recording, estimators: Collection[str], names: Mapping[str, float] | None = None
) -> Recording:
    """Return ``recording`` with the phases that ``estimators`` need and its commands tell.

    ``restore``: each command of power is a control that its end stopped. ``site_export``: nothing says when
    export was forbidden, but the cap of the total always holds. ``lfc``: the stretch in which commands never
    rest for long, with the level it starts from, is the signal. ``telemetry``: changes that last long enough
    to be answered in time are steps to time. ``replay``: a grid that was not set was not played.

    ``names`` are the rules and parameters that tell how long is long.
    """
    names = names or {}
    sent = [c for c in recording.commands if c.quantity == _SET and isinstance(c.value, float)]
    times = [signal.t_s for signal in recording.signals.values() if len(signal.t_s)]
    if not times:
        return recording
    begin_s, end_s = min(float(t_s.min()) for t_s in times), max(float(t_s.max()) for t_s in times)
    phases: list[Phase] = []
    if "restore" in estimators:
        phases += _controls(recording, sent, (begin_s, end_s), names)
    if "site_export" in estimators:
        phases.append(("cap", begin_s - _TINY_S, end_s, None, None))
    if "telemetry" in estimators:
        steps = _answerable(sent, names.get("latency_system_s", 0.0))
        commands = [replace(c, phase="step") if id(c) in steps else c for c in recording.commands]
        recording = replace(recording, commands=tuple(commands))
    if _SIGNAL in estimators:
        recording, found = _signal(recording, sent, (begin_s, end_s), names)
        phases += found
    if "replay" in estimators and "source.frequency_hz" not in recording.signals:
        recording = replace(
            recording, commands=tuple(command for command in recording.commands if command.role != "source")
        )
    return replace(recording, phases=(*recording.phases, *phases))


def _answerable(sent: list[Command], limit_s: float) -> set[int]:
    """Return the commands that nothing followed, or was followed by, before an answer was due."""
    lasting = [after.t_s - command.t_s > limit_s for command, after in pairwise(sent)] + [True]
    return {
        id(c) for c, kept, before in zip(sent, lasting, [True, *lasting], strict=False) if kept and before
    }


def _controls(
    recording: Recording, sent: list[Command], ends_s: tuple[float, float], names: Mapping[str, float]
) -> list[Phase]:
    """Return each control with the stretch before it and the one after it.

    Between two controls the device is set to the mode that the next is to start from: what it did before is
    what it did last, and what it did after is watched as long as our own runs do.
    """
    controls: list[tuple[float, float, float, float]] = []  # free since, started, ended after, ended
    free_s = ends_s[0]
    started_s: float | None = None
    for command in sent:
        if command.value and started_s is None:
            started_s = command.earliest_s
        if command.value or started_s is None:
            continue
        if math.isfinite(started_s):
            controls.append((free_s, started_s, max(command.earliest_s, started_s), command.t_s))
        free_s, started_s = command.t_s, None
    mode = recording.signals.get("battery.mode")
    owns = [_own_mode_s(mode, *control) for control in controls]
    restore_s = names.get("restore_s", math.inf)
    least_s = max(names.get("before_s", 0.0), _FEWEST_ROWS * float(recording.facts.get("sample_s", 0.0)))
    found: list[Phase] = []
    for index, ((free_s, begun_s, last_s, ended_s), own) in enumerate(zip(controls, owns, strict=True)):
        until_s = min(ended_s + 2.0 * restore_s, started_s or ends_s[1], ends_s[1])
        if index + 1 < len(controls):
            set_s = owns[index + 1][0] if mode is not None else controls[index + 1][1] - least_s
            until_s = min(until_s, max(set_s, min(controls[index + 1][1], ended_s + restore_s)))
        found += [
            ("stop_before", max(free_s, own[0], own[1] - least_s), own[1], None, None),
            ("stop_control", begun_s, last_s, None, None),
            ("stop_after", ended_s, until_s, None, None),
            ("stop_check", until_s, until_s, None, None),
        ]
    return found


def _own_mode_s(
    mode: Signal | None, free_s: float, started_s: float, last_s: float, ended_s: float
) -> tuple[float, float]:
    """Return from when to when the device was in its mode before: it may be taken over before a command."""
    if mode is None:
        return free_s, started_s
    t_s, code = mode.good()
    during = code[(t_s > started_s) & (t_s <= max(last_s, ended_s))]
    before = (t_s >= free_s) & (t_s <= started_s)
    t_s, code = t_s[before], code[before]
    if len(during) == 0 or len(code) == 0:
        return free_s, started_s
    values, counts = np.unique(during, return_counts=True)
    controlled = values[np.argmax(counts)]
    edges = np.flatnonzero(np.r_[True, np.diff(code) != 0.0, True]).tolist()
    for low, high in reversed(list(pairwise(edges))):
        until_s = float(t_s[high]) if high < len(t_s) else started_s
        if code[low] != controlled and (until_s - float(t_s[low]) >= _PASSING_S or low == 0):
            # the row before the first that shows it is the last of which it is known that it was not yet
            return float(t_s[low - 1]) if low else free_s, float(t_s[high - 1])
    return free_s, started_s


def _together(sent: list[Command], rest_s: float, hold_s: float) -> tuple[int, int]:
    """Return from which command to which the signal goes: the longest row of commands that follow fast.

    A signal may rest at a bound for a while: what is less than ``rest_s`` away belongs to it, and so does
    another such row that is less than a judged hold away.
    """
    cuts = [i for i in range(1, len(sent)) if sent[i].t_s - sent[i - 1].t_s > _FASTEST_REST_S]
    rows = list(pairwise([0, *cuts, len(sent)]))
    core = max(range(len(rows)), key=lambda row: rows[row][1] - rows[row][0])
    first = last = core

    def near(gap_s: float, row: tuple[int, int]) -> bool:
        return gap_s <= rest_s or (row[1] - row[0] >= _FEWEST_TOGETHER and gap_s < hold_s)

    while first > 0 and near(sent[rows[first][0]].t_s - sent[rows[first][0] - 1].t_s, rows[first - 1]):
        first -= 1
    while last + 1 < len(rows) and near(
        sent[rows[last][1]].t_s - sent[rows[last][1] - 1].t_s, rows[last + 1]
    ):
        last += 1
    low, high = rows[first][0], rows[last][1]
    while low < rows[core][0] and not sent[low].value:
        low += 1  # the zero before it
    return low, high


def _signal(
    recording: Recording, sent: list[Command], ends_s: tuple[float, float], names: Mapping[str, float]
) -> tuple[Recording, list[Phase]]:
    """Mark what belongs to the signal."""
    begin_s, end_s = ends_s
    rest_s = names.get("response_s", 0.0) + _FASTEST_REST_S
    hold_s = rest_s - _FASTEST_REST_S + names.get("duration_s", 0.0)
    low, high = _together(sent, rest_s, hold_s) if sent else (0, 0)
    if high - low < _FEWEST:
        return recording, []
    held: list[Command] = []
    if low > 0 and sent[low - 1].value and sent[low].t_s - sent[low - 1].t_s < hold_s:
        # the level it starts from belongs to it, held until it starts
        low -= 1
        held = [replace(sent[low], t_s=sent[low + 1].t_s - _TINY_S, phase=_SIGNAL)]
    signal = sent[low:high]
    last: Command | None = None
    if not signal[-1].value or (high < len(sent) and sent[high].t_s - signal[-1].t_s >= hold_s):
        last = signal.pop()
    elif high < len(sent):
        last = sent[high]
    until_s = end_s if last is None else last.earliest_s
    marked = {id(command) for command in signal}
    commands = tuple(replace(c, phase=_SIGNAL) if id(c) in marked else c for c in recording.commands)
    commands = tuple(sorted((*commands, *held), key=lambda command: command.t_s))
    started_s = next((c.earliest_s for c in sent if c.value), begin_s)
    phases: list[Phase] = [(_SIGNAL, signal[0].t_s, until_s, None, None)]
    if math.isfinite(started_s):
        phases.append(("baseline", begin_s, started_s, None, None))
    return replace(recording, commands=commands), phases
