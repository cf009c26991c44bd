"""Whether the device's own one-second record of frequency and power is complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.series import Series
from bench.measure.stale import new_readings
from bench.measure.steps import FrequencyStep
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["record_metrics"]

FloatArray = NDArray[np.float64]
_NAME = "record_missing_count"
_RATHER = 1.5
_LATE = 0.5 + 1e-6  # intervals: a value that comes late by half of one still belongs to its own
_HEALTHY_RATIO = 0.01  # of the readings: a sound wire loses one now and then


@dataclass(frozen=True)
class _Holes:
    """Intervals without a value: ``missing`` are the device's, ``lost`` may be the wire's, of ``asked``."""

    missing: int
    lost: int
    asked: int

    def metric(self, channel: str, interval_s: float, window: Window, scope: Scope) -> Metric:
        doubtful = self.lost if self.lost > max(1.0, _HEALTHY_RATIO * self.asked) else 0
        note = ""
        if self.lost:
            note = f"{self.lost} single readings had no answer or an old one, which may be the wire's doing"
        return Metric(
            name=_NAME, value=float(self.missing), unit="1", scope=scope, window=window, note=note,
            interval95=(float(self.missing), float(self.missing + doubtful)),
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


def record_metrics(recording: Recording, steps: Sequence[FrequencyStep], interval_s: float) -> list[Metric]:
    """Return how many intervals of the record have no value, from the first step to the end of the last.

    A value that is proved old is none. The record is the device's frequency and power (battery or gateway) as
    the bench read them, one metric each; a record that is sparser than the rule's interval cannot show
    completeness and is not applicable.
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
        metrics = []
        for name in ("frequency_hz", "power_kw"):
            signal = recording.signals.get(f"{role}.{name}")
            if signal is None:
                continue
            # a value that stays is no frozen channel here: the analyzer says whether it is old
            series = Series.of(signal, as_told=True)
            new = new_readings(recording, f"{role}.{name}", series)
            without_s = np.union1d(unanswered_s, series.t_s[~new])
            from_s, to_s = steps[0].at_s, min(steps[-1].end_s, series.end_s)
            holes = _holes(series.t_s[new], without_s, from_s, to_s, interval_s)
            window = Window(from_s=from_s, to_s=to_s)
            metrics.append(holes.metric(f"{role}.{name}", interval_s, window, scope))
        return metrics
    return [_without(scope, "no record of the device's own frequency in the recording")]


def _without(scope: Scope, note: str) -> Metric:
    return Metric(name=_NAME, value=None, unit="1", scope=scope, state="not_applicable", note=note)
