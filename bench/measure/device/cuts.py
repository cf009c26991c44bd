"""When the test itself had taken away mains or a line: what then is silent or old is no fault."""

from __future__ import annotations

import numpy as np

from bench.measure.series import Series
from bench.recording import Recording

__all__ = ["CUTS", "FRESH_S", "cut_spans", "outside_cuts"]

CUTS = ("gateway_on", "lan_on", "line2_on")
FRESH_S = 15.0


def cut_spans(recording: Recording, quantities: tuple[str, ...] = CUTS) -> list[tuple[float, float]]:
    """Return from when to when (s) each of the switches ``quantities`` of the site was open."""
    found = []
    for quantity in quantities:
        opened_s: float | None = None
        for command in recording.commands:
            if command.role != "site" or command.quantity != quantity:
                continue
            if not command.value and opened_s is None:
                opened_s = command.t_s
            elif command.value and opened_s is not None:
                found.append((opened_s, command.t_s))
                opened_s = None
        if opened_s is not None:
            found.append((opened_s, float("inf")))
    return sorted(found)


def outside_cuts(recording: Recording, series: Series) -> Series:
    """Return ``series`` without what was read during a cut, and until it can be fresh again."""
    keep = np.ones(len(series.t_s), dtype=bool)
    for from_s, to_s in cut_spans(recording):
        keep &= (series.t_s < from_s) | (series.t_s > to_s + FRESH_S)
    return Series(series.t_s[keep], series.value[keep], series.stamps_s)
