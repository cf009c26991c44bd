"""A recording becomes set-points: deviations around the station's nominal, rounded to the source's step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.plan.grid import GridRecording

__all__ = ["Played", "played"]


@dataclass(frozen=True)
class Played:
    """What the source is set to: ``offset_s`` from the start and ``frequency_hz``, both of shape (n,)."""

    offset_s: NDArray[np.float64]
    frequency_hz: NDArray[np.float64]
    duration_s: float
    note: str


def played(recording: GridRecording, nominal_hz: float, resolution_hz: float | None) -> Played:
    """Return the recording as set-points around ``nominal_hz``, with a note of what was changed.

    A recording from a grid of another nominal frequency keeps its deviations from its own.
    """
    wanted = nominal_hz + (recording.frequency_hz - recording.nominal_hz)
    sent = np.round(wanted, 9)
    if resolution_hz:
        sent = np.round(np.round(wanted / resolution_hz) * resolution_hz, 9)
    rows, name = len(sent), recording.path.name
    note = f"{name}: {rows} rows over {recording.duration_s:g} s, {sent.min():g} to {sent.max():g} Hz"
    if recording.nominal_hz != nominal_hz:
        note += f"; a {recording.nominal_hz:g} Hz recording, played as deviations around {nominal_hz:g} Hz"
    if resolution_hz:
        worst_hz = float(np.max(np.abs(sent - wanted)))
        note += f"; rounded to the source's {resolution_hz:g} Hz, largest error {worst_hz * 1000:.3g} mHz"
    else:
        note += "; not rounded, since the source's resolution is unknown"
    return Played(np.round(recording.t_s - recording.t_s[0], 6), sent, recording.duration_s, note)
