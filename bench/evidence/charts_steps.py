"""Steps of frequency laid over one another, from the change of frequency on."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evidence.charts_data import curve
from bench.evidence.charts_figure import COLOUR, Chart, Figure
from bench.evidence.text import Words, amount, measured
from bench.model import Finding, Verdict
from bench.recording import Recording

__all__ = ["Phase", "change_s", "first_seconds", "overlay"]

Phase = tuple[str, float, float, int | None, str | None]


def change_s(recording: Recording, phase: Phase) -> float:
    """Return when the frequency of a phase was changed: when the set-point was sent, else its start."""
    sent = [
        command.t_s
        for command in recording.commands
        if command.role == "source"
        and command.quantity == "frequency_hz"
        and phase[1] - 0.5 <= command.t_s <= phase[2]
    ]
    return min(sent, default=phase[1])


def overlay(
    recording: Recording, steps: Sequence[Phase], verdict: Verdict, words: Words, stamp: str
) -> Chart | None:
    """Return all steps in full, with the limit of the response time and the band from there on."""
    frequency = recording.signals.get("meter.frequency_hz")
    rows = [(words("axis.power"), 1.8)] + ([(words("axis.frequency"), 1.0)] if frequency is not None else [])
    figure = Figure(words, words("axis.since_s"), rows)
    if not _lines(figure, recording, steps, before_s=2.0, after_s=1e9):
        return None
    response = _finding(verdict, "response")
    if response is not None and response.limit.at_most is not None:
        begin_s = response.limit.at_most
        figure.upright(begin_s, COLOUR["limit"], words("label.limit_response", value=amount(begin_s)))
        half_kw = float(recording.facts.get("band_ratio", 0.0)) * verdict.delta_kw
        last_s = max((x for trace in figure.data for x in trace["x"] if x is not None), default=begin_s)
        directions = sorted({phase[4] or "up" for phase in steps})
        for direction in directions if half_kw and recording.point == "device" else ():
            target_kw = verdict.delta_kw * (-1 if direction == "down" else 1)
            figure.box((begin_s, max(last_s, begin_s)), target_kw - half_kw, target_kw + half_kw)
    return Chart(
        "steps",
        words("chart.steps"),
        f"{words('chart.steps.about')} {figure.how_drawn()}",
        figure.built(height=540, stamp=stamp, hover="closest"),
    )


def first_seconds(
    recording: Recording, steps: Sequence[Phase], verdict: Verdict, words: Words, stamp: str
) -> Chart | None:
    """Return the beginning of all steps, sample by sample, with the fitted delay and its limit."""
    delay = _finding(verdict, "delay")
    limit_s = delay.limit.at_most if delay is not None else None
    if delay is None or limit_s is None:
        return None
    seen_s = max(1.35 * limit_s, 1.2 * ((delay.value or 0.0) + (delay.uncertainty or 0.0)))
    figure = Figure(words, words("axis.since_s"), [(words("axis.power"), 1.0)])
    if not _lines(figure, recording, steps, before_s=0.3 * limit_s, after_s=seen_s, dots=True):
        return None
    if delay.value is not None:
        if delay.uncertainty:
            span = (delay.value - delay.uncertainty, delay.value + delay.uncertainty)
            figure.shade(span, "rgba(15,118,110,0.20)")
        label = words("label.delay", value=measured(delay.value, delay.uncertainty))
        figure.upright(delay.value, "#0f766e", label, "dash")
    figure.upright(limit_s, COLOUR["limit"], words("label.limit_delay", value=amount(limit_s)), line=1)
    built = figure.built(height=400, stamp=stamp, hover="closest")
    built["layout"]["xaxis"]["range"] = [-0.3 * limit_s, seen_s]
    about = words("chart.first.about")
    return Chart("first", words("chart.first"), f"{about} {figure.how_drawn()}", built)


def _finding(verdict: Verdict, name: str) -> Finding | None:
    return next((f for f in verdict.findings if f.id.rpartition(".")[2] == name), None)


def _lines(
    figure: Figure,
    recording: Recording,
    steps: Sequence[Phase],
    *,
    before_s: float,
    after_s: float,
    dots: bool = False,
) -> bool:
    """Draw power (and frequency, where there is a row for it) of every step; say whether there was any."""
    words = figure.words
    power, frequency = recording.power(), recording.signals.get("meter.frequency_hz")
    rows = [(1, power, "kW")] + ([(2, frequency, "Hz")] if len(figure.rows) > 1 else [])
    legend: set[str] = set()
    for phase in steps:
        zero_s, direction = change_s(recording, phase), phase[4]
        name = words.direction(direction) or words("trace.measured")
        for row, signal, unit in rows:
            if signal is None:
                continue
            drawn = curve(signal, zero_s - before_s, min(phase[2], zero_s + after_s), 300)
            if not len(drawn.t_s):
                continue
            figure.line(
                drawn,
                name,
                COLOUR.get(direction or "up", COLOUR["power"]),
                row,
                shift_s=zero_s,
                unit=unit,
                width=1.3,
                opacity=0.75,
                legendgroup=name,
                showlegend=name not in legend,
                mode="lines+markers" if dots else "lines",
                marker={"size": 4},
                text=words("step_n", n=phase[3]) if phase[3] is not None else "",
            )
            legend.add(name)
    return bool(figure.data)
