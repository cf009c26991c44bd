"""Reads one instrument tick by tick: what came is recorded, and so is what did not come."""

from __future__ import annotations

from contextlib import AbstractContextManager
from fractions import Fraction

from bench.clock import Clock
from bench.drivers.base import Driver, ReadingValue
from bench.errors import InstrumentError, LimitTripped, LinkDown, NotBack, WrongInstrument
from bench.execute.alarms import Alarms
from bench.execute.away import Away
from bench.execute.gaps import Gaps
from bench.execute.guard import Guard, Watch
from bench.execute.journal import Journal

__all__ = ["MAX_FAILURES", "Reader"]

# One lost frame or one reset session happens on a healthy wire, and a run of hours goes on over it with a
# gap; three intervals without an answer are no longer a measurement, and nobody would be watching the limits.
# The source is another matter: while it cannot be reached it cannot be switched off either.
MAX_FAILURES = 3
_ASK_AGAIN_S = 5.0  # one that need not answer costs a time-out each time it is asked
_MAX_SKIPPED_ROWS = 10_000  # after a suspended machine the gap event alone tells the rest


class Reader:
    """One instrument's sampling. ``t_s = tick * interval``, in whole numbers until the last division.

    In virtual time a reading is stamped with its tick. In real time it is stamped with the middle between
    question and answer; ``late`` says that this is more than half an interval after the tick.
    """

    def __init__(
        self,
        role: str,
        driver: Driver,
        interval: Fraction,
        journal: Journal,
        guard: Guard,
        lock: AbstractContextManager[object],
        live: dict[str, float | str | None],
        away: Away | None = None,
        alarms: Alarms | None = None,
    ) -> None:
        self.role = role
        self.driver = driver
        self.interval = interval
        self.channels: dict[str, str] = {}
        self._clock: Clock = journal.clock
        self._real = journal.clock.kind != "virtual"
        self._journal = journal
        self._guard = guard
        self._watches = guard.watches(role)
        self._lock = lock
        self._live = live
        self._gaps = Gaps(journal)
        self._failures = 0
        self._alarms = alarms or Alarms(role, journal)
        self._away = away or Away()
        self._ask_s = 0.0

    def due_s(self, tick: int) -> float:
        """Return the run's time of ``tick``."""
        return tick * self.interval.numerator / self.interval.denominator

    def first(self) -> dict[str, ReadingValue]:
        """Read once, unrecorded, and learn which channels there are.

        Raises:
            InstrumentError: the instrument does not answer.
        """
        try:
            with self._lock:
                readings = self.driver.read()
        except InstrumentError as error:
            error.role = error.role or self.role
            raise
        self.channels = {name: f"{self.role}.{name}" for name in readings}
        return readings

    def take(self, tick: int) -> None:
        """Read once and record.

        Raises:
            InstrumentError: MAX_FAILURES readings in a row failed (NotBack where the test had taken the
                device away before), the source's wire is down, or something else answers.
            LimitTripped: a reading stays outside its limits or away for too long, or the device reports an
                alarm.
            BenchError: the record cannot be written.
        """
        clock, t_s = self._clock, self.due_s(tick)
        if t_s < self._ask_s and self._away.excused(self.role, t_s):
            self._missing(tick, t_s, "switched off or cut off by the test")
            return
        asked_s = clock.now_s()
        try:
            with self._lock:
                readings = self.driver.read()
        except InstrumentError as error:
            self._failed(tick, t_s, error)
            return
        host_s = clock.now_s()
        late = False
        if self._real:
            stamp_s = (asked_s + host_s) / 2 - (self._journal.zero_s or 0.0)
            late = stamp_s - t_s > float(self.interval) / 2
            t_s = stamp_s
        self._failures = 0
        self._away.answered(self.role, t_s)
        sample, live, watches, energised = (
            self._journal.sink.sample,
            self._live,
            self._watches,
            self._guard.energised,
        )
        tripped: LimitTripped | None = None
        for name, reading in readings.items():
            value, quality = reading.value, reading.quality
            channel = self.channels.get(name) or self.channels.setdefault(name, f"{self.role}.{name}")
            if value is None or value != value:  # NaN is the only number that differs from itself
                value, quality = None, "missing" if quality == "ok" else quality
                self._gaps.open(channel, t_s, quality)
            elif self._gaps.are_open:
                self._gaps.close(channel, t_s)
            if late and quality == "ok":
                quality = "late"
            sample(tick, t_s, host_s, channel, value, quality)
            live[channel] = value
            if energised and quality != "repeated":
                watch = watches.get(name)
                if watch is not None and not isinstance(value, str):
                    try:
                        self._watch(watch, name, value, t_s)
                    except LimitTripped as error:  # the other values of this reading are recorded first
                        tripped = tripped or error
                elif name == "alarm" and value is not None:
                    tripped = tripped or self._alarms.see(value, t_s)
        if tripped is not None:
            raise tripped

    def _watch(self, watch: Watch, name: str, value: float | None, t_s: float) -> None:
        unwatched = self._guard.unwatched
        if value is not None:
            if name == unwatched.name:
                unwatched.told(t_s)
            watch.see(value, t_s)
            return
        watch.nothing(t_s)
        if name == unwatched.name:
            unwatched.nothing(t_s, float(self.interval))

    def skip(self, first: int, last: int) -> None:
        """Record that the ticks ``first`` to ``last`` passed without a reading, and never will have one."""
        for tick in range(first, min(last, first + _MAX_SKIPPED_ROWS) + 1):
            self._missing(tick, self.due_s(tick), "no time: the reading before took too long")

    def finish(self, t_s: float) -> None:
        """Close what is still open at the end of the run."""
        self._gaps.close_all(t_s)

    def _failed(self, tick: int, t_s: float, error: InstrumentError) -> None:
        error.role = error.role or self.role
        if self._away.excused(self.role, t_s):
            self._ask_s = t_s + _ASK_AGAIN_S
            self._missing(tick, t_s, "switched off or cut off by the test")
            return
        self._failures += 1
        self._journal.event("reading_failed", role=self.role, tick=tick, error=str(error), row=self._failures)
        self._missing(tick, t_s, str(error))
        if isinstance(error, WrongInstrument) or (isinstance(error, LinkDown) and self.role == "source"):
            raise error
        if self._failures >= MAX_FAILURES:
            text = f"{self._failures} readings in a row failed: {error.args[0]}"
            if self._away.lost(self.role, t_s):
                raise NotBack(f"stays away: {text}", role=self.role)
            raise type(error)(text, role=self.role)
        if self._guard.energised:
            lost_s = self._journal.now_s() if self._real else t_s  # a time-out may have taken long
            for name, watch in self._watches.items():
                self._watch(watch, name, None, lost_s)

    def _missing(self, tick: int, t_s: float, why: str) -> None:
        host_s = self._clock.now_s()
        for channel in self.channels.values():
            self._gaps.open(channel, t_s, why)
            self._journal.sink.sample(tick, t_s, host_s, channel, None, "missing")
            self._live[channel] = None
