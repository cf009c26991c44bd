"""Set-points and sequences go out here, checked before and recorded after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from bench.drivers.base import Driver, Value
from bench.errors import (
    InstrumentBusy,
    InstrumentError,
    InstrumentRefused,
    LimitTripped,
    LinkTimeout,
    NotArrived,
    NotBack,
    StillBusy,
)
from bench.execute.away import Away
from bench.execute.guard import Guard
from bench.execute.journal import Journal
from bench.execute.looks import LOOKS, MAY_BE_REFUSED
from bench.execute.source_list import ListPlayer
from bench.execute.stop import Stopped
from bench.timeline import Act, Item, ListAct, SetPoint

__all__ = ["Sender"]

_LAST_DIGIT = 1e-3
# A device that says it is busy has done nothing and asks to be asked again. What it takes for that is its own
# delay: a set-point counts as sent when it was sent first.
_BUSY_S = 1.0
_BUSY_EVERY_S = 0.1
_T = TypeVar("_T")


class Sender:
    """Sends what the timeline says to the drivers of a station."""

    def __init__(
        self,
        drivers: Mapping[str, Driver],
        guard: Guard,
        journal: Journal,
        locks: Mapping[str, AbstractContextManager[Any]],
        away: Away | None = None,
    ) -> None:
        self._away = away or Away()
        self._drivers = drivers
        self._guard = guard
        self._journal = journal
        self._locks = locks
        self._lists = ListPlayer(drivers, guard, journal, locks, self._set)

    def send(self, what: Item) -> None:
        """Send one set-point, carry out one sequence, or do one thing about a list.

        Raises:
            LimitTripped: outside the limits; nothing was sent.
            InstrumentError: refused, not applied, or the wire failed.
            NotBack: the same of a device that has not answered since the test took it away.
        """
        if isinstance(what, SetPoint):
            self._set(what)
        elif isinstance(what, ListAct):
            self._lists.do(what)
        else:
            self._do(what)

    def _set(self, point: SetPoint) -> None:
        why = self._guard.refuse_set_point(point.role, point.quantity, point.value)
        if why is not None:
            raise LimitTripped(f"not sent: {why}")
        if (point.role, point.quantity, bool(point.value)) == ("source", "output", True):
            self._guard.energised = True  # before it is sent: from now on it may be on
        tried_s: list[float] = []

        def attempt() -> Value | None:
            tried_s.append(self._journal.clock.now_s())
            return self._drivers[point.role].set(point.quantity, point.value)

        try:
            try:
                read_back = self._patiently(point.role, attempt)
            except LinkTimeout as silence:
                read_back = self._unanswered(point, attempt, silence)
        except Stopped:
            if tried_s:  # it went out once, and nobody will ask any more whether it arrived
                self._journal.command(point, tried_s[0], None)
            raise
        except InstrumentError as error:
            error.role = error.role or point.role
            self._journal.command(point, tried_s[0], None)  # it may have arrived all the same
            self._journal.event(
                "set_failed",
                role=point.role,
                quantity=point.quantity,
                value=point.value,
                error=str(error),
            )
            now_s = self._journal.now_s()
            if self._away.excused(point.role, now_s):
                return
            self._refuse_if_lost(point.role, now_s, error)
            raise
        self._journal.command(point, tried_s[0], read_back)
        if _rounded(read_back, point.value):
            told = {"role": point.role, "quantity": point.quantity, "value": point.value}
            self._journal.event("set_rounded", **told, read_back=read_back)
        if (point.role, point.quantity, bool(point.value)) == ("source", "output", False):
            self._guard.energised = False

    def _unanswered(
        self, point: SetPoint, attempt: Callable[[], Value | None], silence: LinkTimeout
    ) -> Value | None:
        """Find out whether an order that nobody answered was taken; give it once more where it was not.

        A set-point is a state: to set it again changes nothing, and what is not (an amount of energy) is not
        repeated. One that was sent twice is recorded with the first time, and the event ``set_again`` tells
        the second: whoever judges takes it for one that came in between.

        Raises:
            LinkTimeout: silence once more, or it may not be given again.
            InstrumentError: as ``attempt``.
        """
        told = {"role": point.role, "quantity": point.quantity, "value": point.value}
        self._journal.event("set_unanswered", **told, error=str(silence))
        driver = self._drivers[point.role]
        if not isinstance(silence, NotArrived):
            info = driver.quantities().get(point.quantity)
            if driver.capabilities.asks_back or info is None or not info.readable:
                raise silence
            reading = self._patiently(point.role, lambda: driver.read([point.quantity]))
            seen = reading[point.quantity].value
            if _stands(seen, point.value, driver.capabilities.resolution.get(point.quantity)):
                self._journal.event("set_confirmed", **told, read_back=seen)
                return seen
        self._journal.event("set_again", **told)
        return self._patiently(point.role, attempt)

    def _refuse_if_lost(self, role: str, now_s: float, error: InstrumentError) -> None:
        if self._away.lost(role, now_s):
            raise NotBack(f"stays away: {error.args[0]}", role=role) from error

    def _do(self, act: Act) -> None:
        self._journal.event(
            "sequence",
            role=act.role,
            sequence=act.sequence,
            phase=act.phase,
            planned_s=act.t_s,
            step=act.step,
        )
        name = act.sequence.removesuffix(MAY_BE_REFUSED)
        driver, look = self._drivers[act.role], LOOKS.get(name)
        try:
            if look is not None:
                found = self._patiently(act.role, lambda: look(driver))
                self._journal.event(name, role=act.role, phase=act.phase, step=act.step, **found)
            else:
                self._patiently(act.role, lambda: driver.do(name))
        except InstrumentError as error:
            error.role = error.role or act.role
            self._journal.event("sequence_failed", role=act.role, sequence=act.sequence, error=str(error))
            if name == act.sequence or not isinstance(error, InstrumentRefused):
                now_s = self._journal.now_s()
                if self._away.excused(act.role, now_s):
                    return
                self._refuse_if_lost(act.role, now_s, error)
                raise

    def _patiently(self, role: str, work: Callable[[], _T]) -> _T:
        """Do ``work`` with the instrument to itself, and again while it says that it is busy.

        Raises:
            InstrumentBusy: it has said so for ``_BUSY_S``; at once where its driver has already been patient.
            Stopped: the run has begun to end meanwhile.
            InstrumentError: as ``work``.
        """
        clock = self._journal.clock
        give_up_s: float | None = None
        while True:
            try:
                with self._locks[role]:
                    if self._journal.ending:  # waited for too long: it would come after the safe state
                        raise Stopped("not sent: the run is ending")
                    return work()
            except StillBusy:
                raise  # part of the order may have been taken: it must not be given again
            except InstrumentBusy as error:
                now_s = clock.now_s()
                if give_up_s is None:
                    give_up_s = now_s + _BUSY_S
                    self._journal.event("busy", role=role, error=str(error))
                if now_s >= give_up_s:
                    raise
            clock.sleep_until(now_s + _BUSY_EVERY_S)


def _rounded(seen: Value | None, wanted: Value) -> bool:
    """Tell whether a device took another power than it was given, beyond the last digit of a watt."""
    if seen is None or isinstance(seen, bool | str) or isinstance(wanted, bool | str):
        return False
    return abs(float(seen) - float(wanted)) > _LAST_DIGIT * max(1.0, abs(float(wanted)))


def _stands(seen: Value | None, wanted: Value, resolution: float | None) -> bool:
    """Tell whether an instrument is set as ordered: a neighbouring step is another set-point."""
    if seen is None or isinstance(seen, str) or isinstance(wanted, str):
        return seen == wanted
    return abs(float(seen) - float(wanted)) <= (0.999 * resolution if resolution else 1e-6)
