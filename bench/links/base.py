"""What a driver sees of a wire. Every failure is an error of :mod:`bench.errors`, never a library's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

__all__ = ["ModbusEndpoint", "ModbusLink", "RegisterKind", "ScpiEndpoint", "ScpiLink"]

RegisterKind = Literal["holding", "input", "coil", "discrete"]


class ScpiLink(Protocol):
    """A line-oriented session, safe to use from several threads (one exchange at a time)."""

    resource: str
    generation: int
    """How often the session was opened: when it grows, the instrument may have lost its settings."""

    def query(self, command: str) -> str:
        """Send ``command`` and return its answer without the terminator.

        After a time-out the session is dirty: it is reconnected (or drained) and re-identified before
        the next exchange, so that a late answer is never taken for the next one's.

        Raises:
            LinkDown, LinkTimeout, WrongReply
        """

    def write(self, command: str) -> None:
        """Send ``command``, which has no answer.

        Raises:
            LinkDown
        """

    def close(self) -> None:
        """Close the session; never raises."""


class ModbusLink(Protocol):
    """A Modbus session with one unit, safe to use from several threads."""

    @property
    def resource(self) -> str:
        """The address of the session."""

    @property
    def generation(self) -> int:
        """How often the session was opened."""

    def read(self, kind: RegisterKind, address: int, count: int) -> list[int]:
        """Return ``count`` registers (or 0/1 for coils) from ``address`` as sent in the PDU, counted from 0.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused (a Modbus exception reply)
        """

    def write(self, kind: RegisterKind, address: int, values: Sequence[int]) -> None:
        """Write registers or coils from ``address``.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """

    def close(self) -> None:
        """Close the session; never raises."""


class ScpiEndpoint(Protocol):
    """A simulated instrument's dialect without its wire: what the ``direct`` link calls."""

    def handle(self, line: str) -> str | None:
        """Return the answer to ``line``, or None where the real one says nothing."""


class ModbusEndpoint(Protocol):
    """A simulated Modbus device without its wire."""

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return registers, or a Modbus exception code as an int."""

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Apply a write; return a Modbus exception code, or None when it was accepted."""
