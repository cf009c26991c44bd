"""Metrics of a hold, of a command or of a frequency: deviation, duration, share inside, extremes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.measure.points import Point, hold_of, stay_metrics, worst
from bench.measure.series import Series
from bench.measure.story import Story
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["baseline_metrics", "extreme_metrics", "hold_metrics", "left_note"]

_SOON_S, _WATCHED_S = 10.0, 60.0  # after power left the band
_GONE_RATIO = 0.1  # of what was asked


def _window(points: Sequence[Point]) -> Window | None:
    return Window(from_s=points[0].t_s, to_s=points[-1].t_s) if points else None


def _lost(points: Sequence[Point]) -> str:
    lost = sum(point.kw is None for point in points)
    return f"{lost} of {len(points)} judged points have no data" if lost else ""


def _join(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def extreme_metrics(points: Sequence[Point], scope: Scope, sign: float, how: str) -> list[Metric]:
    """Return the smallest and the largest judged point along the direction, as information."""
    known = [point for point in points if point.kw is not None]
    if not known:
        return []
    found = []
    for name, choose in (("point_min_kw", min), ("point_max_kw", max)):
        point = choose(known, key=lambda item: sign * (item.kw or 0.0))
        found.append(
            Metric(
                name=name,
                value=sign * (point.kw or 0.0),
                unit="kW",
                uncertainty=point.uncertainty_kw,
                scope=scope,
                window=_window(points),
                method=f"extreme judged point, positive along the direction; {how}",
                components=point.components,
            )
        )
    return found


def _deviation(
    points: Sequence[Point], scope: Scope, method: str, note: str, follows: str | None = None
) -> Metric:
    point = worst(points)
    if point is None:
        return Metric(
            name="band_deviation_kw", value=None, unit="kW", scope=scope, state="missing", method=method,
            window=_window(points), note=note or "no judged point has data",
            follows=follows,
        )  # fmt: skip
    # a judged point without data may have been anywhere: the worst of the others bounds from below only
    lost = any(item.kw is None for item in points)
    return Metric(
        name="band_deviation_kw",
        value=abs(point.deviation_kw),
        unit="kW",
        uncertainty=point.uncertainty_kw,
        interval95=(abs(point.deviation_kw) - point.uncertainty_kw, None) if lost else None,
        scope=scope,
        window=Window(from_s=point.t_s, to_s=point.t_s),
        method=f"largest deviation of {len(points)} judged points; {method}",
        note=_join(f"worst point {point.deviation_kw:+.3f} kW at {point.t_s:.0f} s", note, _lost(points)),
        follows=follows,
        components=point.components,
    )


def baseline_metrics(
    points: Sequence[Point], scope: Scope, sign: float, how: str, phase: str = "baseline"
) -> list[Metric]:
    """Return the deviation from zero before the command, and its extremes (only of a true baseline)."""
    here = scope.model_copy(update={"phase": phase})
    if phase != "baseline":
        return [_deviation(points, here, how, "")]
    return [_deviation(points, here, how, ""), *extreme_metrics(points, here, sign, how)]


def left_note(recording: Recording, story: Story, hold_from_s: float, asked_kw: float) -> str:
    """Say when power left the band, how full the battery then was, and whether it gave nothing any more."""
    if story.left_s is None:
        return ""
    after = story.left_s - hold_from_s
    text = f"left the band {after:.0f} s into the hold" if after >= 0 else (
        f"left the band {-after:.0f} s before the first judged point"
    )  # fmt: skip
    signal = recording.signals.get("battery.soc_pct")
    if signal is not None:
        t_s, soc = signal.good()
        before = t_s <= story.left_s
        if before.any():
            text += f"; state of charge {float(soc[before][-1]):.0f} %"
            if _gone(recording, story.left_s, asked_kw):
                note = (
                    f"power was gone from then on, as from a battery that ran out ({float(soc[0]):.0f} % at "
                    "first): is [device] usable_kwh right?"
                )
                text += f"; {note}"
    return text


def _gone(recording: Recording, left_s: float, asked_kw: float) -> bool:
    """Return whether discharge was asked for, and power stood at zero soon after it had left the band."""
    after = Series.of(recording.power()).between(left_s + _SOON_S, left_s + _SOON_S + _WATCHED_S)
    return asked_kw > 0.0 and len(after) > 0 and bool(np.all(np.abs(after.value) < _GONE_RATIO * asked_kw))


def _duration(
    points: Sequence[Point],
    band_kw: float,
    interval_s: float,
    *,
    means: bool,
    asked_s: float,
    lenient_from_s: float,
    cut_by: str,
    scope: Scope,
    note: str,
    follows: str | None,
) -> Metric:
    method = (
        f"consecutive judged points inside ± {band_kw:.4g} kW from the first one on, every {interval_s:g} s"
    )
    common = {"name": "hold_s", "unit": "s", "scope": scope, "method": method}
    if not points:
        text = f"the {cut_by or 'record'} ended before the first judged point"
        readings = (0.0, 0.0)
        return Metric(**common, value=None, state="censored", interval95=readings, note=_join(text, note))
    hold = hold_of(points, band_kw, interval_s, means=means)
    window = _window(points)
    strict, lenient, value = hold.strict_s, hold.lenient_s, hold.value_s
    span = f"{min(strict, lenient):.0f} to {lenient:.0f} s"
    # cut, and no point outside beyond doubt: how long it would have lasted nobody knows
    open_ = bool(cut_by) and all(point.verdict(band_kw) != "outside" for point in points)
    if hold.ended_by == "missing" and (open_ or lenient >= asked_s) and asked_s > strict:
        text = f"judged points without data: anything from {span}"
        return Metric(
            **common, value=None, state="missing", interval95=(strict, None if open_ else lenient),
            window=window, note=_join(text, note), follows=follows,
        )  # fmt: skip
    if cut_by and hold.ended_by == "end" and value < asked_s:
        last = points[-1].t_s
        both = (strict, last - lenient_from_s)
        text = (
            f"the {cut_by} ended after {value:.0f} s of the hold, all inside; "
            f"counted from the command it held {both[1]:.0f} s"
        )
        return Metric(
            **common, value=value, state="censored", interval95=both, window=window, note=_join(text, note)
        )
    ends = (strict, None if open_ and value < asked_s else lenient)
    return Metric(**common, value=value, interval95=ends, window=window, note=note, follows=follows)


def hold_metrics(
    points: Sequence[Point],
    judged_count: int,
    *,
    band_kw: float,
    interval_s: float,
    means: bool = False,
    asked_s: float,
    command_s: float,
    cut_by: str,
    with_duration: bool,
    scope: Scope,
    sign: float,
    how: str,
    note: str,
    story: Story,
) -> list[Metric]:
    """Return deviation, duration and stay ratio of a hold.

    Args:
        points: from the first judged point on, with those beyond what the rule asks.
        judged_count: how many of them the rule asks for.
        band_kw: half width of the band.
        interval_s: distance of the points.
        means: whether a point is the mean of the whole interval before it, and not an instant.
        asked_s: the duration the rule asks for.
        command_s: when the command (or step) came: the lenient reading of a cut hold counts from here.
        cut_by: ``record`` or ``command`` where that ended before the hold did; else empty.
        with_duration: whether this hold was meant to last.
        scope: without phase.
        sign: of the direction.
        how: what the points are counted from.
        note: what happened.
        story: names the root finding.
    """
    here = scope.model_copy(update={"phase": "hold"})
    judged = points[:judged_count]
    found = [_deviation(judged, here, how, note, story.follows("band"))]
    if with_duration:
        found.append(
            _duration(
                points, band_kw, interval_s, means=means, asked_s=asked_s, lenient_from_s=command_s,
                cut_by=cut_by, scope=here, note=note, follows=story.follows("hold"),
            )
        )  # fmt: skip
    found += stay_metrics(
        judged, band_kw, scope=here, window=_window(judged), note=_lost(judged),
        follows=story.follows("stay"),
        method=f"share of {len(judged)} judged points inside ± {band_kw:.4g} kW; interval: those "
        "that are inside, or not outside, beyond their uncertainty",
    )  # fmt: skip
    return found + extreme_metrics(judged, here, sign, how)
