"""How power follows commands: baseline, response, band, hold, and the return to zero."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from bench.measure.command.activation import Activation, Times, activations
from bench.measure.command.asides import interval_mean_metric, return_metric
from bench.measure.command.scaling import scale_metrics
from bench.measure.command.transition import transition_metrics
from bench.measure.entry import smooth
from bench.measure.hold.metrics import baseline_metrics, hold_metrics, left_note
from bench.measure.options import Options
from bench.measure.points import worst
from bench.measure.response import response_metric, words
from bench.measure.series import Series
from bench.measure.story import Story, tell
from bench.model import Metric, Scope
from bench.recording import Recording

__all__ = ["OPTIONS", "following"]

OPTIONS = frozenset(
    {"interval_s", "response_s", "duration_s", "baseline_s", "band_ratio", "point_window_s", "delta_kw"}
)


def _teller(activation: Activation, smoothed: Series, times: Times) -> Callable[[float], Story]:
    level = activation.level
    change = level.kw - level.previous_kw
    share = (smoothed.value - activation.zero_kw[0] - level.previous_kw) / change
    judged_s = level.from_s + times.response_s

    def story(slack_kw: float) -> Story:
        return tell(
            smoothed.t_s,
            share,
            band_ratio=max(times.band_kw + slack_kw, 0.0) / abs(change),
            start_s=level.from_s,
            judged_s=judged_s,
            end_s=min(judged_s + times.duration_s, level.until_s),
            interval_s=times.interval_s,
            sample_s=smoothed.interval_s,
        )

    return story


def _one(
    recording: Recording, activation: Activation, smoothed: Series, times: Times, lasting: bool
) -> list[Metric]:
    level = activation.level
    scope = Scope(point=recording.point, step=level.step, direction=level.direction)
    teller = _teller(activation, smoothed, times)
    story = teller(0.0)
    point = worst(activation.hold) or worst(activation.baseline)
    doubt = point.uncertainty_kw if point is not None else 0.0
    judged_s = level.from_s + times.response_s
    found: list[Metric] = []
    if activation.baseline:
        found += baseline_metrics(
            activation.baseline, scope, level.sign, activation.zero_how, activation.baseline_phase
        )
    if math.isinf(level.since_s):
        note = "the command was in force when the recording begins"
        found.append(
            _nothing("band_deviation_kw", "kW", scope.model_copy(update={"phase": "baseline"}), note)
        )
    if activation.too_short(times) and not lasting:
        return found  # the next command came before this one had to be answered
    found.append(
        response_metric(
            story,
            teller(-doubt),
            teller(doubt),
            start_s=level.from_s,
            late_s=level.from_s - level.since_s,
            sample_s=smoothed.interval_s,
            clock_s=recording.accuracy.get("time_s", 0.0),
            end_s=min(level.until_s, judged_s + times.duration_s),
            scope=scope,
            how=activation.zero_how,
        )
    )
    note = "; ".join(
        part for part in (words(story, level.from_s), left_note(recording, story, judged_s, level.kw)) if part
    )
    found += hold_metrics(
        activation.hold,
        activation.judged_count,
        band_kw=times.band_kw,
        interval_s=times.interval_s,
        asked_s=times.duration_s,
        command_s=level.from_s,
        cut_by=activation.cut_by,
        with_duration=lasting,
        scope=scope,
        sign=level.sign,
        how=activation.zero_how,
        note=note,
        story=story,
    )
    spans = [(point, level.kw, level.kw, times.band_kw) for point in activation.judged]
    found += scale_metrics(spans, scope.model_copy(update={"phase": "hold"}))
    found += interval_mean_metric(recording, activation, smoothed, times, scope)
    return found


def following(recording: Recording, options: Options) -> list[Metric]:
    """Measure how power followed the series of commands (contract section 5).

    Points before the response time of a single command are never judged. Where several levels follow each
    other, each is judged once its response time is over, and before that against the span of the commands
    in force; a level that ends before its response time is judged by that span alone.
    """
    times = Times.of(options)
    power = Series.of(recording.power())
    scope = Scope(point=recording.point)
    if len(power) == 0:
        note = f"no power at the {recording.point} point in the recording"
        return [_nothing(name, unit, scope, note) for name, unit in _PROMISED]
    found_levels = activations(recording, power, times)
    judged = tuple(recording.facts.get("directions") or ("up", "down"))
    if not found_levels:
        note = f"no command {' or '.join(judged)} in the recording"
        return [_nothing(name, unit, scope, note) for name, unit in _PROMISED]
    smoothed = Series(power.t_s, smooth(power, times.window_s), power.stamps_s)
    metrics: list[Metric] = []
    for direction in ("up", "down"):
        mine = [item for item in found_levels if item.level.direction == direction]
        full = [item for item in mine if item.full] or sorted(
            mine, key=lambda item: item.level.to_s - item.level.from_s
        )[-1:]
        if recording.foreign and direction in judged and not mine:
            metrics += _unshown(direction, scope)
        for item in mine:
            metrics += _one(recording, item, smoothed, times, item in full)
        if len(mine) > 1:
            metrics += transition_metrics(recording, power, mine, times)
        if mine:
            metrics.append(return_metric(recording, mine[-1], smoothed, times))
    return metrics


def _unshown(direction: Literal["up", "down"], scope: Scope) -> list[Metric]:
    """Return what leaves a direction undecided that is to be judged and was never commanded."""
    here = scope.model_copy(update={"direction": direction})
    note = f"no command {direction} in the recording"
    return [_nothing(name, unit, here, note, "missing") for name, unit in _PROMISED[1:]]


_PROMISED = (("band_deviation_kw", "kW"), ("response_s", "s"), ("hold_s", "s"))


def _nothing(
    name: str,
    unit: str,
    scope: Scope,
    note: str,
    state: Literal["not_applicable", "missing"] = "not_applicable",
) -> Metric:
    return Metric(name=name, value=None, unit=unit, scope=scope, state=state, note=note)
