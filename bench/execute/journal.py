"""The run's own time, and the record kept in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.clock import Clock
from bench.errors import BenchError
from bench.execute.ports import Sink
from bench.timeline import SetPoint

__all__ = ["Journal"]


class Journal:
    """Writes to the sink in seconds of the run: t_s = 0 is where the timeline begins.

    What was sent before is kept until zero is known, then written with negative times; the events,
    written at once, tell of it if the run never gets so far. When the run is ending a sink that fails must
    not hinder the safe state: then its first failure is kept in :attr:`failure` and nothing is raised.
    """

    def __init__(self, sink: Sink, clock: Clock, alive: Callable[[], None] = lambda: None) -> None:
        self.sink = sink
        self.clock = clock
        self._alive = alive
        self.zero_s: float | None = None
        self.ending = False
        self.failure: BenchError | None = None
        self._before: list[tuple[SetPoint, float, float | str | bool | None]] = []

    def now_s(self) -> float:
        """Return the run's time; before it has begun, the clock's."""
        return self.clock.now_s() - (self.zero_s or 0.0)

    def begin(self, zero_s: float) -> None:
        """Fix the run's zero at the clock's ``zero_s``."""
        self.zero_s = zero_s
        before, self._before = self._before, []
        for set_point, sent_s, read_back in before:
            self.command(set_point, sent_s, read_back)

    def give_up(self) -> None:
        """Write what was sent although the run never began, with times before now."""
        if self.zero_s is None:
            self.begin(self.clock.now_s())
            self.zero_s = None

    def command(self, set_point: SetPoint, clock_s: float, read_back: float | str | bool | None) -> None:
        """Record a set-point that was sent at the clock's ``clock_s``."""
        if self.zero_s is None:
            self._before.append((set_point, clock_s, read_back))
            self.event("set", role=set_point.role, quantity=set_point.quantity, value=set_point.value)
            return
        sent_s = clock_s - self.zero_s
        self._write(lambda: self.sink.command(set_point, sent_s, read_back))

    def event(self, kind: str, **fields: Any) -> None:
        """Record anything else, now."""
        now_s = self.clock.now_s()
        t_s = None if self.zero_s is None else now_s - self.zero_s
        self._write(lambda: self.sink.event(kind, t_s, clock_s=now_s, **fields))

    def close(self) -> None:
        """Have everything written, and the record closed."""
        self._write(self.sink.close)

    def _write(self, write: Callable[[], None]) -> None:
        self._alive()  # several writes in a row to a slow disk are no hanging; one that never ends is
        try:
            write()
        except Exception as error:
            if not self.ending:
                raise
            failure = error if isinstance(error, BenchError) else BenchError(f"cannot record: {error!r}")
            self.failure = self.failure or failure
