"""Where a request meets the world: one lock for all wires, the world brought up to the clock first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from bench.clock import Clock
from bench.links.base import RegisterKind
from instruments.twins.scpi import Dialect
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


class ScpiPort:
    """A dialect behind the gate: what the wires and the direct link call."""

    def __init__(self, gate: Gate, dialect: Dialect) -> None:
        self._gate, self._dialect = gate, dialect

    def handle(self, line: str) -> str | None:
        """Return the answer to one line without its terminator; None where there is none."""
        with self._gate:
            return self._dialect.handle(line)


class ModbusPort:
    """A register map behind the gate."""

    def __init__(self, gate: Gate, dialect: ModbusDialect) -> None:
        self._gate, self._dialect = gate, dialect

    @property
    def span(self) -> tuple[int, int]:
        """The first register and their number."""
        return self._dialect.span

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return registers, or a Modbus exception code as an int."""
        with self._gate:
            return self._dialect.read(unit, kind, address, count)

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Apply a write; return a Modbus exception code, or None when it was accepted."""
        with self._gate:
            return self._dialect.write(unit, kind, address, values)
