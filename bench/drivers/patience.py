"""A Modbus session that asks again where the device says that it is busy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from bench.clock import Clock
from bench.errors import InstrumentBusy, StillBusy
from bench.links.base import ModbusLink, RegisterKind

__all__ = ["PatientLink"]

_T = TypeVar("_T")
# A device that is busy has done nothing, so the very request that it refused is repeated, and no other: an
# order whose read-back met a busy device must not be given again, or it is busy for ever.
_BUSY_S = 1.0
_EVERY_S = 0.1


class PatientLink:
    """Implements :class:`bench.links.base.ModbusLink` over another one."""

    def __init__(self, link: ModbusLink, clock: Clock) -> None:
        self._link, self._clock = link, clock
        self._patient = True

    @property
    def resource(self) -> str:
        """The address of the session."""
        return self._link.resource

    @property
    def generation(self) -> int:
        """How often the session was opened."""
        return self._link.generation

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Do not ask again in here: a sample that is late is a gap."""
        before, self._patient = self._patient, False
        try:
            yield
        finally:
            self._patient = before

    def read(self, kind: RegisterKind, address: int, count: int) -> list[int]:
        """Return registers.

        Raises:
            InstrumentBusy: in :meth:`at_once`.
            StillBusy: for a second.
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        return self._until_served(lambda: self._link.read(kind, address, count))

    def write(self, kind: RegisterKind, address: int, values: Sequence[int]) -> None:
        """Write registers.

        Raises:
            StillBusy: for a second.
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        self._until_served(lambda: self._link.write(kind, address, values))

    def close(self) -> None:
        """Close the session; never raises."""
        self._link.close()

    def _until_served(self, work: Callable[[], _T]) -> _T:
        give_up_s = self._clock.now_s() + _BUSY_S
        while True:
            try:
                return work()
            except InstrumentBusy as error:
                if not self._patient:
                    raise
                if self._clock.now_s() >= give_up_s:
                    raise StillBusy(error.args[0]) from error
            self._clock.sleep_until(self._clock.now_s() + _EVERY_S)
