"""What happened after a command: in time, late, never, the wrong way, at the wrong level, or left too early.

The story names the root finding, so that one defect is not reported as three unrelated ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.measure.entry import Run, inside_runs

__all__ = ["Story", "tell"]

FloatArray = NDArray[np.float64]
Kind = Literal["good", "late", "level", "left", "dead", "wrong_way", "unknown"]
_FEWEST_PARTS_S = 2.0
_MOST_PARTS = 60
_ROOT: dict[Kind, str | None] = {
    "good": None,
    "late": "response",
    "level": "band",
    "left": "hold",
    "dead": "response",
    "wrong_way": "response",
    "unknown": None,
}


@dataclass(frozen=True)
class Story:
    """``entry`` is when the band was entered to stay; ``plateau_ratio`` the level over the one asked for."""

    kind: Kind
    entry: Run | None
    left_s: float | None = None
    plateau_ratio: float | None = None

    def follows(self, finding: str) -> str | None:
        """Return the root finding that explains a failing of ``finding``; None for the root itself."""
        root = _ROOT[self.kind]
        return None if root == finding else root


def _plateau(
    t_s: FloatArray, value: FloatArray, start_s: float, end_s: float, interval_s: float
) -> list[float]:
    """Return the levels of those intervals in which the value would drift little over the whole time."""
    found = []
    for low in np.arange(start_s, end_s - interval_s + 1e-9, interval_s):
        inside = slice(*np.searchsorted(t_s, [low, low + interval_s]))
        part = value[inside]
        if len(part) < 2:
            continue
        half = len(part) // 2
        drift = abs(float(part[half:].mean() - part[:half].mean())) * 2.0 / interval_s
        if drift * (end_s - start_s) <= 0.2:
            found.append(float(part.mean()))
    return found


def tell(
    t_s: FloatArray,
    share: FloatArray,
    *,
    band_ratio: float,
    start_s: float,
    judged_s: float,
    end_s: float,
    interval_s: float,
    sample_s: float,
) -> Story:
    """Tell the story of one activation.

    ``share`` is the smoothed change of power over the change asked for (1 = delivered, negative =
    the wrong way); ``judged_s`` is the first judged point and ``end_s`` the last.
    """
    keep = (t_s > start_s) & (t_s <= end_s + 1e-6)
    t_s, share = t_s[keep], share[keep]
    if len(t_s) == 0 or bool(np.isnan(share).any()):
        return Story("unknown", None)
    runs = inside_runs(t_s, share - 1.0, band_ratio, sample_s)
    lasting = [run for run in runs if run.length_s >= interval_s or run.to_s >= t_s[-1]]
    at_judged = [run for run in runs if run.from_s <= judged_s and run.to_s >= judged_s - 2.0 * sample_s]
    seen_judged = t_s[-1] >= judged_s - 2.0 * sample_s
    if at_judged:
        run = at_judged[-1]
        if run.to_s < t_s[-1] - 2.0 * sample_s:
            return Story("left", run, left_s=run.to_s)
        return Story("good", run)
    if not seen_judged:
        return Story("good", lasting[-1]) if lasting else Story("unknown", None)
    early = [run for run in lasting if run.from_s <= judged_s]
    if early:
        return Story("left", early[0], left_s=early[0].to_s)
    if lasting:
        return Story("late", lasting[0])
    # points that follow each other fast are no stretch to see a drift in
    part_s = max(interval_s, _FEWEST_PARTS_S * sample_s, (end_s - start_s) / _MOST_PARTS)
    levels = _plateau(t_s, share, start_s, end_s, part_s)
    moved = [level for level in levels if abs(level) > band_ratio]
    if moved:
        kind: Kind = "level" if moved[0] > 0.0 else "wrong_way"
        return Story(kind, None, plateau_ratio=moved[0])
    if float(np.median(share)) < -band_ratio:
        return Story("wrong_way", None, plateau_ratio=float(np.median(share)))
    if float(np.percentile(np.abs(share), 99.0)) <= band_ratio:
        return Story("dead", None, plateau_ratio=float(np.median(share)))
    return Story("late", None, plateau_ratio=float(share[-1]))
