"""The base of every driver that speaks Modbus: quantities that lie in registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from bench.drivers.base import ReadingValue, Value
from bench.drivers.descriptors import Control, Quantity
from bench.drivers.instrument import Instrument, NoOptions
from bench.drivers.patience import PatientLink
from bench.drivers.registers import Register
from bench.drivers.setting import Setting
from bench.links.base import RegisterKind

__all__ = ["ModbusInstrument", "ModbusOptions", "ReadLimit", "blocks"]

# Modbus application protocol V1.1b3, 6.3: a read carries at most 125 registers.
_LONGEST_READ = 125


class ModbusOptions(NoOptions):
    """Keys that every Modbus device understands in its station table."""

    timeout_s: float | None = Field(default=None, gt=0, description="instead of the station's timeout_s")
    pause_after_write_s: float = Field(default=0.0, ge=0, description="what the device needs after a write")
    confirm_s: float = Field(default=1.0, ge=0, description="a write must read back within this time")
    longest_read: int = Field(default=_LONGEST_READ, ge=4, le=_LONGEST_READ)


def blocks(wanted: Sequence[tuple[int, int]], longest: int, gap: int) -> list[tuple[int, int]]:
    """Merge (address, count) spans into reads of at most ``longest``, bridging at most ``gap`` registers."""
    merged: list[tuple[int, int]] = []
    for address, count in sorted(wanted):
        if merged:
            start, length = merged[-1]
            if address <= start + length + gap and address + count - start <= longest:
                merged[-1] = (start, max(length, address + count - start))
                continue
        merged.append((address, count))
    return merged


class ReadLimit:
    """How much a device serves in one read: what is declared, or less once it has refused a block."""

    def __init__(self, longest: int, gap: int) -> None:
        self.longest, self.gap = longest, gap
        self._declared = longest, gap

    def blocks(self, wanted: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Merge (address, count) spans into reads."""
        return blocks(wanted, self.longest, self.gap)

    def shorten(self, tried: int, needed: int) -> bool:
        """Ask for less at once after a refusal of at most ``tried``; never for less than ``needed``.

        False where it makes no difference: the refusal is of the registers, not of how many.
        """
        if tried <= needed:
            self.longest, self.gap = self._declared
            return False
        if self.gap:
            self.gap = 0
        else:
            self.longest = max(needed, tried // 2)
        return True


class ModbusInstrument(Instrument):
    """Reads and writes the registers named by ``REGISTERS`` (or a subclass's own map in ``registers``).

    Neighbouring registers are read together; a gap is not bridged, since a device may refuse what it
    does not define.
    """

    OPTIONS: ClassVar[type[BaseModel]] = ModbusOptions
    REGISTERS: ClassVar[Mapping[str, Register]] = {}

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.registers: dict[str, Register] = dict(self.REGISTERS)
        self._confirm_s = self.options.confirm_s
        self.link = PatientLink(
            setting.links.modbus(
                setting.resource,
                unit_id=setting.config.unit_id if setting.config.unit_id is not None else 1,
                timeout_s=self.options.timeout_s or setting.station.timeout_s,
            ),
            setting.clock,
        )

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: the sampling set); a device that is busy is not waited for.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        with self.link.at_once():
            return super().read(names)

    def close(self) -> None:
        """Release the wire; never raises."""
        self.link.close()

    def _fetch_all(self, rows: Sequence[Quantity[Any]]) -> dict[str, ReadingValue]:
        values: dict[tuple[str, int], int] = {}
        kinds: dict[RegisterKind, list[tuple[int, int]]] = {}
        for row in rows:
            register = self.registers[row.name]
            kinds.setdefault(register.kind, []).append((register.address, register.count))
        for kind, spans in kinds.items():
            for start, count in blocks(spans, self.options.longest_read, 0):
                for offset, value in enumerate(self.link.read(kind, start, count)):
                    values[kind, start + offset] = value
        found = {}
        for row in rows:
            register = self.registers[row.name]
            raw = [values[register.kind, register.address + i] for i in range(register.count)]
            found[row.name] = ReadingValue(register.decode(raw) * row.scale)
        return found

    def _fetch(self, row: Quantity[Any]) -> ReadingValue:
        return self._fetch_all([row])[row.name]

    def _send(self, row: Control[Any], value: Value) -> None:
        register = self.registers[row.name]
        self.write_registers(register.kind, register.address, register.encode(float(value) / row.scale))

    def write_registers(self, kind: RegisterKind, address: int, values: Sequence[int]) -> None:
        """Write, then wait as long as the device needs.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        self.link.write(kind, address, values)
        if self.options.pause_after_write_s:
            clock = self.setting.clock
            clock.sleep_until(clock.now_s() + self.options.pause_after_write_s)
