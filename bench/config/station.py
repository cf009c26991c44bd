"""The schema of a station file (contract section 4)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = ["Calibration", "Device", "Instrument", "Interlock", "Limits", "Station", "StationHead"]

AREAS = (
    "hokkaido",
    "tohoku",
    "tokyo",
    "chubu",
    "hokuriku",
    "kansai",
    "chugoku",
    "shikoku",
    "kyushu",
    "okinawa",
)
ROLES = ("source", "meter", "battery", "gateway", "receiving_meter", "site")
Role = Literal["source", "meter", "battery", "gateway", "receiving_meter", "site"]
StartMode = Literal["auto", "charge", "discharge", "standby"]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=True)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Whole = Annotated[int, Field(strict=True)]


def _ordered(band: tuple[float, float]) -> tuple[float, float]:
    if band[0] >= band[1]:
        raise ValueError("the first number must be below the second")
    return band


def _area(name: str) -> str:
    if name.lower() not in AREAS:
        raise ValueError(f"must be one of {', '.join(AREAS)}")
    return name.lower()


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("names one twice")
    return names


Band = Annotated[tuple[Number, Number], AfterValidator(_ordered)]


def _nominal(value: float) -> float:
    if value not in (50.0, 60.0):
        raise ValueError("must be 50 or 60")
    return value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StationHead(_Table):
    """``[station]``"""

    name: str = Field(min_length=1)
    nominal_hz: Annotated[Number, AfterValidator(_nominal), Field(json_schema_extra={"enum": [50.0, 60.0]})]
    nominal_v: Positive = 202.0
    area: Annotated[str, AfterValidator(_area)] | None = Field(
        default=None, description="TSO area, e.g. tokyo or hokkaido"
    )
    safe_order: Annotated[tuple[Role, ...], AfterValidator(_once)] = ("battery", "gateway", "source")
    simulated: bool = Field(
        default=False, strict=True, description="true where the instruments are twins served elsewhere"
    )
    visa: str = Field(default="@py", description="VISA library: '@py' or '@ivi'")
    timeout_s: Positive = 2.0
    safe_step_s: Annotated[Number, Field(gt=0, le=60)] = Field(
        default=1.0, description="a step of the safe state that takes longer does not hold up the next"
    )
    watchdog_s: Annotated[Number, Field(ge=0.5, le=60)] = Field(
        default=2.0, description="the watchdog's first command goes out within this when the bench is gone"
    )
    watchdog_tries_s: Annotated[Number, Field(ge=0, le=86_400)] = Field(
        default=600.0, description="so long the watchdog tries again while the safe state is not proved"
    )


class Limits(_Table):
    """``[limits]``: every set-point before it is sent, every reading while the output is on."""

    frequency_hz: Band
    voltage_v: Band
    power_kw: Band
    frequency_hz_per_s: Positive | None = Field(default=None, description="rate of change; left out: any")
    voltage_v_per_s: Positive | None = Field(default=None, description="rate of change; left out: any")
    power_kw_per_s: Positive | None = Field(default=None, description="rate of change; left out: any")
    unwatched_s: Positive = Field(
        default=10.0, description="with the output on, no instrument at all tells the power for this long"
    )
    no_data_s: Positive = Field(
        default=1800.0, description="with the output on, the meter answers without data for this long"
    )


class Interlock(_Table):
    """``[interlock]``: a digital input that must stay closed; what cannot be read counts as open."""

    file: str | None = Field(default=None, description="a text file whose first word is closed or 1")
    resource: str | None = Field(default=None, description="TCP::host::port or RTU::device::9600N81")
    unit_id: Whole = Field(default=1, ge=0, le=255)
    kind: Literal["coil", "discrete"] = "discrete"
    address: Whole = Field(default=0, ge=0, le=65535, description="as sent in the PDU, counted from 0")
    closed: Literal[0, 1] = Field(default=1, description="what it reads when all is well")
    interval_s: Annotated[Number, Field(ge=0.02, le=5)] = 0.1

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.file is None) == (self.resource is None):
            raise ValueError("give either file or resource")
        return self


class Device(_Table):
    """``[device]``: the battery under test as its maker declares it."""

    maker: str
    model: str
    serial: str = Field(min_length=1)
    firmware: str = ""
    rated_kw: Positive
    capacity_kwh: Positive
    usable_kwh: Positive | None = Field(
        default=None,
        description="AC energy it can give from the charge at which a run starts; left out: the capacity",
    )
    command_validity_s: Positive | None = Field(
        default=None, description="how long its last command may act once nobody renews it"
    )
    declared_droop_pct: Positive | None = None
    droop_base: Literal["rated", "awarded"] = "rated"
    declared_dead_band_hz: NotNegative | None = None
    dead_band_kind: Literal["subtracted", "step"] = "subtracted"
    export_limit_kw: Positive | None = None
    directions: Annotated[tuple[Literal["up", "down"], ...], AfterValidator(_once)] | None = Field(
        default=None, min_length=1
    )
    delta_kw: Positive | None = None
    modes: Annotated[tuple[StartMode, ...], AfterValidator(_once)] | None = Field(
        default=None, description="the modes of its own that it has; left out: all four"
    )
    test_alarms: tuple[Number | str, ...] = Field(
        default=(),
        description="what its alarm reads while the harmless warning is on that the site provokes",
    )
    takes_schedule: bool | None = Field(default=None, strict=True, description="it has the sequence schedule")


class Calibration(_Table):
    """``[instruments.ROLE.calibration]``"""

    certificate: str
    due: dt.date


class Instrument(BaseModel):
    """``[instruments.ROLE]``: driver, address, and options that the driver itself checks."""

    model_config = ConfigDict(extra="allow")

    driver: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    resource: str | None = None
    sink_kw: NotNegative | None = None
    safe: dict[str, float | bool | str] | None = None
    calibration: Calibration | None = None
    accuracy: dict[str, Number] | None = None
    device_point: Whole | None = Field(default=None, ge=1)
    receiving_point: Whole | None = Field(default=None, ge=1)
    device_point_sign: Literal[-1, 1] = 1
    receiving_point_sign: Literal[-1, 1] = 1
    unit_id: Whole | None = Field(default=None, ge=0, le=255)
    max_connections: Whole | None = Field(
        default=None, ge=1, description="1: the watchdog cannot reach it while the bench holds it"
    )
    map: str | None = None
    serial: str | None = Field(default=None, description="the serial the instrument must identify with")

    def options(self) -> dict[str, Any]:
        """Return the keys this schema does not know; the driver takes or refuses them."""
        return dict(self.model_extra or {})


class Station(_Table):
    """A station file. ``twin`` is left as a table: the simulated world checks it itself."""

    station: StationHead
    limits: Limits
    device: Device
    instruments: dict[Role, Instrument]
    interlock: Interlock | None = None
    twin: dict[str, Any] | None = None

    @property
    def simulated(self) -> bool:
        """True where the station says that it is not real."""
        return self.twin is not None or self.station.simulated
