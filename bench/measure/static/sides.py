"""Which sides of nominal a staircase visited, and whether the device answered there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.measure.options import Options
from bench.measure.static.levels import Levels
from bench.recording import Recording

__all__ = ["Side", "sides"]

FloatArray = NDArray[np.float64]
Answer = Literal["unseen", "answers", "silent", "wrong way"]
_FAR = 0.75
_SURE = 6.0
_SHARE = 0.05
_MARGIN_HZ = 0.0005


@dataclass(frozen=True)
class Side:
    """Under-frequency (direction "up": discharge) or over-frequency (direction "down")."""

    direction: Literal["up", "down"]
    reach_hz: float
    answer: Answer
    change_kw: float
    both_ways: bool
    """True where levels with an answer were reached going out and coming back."""

    @property
    def sign(self) -> float:
        """+1 where the device should discharge."""
        return 1.0 if self.direction == "up" else -1.0

    @property
    def where(self) -> str:
        """Say how far the staircase went."""
        side = "below" if self.direction == "up" else "above"
        return f"{1e3 * self.reach_hz:.1f} mHz {side} nominal"


def sides(recording: Recording, levels: Levels, options: Options) -> list[Side]:
    """Return the sides that are judged, up first.

    A side counts as seen when the frequency left the declared dead band (else the rule's) there. An answer is
    a twentieth of what the rule's droop would give, and six times the noise.
    """
    # without a rating only noise says what an answer is
    nominal, rated = options.number("nominal_hz"), options.number("rated_kw", 0.0)
    declared = options.get("declared_dead_band_hz")
    band = options.number("dead_band_hz", 0.0) if declared is None else declared
    deviation = levels.hz - nominal
    asked = recording.facts.get("directions") or ("up", "down")
    rest = float(np.median(levels.kw[np.abs(deviation) <= np.abs(deviation).min() + 1e-3]))
    found = []
    for direction, sign in (("up", 1.0), ("down", -1.0)):
        if direction not in asked:
            continue
        away = -sign * deviation
        reach = max(float(away.max()), 0.0)
        way: Literal["up", "down"] = "up" if direction == "up" else "down"
        if reach <= band + _MARGIN_HZ:
            found.append(Side(way, reach, "unseen", 0.0, False))
            continue
        far = away >= _FAR * reach
        change = sign * (float(levels.kw[far].mean()) - rest)
        expected = rated * max(reach - band, 0.0) / (options.number("droop_pct") / 100.0 * nominal)
        least = max(_SURE * float(np.sqrt(levels.kw_var.max())), _SHARE * expected)
        answer: Answer = "answers" if change > least else "wrong way" if change < -least else "silent"
        moved = np.gradient(levels.path_hz) if len(levels) > 1 else np.zeros(1)
        on_line = sign * (levels.kw - rest) > max(least, 0.15 * change)
        out, back = bool(np.any(on_line & (-sign * moved > 0))), bool(np.any(on_line & (-sign * moved < 0)))
        found.append(Side(way, reach, answer, change, out and back))
    return found
