"""Power over frequency, with the droop as declared, as measured, and as the rule allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.evidence.charts_data import numbers
from bench.evidence.charts_figure import COLOUR, Chart, Figure
from bench.evidence.text import Words, amount
from bench.model import Verdict
from bench.recording import Recording

__all__ = ["droop_chart"]

FloatArray = NDArray[np.float64]
CELLS = 160


def droop_chart(recording: Recording, verdict: Verdict, words: Words, stamp: str) -> Chart | None:
    """Return the scatter of simultaneous readings; None where power or frequency is missing."""
    facts = recording.facts
    settle_s = float(facts.get("response_s", 0.0))
    found = _settled(recording, settle_s)
    if found is None or "nominal_hz" not in facts:
        return None
    deviation_hz, power_kw = found[0] - float(facts["nominal_hz"]), found[1]
    figure = Figure(words, words("axis.deviation"), [(words("axis.power"), 1.0)])
    index = _distinct(deviation_hz, power_kw)
    figure.data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": words("trace.readings"),
            "x": numbers(deviation_hz[index], 5),
            "y": numbers(power_kw[index], 5),
            "marker": {"color": COLOUR["power"], "size": 4, "opacity": 0.55},
            "hovertemplate": "%{x:.4f} Hz, %{y:.4~f} kW",
        }
    )
    if "rated_kw" in facts:
        reach_hz = max(float(np.abs(deviation_hz).max()) * 1.08, 0.02)
        dead_band_hz = float(facts.get("declared_dead_band_hz") or 0.0)
        droop = next((finding for finding in verdict.findings if finding.metric == "droop_pct"), None)
        lines = [
            ("limit_line", droop.limit.at_most if droop else None, COLOUR["limit"], "dot"),
            ("declared", facts.get("declared_droop_pct"), COLOUR["command"], "dash"),
            ("measured_line", droop.value if droop else None, COLOUR["inside"], "solid"),
        ]
        for key, droop_pct, colour, dash in lines:
            if not droop_pct or droop_pct <= 0:
                continue
            x_hz, y_kw = _line(facts, float(droop_pct), dead_band_hz, reach_hz, verdict.delta_kw)
            figure.data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": words(f"trace.{key}", value=amount(float(droop_pct))),
                    "x": numbers(x_hz, 5),
                    "y": numbers(y_kw, 5),
                    "line": {"color": colour, "dash": dash, "width": 1.6},
                    "hoverinfo": "skip",
                }
            )
    settled = words("chart.droop.about", settle=words("seconds", n=amount(settle_s)))
    moving = _always_moving(_changes(recording), settle_s)
    return Chart(
        "droop",
        words("chart.droop"),
        words("chart.droop.all") if moving else settled,
        figure.built(height=460, stamp=stamp, hover="closest"),
    )


def _settled(recording: Recording, settle_s: float) -> tuple[FloatArray, FloatArray] | None:
    """Return frequency (Hz) and power (kW) read at the same times, away from changes of the set-point."""
    power, frequency = recording.power(), recording.signals.get("meter.frequency_hz")
    if power is None or frequency is None:
        return None
    f_t, f_hz = frequency.good()
    p_t, p_kw = power.good()
    common, f_index, p_index = np.intersect1d(np.round(f_t, 6), np.round(p_t, 6), return_indices=True)
    keep = np.ones(len(common), dtype=bool)
    changes = _changes(recording)
    if len(changes) and not _always_moving(changes, settle_s):
        last = np.searchsorted(changes, common, side="right") - 1
        keep = (last < 0) | (common - changes[np.clip(last, 0, None)] >= settle_s)
    return (f_hz[f_index][keep], p_kw[p_index][keep]) if keep.any() else None


def _changes(recording: Recording) -> FloatArray:
    """Return when the set-point of frequency was sent, in seconds."""
    sent = (c.t_s for c in recording.commands if c.role == "source" and c.quantity == "frequency_hz")
    return np.array(sorted(sent), dtype=np.float64)


def _always_moving(changes: FloatArray, settle_s: float) -> bool:
    """Return whether the frequency seldom rests as long as ``settle_s``: a replay, not steps."""
    return len(changes) > 2 and float(np.median(np.diff(changes))) < settle_s


def _distinct(x: FloatArray, y: FloatArray) -> NDArray[np.intp]:
    """Return one index for each cell of a fine grid that has a point: dense clouds are drawn once."""

    def cells(values: FloatArray) -> NDArray[np.int64]:
        spread = float(np.ptp(values)) or 1.0
        return np.asarray(np.floor((values - values.min()) / spread * CELLS), dtype=np.int64)

    _, index = np.unique(cells(x) * (CELLS + 1) + cells(y), return_index=True)
    return np.asarray(index, dtype=np.intp)


def _line(
    facts: Mapping[str, Any], droop_pct: float, dead_band_hz: float, reach_hz: float, delta_kw: float
) -> tuple[FloatArray, FloatArray]:
    """Return frequency deviation (Hz) and power (kW) of a droop line, with the dead band as declared.

    ``P = base / (droop / 100 * f_nominal) * (|df| - dead band)``, opposite in sign to the deviation; a dead
    band of the kind ``step`` is not subtracted outside itself.
    """
    base_kw = delta_kw if facts.get("droop_base") == "awarded" else float(facts["rated_kw"])
    slope = base_kw / (droop_pct / 100.0 * float(facts["nominal_hz"]))
    edge_hz = min(dead_band_hz, reach_hz)
    subtracted_hz = 0.0 if facts.get("dead_band_kind") == "step" else edge_hz
    size_hz = np.array([reach_hz, edge_hz, edge_hz])
    size_kw = np.array([slope * (reach_hz - subtracted_hz), slope * (edge_hz - subtracted_hz), 0.0])
    return np.concatenate([-size_hz, size_hz[::-1]]), np.concatenate([size_kw, -size_kw[::-1]])
