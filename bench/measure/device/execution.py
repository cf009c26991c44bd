"""Whether a device carries out the last command it acknowledged: once, in order, and none left out.

Two commands come close together, the newer is held and in a run of ours repeated. At which of the levels
power is, before, older or newer, says what was carried out last. What a level looks like is taken from the
long holds of the same record, so a device that gives too much or too little is not blamed for the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.measure.entry import smooth
from bench.measure.series import Series
from bench.measure.uncertainty import noise_sd
from bench.model import Metric, Scope, Window
from bench.recording import Command, Recording

__all__ = ["execution_metric"]

_NAME = "execution_fault_count"
_CLOSE_S = 3.0  # two commands this close are a pair; the answer to the older may come after the newer
_HELD_S = 6.0
_LAST_S = 2.0
_APART = 0.1  # of the largest command: levels closer than that are one
_LEAST_GAIN, _MOST_GAIN = 0.3, 3.0  # beyond that power follows nothing, and its levels say nothing
_STAYS_S = 0.5
_MOVING_S = 4.0
_NOISE = 6.0
_STILL = 0.002
_ELSEWHERE = -1


@dataclass(frozen=True)
class _Pair:
    """The level before (kW), the older and the newer command.

    ``by_s``: until then nothing else was sent; ``to_s``: until then nothing that differs.
    """

    before_kw: float
    older: Command
    newer: Command
    by_s: float
    to_s: float

    @property
    def told(self) -> str:
        apart_s = self.newer.t_s - self.older.t_s
        levels = f"{self.newer.value:g} kW {apart_s:.1f} s after {self.older.value:g} kW"
        return f"t = {self.newer.t_s:.1f} s: {levels}"


def _sent(recording: Recording) -> list[Command]:
    """Return the set-points in order of time; in our own runs those sent while the line was whole."""
    return [
        c
        for c in recording.commands
        if c.quantity == "power_set_kw"
        and not isinstance(c.value, str | bool)
        and not str(c.phase).startswith("line_")
    ]


def _holds(sent: list[Command], end_s: float) -> list[tuple[Command, float]]:
    """Return each command that changes something, with the time to which it held."""
    changes = sent[:1] + [b for a, b in pairwise(sent) if float(b.value) != float(a.value)]
    ends = [c.t_s for c in changes[1:]] + [end_s] * bool(changes)
    return list(zip(changes, ends, strict=True))


def _pairs(sent: list[Command], holds: list[tuple[Command, float]]) -> list[_Pair]:
    largest = max((abs(float(c.value)) for c, _ in holds), default=0.0)
    found = []
    for (before, _), (older, older_end_s), (newer, to_s) in zip(holds, holds[1:], holds[2:], strict=False):
        values = [float(c.value) for c in (before, older, newer)]
        apart = min(abs(a - b) for a, b in [*pairwise(values), (values[0], values[2])])
        by_s = min((c.t_s for c in sent if newer.t_s < c.t_s < to_s), default=to_s)
        close = older_end_s - older.t_s <= _CLOSE_S and by_s - newer.t_s >= _HELD_S
        rested = older.t_s - before.t_s >= _HELD_S
        if close and rested and apart >= _APART * largest:
            found.append(_Pair(values[0], older, newer, by_s, to_s))
    return found


def _at_rest(values: NDArray[np.float64], largest_kw: float) -> bool:
    """Tell whether power had come to rest: what still moves has not reached the level it was sent to."""
    half = len(values) // 2
    if half < 2:
        return False
    allowed_kw = _NOISE * noise_sd(values) / np.sqrt(half) + _STILL * largest_kw
    return bool(abs(values[half:].mean() - values[:half].mean()) <= allowed_kw)


def _line(power: Series, holds: list[tuple[Command, float]]) -> tuple[float, float] | None:
    """Return gain and offset (kW) of power over command, from long holds; None where there is no telling.

    Theil and Sen's line: the median of the slopes of every two holds, so a command that was lost is outvoted.
    """
    largest = max((abs(float(c.value)) for c, _ in holds), default=0.0)
    points = [
        (float(c.value), float(values.mean()))
        for c, to_s in holds
        if to_s - c.t_s >= _HELD_S and _at_rest(values := power.between(to_s - _LAST_S, to_s).value, largest)
    ]
    slopes = [
        (y2 - y1) / (x2 - x1)
        for i, (x1, y1) in enumerate(points)
        for x2, y2 in points[i + 1 :]
        if abs(x2 - x1) > 1e-6
    ]
    if not slopes:
        return None
    gain = float(np.median(slopes))
    if not _LEAST_GAIN <= gain <= _MOST_GAIN:
        return None
    return gain, float(np.median([y - gain * x for x, y in points]))


def _nearest(kw: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return at which level each value is, or that it is at none: power that is gone is no older command."""
    away = np.abs(kw[:, None] - levels[None, :])
    apart = float(np.diff(np.sort(levels)).min())
    return np.where(away.min(axis=1) <= 0.5 * apart, np.argmin(away, axis=1), _ELSEWHERE)


def _all_other(row: NDArray[np.intp]) -> bool:
    return bool(((row != 2) & (row != _ELSEWHERE)).all())


def _fault(power: Series, pair: _Pair, line: tuple[float, float], command_s: float) -> str | None:
    """Return what was wrong with the pair, empty for nothing; None where power does not tell."""
    gain, offset_kw = line
    names = ("the level before both", "the older command", "the newer command")
    levels = np.array([pair.before_kw, float(pair.older.value), float(pair.newer.value)]) * gain + offset_kw
    inside = power.between(pair.newer.t_s, pair.to_s)
    if len(inside) < 5:
        return None
    kw = smooth(inside, _STAYS_S)
    nearest = _nearest(kw, levels)
    least = max(2, round(_STAYS_S / inside.interval_s))
    end = int(np.searchsorted(inside.t_s, pair.by_s, side="right")) - 1
    last = int(nearest[end])
    if last == _ELSEWHERE:
        return None
    if last != 2:
        if pair.by_s - pair.newer.t_s <= command_s:
            return None  # as late as that the device may be
        late = int(np.searchsorted(inside.t_s, pair.by_s - _MOVING_S))
        moved_kw = float(kw[end] - kw[late])
        towards = moved_kw * (levels[2] - kw[end]) > 0.0
        if towards and abs(moved_kw) > _NOISE * noise_sd(inside.value) / np.sqrt(least):
            return None  # on its way: a slow power stage has had too little time
        return f"{names[last]} was in force after {inside.t_s[end] - pair.newer.t_s:.0f} s"
    # on its way to the older level power passes the newer one; what enters another level once the newer
    # command must have been carried out was sent there again
    stays = [index for index in range(len(nearest) - least) if _all_other(nearest[index : index + least])]
    for at in stays:
        late = inside.t_s[at] > pair.newer.t_s + command_s + _STAYS_S
        if late and (nearest[max(at - least, 0) : at] == 2).all():
            return f"{names[int(nearest[at + least - 1])]} was in force again at {inside.t_s[at]:.1f} s"
    return ""


def execution_metric(recording: Recording, command_s: float) -> Metric:
    """Return how many pairs of commands that came close together ended otherwise than in the newer one.

    ``command_s``: by then a command has been carried out; infinite where nobody knows, and then what is not
    yet carried out may only be late.
    """

    def nothing(note: str) -> Metric:
        return Metric(name=_NAME, value=None, unit="1", scope=Scope(), state="not_applicable", note=note)

    power = Series.of(recording.signals.get("meter.power_kw"))
    if len(power) < 2:
        return nothing("no power at the device point")
    sent = _sent(recording)
    holds = _holds(sent, power.end_s)
    pairs = _pairs(sent, holds)
    if not pairs:
        return nothing("no two commands came close together and the second was held")
    line = _line(power, holds)
    if line is None:
        return nothing(
            "power does not come to rest at what was commanded, so it does not tell what is in force"
        )
    told = [(pair, _fault(power, pair, line, command_s)) for pair in pairs]
    wrong = [(pair, fault) for pair, fault in told if fault]
    known = sum(fault is not None for _, fault in told)
    if not known:
        return nothing(
            "power was at none of the levels when each pair ended: still on its way, late, or gone"
        )
    return Metric(
        name=_NAME,
        value=float(len(wrong)),
        unit="1",
        uncertainty=0.0,
        scope=Scope(),
        window=Window(from_s=wrong[0][0].older.t_s, to_s=wrong[0][0].to_s) if wrong else None,
        method=f"pairs of commands after which another than the newer was in force, of {known}",
        note="; ".join(f"{pair.told}: {fault}" for pair, fault in wrong),
    )
