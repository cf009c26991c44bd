"""How the house moves around the battery, and the loop that compensates it at the receiving point.

The receiving point sees the battery less the load, plus the generation. Whoever commands ΔkW there sends the
battery, every few seconds or minutes, the target and what the house takes more than in the baseline.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

__all__ = ["HousePlan", "can_move", "way_of"]

_NAMES = ("load_kw", "pv_kw")
_DECIMALS = 3
_TINY = 1e-9


def can_move(names: Mapping[str, float]) -> bool:
    """Return whether the receiving point is judged at a station that sets load and generation."""
    return all(names.get(name, 0.0) for name in ("receiving", "site_load", "site_pv"))


def way_of(target_kw: float, names: Mapping[str, float]) -> float:
    """Return 1 where more load keeps the compensated command between zero and ΔkW, -1 where less does."""
    half_kw = names.get("delta_kw", 0.0) / 2.0
    inwards = 1.0 if abs(target_kw) <= half_kw * (1.0 + _TINY) else -1.0
    return inwards * names.get("sign", 1.0)


class HousePlan:
    """Where the house is planned to stand, from one segment to the next; powers in kW."""

    def __init__(self) -> None:
        self._baseline_kw: float | None = None
        self._set: tuple[float, ...] | None = None
        self._course: list[tuple[float, float]] = []

    def moves(
        self, duration_s: float, every_s: float | None, at: Callable[[float], tuple[float, float]]
    ) -> list[tuple[float, str, float]]:
        """Return when after the segment's start what changes; ``at`` gives load and PV by the share gone.

        Raises:
            UsageError: as ``at`` does.
        """
        count = 1 if every_s is None else max(1, math.ceil(duration_s / every_s - _TINY))
        found: list[tuple[float, str, float]] = []
        self._course = []
        for index in range(count):
            offset_s = index * (every_s or 0.0)
            position = tuple(round(kw, _DECIMALS) for kw in at(offset_s / duration_s if duration_s else 0.0))
            for place, name in enumerate(_NAMES):
                if self._set is None or self._set[place] != position[place]:
                    found.append((offset_s, name, position[place]))
            self._set = position
            net_kw = position[0] - position[1]
            self._baseline_kw = net_kw if self._baseline_kw is None else self._baseline_kw
            self._course.append((offset_s, net_kw))
        return found

    def loop(
        self, duration_s: float, loop_s: float | None, target_kw: float | None, ratio: float
    ) -> list[tuple[float, float]]:
        """Return what is sent to keep ``target_kw``, and when: after :meth:`moves` of the same segment.

        Each command compensates the house as it will stand half a loop later, so that the loop's own lag is
        shared between both sides of the target and takes little of the device's band; the first one of a
        segment as it stands now, for it tells the target (:func:`bench.moved_house.targets`).
        """
        if target_kw is None:
            return []
        count = 1 if loop_s is None else max(1, math.ceil(duration_s / loop_s - _TINY))
        found = []
        for offset_s in (index * (loop_s or 0.0) for index in range(count)):
            ahead_s = offset_s + (loop_s or 0.0) / 2.0 if offset_s else 0.0
            net_kw = [kw for t_s, kw in self._course if t_s <= ahead_s + _TINY][-1]
            found.append((offset_s, round(target_kw + ratio * (net_kw - (self._baseline_kw or 0.0)), 6)))
        return found
