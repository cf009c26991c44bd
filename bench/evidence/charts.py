"""Which charts a run gets. A chart is data (:class:`Chart`); nothing here knows of pages."""

from __future__ import annotations

import numpy as np

from bench.config.profile import Profile
from bench.evidence.charts_command import command_chart, shade_gaps, shade_phases
from bench.evidence.charts_data import curve, end_s
from bench.evidence.charts_droop import droop_chart
from bench.evidence.charts_figure import Chart, Figure
from bench.evidence.charts_frequency import frequency_charts
from bench.evidence.charts_replay import replay_chart
from bench.evidence.text import Words
from bench.model import Verdict
from bench.recording import Recording

__all__ = ["charts_of"]

_HUES = ("#2563eb", "#ea580c", "#0d9488", "#7c3aed", "#a16207", "#db2777", "#64748b", "#15803d")


def charts_of(
    recording: Recording | None,
    profile: Profile | None,
    verdict: Verdict | None,
    words: Words,
    stamp: str = "",
) -> list[Chart]:
    """Return the charts that the data allow; ``stamp`` is written across each (``SIMULATED``).

    A run that ended without a verdict or a readable profile still shows its channels.
    """
    if recording is None or not any(np.isfinite(s.value).any() for s in recording.signals.values()):
        return []
    charts: list[Chart | None] = []
    if profile is not None and verdict is not None:
        if profile.kind == "frequency":
            if any(phase[0] == "replay" for phase in recording.phases):
                charts.append(replay_chart(recording, verdict, words, stamp))
            else:
                charts += frequency_charts(recording, verdict, words, stamp)
            charts.append(droop_chart(recording, verdict, words, stamp))
        else:
            charts.append(command_chart(recording, verdict, words, stamp))
    drawn = [chart for chart in charts if chart is not None]
    return drawn or [_generic(recording, words, stamp)]


def _generic(recording: Recording, words: Words, stamp: str) -> Chart:
    """Return every numeric channel, one row for each unit (the first five units)."""
    units: dict[str, list[str]] = {}
    for name, signal in recording.signals.items():
        if np.isfinite(signal.value).any() and signal.unit != "mode":
            units.setdefault(signal.unit, []).append(name)
    rows = list(units.items())[:5]
    scale = 60.0 if end_s(recording) > 1200 else 1.0
    x_title = words("axis.time_min" if scale > 1 else "axis.time_s")
    figure = Figure(words, x_title, [(unit or "1", 1.0) for unit, _ in rows] or [("", 1.0)], scale)
    shade_phases(figure, recording)
    hues = iter(_HUES * 20)
    for row, (unit, names) in enumerate(rows, 1):
        for name in names[:8]:
            figure.line(curve(recording.signals[name]), name, next(hues), row, unit=unit)
    shade_gaps(figure, recording)
    return Chart(
        "generic",
        words("chart.generic"),
        f"{words('chart.generic.about')} {figure.how_drawn()}",
        figure.built(height=200 + 150 * max(1, len(rows)), stamp=stamp),
    )
