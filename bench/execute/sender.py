"""Set-points and sequences go out here, checked before and recorded after."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from bench.drivers.base import Driver
from bench.errors import InstrumentError, InstrumentRefused, LimitTripped
from bench.execute.guard import Guard
from bench.execute.journal import Journal
from bench.execute.looks import LOOKS, MAY_BE_REFUSED
from bench.timeline import Act, SetPoint

__all__ = ["Sender"]


class Sender:
    """Sends what the timeline says to the drivers of a station."""

    def __init__(
        self,
        drivers: Mapping[str, Driver],
        guard: Guard,
        journal: Journal,
        locks: Mapping[str, AbstractContextManager[Any]],
    ) -> None:
        self._drivers = drivers
        self._guard = guard
        self._journal = journal
        self._locks = locks

    def send(self, what: SetPoint | Act) -> None:
        """Send one set-point or carry out one sequence.

        Raises:
            LimitTripped: outside the limits; nothing was sent.
            InstrumentError: refused, not applied, or the wire failed.
        """
        if isinstance(what, SetPoint):
            self._set(what)
        else:
            self._do(what)

    def _set(self, point: SetPoint) -> None:
        why = self._guard.refuse_set_point(point.role, point.quantity, point.value)
        if why is not None:
            raise LimitTripped(f"not sent: {why}")
        if (point.role, point.quantity, bool(point.value)) == ("source", "output", True):
            self._guard.energised = True  # before it is sent: from now on it may be on
        clock = self._journal.clock
        with self._locks[point.role]:
            sent_s = clock.now_s()
            try:
                read_back = self._drivers[point.role].set(point.quantity, point.value)
            except InstrumentError as error:
                error.role = error.role or point.role
                self._journal.command(point, sent_s, None)  # it may have arrived all the same
                self._journal.event(
                    "set_failed",
                    role=point.role,
                    quantity=point.quantity,
                    value=point.value,
                    error=str(error),
                )
                raise
        self._journal.command(point, sent_s, read_back)
        if (point.role, point.quantity, bool(point.value)) == ("source", "output", False):
            self._guard.energised = False

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
        try:
            with self._locks[act.role]:
                look = LOOKS.get(name)
                if look is not None:
                    found = look(self._drivers[act.role])
                    self._journal.event(name, role=act.role, phase=act.phase, step=act.step, **found)
                else:
                    self._drivers[act.role].do(name)
        except InstrumentError as error:
            error.role = error.role or act.role
            self._journal.event("sequence_failed", role=act.role, sequence=act.sequence, error=str(error))
            if name == act.sequence or not isinstance(error, InstrumentRefused):
                raise
