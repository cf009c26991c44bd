"""Judged points and their band, drawn again from the recording. For the eye: the verdict has its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bench.evidence.charts_data import Curve, numbers
from bench.evidence.charts_figure import COLOUR, Figure
from bench.recording import Recording

__all__ = ["Judged", "JudgedPoint", "draw_points", "judged_spans", "points_at", "zero_kw"]

Standing = Literal["inside", "doubtful", "outside", "missing"]
_SYMBOLS = {"inside": "circle", "doubtful": "diamond", "outside": "x", "missing": "circle-open"}
_MOST = 2000


@dataclass(frozen=True)
class JudgedPoint:
    """One evaluated point; ``power_kw`` as recorded, None where there is no data."""

    t_s: float
    power_kw: float | None
    standing: Standing


@dataclass(frozen=True)
class Judged:
    """A stretch that is judged: its times, where power should be (as recorded), and its points."""

    from_s: float
    to_s: float
    target_kw: float
    points: tuple[JudgedPoint, ...]


def zero_kw(recording: Recording, from_s: float, to_s: float) -> float:
    """Return what counts as no response: zero at the device, the baseline at the receiving point."""
    if recording.point == "device":
        return 0.0
    declared = recording.facts.get("baseline_kw")
    if isinstance(declared, int | float) and not isinstance(declared, bool):
        return float(declared)
    signal = recording.power()
    if signal is None:
        return 0.0
    t_s, power_kw = signal.good()
    before = power_kw[(t_s > from_s) & (t_s <= to_s)]
    return float(before.mean()) if len(before) else 0.0


def points_at(
    recording: Recording, times_s: Sequence[float], target_kw: float, half_kw: float, window_s: float
) -> tuple[JudgedPoint, ...]:
    """Return the mean of the window before each time, and how it stands to ``target ± half`` (kW).

    Doubtful is what lies nearer to an edge than the meter's limit of error and the noise allow (k = 2).
    """
    signal = recording.power()
    if signal is None or len(times_s) > _MOST:
        return ()
    t_s, power_kw = signal.good()
    found = []
    for at_s in times_s:
        start, stop = np.searchsorted(t_s, (at_s - window_s + 1e-6, at_s + 1e-6))
        if start == stop:
            found.append(JudgedPoint(at_s, None, "missing"))
            continue
        window = power_kw[start:stop]
        mean_kw = float(window.mean())
        near = np.diff(power_kw[max(0, stop - 30) : stop])
        noise_kw = float(np.sqrt(np.mean(near**2) / 2.0)) / math.sqrt(len(window)) if len(near) else 0.0
        doubt_kw = 2.0 * math.hypot(noise_kw, _meter_kw(recording, mean_kw) / math.sqrt(3.0))
        past_kw = abs(mean_kw - target_kw) - half_kw
        standing: Standing = "doubtful" if abs(past_kw) < doubt_kw else "outside" if past_kw > 0 else "inside"
        found.append(JudgedPoint(at_s, mean_kw, standing))
    return tuple(found)


def judged_spans(recording: Recording, command: Curve, half_kw: float) -> list[Judged]:
    """Return the judged stretches of a command-following run: the hour before a command, and its hold.

    The points lie at the command's time plus the response time plus whole intervals, and before the first
    command of a direction at whole intervals before it. Without these times in the facts there are none.
    """
    facts = recording.facts
    if not {"interval_s", "response_s", "duration_s"} <= set(facts) or float(facts["interval_s"]) <= 0:
        return []
    interval_s, response_s, duration_s = (
        float(facts[key]) for key in ("interval_s", "response_s", "duration_s")
    )
    baseline_s, window_s = float(facts.get("baseline_s", 0.0)), float(facts.get("point_window_s", 1.0))
    directions = facts.get("directions") or ("up", "down")
    spans: list[Judged] = []
    seen: set[float] = set()
    zero, since_s, before = 0.0, float(command.t_s[0]), 0.0
    for at_s, end_s, target in _levels(command):
        if target == 0 or ("up" if target > 0 else "down") not in directions:
            since_s, before = at_s, 0.0
            continue
        sign = math.copysign(1.0, target)
        if before == 0:
            zero = zero_kw(recording, max(since_s, at_s - baseline_s) if baseline_s else since_s, at_s)
            if sign not in seen and baseline_s:
                count = round(baseline_s / interval_s)
                times = [t for k in range(count - 1, -1, -1) if (t := at_s - k * interval_s) > since_s]
                points = points_at(recording, times, zero, half_kw, window_s)
                spans.append(Judged(max(since_s, at_s - baseline_s), at_s, zero, points))
        seen.add(sign)
        begin_s = at_s + response_s
        stop_s = min(end_s, begin_s + duration_s)
        if stop_s >= begin_s:
            times = list(np.arange(begin_s, stop_s + 1e-3, interval_s))
            points = points_at(recording, times, zero + target, half_kw, window_s)
            spans.append(Judged(begin_s, stop_s, zero + target, points))
        before = target
    return spans


def _levels(command: Curve) -> list[tuple[float, float, float]]:
    """Return (from, to, value) of every stretch of one set-point."""
    change = np.flatnonzero(np.diff(command.value, prepend=np.nan))
    starts = [float(command.t_s[index]) for index in change]
    ends = [*starts[1:], float(command.t_s[-1])]
    return [(a, b, float(command.value[i])) for i, a, b in zip(change, starts, ends, strict=True)]


def draw_points(
    figure: Figure,
    points: Sequence[JudgedPoint],
    row: int = 1,
    *,
    shift_s: float = 0.0,
    only: Sequence[Standing] = ("inside", "doubtful", "outside", "missing"),
    size: int = 9,
    target_kw: float = 0.0,
) -> None:
    """Draw points in the colour of their standing; one without data stands at the target, hollow."""
    named = {trace["name"] for trace in figure.data}
    for standing in only:
        those = [point for point in points if point.standing == standing]
        if not those:
            continue
        marker: dict[str, Any] = {"color": COLOUR[standing], "symbol": _SYMBOLS[standing], "size": size}
        marker["line"] = {"width": 2} if standing == "missing" else {"width": 1, "color": "#ffffff"}
        name = figure.words(f"trace.{standing}")
        figure.data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "legendgroup": name,
                "showlegend": name not in named,
                "x": numbers((point.t_s - shift_s) / figure.scale for point in those),
                "y": numbers(target_kw if point.power_kw is None else point.power_kw for point in those),
                "yaxis": "y" if row == 1 else f"y{row}",
                "marker": marker,
                "hovertemplate": "–" if standing == "missing" else "%{y:.4~f} kW",
            }
        )


def _meter_kw(recording: Recording, power_kw: float) -> float:
    """Return the half width of the meter's limit of error at ``power_kw``, in kW."""
    accuracy = recording.accuracy
    reading = abs(power_kw) * accuracy.get("power_reading_pct", 0.0)
    return (reading + accuracy.get("power_range_kw", 0.0) * accuracy.get("power_range_pct", 0.0)) / 100.0
