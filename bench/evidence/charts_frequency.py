"""Charts of a frequency-response run: frequency and power, steps laid over one another, holds, P over f."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.evidence.charts_command import shade_gaps, shade_phases
from bench.evidence.charts_data import curve, staircase
from bench.evidence.charts_figure import COLOUR, Chart, Figure
from bench.evidence.charts_points import draw_points, points_at
from bench.evidence.charts_steps import Phase, change_s, first_seconds, overlay
from bench.evidence.text import Words, amount
from bench.model import Verdict
from bench.recording import Recording

__all__ = ["frequency_charts"]


def frequency_charts(recording: Recording, verdict: Verdict, words: Words, stamp: str) -> list[Chart]:
    """Return what can be drawn of a frequency-response run, most telling first."""
    holds = [phase for phase in recording.phases if phase[0] == "hold"]
    steps = [phase for phase in recording.phases if phase[0] == "step"]
    charts = [
        first_seconds(recording, steps, verdict, words, stamp),
        overlay(recording, steps, verdict, words, stamp),
        _whole(recording, words, stamp),
        _holds(recording, holds, verdict, words, stamp),
    ]
    return [chart for chart in charts if chart is not None]


def _whole(recording: Recording, words: Words, stamp: str) -> Chart | None:
    power, frequency = recording.power(), recording.signals.get("meter.frequency_hz")
    if power is None and frequency is None:
        return None
    rows = [(words("axis.frequency"), 1.0), (words("axis.power"), 1.4)]
    figure = Figure(words, words("axis.time_s"), rows)
    shade_phases(figure, recording)
    asked = staircase(recording, "frequency_hz", ("source",))
    if frequency is not None:
        figure.line(curve(frequency), words("trace.measured"), COLOUR["frequency"], unit="Hz")
    if asked is not None:
        figure.line(
            asked, words("trace.asked"), COLOUR["command"], step=True, width=1.0, dash="dash", unit="Hz"
        )
        figure.thinned.pop()
    for channel, key, colour in (
        ("meter.receiving_power_kw", "receiving", "receiving"),
        ("meter.power_kw", "device", "power"),
    ):
        if channel in recording.signals:
            figure.line(curve(recording.signals[channel]), words(f"trace.{key}"), COLOUR[colour], 2)
    shade_gaps(figure, recording)
    return Chart(
        "frequency",
        words("chart.frequency"),
        f"{words('chart.frequency.about')} {figure.how_drawn()}",
        figure.built(height=580, stamp=stamp),
    )


def _holds(
    recording: Recording, holds: Sequence[Phase], verdict: Verdict, words: Words, stamp: str
) -> Chart | None:
    power = recording.power()
    if power is None or not holds:
        return None
    facts = recording.facts
    titles = [words.direction(phase[4]) or words("axis.power") for phase in holds]
    rows = [(f"{title} (kW)", 1.0) for title in titles]
    figure = Figure(words, words("axis.since_s"), rows)
    half_kw = float(facts.get("band_ratio", 0.0)) * verdict.delta_kw
    response_s, duration_s = float(facts.get("response_s", 0.0)), float(facts.get("duration_s", 0.0))
    window_s = max(float(facts.get("point_window_s", 1.0)), 0.1)
    for row, phase in enumerate(holds, 1):
        zero_s = change_s(recording, phase)
        sign = -1.0 if phase[4] == "down" else 1.0
        drawn = curve(power, zero_s - 5.0, phase[2])
        figure.line(
            drawn, titles[row - 1], COLOUR.get(phase[4] or "up", COLOUR["power"]), row, shift_s=zero_s
        )
        if not half_kw or not duration_s:
            continue
        target_kw = _at_rest(recording, zero_s) + sign * verdict.delta_kw
        figure.box((response_s, response_s + duration_s), target_kw - half_kw, target_kw + half_kw, row)
        until_s = min(zero_s + response_s + duration_s, phase[2])
        times = list(np.arange(zero_s + response_s, until_s + 1e-3, window_s))
        points = points_at(recording, times, target_kw, half_kw, window_s)
        draw_points(figure, points, row, shift_s=zero_s, only=("doubtful", "outside"), size=7)
    band = f"{amount(float(facts['band_ratio']) * 100)} %" if "band_ratio" in facts else "–"
    return Chart(
        "hold",
        words("chart.hold"),
        f"{words('chart.hold.about', band=band)} {figure.how_drawn()}",
        figure.built(height=220 + 190 * len(holds), stamp=stamp),
    )


def _at_rest(recording: Recording, zero_s: float) -> float:
    """Return the mean power of the five seconds before a hold: what its points are counted from, in kW."""
    power = recording.power()
    if power is None:
        return 0.0
    t_s, power_kw = power.good()
    before = power_kw[(t_s > zero_s - 5.0) & (t_s <= zero_s)]
    return float(before.mean()) if len(before) else 0.0
