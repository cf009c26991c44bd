"""Charts of a replayed grid frequency: asked, measured, and the difference between them."""

from __future__ import annotations

import numpy as np

from bench.evidence.charts_command import shade_gaps, shade_phases
from bench.evidence.charts_data import Curve, curve, staircase, thin
from bench.evidence.charts_figure import COLOUR, Chart, Figure
from bench.evidence.text import Words
from bench.model import Verdict
from bench.recording import Recording

__all__ = ["replay_chart"]


def replay_chart(recording: Recording, verdict: Verdict, words: Words, stamp: str) -> Chart | None:
    """Return asked and measured frequency, their difference in mHz, and the power."""
    frequency = recording.signals.get("meter.frequency_hz")
    if frequency is None or not len(frequency.t_s):
        return None
    rows = [(words("axis.frequency"), 1.4), (words("axis.difference"), 1.0)]
    power = recording.power()
    if power is not None:
        rows.append((words("axis.power"), 1.0))
    figure = Figure(words, words("axis.time_s"), rows)
    shade_phases(figure, recording)
    figure.line(curve(frequency), words("trace.measured"), COLOUR["frequency"], unit="Hz")
    asked = staircase(recording, "frequency_hz", ("source",))
    if asked is not None:
        figure.line(asked, words("trace.asked"), COLOUR["command"], step=True, unit="Hz", width=1.0)
    difference = _difference(recording)
    if difference is not None:
        figure.line(difference, words("trace.difference"), COLOUR["down"], 2, unit="mHz", width=1.2)
    tolerance = next(
        (f.limit.at_most for f in verdict.findings if f.metric == "replay_error_hz" and f.limit.at_most), None
    )
    if tolerance is not None:
        for sign in (-1.0, 1.0):
            figure.level(sign * tolerance * 1000.0, COLOUR["limit"], 2)
    if power is not None:
        figure.line(curve(power), words(f"trace.{recording.point}"), COLOUR["power"], 3)
    shade_gaps(figure, recording)
    return Chart(
        "replay",
        words("chart.replay"),
        f"{words('chart.replay.about')} {figure.how_drawn()}",
        figure.built(height=700, stamp=stamp),
    )


def _difference(recording: Recording) -> Curve | None:
    """Return measured minus asked in mHz at the measured times, with the set-point last sent."""
    signal = recording.signals["meter.frequency_hz"]
    sent = sorted(
        (command.t_s, float(command.value))
        for command in recording.commands
        if command.role == "source"
        and command.quantity == "frequency_hz"
        and isinstance(command.value, int | float)
    )
    t_s, value = signal.good()
    if not sent or not len(t_s):
        return None
    at_s, asked_hz = np.array([t for t, _ in sent]), np.array([hz for _, hz in sent])
    last = np.searchsorted(at_s, t_s, side="right") - 1
    known = last >= 0
    difference_mhz = (value[known] - asked_hz[last[known]]) * 1000.0
    index = thin(difference_mhz, 700)
    return Curve(
        t_s[known][index], difference_mhz[index], int(known.sum()), 700 if len(index) < known.sum() else 0
    )
