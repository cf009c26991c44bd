"""Figures as plain data in plotly's own schema: rows that share the time axis, traces, shapes, marks."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from bench.evidence.charts_data import Curve, numbers
from bench.evidence.text import Words

__all__ = ["COLOUR", "Chart", "Figure"]

COLOUR = {
    "command": "#ea580c",
    "power": "#2563eb",
    "receiving": "#0d9488",
    "load": "#a16207",
    "pv": "#eab308",
    "sent": "#fb923c",
    "own": "#94a3b8",
    "frequency": "#7c3aed",
    "soc": "#a16207",
    "band": "rgba(22,163,74,0.16)",
    "band_edge": "rgba(22,163,74,0.55)",
    "up": "#2563eb",
    "down": "#c2410c",
    "inside": "#15803d",
    "doubtful": "#d97706",
    "outside": "#dc2626",
    "missing": "#6b7280",
    "limit": "#dc2626",
    "gap": "rgba(220,38,38,0.13)",
}


@dataclass(frozen=True)
class Chart:
    """One picture: its place in the page, its words, and the figure as plotly reads it."""

    id: str
    title: str
    caption: str
    figure: dict[str, Any]


@dataclass
class Figure:
    """Builds one figure of stacked rows over a common x axis."""

    words: Words
    x_title: str
    rows: list[tuple[str, float]]
    scale: float = 1.0
    data: list[dict[str, Any]] = field(default_factory=list)
    shapes: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    thinned: list[Curve] = field(default_factory=list)

    def line(
        self,
        drawn: Curve,
        name: str,
        colour: str,
        row: int = 1,
        *,
        shift_s: float = 0.0,
        unit: str = "kW",
        **more: Any,
    ) -> None:
        """Add a line. ``more`` goes to the trace; ``step=True`` draws a staircase."""
        self.thinned.append(drawn)
        style: dict[str, Any] = {"color": colour, "width": more.pop("width", 1.6)}
        if more.pop("step", False):
            style["shape"] = "hv"
        if "dash" in more:
            style["dash"] = more.pop("dash")
        self.data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": html.escape(name),
                "x": numbers((drawn.t_s - shift_s) / self.scale),
                "y": numbers(drawn.value),
                "line": style,
                "connectgaps": False,
                "yaxis": _axis("y", row),
                "hovertemplate": f"%{{y:.4~f}} {html.escape(unit)}",
                **more,
            }
        )

    def box(self, span: tuple[float, float], low: float, high: float, row: int = 1) -> None:
        """Draw an allowed region between two times and two values."""
        self.shapes.append(
            {
                "type": "rect",
                "layer": "below",
                "xref": "x",
                "yref": _axis("y", row),
                "x0": span[0] / self.scale,
                "x1": span[1] / self.scale,
                "y0": low,
                "y1": high,
                "fillcolor": COLOUR["band"],
                "line": {"color": COLOUR["band_edge"], "width": 1},
            }
        )

    def shade(self, span: tuple[float, float], colour: str, label: str = "") -> None:
        """Shade a stretch of time over every row, with a label at its top."""
        x0, x1 = span[0] / self.scale, span[1] / self.scale
        self.shapes.append(
            {
                "type": "rect",
                "layer": "below",
                "xref": "x",
                "yref": "paper",
                "x0": x0,
                "x1": x1,
                "y0": 0,
                "y1": 1,
                "fillcolor": colour,
                "line": {"width": 0},
            }
        )
        if label:
            self.note(x=(x0 + x1) / 2, y=1.0, text=label, xref="x", yref="paper", yanchor="bottom")

    def level(self, at: float, colour: str, row: int = 1, dash: str = "dot") -> None:
        """Draw a horizontal line through a row."""
        self.shapes.append(
            {
                "type": "line",
                "xref": "paper",
                "yref": _axis("y", row),
                "x0": 0,
                "x1": 1,
                "y0": at,
                "y1": at,
                "line": {"color": colour, "width": 1.2, "dash": dash},
            }
        )

    def upright(self, at: float, colour: str, label: str = "", dash: str = "dot", line: int = 0) -> None:
        """Draw a vertical line over every row at x = ``at`` (in the unit of the axis), its label above them.

        ``line`` counts the lines of text upward, so that two labels do not meet.
        """
        self.shapes.append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": at,
                "x1": at,
                "y0": 0,
                "y1": 1,
                "line": {"color": colour, "width": 1.4, "dash": dash},
            }
        )
        if label:
            place = {
                "x": at,
                "y": 1.0,
                "yshift": 14 * line,
                "xref": "x",
                "yref": "paper",
                "yanchor": "bottom",
            }
            self.note(text=label, color=colour, **place)

    def note(self, *, text: str, color: str | None = None, **place: Any) -> None:
        """Write a few words on the figure; escaped, since plotly reads simple HTML in them."""
        font: dict[str, Any] = {"size": 11} | ({"color": color} if color else {})
        self.annotations.append({"text": html.escape(text), "showarrow": False, "font": font, **place})

    def built(self, *, height: int, stamp: str = "", hover: str = "x unified") -> dict[str, Any]:
        """Return the figure. ``stamp`` is written across it, so that a cut-out picture still says it."""
        layout: dict[str, Any] = {
            "height": height,
            "margin": {"l": 62, "r": 18, "t": 46, "b": 92},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "hovermode": hover,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#94a3b8", "activecolor": "#64748b"},
            "legend": {"orientation": "h", "x": 0, "y": 0, "yanchor": "bottom", "yref": "container"},
            "font": {"size": 12},
            "shapes": self.shapes,
            "annotations": [*self.annotations, *([_stamp(stamp)] if stamp else [])],
            "xaxis": {
                "title": {"text": self.x_title},
                "anchor": _axis("y", len(self.rows)),
                "zeroline": False,
                "showspikes": hover.startswith("x"),
                "spikethickness": 1,
                "spikedash": "dot",
                "spikemode": "across",
            },
        }
        top, gap = 1.0, 0.07
        share = (1.0 - gap * (len(self.rows) - 1)) / sum(weight for _, weight in self.rows)
        for number, (title, weight) in enumerate(self.rows, 1):
            bottom = max(0.0, top - weight * share)
            layout[_axis("yaxis", number)] = {
                "title": {"text": html.escape(title)},
                "domain": [round(bottom, 4), round(top, 4)],
                "zeroline": True,
                "anchor": "x",
            }
            top = bottom - gap
        return {"data": self.data, "layout": layout}

    def how_drawn(self) -> str:
        """Return the sentence that says how many of the samples are drawn."""
        cut = [curve for curve in self.thinned if curve.bins]
        total = sum(curve.total for curve in self.thinned)
        if not cut:
            return self.words("chart.whole", n=f"{total:,}")
        shown = sum(len(curve.t_s) for curve in self.thinned)
        return self.words("chart.decimated", shown=f"{shown:,}", n=f"{total:,}", bins=cut[0].bins)


def _axis(name: str, row: int) -> str:
    return name if row == 1 else f"{name}{row}"


def _stamp(text: str) -> dict[str, Any]:
    return {
        "name": "stamp",
        "text": text,
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "textangle": -18,
        "opacity": 0.16,
        "font": {"size": 46, "color": "#b45309"},
    }
