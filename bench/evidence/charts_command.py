"""Charts of a command-following run: command, power, band, judged points, state of charge."""

from __future__ import annotations

from typing import Any

from bench.evidence.charts_data import curve, end_s, staircase
from bench.evidence.charts_figure import COLOUR, Chart, Figure
from bench.evidence.charts_points import draw_points, judged_spans
from bench.evidence.text import Words, amount
from bench.model import Verdict
from bench.moved_house import moved, targets
from bench.recording import Recording

__all__ = ["command_chart", "shade_gaps", "shade_phases"]


def command_chart(recording: Recording, verdict: Verdict, words: Words, stamp: str) -> Chart | None:
    """Return the chart of command, power and band; None where there is no power at all."""
    facts = recording.facts
    length_s = end_s(recording)
    scale = 60.0 if length_s > 1200 else 1.0
    soc = recording.signals.get("battery.soc_pct") or recording.signals.get("gateway.soc_pct")
    rows = [(words("axis.power"), 4.0)] + ([(words("axis.soc"), 1.0)] if soc is not None else [])
    figure = Figure(words, words("axis.time_min" if scale > 1 else "axis.time_s"), rows, scale)
    shade_phases(figure, recording)
    command = staircase(targets(recording), "power_set_kw", ("battery", "gateway"))
    band_ratio = facts.get("band_ratio")
    half_kw = float(band_ratio) * verdict.delta_kw if band_ratio is not None else None
    if not _powers(figure, recording, words):
        return None
    if command is not None:
        figure.line(command, words("trace.command"), COLOUR["command"], step=True, width=1.4, dash="dash")
        figure.thinned.pop()
    if moved(recording):
        _house(figure, recording, words)
    if half_kw is not None and command is not None:
        for span in judged_spans(recording, command, half_kw):
            figure.box((span.from_s, span.to_s), span.target_kw - half_kw, span.target_kw + half_kw)
            draw_points(figure, span.points, target_kw=span.target_kw)
    if soc is not None:
        figure.line(curve(soc), words("trace.soc"), COLOUR["soc"], 2, unit="%")
    shade_gaps(figure, recording)
    about = words(
        "chart.command.about",
        band=f"{amount(float(band_ratio) * 100)} %" if band_ratio is not None else "–",
        window=words("seconds", n=amount(float(facts.get("point_window_s", 1.0)))),
    )
    return Chart(
        "command",
        words("chart.command"),
        f"{about} {figure.how_drawn()}",
        figure.built(height=620 if soc is not None else 500, stamp=stamp),
    )


def _house(figure: Figure, recording: Recording, words: Words) -> None:
    """Draw what the house was told to take and to give, and what the battery was sent against it."""
    for key, quantity, roles in (
        ("load", "load_kw", ("site",)),
        ("pv", "pv_kw", ("site",)),
        ("sent", "power_set_kw", ("battery", "gateway")),
    ):
        told = staircase(recording, quantity, roles)
        if told is not None:
            figure.line(told, words(f"trace.{key}"), COLOUR[key], step=True, width=1.0)
            figure.thinned.pop()


def shade_phases(figure: Figure, recording: Recording, labels: bool = True) -> None:
    """Shade every other phase and write its name over it, where there is room for the name."""
    length_s = max(end_s(recording), 1e-9)
    for number, (name, from_s, to_s, _, direction) in enumerate(recording.phases):
        wide = labels and (to_s - from_s) / length_s > 0.07
        arrow = {"up": " ↑", "down": " ↓"}.get(direction or "", "")
        colour = "rgba(100,116,139,0.07)" if number % 2 else "rgba(0,0,0,0)"
        figure.shade((from_s, to_s), colour, figure.words.phase(name) + arrow if wide else "")


def shade_gaps(figure: Figure, recording: Recording) -> None:
    """Shade the stretches without data."""
    for gap in recording.gaps[:100]:
        figure.shade((gap.from_s, gap.to_s), COLOUR["gap"])


def _powers(figure: Figure, recording: Recording, words: Words) -> bool:
    judged_receiving = recording.point == "receiving"
    drawn = False
    for channel, key, colour, judged in (
        ("battery.power_kw", "own", "own", False),
        ("meter.receiving_power_kw", "receiving", "receiving", judged_receiving),
        ("meter.power_kw", "device", "power", not judged_receiving),
    ):
        signal = recording.signals.get(channel)
        if signal is None or not len(signal.t_s):
            continue
        more: dict[str, Any] = {"visible": "legendonly"} if key == "own" else {}
        figure.line(
            curve(signal), words(f"trace.{key}"), COLOUR[colour], width=2.0 if judged else 1.2, **more
        )
        drawn = True
    return drawn
