"""What is going to happen in the world, in order of time and then of asking."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

__all__ = ["Agenda"]

Action = Callable[[float], None]


class Agenda:
    """Future events. Two at one instant happen in the order in which they were put down."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._events: list[tuple[float, int, Action]] = []

    def at(self, t_s: float, action: Action) -> None:
        """Have ``action(t_s)`` done at ``t_s``."""
        heapq.heappush(self._events, (t_s, next(self._order), action))

    def run_until(self, t_s: float) -> None:
        """Do everything due up to and including ``t_s``."""
        while self._events and self._events[0][0] <= t_s:
            at_s, _, action = heapq.heappop(self._events)
            action(at_s)

    def __len__(self) -> int:
        return len(self._events)
