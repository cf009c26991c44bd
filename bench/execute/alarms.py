"""Which alarms of a device end the run: all but the one that the test itself provokes, by its code."""

from __future__ import annotations

import math
from collections.abc import Collection

from bench.errors import LimitTripped
from bench.execute.guard import TRIP_SAMPLES, Guard
from bench.execute.journal import Journal

__all__ = ["Alarms"]


class Alarms:
    """The alarm of one role, reading by reading.

    From ``provoked_s`` on the codes in ``codes`` (``[device] test_alarms``) end no run: they may come late,
    and stay until somebody acknowledges them. Every other one does, and so does a code with one more bit.
    """

    def __init__(
        self, role: str, journal: Journal, codes: Collection[float | str] = (), provoked_s: float = math.inf
    ) -> None:
        self._role, self._journal = role, journal
        self._codes = {_plain(code) for code in codes}
        self._provoked_s = provoked_s
        self._row = 0
        self._shown: float | str | None = None

    def see(self, value: float | str, t_s: float) -> LimitTripped | None:
        """Take one reading; return why the run must end, where it must."""
        if not Guard.alarm(value):
            self._row, self._shown = 0, None
            return None
        provoked = t_s >= self._provoked_s and _plain(value) in self._codes
        if value != self._shown:
            self._journal.event("alarm", role=self._role, value=value, provoked=provoked)
            self._shown = value
        self._row = 0 if provoked else self._row + 1
        # one reading fewer than a limit: an alarm is a word of the device itself, and comes on a slow channel
        if self._row >= TRIP_SAMPLES - 1:
            return LimitTripped(f"{self._role} reports the alarm {value}")
        return None


def _plain(code: float | str) -> float | str:
    return code.strip().casefold() if isinstance(code, str) else float(code)
