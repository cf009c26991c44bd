"""What surrounds the battery on a test site: load and generation emulators, the limiter, switches.

One Modbus controller (a PLC, or a programmable load with Modbus) that stands for the house and for the
installer's hand. All registers are holding registers of one word; addresses may be moved by ``addresses``.

======= ================= ===== ==================================================================
address quantity          scale meaning
======= ================= ===== ==================================================================
0       load_kw           0.001 consumption of the house
1       pv_kw             0.001 generation of the house
2       export_limit_kw   0.001 limit in force: of the export, or of the battery where ``fixed``
3       limiter           1     0 off, 1 fixed, 2 own, 3 gateway
4       gateway_on        1     mains of the gateway
5       lan_on            1     the line between gateway and battery
6       alarm_on          1     a relay on an input of the battery that raises a harmless warning
90-97   serial            text  a serial that starts with SIM is a twin's
======= ================= ===== ==================================================================

``limiter`` is how the export is held down, as an installer sets it: ``fixed`` (the battery never gives more
than the limit), ``own`` (the battery's own function holds the export), ``gateway`` (the gateway does).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from bench.drivers.base import Identity, ReadingValue, Value
from bench.drivers.descriptors import Control, Exchange, Quantity
from bench.drivers.modbus import ModbusInstrument, ModbusOptions
from bench.drivers.registers import Register
from bench.drivers.setting import Setting
from bench.errors import InstrumentRefused

__all__ = ["SiteModbus"]

Part = Literal["load", "pv", "fixed", "own", "gateway", "cuts", "alarm"]
_WAYS = ("off", "fixed", "own", "gateway")
_LIMITER = {"limiter", "export_limit_kw"}
_OF_PART: dict[str, set[str]] = {
    "load": {"load_kw"},
    "pv": {"pv_kw"},
    "fixed": _LIMITER,
    "own": _LIMITER,
    "gateway": _LIMITER,
    "cuts": {"gateway_on", "lan_on"},
    "alarm": {"alarm_on"},
}
_SERIAL_COUNT = 8
_PAGE = "the table at the head of this file"


class SiteOptions(ModbusOptions):
    """Keys of ``[instruments.site]``."""

    has: tuple[Part, ...] = Field(min_length=1, description="what of all this the site has")
    addresses: dict[str, int] = Field(
        default_factory=dict, description="quantity = register, where it differs"
    )
    serial_register: int = Field(default=90, ge=-1, le=65528, description="-1 where there is none")


class SiteModbus(ModbusInstrument):
    """The house around the battery: only the quantities of the parts in ``has`` are there."""

    OPTIONS: ClassVar[type[BaseModel]] = SiteOptions

    load_kw = Control("0", unit="kW", low=0.0, high=65.0, doc="Control the consumption.", page=_PAGE)
    pv_kw = Control("1", unit="kW", low=0.0, high=65.0, doc="Control the generation.", page=_PAGE)
    export_limit_kw = Control(
        "2", unit="kW", low=0.0, high=65.0, doc="Control the limit in force.", page=_PAGE
    )
    limiter = Control("3", unit="mode", kind=str, doc="Control the way of limiting the export.", page=_PAGE)
    gateway_on = Control("4", unit="1", low=0.0, high=1.0, doc="Control the gateway's mains.", page=_PAGE)
    lan_on = Control("5", unit="1", low=0.0, high=1.0, doc="Control the gateway's line.", page=_PAGE)
    alarm_on = Control("6", unit="1", low=0.0, high=1.0, doc="Control the contact of a warning.", page=_PAGE)

    SAMPLED = ("load_kw", "pv_kw")
    SAFE = {"gateway_on": 1.0, "lan_on": 1.0, "alarm_on": 0.0, "pv_kw": 0.0}  # noqa: RUF012  (a ClassVar of the base)
    RESTORED = ("lan_on", "gateway_on", "alarm_on", "limiter", "export_limit_kw", "load_kw", "pv_kw")
    EXAMPLES = (
        Exchange(
            "write 0", "01f4", "load_kw", 0.5, page="Modbus application protocol V1.1b3, 6.6: 16 bit, big"
        ),
    )
    REGISTERS = {  # noqa: RUF012  (a ClassVar of the base)
        "load_kw": Register(0, scale=0.001),
        "pv_kw": Register(1, scale=0.001),
        "export_limit_kw": Register(2, scale=0.001),
        "limiter": Register(3),
        "gateway_on": Register(4),
        "lan_on": Register(5),
        "alarm_on": Register(6),
    }

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        there = set().union(*(_OF_PART[part] for part in self.options.has))
        self.table = {name: row for name, row in self.table.items() if name in there}
        for name, address in self.options.addresses.items():
            if name not in self.registers:
                raise InstrumentRefused(
                    f"addresses: no quantity {name!r}; there are {', '.join(self.registers)}"
                )
            old = self.registers[name]
            self.registers[name] = Register(address, scale=old.scale)
        steps = {name: self.registers[name].scale for name in self.table if name.endswith("_kw")}
        self.capabilities = dataclasses.replace(self.capabilities, resolution=steps)

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: load and generation, where there are any).

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        return super().read([name for name in self.SAMPLED if name in self.table] if names is None else names)

    def snapshot(self) -> dict[str, Any]:
        """Return every setting, in the order in which :meth:`restore` puts it back."""
        names = [name for name in self.RESTORED if name in self.table]
        return {name: reading.value for name, reading in self.read(names).items()}

    def safe_values(self) -> Mapping[str, Value]:
        """Return mains and line of the gateway there, no warning, generation off, where the site has them."""
        return {name: value for name, value in self.SAFE.items() if name in self.table}

    def _ask_identity(self) -> Identity:
        serial = self.setting.config.serial or ""
        if self.options.serial_register >= 0:
            words = self.link.read("holding", self.options.serial_register, _SERIAL_COUNT)
            data = b"".join(word.to_bytes(2, "big") for word in words)
            serial = data.split(b"\0")[0].decode("ascii", "replace").strip()
        return Identity("", "site controller", serial, "")

    def _fetch_all(self, rows: Sequence[Quantity[Any]]) -> dict[str, ReadingValue]:
        found = super()._fetch_all(rows)
        raw = found.get("limiter")
        if raw is not None:
            code = int(raw.value) if isinstance(raw.value, float) else -1
            found["limiter"] = ReadingValue(_WAYS[code] if 0 <= code < len(_WAYS) else f"unknown {code}")
        return found

    def _send(self, row: Control[Any], value: Value) -> None:
        if row.name == "limiter":
            known = [way for way in _WAYS if way == "off" or way in self.options.has]
            if value not in known:
                raise InstrumentRefused(f"limiter: no way {value!r}; the site has: {', '.join(known)}")
            self.write_registers("holding", self.registers["limiter"].address, [_WAYS.index(str(value))])
        else:
            super()._send(row, value)
