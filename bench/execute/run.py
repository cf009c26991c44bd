"""One run in progress: its station, its record, its readers, and how far it has come."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TypeVar

from bench.clock import host_monotonic_s
from bench.execute.alarms import Alarms
from bench.execute.aside import SLICE_S, begin
from bench.execute.away import Away
from bench.execute.guard import Guard
from bench.execute.journal import Journal
from bench.execute.keeper import Helper, Keeper
from bench.execute.ports import ROLE_ORDER, Progress, Sink, StationLike
from bench.execute.reader import Reader
from bench.execute.sender import Sender
from bench.execute.settings import Settings
from bench.execute.source_list import list_acts
from bench.execute.stop import StopFlag
from bench.execute.wall import Wall
from bench.timeline import Act, Item, ListAct, Timeline

__all__ = ["Run"]

_SHOW_HOST_S = 0.1  # progress at most ten times a second
_T = TypeVar("_T")
_LOCK_S = 0.3  # the safe state does not wait longer for a thread that hangs in a reading


class Run:
    """Everything the parts of the executor share."""

    def __init__(
        self,
        timeline: Timeline,
        station: StationLike,
        sink: Sink,
        progress: Progress | None,
        stop: StopFlag,
        keepers: Sequence[Keeper] = (),
    ) -> None:
        self.timeline = timeline
        self.station = station
        self.stop = stop
        self.journal = Journal(sink, station.clock, self._alive)
        self._thread = threading.current_thread()
        self.wall = Wall(self.journal)
        self.guard = Guard(station.loaded.station.limits)
        self.live: dict[str, float | str | None] = {}
        self.locks = {role: threading.RLock() for role in station.drivers}
        self.keepers = tuple(keepers)
        self.fault: BaseException | None = None
        """What another thread met; the first is kept."""
        self.away = Away(timeline.silences)
        self.sender = Sender(station.drivers, self.guard, self.journal, self.locks, self.away)
        self.settings = Settings(station, self.journal, self.exclusive)
        self.readers: list[Reader] = []
        self.reached_s = 0.0
        self._progress = progress
        self._shown_host_s = 0.0
        self._phases = sorted(timeline.phases, key=lambda phase: phase.from_s)
        self._phase = -1

    def open_readers(self) -> None:
        """Configure every instrument for its interval, and learn how often it has something new.

        The meter is read every ``sample_s``, everything else every ``slow_sample_s``, and nothing faster than
        it publishes: reading faster repeats values.

        Raises:
            InstrumentError: an instrument cannot be configured.
        """
        codes = self.station.loaded.station.device.test_alarms
        provoked_s = math.inf if self.timeline.provoked_s is None else self.timeline.provoked_s
        for role in sorted(self.station.drivers, key=ROLE_ORDER.index):
            driver = self.station.drivers[role]
            asked_s = self.timeline.sample_s if role == "meter" else self.timeline.slow_sample_s
            driver.prepare(asked_s)
            interval_s = max(asked_s, driver.capabilities.reading_interval_s or 0.0)
            if interval_s > asked_s:
                self.journal.event("sampling_slower", role=role, asked_s=asked_s, interval_s=interval_s)
            interval = Fraction(interval_s).limit_denominator(1_000_000)
            self.readers.append(
                Reader(
                    role,
                    driver,
                    interval,
                    self.journal,
                    self.guard,
                    self.locks[role],
                    self.live,
                    self.away,
                    Alarms(role, self.journal, codes, provoked_s),
                )
            )

    def agenda(self) -> tuple[list[Act], list[Item]]:
        """Return the sequences that come before the run, and everything else in order of time.

        Sequences at one instant go before set-points: a mode must be taken before a set-point means anything.
        A list is let go before either: that sets its last point, and not over what is due.
        """
        first = [act for act in self.timeline.acts if act.t_s <= 0]
        rest: list[Item] = [act for act in self.timeline.acts if act.t_s > 0]
        listed = {id(point) for played in self.timeline.lists for point in played.points}
        rest += [point for point in self.timeline.set_points if id(point) not in listed]
        for played in self.timeline.lists:
            rest += list_acts(played)
        rest.sort(key=lambda what: (what.t_s, not _lets_go(what)))  # stable: acts were put first
        return first, rest

    def check(self) -> None:
        """Look whether the run may go on; in real time about every 0.05 s.

        Raises:
            Stopped, BenchError: it must end.
        """
        for keeper in self.keepers:  # first: what a watchdog did while this process was stopped trips limits
            keeper.look()
        self.wall.look()
        self.stop.check()
        if self.fault is not None:
            raise self.fault

    def beat(self) -> None:
        """Tell the keepers that the main thread is alive while it ends the run."""
        for keeper in self.keepers:
            keeper.beat()

    def _alive(self) -> None:
        """As :meth:`beat`, but only in the thread that plays the run: the others prove nothing of it."""
        if threading.current_thread() is self._thread:
            self.beat()

    def settle(self, *, last: bool = False) -> bool:
        """Wait for keepers that act: what they do must not come after the settings are put back.

        Tell whether they have done anything since asked before.
        """
        helpers = [keeper for keeper in self.keepers if isinstance(keeper, Helper)]
        acted = [keeper.settle(last=last) for keeper in helpers]  # every one of them is asked
        return any(acted)

    def send(self, what: Item) -> None:
        """Send one set-point or sequence; a driver that hangs in it does not keep a stop from being seen.

        Raises:
            Stopped, BenchError: the run must end; or as :meth:`Sender.send`.
        """
        self.aside("send", lambda: self.sender.send(what))

    def aside(self, name: str, work: Callable[[], _T]) -> _T:
        """Do ``work``, looking out for a stop meanwhile.

        Raises:
            Stopped, BenchError: the run must end; or what ``work`` raises.
        """
        job = begin(self.station.clock, name, work)
        job.wait(self.check)
        return job.result()

    def attended(self, work: Callable[[], _T], limit_s: float) -> _T | None:
        """Do ``work`` while the keepers are told that all is well; None where it takes longer."""
        job = begin(self.station.clock, "end", work)
        if job.wait(self.beat, limit_s):
            return job.result()
        self.journal.event("gave_up_waiting", after_s=limit_s)
        return None

    def pause_until(self, clock_s: float) -> None:
        """Wait, looking out for a stop.

        Raises:
            Stopped: somebody asked.
        """
        clock = self.station.clock
        virtual = clock.kind == "virtual"
        while True:
            self.check()
            now_s = clock.now_s()
            if now_s >= clock_s:
                return
            clock.sleep_until(clock_s if virtual else min(clock_s, now_s + SLICE_S))

    def show(self, t_s: float) -> None:
        """Keep the phase, and tell whoever watches how far the run has come."""
        self.reached_s = t_s
        while self._phase + 1 < len(self._phases) and self._phases[self._phase + 1].from_s <= t_s + 1e-9:
            self._phase += 1
            phase = self._phases[self._phase]
            self.journal.event("phase", name=phase.name, step=phase.step, direction=phase.direction)
        if self._progress is None:
            return
        host_s = host_monotonic_s()
        if host_s - self._shown_host_s >= _SHOW_HOST_S:
            self._shown_host_s = host_s
            name = self._phases[self._phase].name if self._phase >= 0 else ""
            with suppress(OSError):  # a terminal that was closed under us must not end the run
                self._progress(t_s, self.timeline.end_s, name, dict(self.live))

    def enough(self, t_s: float) -> bool:
        """Tell whether the reading that ends this timeline early is there."""
        until = self.timeline.until
        if until is None or not until.met(value := self.live.get(f"{until.role}.{until.quantity}")):
            return False
        self.journal.event("until_met", role=until.role, quantity=until.quantity, value=value, at_s=t_s)
        return True

    @contextmanager
    def exclusive(self, role: str) -> Iterator[None]:
        """Hold the driver of ``role``; after a second go on without it, for safety comes before order."""
        got = self.locks[role].acquire(timeout=_LOCK_S)
        try:
            yield
        finally:
            if got:
                self.locks[role].release()


def _lets_go(what: Item) -> bool:
    return isinstance(what, ListAct) and what.kind == "release"
