"""The schema of a register map: any Modbus device, described in TOML beside the station file (contract 7)."""

from __future__ import annotations

import math
import struct
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bench.drivers.registers import Register
from bench.errors import InstrumentRefused

__all__ = ["MODES", "SEQUENCES", "UNITS", "IdentityRow", "MapRow", "RegisterMap"]

MODES = ("auto", "remote", "frequency_response", "charge", "discharge", "standby")
SEQUENCES = ("start", "stop", "frequency_response_on", "frequency_response_off", "schedule")
UNITS = {
    "power_kw": "kW",
    "power_set_kw": "kW",
    "energy_charged_kwh": "kWh",
    "energy_discharged_kwh": "kWh",
    "soc_pct": "%",
    "soh_pct": "%",
    "capacity_kwh": "kWh",
    "usable_kwh": "kWh",
    "dod_pct": "%",
    "reserve_pct": "%",
    "reserve_kwh": "kWh",
    "mode": "mode",
    "frequency_hz": "Hz",
    "alarm": "1",
    "report_time_s": "s",  # the device's own time of what it tells: the same again is the same report
    # what a meter on Modbus has besides
    "voltage_v": "V",
    "current_a": "A",
    "receiving_power_kw": "kW",
}
"""The canonical quantities of contract section 7, and those of a meter, with their units."""

Kind = Literal["holding", "input", "coil", "discrete"]
Type = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"]
Whole = Annotated[int, Field(strict=True)]
Address = Annotated[int, Field(strict=True, ge=0, le=65535)]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MapRow(_Table):
    """``[quantities.NAME]``: where a quantity lies and what its number means."""

    register_: Address = Field(alias="register", description="as sent in the PDU, counted from 0")
    kind: Kind = "holding"
    type: Type | None = Field(default=None, description="needed for holding and input")
    word_order: Literal["big", "little"] = "big"
    scale: Number | None = Field(default=None, description="physical = raw * scale + offset")
    offset: Number = 0.0
    access: Literal["r", "rw", "w"] = "r"
    codes: dict[str, Whole] | None = Field(default=None, description="the device's code for each mode")
    confirm: bool = Field(default=False, strict=True, description="a write must read back within confirm_s")
    missing: tuple[Whole, ...] = Field(default=(), description="raw values that mean: no data")
    low: Number | None = Field(default=None, description="smallest value it takes, in the quantity's unit")
    high: Number | None = None

    @field_validator("scale")
    @classmethod
    def _not_zero(cls, scale: float | None) -> float | None:
        if scale == 0:
            raise ValueError("must not be 0")
        return scale

    @model_validator(mode="after")
    def _consistent(self) -> MapRow:
        faults = []
        bit = self.kind in ("coil", "discrete")
        if self.type is None and not bit:
            faults.append("type is needed: int16, uint16, int32, uint32 or float32")
        if self.type is not None and bit:
            faults.append(f"a {self.kind} has no type")
        if self.kind in ("input", "discrete") and self.access != "r":
            faults.append(f"{self.kind} registers cannot be written, so access must be 'r'")
        if self.confirm and self.access != "rw":
            faults.append("confirm needs access 'rw': only what can be written and read can be confirmed")
        if self.low is not None and self.high is not None and self.low >= self.high:
            faults.append("low must be below high")
        if not faults and self.register_ + self.at.count > 65536:
            faults.append(f"{self.type} takes {self.at.count} registers and would pass the end, 65535")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def at(self) -> Register:
        """The place as the codec wants it."""
        scale = 1.0 if self.scale is None else self.scale
        return Register(self.register_, self.type or "uint16", self.kind, self.word_order, scale, self.offset)

    @property
    def readable(self) -> bool:
        """True where the device tells it."""
        return "r" in self.access

    @property
    def settable(self) -> bool:
        """True where the device takes it."""
        return "w" in self.access

    @property
    def span(self) -> tuple[int, int]:
        """The first register and the one after the last."""
        return self.register_, self.register_ + self.at.count

    def fits(self, raw: int) -> bool:
        """Tell whether a raw number fits the type."""
        try:
            self.at.encode(raw * self.at.scale + self.offset)
        except (InstrumentRefused, struct.error):
            return False
        return math.isfinite(raw) and (self.kind not in ("coil", "discrete") or raw in (0, 1))


class IdentityRow(_Table):
    """``[identity.NAME]``: a text in the device's registers; ``expect`` is what it must say."""

    register_: Address = Field(alias="register")
    count: Annotated[int, Field(strict=True, ge=1, le=64)]
    kind: Literal["holding", "input"] = "holding"
    expect: str | None = Field(default=None, description="another text is another device")


class RegisterMap(_Table):
    """A register map."""

    name: str = Field(min_length=1, description="maker and model")
    pause_after_write_s: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = 0.0
    max_connections: Annotated[int, Field(strict=True, ge=1)] | None = None
    longest_read: Annotated[int, Field(strict=True, ge=1, le=125)] = 125
    longest_gap: Annotated[int, Field(strict=True, ge=0, le=120)] = Field(
        default=0, description="undefined registers between two quantities that may be read along"
    )
    identity: dict[Literal["maker", "model", "serial", "firmware"], IdentityRow] = Field(default_factory=dict)
    quantities: dict[str, MapRow] = Field(min_length=1)
    sequences: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def modes(self) -> dict[str, int]:
        """The device's code by canonical mode."""
        mode = self.quantities.get("mode")
        return dict(mode.codes or {}) if mode is not None else {}
