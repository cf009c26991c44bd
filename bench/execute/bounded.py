"""Steps that may hang, each waited for its declared time: a dead battery must not keep the output on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from bench.drivers.base import Value
from bench.execute.aside import Job, begin
from bench.execute.ports import StationLike

__all__ = ["Bounded"]

_T = TypeVar("_T")


class Bounded:
    """Begins steps and waits for each at most ``station.safe_step_s``; who was late is not waited for again.

    In virtual time every step is simply done.
    """

    def __init__(self, station: StationLike, look: Callable[[], None]) -> None:
        self._clock = station.clock
        self._look = look
        self.step_s = station.loaded.station.station.safe_step_s
        self.late: set[str] = set()

    @property
    def says(self) -> str:
        """What is said of a step that was late."""
        return f"not confirmed within {self.step_s:g} s"

    def begin(self, role: str, work: Callable[[], _T]) -> Job[_T]:
        """Begin ``work``, which talks to ``role``."""
        return begin(self._clock, f"safe {role}", work)

    def result(self, role: str, job: Job[_T], *, steps: int = 1, limit_s: float | None = None) -> _T | None:
        """Return what came of ``job``, None where it was late: then ``role`` is late from now on.

        Raises:
            BaseException: what the look-out raised.
        """
        if limit_s is None:
            limit_s = 0.0 if role in self.late else self.step_s * steps
        if job.wait(self._look, limit_s):
            return job.result()
        self.late.add(role)
        return None

    def row(self, role: str, name: str, value: Value) -> dict[str, Any]:
        """Return the entry of a step that was late; whether it arrived is not known."""
        return {
            "role": role,
            "quantity": name,
            "value": value,
            "read_back": None,
            "state": "unknown",
            "message": self.says,
            "clock_s": self._clock.now_s(),
        }
