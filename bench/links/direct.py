"""The direct link: the dialect of a simulated instrument called in process, with no wire between."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from bench.clock import Clock
from bench.errors import InstrumentError, LinkDown, LinkTimeout
from bench.links.base import ModbusEndpoint, RegisterKind, ScpiEndpoint
from bench.links.modbus import refusal
from bench.links.tap import Direction, Tap, WireRecord

__all__ = ["DirectModbusLink", "DirectScpiLink"]


class _Direct:
    def __init__(self, resource: str, clock: Clock, tap: Tap | None) -> None:
        self.resource = resource
        self.generation = 1
        self._clock = clock
        self._tap = tap
        self._lock = threading.RLock()

    def close(self) -> None:
        """Nothing to close."""

    def _note(self, direction: Direction, text: str) -> None:
        if self._tap is not None:
            self._tap(WireRecord(self._clock.now_s(), self.resource, direction, text))

    def _failed(self, what: str, error: OSError) -> InstrumentError:
        if isinstance(error, TimeoutError):
            self._note("event", "no answer in time")
            return LinkTimeout(f"{self.resource}: no answer to {what}")
        return LinkDown(f"{self.resource}: lost during {what}: {error}")


class DirectScpiLink(_Direct):
    """Lines to an endpoint. Silence is a time-out; the endpoint's ``OSError`` is a lost link."""

    def __init__(self, resource: str, clock: Clock, endpoint: ScpiEndpoint, tap: Tap | None = None) -> None:
        super().__init__(resource, clock, tap)
        self._endpoint = endpoint

    def query(self, command: str) -> str:
        """Send ``command`` and return its answer.

        Raises:
            LinkDown, LinkTimeout
        """
        reply = self._say(command)
        if reply is None:
            self._note("event", "no answer")
            raise LinkTimeout(f"{self.resource}: no answer to {command!r}")
        self._note("in", reply)
        return reply

    def write(self, command: str) -> None:
        """Send ``command``, which has no answer.

        Raises:
            LinkDown, LinkTimeout
        """
        self._say(command)

    def _say(self, command: str) -> str | None:
        with self._lock:
            self._note("out", command)
            try:
                return self._endpoint.handle(command)
            except OSError as error:
                raise self._failed(repr(command), error) from error


class DirectModbusLink(_Direct):
    """Registers of an endpoint; an exception code it returns is a refusal."""

    def __init__(
        self, resource: str, clock: Clock, endpoint: ModbusEndpoint, unit_id: int, tap: Tap | None = None
    ) -> None:
        super().__init__(resource, clock, tap)
        self._endpoint = endpoint
        self._unit_id = unit_id

    def read(self, kind: RegisterKind, address: int, count: int) -> list[int]:
        """Return ``count`` registers from ``address``.

        Raises:
            LinkDown, LinkTimeout, InstrumentRefused
        """
        what = f"read of {count} {kind} at {address}"
        with self._lock:
            self._note("out", what)
            try:
                reply = self._endpoint.read(self._unit_id, kind, address, count)
            except OSError as error:
                raise self._failed(what, error) from error
        if isinstance(reply, int):
            self._note("in", f"exception {reply}")
            raise refusal(self.resource, what, reply)
        if self._tap is not None:
            self._note("in", " ".join(f"{value:04x}" for value in reply))
        return reply

    def write(self, kind: RegisterKind, address: int, values: Sequence[int]) -> None:
        """Write ``values`` from ``address``.

        Raises:
            LinkDown, LinkTimeout, InstrumentRefused
        """
        what = f"write of {' '.join(f'{value:04x}' for value in values)} to {kind} at {address}"
        with self._lock:
            self._note("out", what)
            try:
                code = self._endpoint.write(self._unit_id, kind, address, values)
            except OSError as error:
                raise self._failed(what, error) from error
        if code is not None:
            self._note("in", f"exception {code}")
            raise refusal(self.resource, what, code)
