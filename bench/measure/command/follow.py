"""A new command every few minutes: the value at the end of each interval, and the mean over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from bench.measure.command.dwell import Dwell, dwells
from bench.measure.command.scaling import scale_metrics
from bench.measure.entry import smooth
from bench.measure.house import house_error
from bench.measure.options import Options
from bench.measure.points import Point, points_at, stay_metrics, worst
from bench.measure.series import Series
from bench.measure.uncertainty import expanded, mean_and_u, power_u_kw
from bench.measure.zero import zero_kw
from bench.model import Metric, Scope, Window
from bench.moved_house import moved, net_load_kw, targets
from bench.recording import Recording

__all__ = ["OPTIONS", "follow", "mean_over"]

OPTIONS = frozenset({"command_interval_s", "band_ratio", "point_window_s", "delta_kw"})
_TINY_KW = 1e-6
_COVERED = 0.9
_REACHED = 0.5
_SHARE = 0.01
_ONE_ROW = 0.9
_ROW = 0.5
"""A row that comes later than this share of an interval does not tell when a command ended."""


def mean_over(recording: Recording, power: Series, dwell: Dwell, zero: tuple[float, float]) -> Point:
    """Return the mean over ``dwell`` as a point at its end; without data where a tenth of it is missing.

    What moves within the stretch is no noise of its mean, but a sample may stand for up to an interval on
    either side of a jump: half widths of that are rectangular.
    """
    part = power.between(dwell.from_s, dwell.to_s)
    span_s = dwell.to_s - dwell.from_s
    if len(part) < max(1.0, _COVERED * span_s / power.interval_s) or math.isnan(zero[0]):
        return Point(dwell.to_s, dwell.kw, None)
    steps = np.diff(power.between(dwell.from_s - 1.5 * power.interval_s, dwell.to_s).value)
    noise = jump = 0.0
    if len(steps):
        noise = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / math.sqrt(2.0 * len(part))
        jump = float(np.max(np.abs(steps))) * power.interval_s / span_s / math.sqrt(12.0)
    kw = float(part.value.mean())
    return Point(
        dwell.to_s, dwell.kw, kw - zero[0], math.hypot(noise, jump), power_u_kw(recording, kw), zero[1]
    )


def _way(kw: float) -> Literal["up", "down"]:
    return "up" if kw > 0 else "down"


def _end(
    recording: Recording,
    power: Series,
    dwell: Dwell,
    interval_s: float,
    window_s: float,
    zero: tuple[float, float],
) -> list[Point]:
    """Return the value at the end; without data where the rows are too coarse to tell when it ended."""
    if dwell.to_s - dwell.until_s > _ROW * interval_s:
        return [Point(dwell.to_s, dwell.kw, None)]
    found = points_at(recording, power, [dwell.until_s], dwell.kw, window_s, zero)
    if not recording.foreign or power.interval_s < _ONE_ROW * window_s:
        return found
    # a row that is stamped where its window begins already holds some of what the next command made
    before = points_at(recording, power, [dwell.until_s - power.interval_s], dwell.kw, window_s, zero)
    return [
        point if point.kw is None or earlier.kw is None
        else replace(point, noise_kw=math.hypot(point.noise_kw, (point.kw - earlier.kw) / math.sqrt(3.0)))
        for point, earlier in zip(found, before, strict=True)
    ]  # fmt: skip


def _stamped_anyhow(recording: Recording, power: Series, dwell: Dwell, point: Point) -> Point:
    """Return the mean, with what is open as long as nobody says which end of a window its stamp is."""
    if not recording.foreign:
        return point
    edges = [power.between(at - 1.5 * power.interval_s, at + 1.5 * power.interval_s).value
             for at in (dwell.from_s, dwell.to_s)]  # fmt: skip
    moved_kw = math.hypot(*(float(np.ptp(part)) if len(part) else 0.0 for part in edges))
    share = power.interval_s / (dwell.to_s - dwell.from_s)
    return replace(point, noise_kw=math.hypot(point.noise_kw, moved_kw * share / math.sqrt(3.0)))


def _deviation(name: str, points: Sequence[Point], scope: Scope, span_s: float, what: str) -> Metric:
    point = worst(points)
    if point is not None and abs(point.target_kw) > _TINY_KW:
        scope = scope.model_copy(update={"direction": _way(point.target_kw)})
    lost = sum(item.kw is None for item in points)
    if point is None:
        return Metric(
            name=name, value=None, unit="kW", scope=scope, state="missing", note=f"no {what} has data"
        )
    note = f"worst {point.deviation_kw:+.3f} kW from {point.target_kw:.3f} kW at {point.t_s:.0f} s"
    return Metric(
        name=name,
        value=abs(point.deviation_kw),
        unit="kW",
        uncertainty=point.uncertainty_kw,
        scope=scope,
        window=Window(from_s=point.t_s - span_s, to_s=point.t_s),
        method=f"largest deviation of {len(points)}: {what}",
        note=f"{note}; {lost} without data" if lost else note,
        components=point.components,
    )


def _latency(power: Series, found: Sequence[Dwell], scope: Scope) -> Metric:
    """Return the longest time from a command to half of its change, as information."""
    times = []
    for dwell in found:
        change = dwell.kw - dwell.previous_kw
        part = power.between(dwell.from_s, dwell.to_s)
        if abs(change) < _TINY_KW or len(part) == 0:
            continue
        before = power.between(dwell.from_s - 2.0 * power.interval_s, dwell.from_s).value
        base = float(before.mean()) if len(before) else dwell.previous_kw
        reached = np.flatnonzero((part.value - base) / change >= _REACHED)
        if len(reached):
            times.append(float(part.t_s[reached[0]]) - dwell.from_s)
    name = "command_latency_s"
    if not times:
        note = "power answered no command"
        return Metric(name=name, value=None, unit="s", scope=scope, state="not_applicable", note=note)
    components = {"sampling": power.interval_s / math.sqrt(12.0)}
    return Metric(
        name=name,
        value=max(0.0, max(times) - power.interval_s / 2.0),
        unit="s",
        uncertainty=expanded(components),
        scope=scope,
        method=f"longest of {len(times)} times from a command to half of its change, between two samples",
        components=components,
    )


def _nothing(scope: Scope, note: str) -> list[Metric]:
    return [
        Metric(name=name, value=None, unit="kW", scope=scope, state="not_applicable", note=note)
        for name in ("band_deviation_kw", "interval_mean_deviation_kw")
    ]


def _quiet_since(recording: Recording, zero_s: float, first_s: float) -> float:
    """Return from when on the baseline counts: its second half where the house is moved afterwards.

    The battery may have served the house by itself until it was taken over.
    """
    return (zero_s + first_s) / 2.0 if recording.point == "receiving" and moved(recording) else -math.inf


def _without_house(
    recording: Recording, power: Series, ends: Sequence[Point], window_s: float
) -> list[Point]:
    """Return ``ends`` with the noise of the power less the house as told: what it moves by is no noise."""
    told_kw = net_load_kw(recording, power.t_s) if recording.point == "receiving" else None
    if told_kw is None:
        return list(ends)
    still = Series(power.t_s, power.value + told_kw, power.stamps_s)
    quiet = [point for end in ends for point in points_at(recording, still, [end.t_s], 0.0, window_s)]
    return [
        replace(end, noise_kw=min(end.noise_kw, other.noise_kw)) if other.kw is not None else end
        for end, other in zip(ends, quiet, strict=True)
    ]


def _house(
    recording: Recording,
    judged: Sequence[Dwell],
    quiet_s: tuple[float, float],
    interval_s: float,
    window_s: float,
) -> list[Metric]:
    """Return how far load and generation were from what they were told, at the ends and as means."""
    scope = Scope(point="receiving", phase="follow")
    error = house_error(recording) if recording.point == "receiving" else None
    values = error.between(*quiet_s).value if error is not None else np.zeros(0)
    if error is None or len(values) == 0:
        note = "nothing moved the house by command, or the analyzer does not measure both points"
        return [
            Metric(
                name="house_error_kw", value=None, unit="kW", scope=scope, state="not_applicable", note=note
            )
        ]
    zero = mean_and_u(values)
    still = [replace(dwell, kw=0.0) for dwell in judged]
    points = [point for dwell in still for point in _end(recording, error, dwell, interval_s, window_s, zero)]
    points += [mean_over(recording, error, dwell, zero) for dwell in still]
    return [_deviation("house_error_kw", points, scope, interval_s, "house at an interval's end or over it")]


def follow(recording: Recording, options: Options) -> list[Metric]:
    """Measure how power follows a new command every ``command_interval_s``.

    At the receiving point, where the house moved and a loop compensated it, against the command without that.
    """
    told, recording = recording, targets(recording)
    if told.point == "device" and moved(told):
        note = "the commands of this run compensate the house: they are judged at the receiving point"
        return _nothing(Scope(point="device", phase="follow"), note)
    interval_s = options.number("command_interval_s")
    window_s = options.number("point_window_s", 1.0)
    band_kw = options.number("band_ratio") * options.number("delta_kw")
    power = Series.of(recording.power())
    scope = Scope(point=recording.point, phase="follow")
    every = (
        [dwell for dwell in dwells(recording, power.end_s, interval_s) if not dwell.cut] if len(power) else []
    )
    ways = recording.facts.get("directions") or ("up", "down")
    every = [dwell for dwell in every if abs(dwell.kw) <= _TINY_KW or _way(dwell.kw) in ways]
    moving = [index for index, dwell in enumerate(every) if abs(dwell.kw) > _TINY_KW]
    if not moving:
        note = f"no command that changes power, or no power at the {recording.point} point"
        return _nothing(scope, note)
    first = moving[0]
    phased = [dwell for dwell in every if dwell.phase == "follow"]
    judged = phased or every[first:]
    quiet_s = _quiet_since(told, every[0].from_s, every[first].from_s)
    zero, how = zero_kw(recording, power, quiet_s, every[first].from_s)
    ends = [point for dwell in judged for point in _end(recording, power, dwell, interval_s, window_s, zero)]
    ends = _without_house(told, power, ends, window_s)
    means = [
        _stamped_anyhow(recording, power, dwell, mean_over(recording, power, dwell, zero)) for dwell in judged
    ]
    found = [
        _deviation("band_deviation_kw", ends, scope, window_s, f"value at an interval's end ({how})"),
        _deviation("interval_mean_deviation_kw", means, scope, interval_s, f"mean over an interval ({how})"),
    ]
    found += _house(told, judged, (quiet_s, every[first].from_s), interval_s, window_s)
    before = [dwell for dwell in every[:first] if dwell.phase in (None, "baseline")]
    if before:
        at = np.arange(every[first].from_s, before[0].from_s + 1.0, -interval_s)[::-1].tolist()
        zeros = points_at(recording, power, at, 0.0, window_s, zero)
        here = scope.model_copy(update={"phase": "baseline"})
        found.append(_deviation("band_deviation_kw", zeros, here, window_s, "value at command zero"))
    found += stay_metrics(
        ends, band_kw, scope=scope,
        method=f"share of {len(ends)} values at an interval's end inside ± {band_kw:.4g} kW",
    )  # fmt: skip
    found += scale_metrics([(p, p.target_kw, p.target_kw, band_kw) for p in [*ends, *means]], scope)
    lost = sum(point.kw is None for point in [*ends, *means])
    # how many intervals are asked for, the planner knows of our runs, and nobody of somebody else's rows
    asked_s = options.number("follow_s", 0.0) if recording.foreign else 0.0
    short = max(0, math.ceil(asked_s / interval_s - _SHARE) - len(judged))
    smoothed = Series(power.t_s, smooth(power, window_s), power.stamps_s)
    return [
        *found,
        _latency(smoothed, judged, scope),
        Metric(
            name="missing_judged_count",
            value=float(lost + short),
            unit="1",
            uncertainty=0.0,
            scope=scope,
            method=f"ends and means without data, of {len(ends) + len(means)}",
            note=f"{len(judged)} intervals, {len(judged) + short} are asked for" if short else "",
        ),
    ]
