"""What stands beside the judged points: interval means, and the return to zero."""

from __future__ import annotations

import math

from bench.measure.command.activation import Activation, Times
from bench.measure.entry import inside_runs
from bench.measure.points import Point, worst
from bench.measure.series import Series
from bench.measure.uncertainty import expanded, mean_and_u, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["interval_mean_metric", "return_metric"]

_COVERED = 0.9


def interval_mean_metric(
    recording: Recording, activation: Activation, power: Series, times: Times, scope: Scope
) -> list[Metric]:
    """Return the largest deviation of a mean over an interval of the hold; those with gaps are left out."""
    found: list[Point] = []
    for point in activation.judged[1:] if not math.isnan(activation.zero_kw[0]) else ():
        part = power.between(point.t_s - times.interval_s, point.t_s)
        if len(part) < max(1.0, _COVERED * times.interval_s / power.interval_s):
            continue
        kw, u_kw = mean_and_u(part.value)
        found.append(
            Point(
                point.t_s,
                activation.level.kw,
                kw - activation.zero_kw[0],
                u_kw,
                power_u_kw(recording, kw),
                activation.zero_kw[1],
            )
        )
    point_worst = worst(found)
    if point_worst is None:
        return []
    return [
        Metric(
            name="interval_mean_deviation_kw",
            value=abs(point_worst.deviation_kw),
            unit="kW",
            uncertainty=point_worst.uncertainty_kw,
            scope=scope.model_copy(update={"phase": "hold"}),
            window=Window(from_s=point_worst.t_s - times.interval_s, to_s=point_worst.t_s),
            method=f"largest deviation of {len(found)} means over whole intervals of the hold",
            components=point_worst.components,
        )
    ]


def return_metric(recording: Recording, activation: Activation, smoothed: Series, times: Times) -> Metric:
    """Return how long power took from the end of the last command back to zero ± band, to stay."""
    level = activation.level
    here = Scope(point=recording.point, phase="return", step=level.step, direction=level.direction)
    until_s = level.to_s if activation.zero_until_s is None else activation.zero_until_s
    part = smoothed.between(level.to_s, min(level.to_s + times.response_s, until_s))
    if len(part) == 0:
        note = "no command back to zero with power after it in the record"
        return Metric(name="return_s", value=None, unit="s", scope=here, state="not_applicable", note=note)
    runs = inside_runs(part.t_s, part.value - activation.zero_kw[0], times.band_kw, smoothed.interval_s)
    window = Window(from_s=level.to_s, to_s=float(part.t_s[-1]))
    method = (
        "entry into the band of zero after the command's end, lasting until the record's or the next command"
    )
    if not runs or runs[-1].to_s < part.t_s[-1]:
        # our own runs watch as long as their profile says; somebody else's rows end where they end
        seen_s = float(part.t_s[-1]) - level.to_s
        short = recording.foreign and seen_s < times.response_s - 1.5 * smoothed.interval_s
        return Metric(
            name="return_s",
            value=None,
            unit="s",
            scope=here,
            window=window,
            state="missing" if short else "never",
            method=method,
            note="power did not come back to zero"
            + (", and there is no more of it that could show that" if short else ""),
        )
    run = runs[-1]
    components = {"sampling": max(run.from_s - run.earliest_s, smoothed.interval_s) / math.sqrt(12.0)}
    return Metric(
        name="return_s",
        value=max(0.0, run.from_s - level.to_s),
        unit="s",
        uncertainty=expanded(components),
        scope=here,
        window=window,
        method=method,
        components=components,
    )
