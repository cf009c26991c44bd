"""A list that the source plays by its own clock: loaded before, started on time, let go afterwards.

A source that refuses a list gets its points one by one, as a source without lists does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from bench.drivers.base import Driver, ListStep, PlaysLists
from bench.errors import InstrumentError, InstrumentRefused, LimitTripped
from bench.execute.guard import Guard
from bench.execute.journal import Journal
from bench.execute.stop import Stopped
from bench.timeline import ListAct, PlayedList, SetPoint

__all__ = ["ListPlayer", "list_acts"]


def list_acts(played: PlayedList) -> Iterator[ListAct]:
    """Yield what is done about one list, in order of time."""
    yield ListAct(played.load_s, "load", played)
    for index, point in enumerate(played.points):
        yield ListAct(point.t_s, "point" if index else "start", played, index)
    yield ListAct(played.release_s, "release", played)


class ListPlayer:
    """Carries out :class:`ListAct`; ``send`` is what sends a set-point at once."""

    def __init__(
        self,
        drivers: Mapping[str, Driver],
        guard: Guard,
        journal: Journal,
        locks: Mapping[str, AbstractContextManager[Any]],
        send: Callable[[SetPoint], None],
    ) -> None:
        self._drivers, self._guard, self._journal, self._locks = drivers, guard, journal, locks
        self._send = send
        self._loaded: PlayedList | None = None
        self._started_s: float | None = None

    def do(self, act: ListAct) -> None:
        """Do one thing about a list.

        Raises:
            LimitTripped: a point is outside the limits; nothing of the list was sent.
            InstrumentError: the wire failed.
        """
        point = act.played.points[act.index]
        try:
            if act.kind == "load":
                self._load(act.played)
            elif act.kind == "release":
                self._release(act)
            elif act.kind == "start" and self._loaded is act.played:
                self._start(act.played)
            elif self._started_s is None:
                self._send(point)
            else:
                after_s = point.t_s - act.played.begin_s
                self._journal.command(point, self._started_s + after_s, None)
        except InstrumentError as error:
            error.role = error.role or point.role
            raise

    def _load(self, played: PlayedList) -> None:
        self._loaded = self._started_s = None
        role = played.points[0].role
        for point in played.points:
            why = self._guard.refuse_set_point(role, point.quantity, point.value)
            if why is not None:
                raise LimitTripped(f"not sent: {why}")
        values = [float(point.value) for point in played.points]
        steps = [ListStep(*step) for step in zip(played.durations_s, values, strict=True)]
        driver = self._drivers[role]
        with self._locks[role]:
            try:
                if not isinstance(driver, PlaysLists):
                    raise InstrumentRefused("its driver plays no lists")
                driver.load_list(steps)
            except InstrumentRefused as error:
                self._refused(role, error)
                return
        self._loaded = played
        self._journal.event(
            "list_loaded", role=role, steps=[step._asdict() for step in steps], planned_s=played.begin_s
        )

    def _start(self, played: PlayedList) -> None:
        first = played.points[0]
        driver = self._drivers[first.role]
        assert isinstance(driver, PlaysLists)  # noqa: S101  (it has loaded one)
        with self._locks[first.role]:
            if self._journal.ending:  # as in Sender
                raise Stopped("not started: the run is ending")
            sent_s = self._journal.clock.now_s()
            try:
                driver.start_list()
            except InstrumentRefused as error:
                self._refused(first.role, error)
                self._send(first)
                return
            read_back = driver.read([first.quantity])[first.quantity].value
        self._started_s = sent_s
        self._journal.command(first, sent_s, read_back)
        self._journal.event("list_started", role=first.role, planned_s=first.t_s)

    def _release(self, act: ListAct) -> None:
        last = act.played.points[-1]
        if self._started_s is None:
            return
        self._loaded = self._started_s = None
        driver = self._drivers[last.role]
        if isinstance(driver, PlaysLists):
            with self._locks[last.role]:
                driver.stop_list()
        self._journal.event("list_released", role=last.role)
        self._send(replace(last, t_s=act.t_s))  # it is there already; from now on because it is set

    def _refused(self, role: str, error: InstrumentRefused) -> None:
        """Note that the points will be sent one by one; what of the list has arrived must not play."""
        self._loaded = None
        self._journal.event("list_refused", role=role, error=str(error))
        driver = self._drivers[role]
        if isinstance(driver, PlaysLists):
            with contextlib.suppress(InstrumentRefused):
                driver.stop_list()
