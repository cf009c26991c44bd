"""A recorded conversation as an instrument that can be asked: matching requests in their order."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence

from bench.wire.exchanges import Exchange

__all__ = ["Script"]


class Script:
    """Answers a request with what came the next time it was asked, and after the last time with that again.

    Who asks something out of order is answered from the next place where it was asked; what was asked less
    often than now keeps its last answer.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = list(exchanges)
        self._places: dict[str, list[int]] = {}
        for place, one in enumerate(self._exchanges):
            self._places.setdefault(one.request, []).append(place)
        self._next = 0
        self._lock = threading.Lock()
        self.unknown: dict[str, int] = {}
        """Requests that the record does not hold, and how often they came."""

    def answer(self, request: str) -> Exchange | None:
        """Return what came of ``request``; None where it was never asked."""
        with self._lock:
            places = self._places.get(request)
            if places is None:
                self.unknown[request] = self.unknown.get(request, 0) + 1
                return None
            at = bisect_left(places, self._next)
            place = places[at] if at < len(places) else places[-1]
            if at < len(places):
                self._next = place + 1
            return self._exchanges[place]
