"""What is judged of one activation: baseline points, hold points, and the zero they are counted from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.errors import Fault, UsageError
from bench.measure.command.commands import Level, levels
from bench.measure.command.lead import lead_s
from bench.measure.options import Options
from bench.measure.points import Point, points_at
from bench.measure.series import Series
from bench.measure.zero import zero_kw
from bench.recording import Recording

__all__ = ["Activation", "Times", "activations"]

_TINY_S = 1e-3
_ZERO_KW = 1e-6
_EARLY_S = 0.5
_CLOCKS = "the clocks differ, and [declared] clock_offset_s does not say by how much"
_MOST_POINTS = 1e6
_ROW = 0.5
"""A row that comes later than this share of an interval is no witness of the point before it."""


@dataclass(frozen=True)
class Times:
    """The times and the band of a command-following product; ``band_kw`` is ± around the command."""

    interval_s: float
    response_s: float
    duration_s: float
    baseline_s: float
    window_s: float
    band_kw: float

    @classmethod
    def of(cls, options: Options) -> Times:
        """Read them from the options of the estimator or the names of the run."""
        return cls(
            interval_s=options.number("interval_s"),
            response_s=options.number("response_s"),
            duration_s=options.number("duration_s"),
            baseline_s=options.number("baseline_s", 0.0),
            window_s=options.number("point_window_s", 1.0),
            band_kw=options.number("band_ratio") * options.number("delta_kw"),
        )


@dataclass(frozen=True)
class Activation:
    """One level of command that is judged. ``hold`` goes one interval beyond the rule where it was asked.

    ``zero_kw`` is the baseline with its standard uncertainty; ``full`` says that the command lasted long
    enough to judge the whole hold, ``cut_by`` what ended it early (``record``, ``command`` or nothing);
    ``zero_until_s`` is the end of a command of zero that follows, None where none follows.
    ``baseline_phase`` is "between" where the zero before was too short for a baseline of its own.
    """

    level: Level
    zero_kw: tuple[float, float]
    zero_how: str
    baseline: list[Point]
    hold: list[Point]
    judged_count: int
    full: bool
    cut_by: str
    zero_until_s: float | None
    baseline_phase: str = "baseline"

    @property
    def judged(self) -> list[Point]:
        """The hold points that the rule asks for, without the extra interval."""
        return self.hold[: self.judged_count]

    def too_short(self, times: Times) -> bool:
        """Say whether the next command came before this one had to be answered."""
        return (
            self.cut_by == "command"
            and not self.hold
            and self.level.to_s < self.level.from_s + times.response_s
        )


def activations(recording: Recording, power: Series, times: Times) -> list[Activation]:
    """Return every activation in a judged direction, in order.

    Raises:
        UsageError: the rule asks for more points than any has.
    """
    end_s = power.end_s
    tolerance = max(_TINY_S, power.jitter_s)
    all_levels = levels(recording, end_s + tolerance)
    directions = recording.facts.get("directions")
    need_s = times.response_s + times.duration_s
    if max(need_s, times.baseline_s) > _MOST_POINTS * times.interval_s:
        what = f"{times.interval_s:g} s is too short for {max(need_s, times.baseline_s):g} s of points"
        raise UsageError(Fault("interval_s", what))
    found: list[Activation] = []
    zero_from, zero_to, zero_late_s = -np.inf, -np.inf, 0.0
    start_s = float(power.stamps_s[0]) - power.interval_s if len(power.stamps_s) else 0.0
    seen: set[str] = set()
    returning = found_any = False
    zero, how = (0.0, 0.0), ""
    for index, level in enumerate(all_levels):
        if abs(level.kw) < _ZERO_KW:
            zero_from, zero_to = level.from_s, level.to_s
            zero_late_s = level.from_s - level.since_s if math.isfinite(level.since_s) else 0.0
            returning = found_any
            continue
        found_any = True
        if index == 0:
            zero_from, zero_to = start_s, level.from_s if math.isfinite(level.since_s) else -np.inf
        after_zero = zero_to >= level.from_s - _TINY_S
        # power may take the response time to come back to zero: nothing is judged before that
        ready_s = zero_from + times.response_s if returning else zero_from
        rested = zero_to - ready_s >= times.baseline_s
        if not how or (after_zero and rested):
            low = max(ready_s, level.since_s - times.baseline_s) if times.baseline_s else ready_s
            zero, how = zero_kw(recording, power, low, level.since_s)
        if directions and level.direction not in directions:
            continue
        baseline: list[Point] = []
        told = how
        first = level.direction not in seen
        if after_zero and times.baseline_s > 0:
            seen.add(level.direction)
            count = round(times.baseline_s / times.interval_s)
            at = [level.since_s - k * times.interval_s for k in range(count - 1, -1, -1)]
            # the row that showed zero, and the one before this command, may each be late by a row
            late_s = level.from_s - level.since_s + zero_late_s
            slack = max(tolerance, min(late_s, _ROW * times.interval_s))
            at = [t_s for t_s in at if not returning or t_s >= ready_s - slack]
            # what is asked for is counted from the command: a row that shows it late does not ask for more
            at = [t_s for t_s in at if t_s > level.from_s - times.baseline_s + tolerance]
            covered = [t_s for t_s in at if t_s > max(zero_from, start_s) + tolerance]
            baseline = [Point(t_s, 0.0, None) for t_s in at[: len(at) - len(covered)]]
            lead = lead_s(power, level, zero[0], times.band_kw) if recording.foreign else 0.0
            sure = [t_s for t_s in covered if lead == 0.0 or t_s <= level.since_s - lead]
            baseline += points_at(recording, power, sure, 0.0, times.window_s, zero)
            if lead:
                baseline += [Point(t_s, 0.0, None) for t_s in covered[len(sure) :]]
                told = f"{how}; power moved {lead:.0f} s before its command: {_CLOCKS}"
        phase = "baseline" if first or rested else "between"
        wanted = round(times.duration_s / times.interval_s) + 1
        at = [level.from_s + times.response_s + k * times.interval_s for k in range(wanted + 1)]
        last_s = min(level.until_s, end_s) + tolerance
        # a command sent a little early, or seen at the next row only, must not cost the point on it
        early_s = max(_EARLY_S, min(level.to_s - level.until_s, _ROW * times.interval_s))
        reach_s = last_s + (early_s if level.closed else 0.0)
        at = [min(t_s, max(last_s - tolerance, t_s - early_s)) for t_s in at if t_s <= reach_s]
        hold = points_at(recording, power, at, level.kw, times.window_s, zero)
        full = last_s + (early_s - _EARLY_S if level.closed else 0.0) >= level.from_s + need_s
        cut_by = "" if full else "command" if level.closed else "record"
        after = all_levels[index + 1] if index + 1 < len(all_levels) else None
        back = after.to_s if after is not None and abs(after.kw) < _ZERO_KW else None
        judged = min(wanted, len(hold))
        found.append(Activation(level, zero, told, baseline, hold, judged, full, cut_by, back, phase))
    return found
