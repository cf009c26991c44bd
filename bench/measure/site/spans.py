"""The judged stretches of a site profile: phases named ``kind_way``, with the fastest samples in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.series import Series
from bench.measure.uncertainty import power_u_kw
from bench.recording import Recording

__all__ = ["Excess", "Stretch", "excess", "stretches"]

FloatArray = NDArray[np.float64]
_MEDIAN_OF_A_DIFFERENCE = 0.6745 * 2.0**0.5
"""Median of the size of a difference of two normal values, in standard deviations: steps do not move it."""


@dataclass(frozen=True)
class Stretch:
    """All phases of one kind under one way of limiting.

    ``t_s`` and ``export_kw`` have shape (n,): every sample, none averaged. ``runs`` of shape (n,) tells which
    phase of the kind a sample belongs to, where phases follow each other without a break they are one.
    """

    kind: str
    way: str
    t_s: FloatArray
    export_kw: FloatArray
    runs: NDArray[np.int_]
    interval_s: float
    lost_count: int
    noise_kw: float

    @property
    def name(self) -> str:
        """The name for people."""
        return f"limiter {self.way}" if self.way else "no limiter"

    def doubt_kw(self, recording: Recording, level_kw: float) -> float:
        """Return the expanded uncertainty of one sample near ``level_kw``."""
        return 2.0 * float(np.hypot(power_u_kw(recording, level_kw), self.noise_kw))


def stretches(recording: Recording, power: Series) -> list[Stretch]:
    """Return the stretches in the order in which they first come."""
    spans: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for name, from_s, to_s, _, _ in sorted(recording.phases, key=lambda phase: phase[1]):
        kind, _, way = name.partition("_")
        found = spans.setdefault((kind, way), [])
        if found and abs(found[-1][1] - from_s) < 1e-6:
            found[-1] = (found[-1][0], to_s)
        else:
            found.append((from_s, to_s))
    return [_stretch(recording, power, kind, way, found) for (kind, way), found in spans.items()]


def _stretch(
    recording: Recording, power: Series, kind: str, way: str, spans: list[tuple[float, float]]
) -> Stretch:
    times, values, runs, lost = [], [], [], 0
    for number, (from_s, to_s) in enumerate(spans):
        part = power.between(from_s, to_s)
        times.append(part.t_s)
        values.append(part.value)
        runs.append(np.full(len(part), number))
        expected = round((to_s - from_s) / power.interval_s)
        marks = np.r_[from_s, part.t_s, to_s]
        wide = np.diff(marks) > 2.5 * power.interval_s
        lost += min(expected, int(np.sum(np.round(np.diff(marks)[wide] / power.interval_s)) - wide.sum()))
    export = np.concatenate(values)
    noise_kw = float(np.median(np.abs(np.diff(export)))) / _MEDIAN_OF_A_DIFFERENCE if len(export) > 1 else 0.0
    return Stretch(
        kind,
        way,
        np.concatenate(times),
        export,
        np.concatenate(runs),
        power.interval_s,
        lost,
        noise_kw,
    )


@dataclass(frozen=True)
class Excess:
    """Longest time over a limit with its interval, the energy over it (kWh), and where the longest began."""

    longest_s: float
    least_s: float
    most_s: float
    energy_kwh: float
    from_s: float | None
    to_s: float | None


def _longest(stretch: Stretch, over: NDArray[np.bool_]) -> tuple[int, int]:
    """Return first index and length of the longest row of samples over the limit."""
    best, start = (0, 0), 0
    same = np.r_[False, (np.diff(stretch.runs) == 0) & (np.diff(stretch.t_s) < 2.5 * stretch.interval_s)]
    for index, is_over in enumerate(over.tolist()):
        if not is_over or not same[index]:
            start = index if is_over else index + 1
        if is_over and index - start + 1 > best[1]:
            best = (start, index - start + 1)
    return best


def excess(stretch: Stretch, limit_kw: float, doubt_kw: float) -> Excess:
    """Return how long, and by how much energy, the export stayed above ``limit_kw``.

    A sample is the mean of one window, in which an excess may begin or end anywhere: the true time lies
    within one interval of the samples' on each side. Samples nearer to the limit than the doubt about them
    make the ends of the interval.
    """
    step_s = stretch.interval_s
    over = stretch.export_kw > limit_kw
    start, count = _longest(stretch, over)
    sure = _longest(stretch, stretch.export_kw > limit_kw + doubt_kw)[1]
    maybe = _longest(stretch, stretch.export_kw > limit_kw - doubt_kw)[1]
    energy_kwh = float(np.sum(stretch.export_kw[over] - limit_kw)) * step_s / 3600.0
    return Excess(
        longest_s=count * step_s,
        least_s=max(sure - 1, 0) * step_s,
        most_s=(maybe + 1) * step_s if maybe else 0.0,
        energy_kwh=energy_kwh,
        from_s=float(stretch.t_s[start]) - step_s if count else None,
        to_s=float(stretch.t_s[start + count - 1]) if count else None,
    )
