"""Power around each step: what was there, whether it moved, which way, and the samples for the fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.measure.edges import Edge, edge_of
from bench.measure.series import Series
from bench.measure.steps import FrequencyStep
from bench.measure.uncertainty import noise_sd

__all__ = ["StepData", "step_data"]

_BEFORE_S = 5.0
_LONGEST_S = 60.0
_MOVED = 0.05
_GAP = 3.5


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


def step_data(
    power: Series, step: FrequencyStep, onset_s: float, window_s: float, delta_kw: float, response_s: float
) -> StepData:
    """Collect the power around one step, times relative to ``onset_s``, power along the direction."""
    end_s = min(step.end_s, onset_s + max(2.0 * response_s, 20.0), onset_s + _LONGEST_S)
    start_s = max(onset_s - max(_BEFORE_S, 6.0 * power.interval_s), step.rest_s)
    part = power.between(start_s, end_s)
    t_s, value = part.t_s - onset_s, step.sign * part.value
    before = t_s <= 0.0
    if int(before.sum()) < 2 or int((~before).sum()) < 4:
        return StepData("no data", np.nan, 0.0, np.nan, None, end_s, np.inf)
    base = float(value[before].mean())
    tail = value[-max(2, int((~before).sum()) // 4) :]
    noise = float(np.hypot(noise_sd(value[before]), noise_sd(tail)) / np.sqrt(2.0))
    settled = float(tail.mean()) - base
    late = t_s[(t_s > -power.interval_s) & (t_s <= response_s)]
    gap = float(np.max(np.diff(late))) if len(late) > 1 else np.inf
    doubt = 3.0 * noise / np.sqrt(min(len(tail), int(before.sum())))
    smallest = max(_MOVED * delta_kw, doubt)
    moved: Literal["yes", "no", "wrong way", "no data"] = "yes"
    if settled < -smallest:
        moved = "wrong way"
    elif settled < smallest:
        moved = "no"
    noise = max(noise, 1e-4 * max(abs(settled), 0.01 * delta_kw))
    edge = None
    if moved == "yes":
        edge = edge_of(t_s, value, window_s, before=before, noise=noise)
    if gap > _GAP * power.interval_s:
        first = t_s[(t_s > 0.0) & (t_s <= response_s)]
        lost = not len(first) or gap > 0.5 * response_s
        moved = "no data" if lost and moved == "yes" else moved
    return StepData(moved, settled, noise, base, edge, end_s, gap)
