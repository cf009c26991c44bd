"""Whether the analyzer published as often as it says: readings alike in every channel are one reading."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bench.model import Metric, Scope
from bench.recording import Recording

__all__ = ["update_rate"]

_CHANNELS = ("meter.power_kw", "meter.frequency_hz", "meter.voltage_v")
_FEWEST = 50
_FEWEST_CHANGES = 8
_FEWEST_LEFT = 4
_USUAL = 0.75
_SHOWN = 3.0  # windows until a reading shows a command
_ANSWERS_S = 5.0  # what a device may take beyond them
_SETTLES_S = 10.0
_SETTLES = 0.25  # of the time in which nothing new came: what a slow report tells until then was before
# what the device reports, and what is no movement: so much, or such a share of the largest
_TOLD = (("battery.power_kw", 0.01, 0.01), ("battery.frequency_hz", 0.02, 0.0))


def update_rate(recording: Recording) -> Metric:
    """Return the distance of two readings that differ, over what it should be (window or sampling).

    Power, frequency and voltage together: noise moves the last digit of at least one of them. Where
    there is no noise, readings repeat for as long as the world stands still, which is no fault of the
    analyzer: the longest quarter of the distances does not count, nor one that a command has ended. One that
    never changes is believed where the device's own report does not move either; one that stops for a quarter
    of the record is not where that report moves meanwhile.
    """
    name = "update_ratio"

    def nothing(note: str) -> Metric:
        return Metric(name=name, value=None, unit="1", scope=Scope(), state="not_applicable", note=note)

    window_s = recording.facts.get("window_s")
    signals = [recording.signals[channel] for channel in _CHANNELS if channel in recording.signals]
    if recording.foreign or not isinstance(window_s, int | float) or len(signals) < len(_CHANNELS):
        return nothing("how often the analyzer should publish is not known, or not all of it was recorded")
    first = signals[0].t_s
    if len(first) < _FEWEST or any(not np.array_equal(one.t_s, first) for one in signals):
        return nothing("the channels of the analyzer were not read together")
    values = np.column_stack([one.value for one in signals])
    known: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
    if int(known.sum()) <= _FEWEST:
        return nothing("too few readings")
    # readings alone, not the ticks between them that nobody had time to read at
    new = np.asarray((np.diff(values[known], axis=0) != 0.0).any(axis=1))
    step_s = float(np.median(np.diff(first[known])))
    should_s = max(float(window_s), step_s)
    changes = np.flatnonzero(new)
    still = "too few readings differ: nothing moved, and nothing made noise"
    if len(changes) >= _FEWEST_CHANGES:
        at_s = first[known][changes + 1]
        apart = np.sort(np.diff(changes)[~_asked(recording, at_s, should_s)])
        marks = np.r_[-1, changes, len(new)]
        longest = int(np.argmax(np.diff(marks)))
        stood = int(marks[longest + 1] - marks[longest])
        from_s, to_s = first[known][marks[longest] + 1], first[known][marks[longest + 1]]
        settled_s = from_s + max(_SETTLES_S, _SETTLES * (to_s - from_s))
        # the analyzer shows a change with its next window: a device may tell it before
        if stood > (1.0 - _USUAL) * len(new) and _moves(recording, settled_s, to_s - 2.0 * should_s):
            found_s = step_s * float(stood)
        elif len(apart) < _FEWEST_LEFT:
            return nothing(still)
        else:
            found_s = step_s * float(apart[: math.ceil(_USUAL * len(apart))].mean())
    elif len(changes) or _stands_still(recording):
        return nothing(still)
    else:
        found_s = step_s * float(len(new))
    return Metric(
        name=name,
        value=found_s / should_s,
        unit="1",
        uncertainty=0.0,
        scope=Scope(),
        method=f"usual distance of readings that differ ({found_s:.3g} s) over {should_s:.3g} s",
        note=f"{int(len(new) - new.sum())} of {len(new)} readings repeat the one before",
    )


def _asked(recording: Recording, at_s: NDArray[np.float64], should_s: float) -> NDArray[np.bool_]:
    """Return which stretches between changes ``at_s`` a command has ended: (n,) changes, (n - 1,) stretches.

    Where there is no noise, a staircase changes a reading at its steps alone. A command has ended a stretch
    when nothing was asked for longer than the answer took.
    """
    commands = sorted((c.t_s, c.role == "source") for c in recording.commands)
    set_s = np.array([*(t_s for t_s, _ in commands), math.inf])
    within_s = np.array(
        [should_s * _SHOWN + (0.0 if source else _ANSWERS_S) for _, source in commands] + [0.0]
    )
    next_one = np.searchsorted(set_s[:-1], at_s[:-1], side="right")
    waited_s, took_s = set_s[next_one] - at_s[:-1], at_s[1:] - set_s[next_one]
    return np.asarray((took_s >= 0.0) & (took_s <= within_s[next_one]) & (took_s <= waited_s))


def _stands_still(recording: Recording) -> bool:
    """Tell whether the device reports its power, and nothing of what it reports moves."""
    power = recording.signals.get("battery.power_kw")
    return power is not None and len(power.good()[1]) > 1 and not _moves(recording, -math.inf, math.inf)


def _moves(recording: Recording, from_s: float, to_s: float) -> bool:
    """Tell whether the device reports that its power or its frequency moved between the two times."""
    for channel, least, share in _TOLD:
        signal = recording.signals.get(channel)
        t_s, value = (np.zeros(0), np.zeros(0)) if signal is None else signal.good()
        told = value[(t_s >= from_s) & (t_s <= to_s)]
        if len(told) > 1 and float(np.ptp(told)) > max(least, share * float(np.abs(told).max())):
            return True
    return False
