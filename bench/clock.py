"""Time is an argument. Nobody but this file may ask the time or sleep.

A :class:`VirtualClock` jumps; it is for twins that live in this process and read the same clock.
A :class:`RealClock` waits; it is for hardware.
"""

from __future__ import annotations

import datetime as _dt
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Clock", "RealClock", "VirtualClock", "asleep_s", "host_monotonic_s", "utc_now", "wall_offset_s"]


class Clock(Protocol):
    """What the engine knows of time: seconds since the clock was made."""

    kind: str

    def now_s(self) -> float:
        """Return the time in seconds since the clock's zero."""

    def sleep_until(self, t_s: float) -> None:
        """Return when ``now_s()`` has reached ``t_s``; at once if it has passed."""


class RealClock:
    """The machine's monotonic clock. Another thread may cut a sleep short with :meth:`interrupt`."""

    kind = "real"

    def __init__(self) -> None:
        self._zero_s = time.monotonic()
        self._wake = threading.Event()

    def now_s(self) -> float:
        """Return seconds since this clock was made."""
        return time.monotonic() - self._zero_s

    def sleep_until(self, t_s: float) -> None:
        """Wait until ``t_s``, or until :meth:`interrupt` is called."""
        while not self._wake.is_set():
            left_s = t_s - self.now_s()
            if left_s <= 0:
                return
            self._wake.wait(min(left_s, 3600.0))

    def interrupt(self) -> None:
        """End every present and future sleep of this clock."""
        self._wake.set()


class VirtualClock:
    """A clock that jumps. Whatever acts on its own is woken at its time, in a fixed order.

    Time moves only inside :meth:`sleep_until`, which is called only when no request is outstanding;
    so two runs with one seed see the same world.
    """

    kind = "virtual"

    def __init__(self) -> None:
        self._now_s = 0.0
        self._order = itertools.count()
        self._alarms: list[tuple[float, int, Callable[[float], None]]] = []

    def now_s(self) -> float:
        """Return the virtual time in seconds."""
        return self._now_s

    def sleep_until(self, t_s: float) -> None:
        """Jump to ``t_s``, waking on the way everything that asked to be woken."""
        while self._alarms and self._alarms[0][0] <= t_s:
            at_s, _, wake = heapq.heappop(self._alarms)
            self._now_s = max(self._now_s, at_s)
            wake(self._now_s)
        self._now_s = max(self._now_s, t_s)

    def call_at(self, t_s: float, wake: Callable[[float], None]) -> None:
        """Have ``wake(now_s)`` called when time passes ``t_s``; equal times in the order of asking."""
        heapq.heappush(self._alarms, (t_s, next(self._order), wake))


def utc_now() -> _dt.datetime:
    """Return the wall clock in UTC, for names and records; never for measuring."""
    return _dt.datetime.now(_dt.UTC)


def host_monotonic_s() -> float:
    """Return the machine's monotonic time in seconds: for progress and deadlines of the host only."""
    return time.monotonic()


_BOOT_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)
_TOGETHER_S = 0.01
_TRIES = 3


def asleep_s() -> float:
    """Return for how long the machine was suspended since it was started; 0 where the system does not tell.

    The monotonic clock of such a system stands still meanwhile.
    """
    if _BOOT_CLOCK is None:
        return 0.0
    # a process that is held up between the two reads too little, never too much
    return max(time.clock_gettime(_BOOT_CLOCK) - time.monotonic() for _ in range(_TRIES))


def wall_offset_s() -> float | None:
    """Return by how much the wall clock is ahead of the time the machine runs; None if it cannot be told now.

    It changes when somebody sets the wall clock, and by nothing else: both are read within a hundredth of a
    second, and a machine that was suspended counts that time in both.
    """
    for _ in range(_TRIES):
        before_s = _running_s()
        wall_s = time.time()
        after_s = _running_s()
        if after_s - before_s < _TOGETHER_S:
            return wall_s - (before_s + after_s) / 2
    return None


def _running_s() -> float:
    return time.clock_gettime(_BOOT_CLOCK) if _BOOT_CLOCK is not None else time.monotonic()
