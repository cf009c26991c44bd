"""Where the frequency was stepped: from the phases of a run, or found in what was set or measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.measure.series import Series
from bench.recording import Recording

__all__ = ["FrequencyStep", "asked_frequency", "frequency_steps"]

Direction = Literal["up", "down"]
_FULL = 0.9
_HOLD_BEYOND_S = 60.0


@dataclass(frozen=True)
class FrequencyStep:
    """A step to the full deviation, about at ``at_s``; ``rest_s`` is the start of the rest before it."""

    rest_s: float
    at_s: float
    end_s: float
    step: int
    direction: Direction
    hold: bool

    @property
    def sign(self) -> float:
        """+1 where discharge is asked for (frequency fell), -1 where charge is."""
        return 1.0 if self.direction == "up" else -1.0


def asked_frequency(recording: Recording) -> Series:
    """Return the set-points of the source as sent (or the channel of them); empty where nobody knows."""
    sent = [
        (command.t_s, float(command.value))
        for command in recording.commands
        if command.role == "source"
        and command.quantity == "frequency_hz"
        and not isinstance(command.value, str | bool)
    ]
    if sent:
        pairs = np.array(sorted(sent), dtype=np.float64)
        return Series(pairs[:, 0], pairs[:, 1], pairs[:, 0])
    set_points = Series.of(recording.signals.get("source.frequency_hz"))
    if len(set_points) == 0:
        return set_points
    keep = np.r_[True, np.diff(set_points.value) != 0.0]
    return Series(set_points.t_s[keep], set_points.value[keep], set_points.t_s[keep])


def _from_phases(recording: Recording) -> list[FrequencyStep]:
    found = []
    last = max((step or 0 for name, _, _, step, _ in recording.phases if name == "step"), default=0)
    before = -np.inf
    for name, from_s, to_s, step, direction in recording.phases:
        if name in ("step", "hold") and direction in ("up", "down"):
            way: Direction = "up" if direction == "up" else "down"
            number = step if name == "step" and step is not None else last + 1
            found.append(FrequencyStep(before, from_s, to_s, number, way, name == "hold"))
        before = from_s
    return found


def _asked(item: FrequencyStep, asked: Series, nominal_hz: float, full_hz: float) -> bool:
    """Tell whether a phase moved the frequency: a hold of a power is none, nor a step of a command."""
    if len(asked) == 0:
        return True
    last = int(np.searchsorted(asked.t_s, 0.5 * (item.at_s + item.end_s), side="right")) - 1
    return last >= 0 and abs(float(asked.value[last]) - nominal_hz) > 0.5 * full_hz


def _excursions(
    series: Series, nominal_hz: float, full_hz: float, record_end_s: float
) -> list[FrequencyStep]:
    """Return the excursions to at least 90 % of the full deviation, from their half-way crossing on."""
    deviation = series.value - nominal_hz
    out = np.abs(deviation) > 0.5 * full_hz
    padded = np.r_[False, out, False].astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    found: list[FrequencyStep] = []
    counts = {"up": 0, "down": 0}
    before = float(series.t_s[0])
    for start, end in zip(starts, ends, strict=True):
        part = deviation[start:end]
        until = float(series.t_s[end]) if end < len(series.t_s) else record_end_s
        if np.max(np.abs(part)) >= _FULL * full_hz and start > 0:
            way: Direction = "up" if float(np.median(part)) < 0 else "down"
            counts[way] += 1
            found.append(FrequencyStep(before, float(series.t_s[start]), until, counts[way], way, False))
        before = until
    return found


def frequency_steps(
    recording: Recording, nominal_hz: float, full_hz: float, response_s: float
) -> list[FrequencyStep]:
    """Return the steps in a judged direction, in order of time.

    Without phases, an excursion that lasts a minute longer than the response time is a hold as well.
    """
    asked = asked_frequency(recording)
    found = [item for item in _from_phases(recording) if _asked(item, asked, nominal_hz, full_hz)]
    if not found and not recording.phases:
        series = asked
        if len(series) < 2:
            series = Series.of(recording.signals.get("meter.frequency_hz"))
        if len(series) >= 2:
            end_s = Series.of(recording.signals.get("meter.frequency_hz")).end_s
            found = _excursions(series, nominal_hz, full_hz, max(end_s, series.end_s))
            found = [
                replace(item, hold=item.end_s - item.at_s > response_s + _HOLD_BEYOND_S) for item in found
            ]
    directions = recording.facts.get("directions")
    return [item for item in found if not directions or item.direction in directions]
