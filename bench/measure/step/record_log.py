"""Whether the device's own one-second record of frequency and power is complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.series import Series
from bench.measure.stale import new_readings, stamped_interval_s
from bench.measure.step.rhythm import Rhythm, rhythm
from bench.measure.steps import FrequencyStep
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["record_metrics"]

FloatArray = NDArray[np.float64]
_NAME = "record_missing_count"
_RATHER = 1.5
_LATE = 0.5 + 1e-6  # intervals: a value that comes late by half of one still belongs to its own
_HEALTHY_RATIO = 0.01  # of the readings: a sound wire loses one now and then
_SLOW = 1.1  # intervals: two clocks of one interval are never so far apart


@dataclass(frozen=True)
class _Holes:
    """Intervals without a value: ``missing`` are the device's, ``lost`` may be the wire's, of ``asked``."""

    missing: int
    lost: int
    asked: int

    def metric(
        self, channel: str, interval_s: float, every_s: float | None, window: Window, scope: Scope
    ) -> Metric:
        doubtful = self.lost if self.lost > max(1.0, _HEALTHY_RATIO * self.asked) else 0
        notes = []
        if every_s is not None:
            note = f"it is new every {every_s:.3g} s only"
            notes.append(note)
        if self.lost:
            note = f"{self.lost} single readings had no answer or an old one, which may be the wire's doing"
            notes.append(note)
        return Metric(
            name=_NAME, value=float(self.missing), unit="1", scope=scope, window=window,
            note="; ".join(notes), interval95=(float(self.missing), float(self.missing + doubtful)),
            method=f"of {self.asked} intervals of {interval_s:g} s those without a new value of {channel}",
        )  # fmt: skip


def _holes(told_s: FloatArray, without_s: FloatArray, from_s: float, to_s: float, step_s: float) -> _Holes:
    """Count what is missing between values that follow one another.

    Of each hole one interval is forgiven where a reading in it had no answer, or an old one: one lost frame
    happens on a healthy wire, and two clocks of a second meet twice in one interval now and then.
    """
    stamps = np.concatenate([[from_s], told_s[(told_s > from_s) & (told_s < to_s)], [to_s]])
    empty = np.maximum(np.floor(np.diff(stamps) / step_s + 1.0 - _LATE).astype(int) - 1, 0)
    index = np.searchsorted(without_s, stamps)
    forgiven = np.minimum((np.diff(index) > 0).astype(int), empty)
    asked = max(1, round((to_s - from_s) / step_s))
    return _Holes(int((empty - forgiven).sum()), int(forgiven.sum()), asked)


def _unanswered_s(recording: Recording, role: str) -> FloatArray:
    """Return the times at which no channel of ``role`` has a value: the reading itself was lost, (n,)."""
    signals = [signal for name, signal in recording.signals.items() if name.partition(".")[0] == role]
    if len(signals) < 2:
        return np.empty(0)  # one channel alone: nobody can tell a lost answer from a lost value
    stamps = np.unique(np.concatenate([signal.t_s for signal in signals]))
    kept = np.concatenate([signal.t_s[signal.quality != "missing"] for signal in signals])
    return np.setdiff1d(stamps, kept)


def _slow(told: Mapping[str, Series], steps_s: FloatArray, interval_s: float) -> dict[str, Rhythm]:
    """Return the channels proved to be new on ticks wider apart than asked: together, or each alone."""
    series = list(told.values())
    changed = {name: np.r_[False, np.diff(one.value) != 0.0] for name, one in told.items()}
    if all(np.array_equal(one.t_s, series[0].t_s) for one in series):
        both = rhythm(series[0].t_s, np.logical_or.reduce(list(changed.values())), steps_s, interval_s)
        if both is not None:
            return dict.fromkeys(told, both)
    alone = {name: rhythm(one.t_s, changed[name], steps_s, interval_s) for name, one in told.items()}
    return {name: found for name, found in alone.items() if found is not None}


def record_metrics(recording: Recording, steps: Sequence[FrequencyStep], interval_s: float) -> list[Metric]:
    """Return how many intervals of the record have no value, from the first step to the end of the last.

    A value that is proved old is none, nor one between the ticks of a report that is new more seldom. The
    record is the device's frequency and power (battery or gateway) as the bench read them, one metric each; a
    record that is sparser than the rule's interval cannot show completeness and is not applicable.
    """
    scope = Scope(point=recording.point)
    for role in ("gateway", "battery"):
        first = recording.signals.get(f"{role}.frequency_hz")
        if first is None or len(first.t_s) < 2:
            continue
        asked = float(np.median(np.diff(np.sort(first.t_s))))
        if asked > _RATHER * interval_s:
            return [_without(scope, f"{role}.frequency_hz was read every {asked:.3g} s only")]
        unanswered_s = _unanswered_s(recording, role)
        # a value that stays is no frozen channel here: the analyzer says whether it is old
        told = {
            name: Series.of(signal, as_told=True)
            for name in ("frequency_hz", "power_kw")
            if (signal := recording.signals.get(f"{role}.{name}")) is not None
        }
        steps_s = np.unique([at_s for step in steps for at_s in (step.at_s, step.end_s)])
        slow = _slow(told, steps_s, interval_s)
        metrics = []
        for name, series in told.items():
            new = new_readings(recording, f"{role}.{name}", series)
            stamped_s = stamped_interval_s(recording, role, series)
            stamped_s = None if (stamped_s or 0.0) <= _SLOW * interval_s else stamped_s
            # what the device has not told is no matter of the wire
            without_s = unanswered_s if stamped_s is not None else np.union1d(unanswered_s, series.t_s[~new])
            ticks = slow.get(name)
            new = new & ticks.new if ticks is not None else new
            every_s = stamped_s if stamped_s is not None else ticks.every_s if ticks is not None else None
            from_s, to_s = steps[0].at_s, min(steps[-1].end_s, series.end_s)
            holes = _holes(series.t_s[new], without_s, from_s, to_s, interval_s)
            window = Window(from_s=from_s, to_s=to_s)
            metrics.append(holes.metric(f"{role}.{name}", interval_s, every_s, window, scope))
        return metrics
    return [_without(scope, "no record of the device's own frequency in the recording")]


def _without(scope: Scope, note: str) -> Metric:
    return Metric(name=_NAME, value=None, unit="1", scope=scope, state="not_applicable", note=note)
