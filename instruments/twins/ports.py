"""Where a request meets the world: one lock for all wires, the world brought up to the clock first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from bench.clock import Clock
from bench.links.base import RegisterKind
from instruments.twins.scpi import Dialect
from instruments.twins.wire_faults import BUSY, Reply, WireFaults
from instruments.twins.world import World

__all__ = ["Gate", "ModbusDialect", "ModbusPort", "ScpiPort"]


class ModbusDialect(Protocol):
    """A device's registers."""

    @property
    def span(self) -> tuple[int, int]:
        """The first register and their number."""

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return registers, or a Modbus exception code."""

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Apply a write; return a Modbus exception code, or None."""


class Gate:
    """Lets one request at a time into the world, at the time the clock shows."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            self._world.advance_to(self._clock.now_s())
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @property
    def now_s(self) -> float:
        """The world's time."""
        return self._world.now_s


class ScpiPort:
    """A dialect behind the gate: what the wires and the direct link call."""

    def __init__(self, gate: Gate, dialect: Dialect, wire: WireFaults) -> None:
        self._gate, self._dialect, self._wire = gate, dialect, wire

    def handle(self, line: str) -> str | None:
        """Return the answer to one line without its terminator; None where there is none.

        Raises:
            TimeoutError: a fault of the wire has lost it.
        """
        with self._gate:
            return self._wire.line_in_process(self._dialect.handle(line), self._gate.now_s)

    def serve(self, line: str) -> Reply:
        """Return what a socket sends in answer to one line."""
        with self._gate:
            return self._wire.line(self._dialect.handle(line), self._gate.now_s)


class ModbusPort:
    """A register map behind the gate."""

    def __init__(
        self, gate: Gate, dialect: ModbusDialect, wire: WireFaults, alive: Callable[[], bool] = lambda: True
    ) -> None:
        self._gate, self._dialect, self._wire, self._alive = gate, dialect, wire, alive

    @property
    def span(self) -> tuple[int, int]:
        """The first register and their number."""
        return self._dialect.span

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return registers, or a Modbus exception code as an int.

        Raises:
            TimeoutError: a fault of the wire has lost them.
        """
        with self._gate:
            if not self._alive():
                raise TimeoutError
            answer = self._wire.registers_in_process(
                self.serve_read(unit, kind, address, count), self._gate.now_s
            )
            return [] if answer is None else answer

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Apply a write; return a Modbus exception code, or None when it was accepted.

        Raises:
            TimeoutError: a fault of the wire has lost the acknowledgement.
        """
        with self._gate:
            if not self._alive():
                raise TimeoutError
            code = self._wire.registers_in_process(
                self.serve_write(unit, kind, address, values), self._gate.now_s
            )
            return code if isinstance(code, int) else None

    def serve_read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return what the server behind a socket answers; its frames pass :meth:`frame` on their way."""
        with self._gate:
            if not self._alive() or self._wire.busy(self._gate.now_s):
                return BUSY
            return self._dialect.read(unit, kind, address, count)

    def serve_write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Apply a write for the server behind a socket."""
        with self._gate:
            if not self._alive() or self._wire.busy(self._gate.now_s):
                return BUSY
            return self._dialect.write(unit, kind, address, values)

    def frame(self, sending: bool, data: bytes) -> bytes:
        """Return a frame as the socket carries it."""
        with self._gate:
            if not sending:
                return data
            return self._wire.frame(data, self._gate.now_s) if self._alive() else b""
