"""The host's wall clock during a run: set by somebody, it is told; the machine suspended, the run ends.

No time of a sample, a command or an event comes from the wall clock: they are counted from the start by a
clock that nobody can set. What is left to tell is that the times of day before and after do not fit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from bench.clock import asleep_s, utc_now, wall_offset_s
from bench.errors import BenchError
from bench.execute.journal import Journal
from bench.runinfo import ClockStep

__all__ = ["STEP_S", "Wall"]

STEP_S = 0.1
"""A smaller change is none that matters to a time of day; what slews a clock is slower by far."""
_SLEPT_S = 0.5


class Wall:
    """Compares the wall clock with the time the machine runs, in real time only."""

    def __init__(
        self,
        journal: Journal,
        offset_s: Callable[[], float | None] = wall_offset_s,
        slept_s: Callable[[], float] = asleep_s,
    ) -> None:
        self.steps: list[ClockStep] = []
        self._journal = journal
        self._real = journal.clock.kind != "virtual"
        self._offset_s, self._slept_s = offset_s, slept_s
        self._known_s: float | None = offset_s() if self._real else None
        self._asleep_s = slept_s() if self._real else 0.0

    def look(self) -> None:
        """Look once; what was found is an event of the run.

        Raises:
            BenchError: the machine was suspended: nothing was watched meanwhile, and no time counted.
        """
        if not self._real:
            return
        offset_s = self._offset_s()
        if offset_s is not None:
            step_s, self._known_s = offset_s - (self._known_s or offset_s), offset_s
            if abs(step_s) >= STEP_S:
                self._tell(step_s)
        slept_s = self._slept_s() - self._asleep_s
        if slept_s >= _SLEPT_S:
            self._asleep_s += slept_s
            raise BenchError(
                f"the computer was suspended for {slept_s:.1f} s: nothing was watched or recorded meanwhile"
            )

    def _tell(self, step_s: float) -> None:
        now = utc_now()
        journal = self._journal
        told: dict[str, Any] = {
            "step_s": round(step_s, 3),
            "utc": now.isoformat(timespec="milliseconds"),
            "utc_before": (now - dt.timedelta(seconds=step_s)).isoformat(timespec="milliseconds"),
        }
        t_s = round(journal.now_s(), 3) if journal.zero_s is not None else None
        self.steps.append(ClockStep(t_s=t_s, **told))
        journal.event("clock_stepped", **told)
