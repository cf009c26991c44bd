"""What is judged of one activation: baseline points, hold points, and the zero they are counted from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.measure.commands import Level, levels
from bench.measure.options import Options
from bench.measure.points import Point, points_at
from bench.measure.series import Series
from bench.measure.uncertainty import mean_and_u
from bench.recording import Recording

__all__ = ["Activation", "Times", "activations"]

_TINY_S = 1e-3
_ZERO_KW = 1e-6


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

    @property
    def judged(self) -> list[Point]:
        """The hold points that the rule asks for, without the extra interval."""
        return self.hold[: self.judged_count]


def _zero(recording: Recording, power: Series, from_s: float, to_s: float) -> tuple[tuple[float, float], str]:
    if recording.point == "device":
        return (0.0, 0.0), "power at the device point against zero"
    declared = recording.facts.get("baseline_kw")
    if isinstance(declared, int | float) and not isinstance(declared, bool):
        return (float(declared), 0.0), "power at the receiving point less the declared baseline"
    values = power.between(from_s, to_s).value
    if len(values) == 0:
        return (0.0, 0.0), "power at the receiving point; no baseline in the record, taken as zero"
    return mean_and_u(values), "power at the receiving point less its mean over the baseline"


def activations(recording: Recording, power: Series, times: Times) -> list[Activation]:
    """Return every activation in a judged direction, in order."""
    end_s = power.end_s
    tolerance = max(_TINY_S, power.jitter_s)
    all_levels = levels(recording, end_s + tolerance)
    directions = recording.facts.get("directions")
    need_s = times.response_s + times.duration_s
    found: list[Activation] = []
    zero_from, zero_to = -np.inf, -np.inf
    start_s = float(power.stamps_s[0]) - power.interval_s if len(power.stamps_s) else 0.0
    seen: set[str] = set()
    zero, how = (0.0, 0.0), ""
    for index, level in enumerate(all_levels):
        if abs(level.kw) < _ZERO_KW:
            zero_from, zero_to = level.from_s, level.to_s
            continue
        if index == 0:
            zero_from, zero_to = start_s, level.from_s
        after_zero = zero_to >= level.from_s - _TINY_S
        if after_zero:
            low = max(zero_from, level.from_s - times.baseline_s) if times.baseline_s else zero_from
            zero, how = _zero(recording, power, low, level.from_s)
        if directions and level.direction not in directions:
            continue
        baseline: list[Point] = []
        first = level.direction not in seen
        if after_zero and times.baseline_s > 0 and (first or zero_to - zero_from >= times.baseline_s):
            seen.add(level.direction)
            count = round(times.baseline_s / times.interval_s)
            at = [level.from_s - k * times.interval_s for k in range(count - 1, -1, -1)]
            covered = [t_s for t_s in at if t_s > max(zero_from, start_s) + tolerance]
            baseline = [Point(t_s, 0.0, None) for t_s in at[: count - len(covered)]]
            baseline += points_at(recording, power, covered, 0.0, times.window_s, zero)
        wanted = round(times.duration_s / times.interval_s) + 1
        at = [level.from_s + times.response_s + k * times.interval_s for k in range(wanted + 1)]
        last_s = min(level.to_s, end_s) + tolerance
        hold = points_at(recording, power, [t for t in at if t <= last_s], level.kw, times.window_s, zero)
        full = last_s >= level.from_s + need_s
        cut_by = "" if full else "command" if level.closed else "record"
        after = all_levels[index + 1] if index + 1 < len(all_levels) else None
        back = after.to_s if after is not None and abs(after.kw) < _ZERO_KW else None
        judged = min(wanted, len(hold))
        found.append(Activation(level, zero, how, baseline, hold, judged, full, cut_by, back))
    return found
