"""A small map of holding registers, counted from 0: what every such map refuses, and the serial in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from bench.links.base import RegisterKind

__all__ = ["WordMap"]

_COUNT, _SERIAL_AT = 100, 90
_MOST = 125  # registers in one read: Modbus application protocol V1.1b3, 6.3


class WordMap(ABC):
    """Registers in, registers out, for unit 1.

    A map says what stands in its first registers, of which ``SETTABLE`` can be written; the serial stands in
    registers 90 to 97.
    """

    SETTABLE: int

    def __init__(self, serial: str) -> None:
        self._serial = serial

    @property
    def span(self) -> tuple[int, int]:
        """The first register and their number."""
        return 0, _COUNT

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return registers, or a Modbus exception code."""
        refused = _refused(unit, kind)
        if refused is not None:
            return refused
        if not 1 <= count <= _MOST:
            return 3
        if address < 0 or address + count > _COUNT:
            return 2
        words = [0] * _COUNT
        for at, word in self._words().items():
            words[at] = word
        serial = self._serial.ljust(16, "\0").encode("ascii")
        words[_SERIAL_AT : _SERIAL_AT + 8] = [
            int.from_bytes(serial[i : i + 2], "big") for i in range(0, 16, 2)
        ]
        return words[address : address + count]

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Take what is written; return a Modbus exception code, or None."""
        refused = _refused(unit, kind)
        if refused is not None:
            return refused
        if address < 0 or not 1 <= len(values) <= self.SETTABLE - address:
            return 2
        return self._take(dict(enumerate(values, start=address)))

    @abstractmethod
    def _words(self) -> Mapping[int, int]:
        """Return the registers that hold something."""

    @abstractmethod
    def _take(self, new: Mapping[int, int]) -> int | None:
        """Take the registers written; return a Modbus exception code, or None."""


def _refused(unit: int, kind: RegisterKind) -> int | None:
    if unit != 1:
        return 11
    return None if kind == "holding" else 1
