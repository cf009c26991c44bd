"""Numbers for the charts: honest decimation, and set-points as staircases."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.recording import Recording, Signal

__all__ = ["Curve", "curve", "end_s", "numbers", "staircase", "thin"]

FloatArray = NDArray[np.float64]
BINS = 700


@dataclass(frozen=True)
class Curve:
    """What is drawn of a channel: ``t_s`` and ``value`` of shape (n,), NaN where the line must break.

    ``total`` is the number of samples there were; ``bins`` is 0 when every one is drawn.
    """

    t_s: FloatArray
    value: FloatArray
    total: int
    bins: int = 0


def curve(signal: Signal, from_s: float = -np.inf, to_s: float = np.inf, bins: int = BINS) -> Curve:
    """Return a channel between two times, sorted, without repeats, with its missing samples as breaks."""
    keep = (signal.quality != "repeated") & (signal.t_s >= from_s) & (signal.t_s <= to_s)
    t_s, value = signal.t_s[keep], signal.value[keep]
    order = np.argsort(t_s, kind="stable")
    t_s, value = t_s[order], np.where(np.isfinite(value[order]), value[order], np.nan)
    index = thin(value, bins)
    return Curve(t_s[index], value[index], len(t_s), bins if len(index) < len(t_s) else 0)


def thin(value: FloatArray, bins: int) -> NDArray[np.intp]:
    """Return the indices to draw: of each bin the first, last, lowest, highest and first missing sample."""
    total = len(value)
    if total <= 5 * bins:
        return np.arange(total)
    edges = np.linspace(0, total, bins + 1).astype(np.intp)
    missing = np.isnan(value)
    low, high = np.where(missing, np.inf, value), np.where(missing, -np.inf, value)
    kept: set[int] = set()
    for start, stop in itertools.pairwise(edges.tolist()):
        part = slice(start, stop)
        kept.update((start, stop - 1, start + int(low[part].argmin()), start + int(high[part].argmax())))
        kept.add(start + int(missing[part].argmax()))  # the first of the bin where none is missing
    return np.array(sorted(kept), dtype=np.intp)


def numbers(values: Iterable[float], digits: int = 7) -> list[float | None]:
    """Return values for JSON: rounded to ``digits`` significant digits, NaN as null."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values]


def staircase(recording: Recording, quantity: str, roles: tuple[str, ...]) -> Curve | None:
    """Return a set-point over time as it was sent (one value per change), held to the end; None if never."""
    sent = [
        (command.t_s, float(command.value))
        for command in recording.commands
        if command.quantity == quantity
        and command.role in roles
        and isinstance(command.value, int | float)
        and not isinstance(command.value, bool)
    ]
    if not sent:
        for role in roles:
            signal = recording.signals.get(f"{role}.{quantity}")
            if signal is not None and np.isfinite(signal.value).any():
                return curve(signal)
        return None
    sent.sort(key=lambda item: item[0])
    t_s = np.array([t for t, _ in sent] + [max(end_s(recording), sent[-1][0])])
    value = np.array([v for _, v in sent] + [sent[-1][1]])
    index = thin(value, BINS * 2)
    return Curve(t_s[index], value[index], len(sent), BINS * 2 if len(index) < len(value) else 0)


def end_s(recording: Recording) -> float:
    """Return the last time of the recording, in seconds."""
    ends = [float(signal.t_s.max()) for signal in recording.signals.values() if len(signal.t_s)]
    return max([*ends, *(phase[2] for phase in recording.phases), 0.0])
