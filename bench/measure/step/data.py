"""Power around each step: what was there, whether it moved, which way, and the samples for the fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.measure.entry import inside_runs, smooth
from bench.measure.series import Series
from bench.measure.settling import tail_of
from bench.measure.step.edges import Edge, edge_of
from bench.measure.steps import FrequencyStep
from bench.measure.uncertainty import noise_sd

__all__ = ["StepData", "step_data"]

FloatArray = NDArray[np.float64]

_BEFORE_S = 5.0
_LONGEST_S = 60.0
_MOVED = 0.05
_GAP = 3.5
_LOST = 0.3
_STAYS_S = 1.0
_STEADY = 8
_HALVINGS = 4
_SURE = 5.0
_DRIFT = 0.01
_AWAY = 0.1
_STILL = 0.02


@dataclass(frozen=True)
class StepData:
    """``moved``: whether power did; ``settled_kw``: the level at the end less that before, in direction."""

    moved: Literal["yes", "no", "wrong way", "no data"]
    settled_kw: float
    noise_kw: float
    base_kw: float
    edge: Edge | None
    end_s: float
    gap_s: float
    moving: bool = False
    """Whether it was still moving at the end."""
    restless: str = ""
    """Why the power before the step is no level to count from."""
    left_s: tuple[float, float] = (-np.inf, np.inf)
    """Between which times power left its base, whatever the shape of the response."""
    corrected: bool = False
    """Whether what was still settling from the step before was taken off: the samples alone tell no time."""

    def gapped(self, power: Series) -> bool:
        """Tell whether readings are missing around the step, and not only one or two."""
        return self.gap_s > _GAP * power.interval_s


def _drifts(value: FloatArray, noise: float, full_kw: float) -> bool:
    """Say whether the second half of ``value`` differs from the first beyond noise and 1 % of the step."""
    half = len(value) // 2
    if half < 2:
        return False
    moved = abs(float(value[half:].mean() - value[:half].mean()))
    return bool(moved > max(_SURE * noise * np.sqrt(2.0 / half), _DRIFT * full_kw))


def _quiet_from(power: Series, start_s: float, onset_s: float, delta_kw: float) -> float:
    """Return from when on power rested before the step: half the time again while it still moved."""
    for _ in range(_HALVINGS):
        value = power.between(start_s, onset_s).value
        if len(value) < _STEADY or not _drifts(value, noise_sd(value), delta_kw):
            break
        start_s = (start_s + onset_s) / 2.0
    return start_s


def _first_leave(
    power: Series, step: FrequencyStep, onset_s: float, delta_kw: float, band_ratio: float, end_s: float
) -> float:
    """Return when power, once inside the band for a second, left it again: the fit ends there."""
    after = power.between(onset_s, end_s)
    base = power.between(-np.inf, onset_s).value
    if len(after) < _STEADY or len(base) == 0:
        return end_s
    level = step.sign * (smooth(after, _STAYS_S) - base.mean()) / delta_kw
    runs = inside_runs(after.t_s, level - 1.0, band_ratio, after.interval_s)
    lasting = [run for run in runs if run.length_s >= _STAYS_S]
    if not lasting or lasting[0].to_s >= after.t_s[-1]:
        return end_s
    # the one-second mean notices late; what it mixed in must go as well
    return max(lasting[0].to_s - _STAYS_S, onset_s + _STEADY * power.interval_s)


def _left_between(
    t_s: FloatArray, level: FloatArray, noise: float, window_s: float, interval_s: float
) -> tuple[float, float]:
    """Return between which times ``level`` (0 at the base, 1 in the end) left 0 for good.

    It certainly has where two samples in a row are beyond noise and a tenth of the step; it certainly has
    not in the windows before the last one that is still within noise and a fiftieth.
    """
    away = level > max(_AWAY, _SURE * noise)
    both = away & np.r_[away[1:], away[-1:]] & (t_s > 0.0)
    if not bool(both.any()):
        return -np.inf, np.inf
    first = int(np.argmax(both))
    still = np.flatnonzero(np.abs(level[:first]) < max(_STILL, 3.0 * noise))
    low = float(t_s[still[-1]]) if len(still) else float(t_s[0])
    return low - max(window_s, interval_s), float(t_s[first])


def step_data(
    power: Series,
    step: FrequencyStep,
    onset_s: float,
    window_s: float,
    *,
    delta_kw: float,
    band_ratio: float,
    response_s: float,
) -> StepData:
    """Collect the power around one step, times relative to ``onset_s``, power along the direction."""
    end_s = min(step.end_s, onset_s + max(2.0 * response_s, 20.0), onset_s + _LONGEST_S)
    # the change before may still be under way in the first half of a short rest
    start_s = max(onset_s - max(_BEFORE_S, 6.0 * power.interval_s), (step.rest_s + onset_s) / 2.0)
    tail_before = tail_of(power, step.rest_s, onset_s - power.interval_s, delta_kw)
    if tail_before is None:
        start_s = _quiet_from(power, start_s, onset_s, delta_kw)
    whole = power.between(start_s, end_s)
    part = whole.between(start_s, _first_leave(whole, step, onset_s, delta_kw, band_ratio, end_s))
    t_s, value = part.t_s - onset_s, step.sign * part.value
    if tail_before is not None:
        value = value - step.sign * tail_before.left_kw(part.t_s)
    before = t_s <= 0.0
    if int(before.sum()) < 2 or int((~before).sum()) < 4:
        return StepData("no data", np.nan, 0.0, np.nan, None, end_s, np.inf)
    base = float(value[before].mean())
    tail = value[-max(2, int((~before).sum()) // 4) :]
    noise = float(np.hypot(noise_sd(value[before]), noise_sd(tail)) / np.sqrt(2.0))
    settled = float(tail.mean()) - base
    seen = np.r_[t_s, end_s - onset_s] if len(part) == len(whole) else t_s
    wide = np.diff(seen)[(seen[1:] > 0.0) & (seen[:-1] <= response_s)]
    gap = float(np.max(wide, initial=0.0))
    doubt = 3.0 * noise / np.sqrt(min(len(tail), int(before.sum())))
    smallest = max(_MOVED * delta_kw, doubt)
    moved: Literal["yes", "no", "wrong way", "no data"] = "yes"
    if settled < -smallest:
        moved = "wrong way"
    elif settled < smallest:
        moved = "no"
    noise = max(noise, 5e-4 * max(abs(settled), 0.01 * delta_kw))
    edge = None
    left = (-np.inf, np.inf)
    if moved == "yes":
        left = _left_between(t_s, (value - base) / settled, noise / settled, window_s, power.interval_s)
        edge = edge_of(t_s, value, window_s, before=before, noise=noise)
    if gap > _GAP * power.interval_s:
        moved = "no data" if gap > _LOST * response_s and moved == "yes" else moved
    moving = len(part) == len(whole) and _drifts(tail, noise, delta_kw)
    restless = ""
    if tail_before is None and _drifts(value[before], noise_sd(value[before]), delta_kw):
        restless = "power was still moving before the step"
    corrected = tail_before is not None
    return StepData(moved, settled, noise, base, edge, end_s, gap, moving, restless, left, corrected)
