"""How late power follows a command, and the device's report follows power; how often the report is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.measure.series import Series
from bench.measure.uncertainty import noise_sd
from bench.recording import Command

__all__ = ["Latency", "Updates", "command_latency", "power_steps", "report_latency", "updates"]

_SMALLEST = 0.03
_NOISE = 6.0
_MOVING = 0.25
_TURNS = 1.5  # the lowest of many readings lies a few deviations below their mean
_REST_S = 2.0
_FEWEST = 3


@dataclass(frozen=True)
class Latency:
    """One step: when it was sent, how late it was followed (None: not before the next), and the doubt."""

    at_s: float
    late_s: float | None
    least_s: float
    most_s: float

    def if_later(self, doubt_s: float) -> Latency:
        """Return the latency of a command that may have come up to ``doubt_s`` later than it counts from."""
        late_s = None if self.late_s is None else max(self.late_s - doubt_s, 0.0)
        return replace(self, late_s=late_s, least_s=max(self.least_s - doubt_s, 0.0))


def power_steps(commands: Sequence[Command], roles: Sequence[str]) -> list[tuple[float, float, float, float]]:
    """Return (sent, until the next, from kW, to kW) of every change commanded in a ``step`` phase.

    The times are the earliest at which they may have come.
    """
    sent = [
        (c.earliest_s, float(c.value), c.phase)
        for c in commands
        if c.quantity == "power_set_kw" and c.role in roles and not isinstance(c.value, str | bool)
    ]
    found = []
    for index in range(1, len(sent)):
        at_s, to_kw, phase = sent[index]
        if phase == "step" and to_kw != sent[index - 1][1]:
            until_s = sent[index + 1][0] if index + 1 < len(sent) else at_s + 60.0
            found.append((at_s, until_s, sent[index - 1][1], to_kw))
    return found


def command_latency(power: Series, step: tuple[float, float, float, float]) -> Latency | None:
    """Return from the command to the first movement of the power; None where there are too few samples.

    A window of the analyzer that shows it may hold the beginning anywhere: one window of doubt. Power that is
    still on its way to the level before goes on until it turns: the movement is counted from there.
    """
    at_s, until_s, from_kw, to_kw = step
    window_s = power.interval_s
    before, after = power.between(at_s - max(_REST_S, 3.5 * window_s), at_s), power.between(at_s, until_s)
    if len(before) < _FEWEST or len(after) < _FEWEST:
        return None
    threshold = max(_NOISE * noise_sd(before.value), _SMALLEST * abs(to_kw - from_kw))
    course = np.sign(to_kw - from_kw) * (after.value - before.value.mean())
    half = len(before) // 2
    turning = float(abs(before.value[half:].mean() - before.value[:half].mean())) > _MOVING * threshold
    lowest = np.minimum.accumulate(course)
    moved = np.flatnonzero(course - (lowest if turning else 0.0) > threshold * (_TURNS if turning else 1.0))
    if len(moved) == 0:
        return Latency(at_s, None, until_s - at_s, until_s - at_s)
    seen_s = float(after.t_s[moved[0]]) - at_s
    if turning:
        turned_s = float(after.t_s[int(np.argmin(course[: moved[0]]))]) - at_s
        return Latency(at_s, max(seen_s - window_s, 0.0), max(turned_s - 2.0 * window_s, 0.0), seen_s)
    return Latency(at_s, max(seen_s - window_s, 0.0), max(seen_s - 2.0 * window_s, 0.0), seen_s)


def _half_way_s(series: Series, step: tuple[float, float, float, float]) -> tuple[float, float] | None:
    """Return the last time before and the first time after the middle of the step was passed."""
    at_s, until_s, from_kw, to_kw = step
    inside = series.between(at_s, until_s)
    passed = np.flatnonzero(np.sign(to_kw - from_kw) * (inside.value - 0.5 * (from_kw + to_kw)) > 0.0)
    if len(passed) == 0:
        return None
    first = int(passed[0])
    return (float(inside.t_s[first - 1]) if first else at_s), float(inside.t_s[first])


def report_latency(power: Series, report: Series, step: tuple[float, float, float, float]) -> Latency | None:
    """Return from half way on the analyzer to half way in the report; None where power did not get there."""
    true = _half_way_s(power, step)
    if true is None:
        return None
    told = _half_way_s(report, step)
    true_s = 0.5 * (true[0] + true[1]) - 0.5 * power.interval_s
    if told is None:
        return Latency(step[0], None, step[1] - true_s, step[1] - true_s)
    doubt_s = 0.5 * (true[1] - true[0]) + 0.5 * power.interval_s
    least, most = told[0] - true_s - doubt_s, told[1] - true_s + doubt_s
    return Latency(step[0], max(0.5 * (least + most), 0.0), max(least, 0.0), max(most, 0.0))


@dataclass(frozen=True)
class Updates:
    """How often a report had something new: the usual distance, the longest silence, and what they mean.

    ``finest_s`` is what could be told at best: a report that is new at every change and every reading.
    """

    count: int
    usual_s: float
    longest_s: float
    finest_s: float
    watched_s: float


def updates(report: Series, from_s: float, to_s: float, changes_s: float) -> Updates | None:
    """Return how often ``report`` was new between two times in which power changed every ``changes_s``."""
    inside = report.between(from_s, to_s)
    if len(inside) < 2:
        return None
    new = np.flatnonzero(np.diff(inside.value) != 0.0) + 1
    # a change that is half way when it is read shows twice: what follows within half a change is the same
    times = [float(inside.t_s[0])]
    for t_s in inside.t_s[new].tolist():
        if t_s - times[-1] > 0.5 * changes_s:
            times.append(t_s)
    seen = np.array(times[1:])
    # what was late at first is the command's latency, not a silence
    marks = np.r_[seen if len(seen) else np.array([from_s]), to_s]
    usual = float((seen[-1] - seen[0]) / (len(seen) - 1)) if len(seen) > 1 else to_s - from_s
    return Updates(
        len(seen), usual, float(np.diff(marks).max()), max(changes_s, report.interval_s), to_s - from_s
    )
