"""Judged points: the mean of the last second before command + k × interval, each with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bench.measure.entry import ROUNDING
from bench.measure.series import Series
from bench.measure.uncertainty import power_u_kw, robust_noise_sd
from bench.model import Metric
from bench.recording import Recording

__all__ = ["Hold", "Point", "hold_of", "points_at", "stay", "stay_metrics", "worst"]

Verdict = Literal["inside", "doubtful_inside", "doubtful_outside", "outside", "missing"]
_SETTLED_S = 30.0


@dataclass(frozen=True)
class Point:
    """One judged point: power less the baseline (``kw``, None without data) and its standard components."""

    t_s: float
    target_kw: float
    kw: float | None
    noise_kw: float = 0.0
    meter_kw: float = 0.0
    baseline_kw: float = 0.0

    @property
    def deviation_kw(self) -> float:
        """Signed distance from the target; NaN without data."""
        return math.nan if self.kw is None else self.kw - self.target_kw

    @property
    def components(self) -> dict[str, float]:
        """The uncertainty budget, standard uncertainties in kW."""
        return {"noise": self.noise_kw, "meter": self.meter_kw, "baseline": self.baseline_kw}

    @property
    def uncertainty_kw(self) -> float:
        """Expanded uncertainty (k = 2)."""
        return 2.0 * math.sqrt(sum(part * part for part in self.components.values()))

    def verdict(self, band_kw: float) -> Verdict:
        """Say whether the point lies inside ``target ± band_kw``, and whether that is beyond doubt."""
        if self.kw is None:
            return "missing"
        distance, doubt = abs(self.deviation_kw), self.uncertainty_kw
        band_kw *= 1.0 + ROUNDING
        if distance <= band_kw:
            return "inside" if distance + doubt <= band_kw else "doubtful_inside"
        return "outside" if distance - doubt > band_kw else "doubtful_outside"


def points_at(
    recording: Recording,
    power: Series,
    times_s: Sequence[float],
    target_kw: float,
    window_s: float,
    zero_kw: tuple[float, float] = (0.0, 0.0),
) -> list[Point]:
    """Return the judged points at ``times_s``.

    ``zero_kw`` is the baseline that is taken off, and its standard uncertainty; NaN: nobody knows it. The
    noise of a point is that of the fast samples before it (a jump among them does not count) over the root
    of their number; where there is one sample in the window, it stands for all of it with the full scatter.
    """
    found = []
    for t_s in times_s:
        values = power.last_window(t_s, window_s)
        if len(values) == 0 or math.isnan(zero_kw[0]):
            found.append(Point(t_s, target_kw, None))
            continue
        kw = float(values.mean())
        scatter = robust_noise_sd(power.between(t_s - max(_SETTLED_S, 10.0 * power.interval_s), t_s).value)
        found.append(
            Point(
                t_s,
                target_kw,
                kw - zero_kw[0],
                scatter / math.sqrt(len(values)),
                power_u_kw(recording, kw),
                zero_kw[1],
            )
        )
    return found


def worst(points: Sequence[Point]) -> Point | None:
    """Return the point with the largest deviation; None where no point has data."""
    known = [point for point in points if point.kw is not None]
    return max(known, key=lambda point: abs(point.deviation_kw), default=None)


@dataclass(frozen=True)
class Hold:
    """How long consecutive points stayed inside: as read, strictly, leniently, and why it ended."""

    value_s: float
    strict_s: float
    lenient_s: float
    ended_by: Literal["outside", "missing", "end"]


def _consecutive(points: Sequence[Point], band_kw: float, accepted: set[str]) -> int:
    count = 0
    for point in points:
        if point.verdict(band_kw) not in accepted:
            break
        count += 1
    return count


def hold_of(points: Sequence[Point], band_kw: float, interval_s: float, *, means: bool = False) -> Hold:
    """Return how long the consecutive points from the first on stayed inside ``± band_kw``.

    Points are instants: between n of them lie n - 1 intervals. With ``means`` each is the mean of the
    interval before it, so that n of them cover n intervals.
    """

    def length(count: int) -> float:
        return max(0, count if means else count - 1) * interval_s

    read = _consecutive(points, band_kw, {"inside", "doubtful_inside"})
    strict = _consecutive(points, band_kw, {"inside"})
    lenient = _consecutive(points, band_kw, {"inside", "doubtful_inside", "doubtful_outside", "missing"})
    ended: Literal["outside", "missing", "end"] = "end"
    if read < len(points):
        ended = "missing" if points[read].kw is None else "outside"
    return Hold(length(read), length(strict), length(lenient), ended)


def stay(points: Sequence[Point], band_kw: float) -> tuple[float, float, float] | None:
    """Return the share of points inside: as read, strictly, leniently. None without data."""
    verdicts = [point.verdict(band_kw) for point in points]
    known = [verdict for verdict in verdicts if verdict != "missing"]
    if not known:
        return None
    read = np.mean([verdict in ("inside", "doubtful_inside") for verdict in known])
    strict = np.mean([verdict == "inside" for verdict in verdicts])
    lenient = np.mean([verdict != "outside" for verdict in verdicts])
    return float(read), float(strict), float(lenient)


def stay_metrics(points: Sequence[Point], band_kw: float, **told: Any) -> list[Metric]:
    """Return the share of points inside with what else is told of it; nothing without data."""
    ratios = stay(points, band_kw)
    if ratios is None:
        return []
    return [Metric(name="stay_ratio", value=ratios[0], unit="1", interval95=(ratios[1], ratios[2]), **told)]
