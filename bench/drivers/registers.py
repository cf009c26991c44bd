"""Registers to numbers and back: type, word order, scale. A value that does not fit is refused."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.errors import InstrumentRefused, WrongReply
from bench.links.base import RegisterKind

__all__ = ["Register", "RegisterType", "pack", "unpack", "words"]

RegisterType = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"]

_FORMAT = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
}


def words(kind: RegisterType) -> int:
    """Return how many registers a value of this type takes."""
    return struct.calcsize(">" + _FORMAT[kind]) // 2


def unpack(kind: RegisterType, registers: Sequence[int], word_order: str = "big") -> float:
    """Return the raw number in ``registers``; ``word_order`` "little" has the low word first.

    Raises:
        WrongReply: another number of registers than the type takes.
    """
    if len(registers) != words(kind):
        raise WrongReply(f"{kind} takes {words(kind)} registers, got {len(registers)}")
    ordered = registers if word_order == "big" else list(reversed(registers))
    value: float = struct.unpack(">" + _FORMAT[kind], struct.pack(f">{len(ordered)}H", *ordered))[0]
    return value


def pack(kind: RegisterType, value: float, word_order: str = "big") -> list[int]:
    """Return the registers of a raw number.

    Raises:
        InstrumentRefused: it does not fit the type.
    """
    try:
        data = struct.pack(">" + _FORMAT[kind], value if kind == "float32" else round(value))
    except (struct.error, OverflowError, ValueError):
        raise InstrumentRefused(f"{value:g} does not fit {kind}") from None
    ordered = list(struct.unpack(f">{len(data) // 2}H", data))
    return ordered if word_order == "big" else ordered[::-1]


@dataclass(frozen=True)
class Register:
    """Where a number lies: ``address`` as sent in the PDU, physical = raw * scale + offset."""

    address: int
    type: RegisterType = "uint16"
    kind: RegisterKind = "holding"
    word_order: Literal["big", "little"] = "big"
    scale: float = 1.0
    offset: float = 0.0

    @property
    def count(self) -> int:
        """How many registers (or coils) it takes."""
        return 1 if self.kind in ("coil", "discrete") else words(self.type)

    def decode(self, registers: Sequence[int]) -> float:
        """Return the physical value.

        Raises:
            WrongReply: wrong number of registers, or a float that is no number.
        """
        if self.kind in ("coil", "discrete"):
            return float(bool(registers[0]))
        raw = unpack(self.type, registers, self.word_order)
        if not math.isfinite(raw):
            raise WrongReply(f"register {self.address} holds {raw}")
        return raw * self.scale + self.offset

    def encode(self, value: float) -> list[int]:
        """Return the registers of a physical value.

        Raises:
            InstrumentRefused: it does not fit the type.
        """
        if self.kind in ("coil", "discrete"):
            return [int(bool(value))]
        return pack(self.type, (value - self.offset) / self.scale, self.word_order)
