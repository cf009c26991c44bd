"""The columns file: which column is which of our quantities, what means "no data", what is declared."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bench.config.faults import pydantic_faults
from bench.config.text import read_toml
from bench.errors import UsageError

__all__ = ["OURS", "TIMES", "Column", "Columns", "Declared", "read_columns", "time_zone"]

TIMES = ("t_s", "time")
OURS: Mapping[str, tuple[str, str]] = {
    "command_kw": ("battery.power_set_kw", "kW"),
    "power_kw": ("meter.power_kw", "kW"),
    "receiving_power_kw": ("meter.receiving_power_kw", "kW"),
    "device_power_kw": ("battery.power_kw", "kW"),
    "frequency_hz": ("meter.frequency_hz", "Hz"),
    "device_frequency_hz": ("battery.frequency_hz", "Hz"),
    "source_hz": ("source.frequency_hz", "Hz"),
    "voltage_v": ("meter.voltage_v", "V"),
    "soc_pct": ("battery.soc_pct", "%"),
    "mode": ("battery.mode", ""),
    "alarm": ("battery.alarm", "1"),
    "alarm_event_s": ("battery.alarm_event_s", "s"),
    "device_time_s": ("battery.report_time_s", "s"),
}
"""Our name -> channel of the recording, and its unit."""

_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_TEXTUAL = ("time", "mode")


@dataclass(frozen=True)
class Column:
    """One of their columns, and what its numbers are multiplied by."""

    name: str
    factor: float = 1.0


def time_zone(name: str) -> dt.tzinfo:
    """Return the zone called ``name``, or of the offset ``+09:00``.

    Raises:
        ValueError, KeyError, OSError: there is none.
    """
    if _OFFSET.fullmatch(name):
        return dt.datetime.fromisoformat(f"2000-01-01T00:00{name}").tzinfo or dt.UTC
    return ZoneInfo(name)


def _zone(name: str) -> str:
    try:
        time_zone(name)
    except (OSError, ValueError, KeyError):
        raise ValueError("is not a time zone such as 'Asia/Tokyo' or '+09:00'") from None
    return name


def _nominal(value: float) -> float:
    if value not in (50.0, 60.0):
        raise ValueError("must be 50 or 60")
    return value


def _column(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    column = parse_column(text)
    if not math.isfinite(column.factor) or column.factor == 0:
        raise ValueError("the factor must be a number other than zero")
    return text


def parse_column(text: str) -> Column:
    """Return their column and the factor of ``"theirs * factor"``."""
    name, star, factor = text.rpartition("*")
    try:
        return Column(name.strip(), float(factor)) if star and name.strip() else Column(text.strip())
    except ValueError:
        return Column(text.strip())


Theirs = Annotated[str, AfterValidator(_column)]
Nominal = Annotated[float, AfterValidator(_nominal)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
ErrorLimit = Annotated[float, Field(ge=0, le=1e6)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnNames(_Table):
    """``[columns]``: ours = theirs."""

    t_s: Theirs | None = None
    time: Theirs | None = None
    command_kw: Theirs | None = None
    power_kw: Theirs | None = None
    receiving_power_kw: Theirs | None = None
    device_power_kw: Theirs | None = None
    frequency_hz: Theirs | None = None
    device_frequency_hz: Theirs | None = None
    source_hz: Theirs | None = None
    voltage_v: Theirs | None = None
    soc_pct: Theirs | None = None
    mode: Theirs | None = None
    alarm: Theirs | None = None
    alarm_event_s: Theirs | None = None
    device_time_s: Theirs | None = None


class Values(_Table):
    """``[values]``: what stands for "no data". Empty cells, NaN and infinities always do."""

    missing: tuple[str | float, ...] = ("NAN", "INF", "9.91E+37", "")


class Declared(_Table):
    """``[declared]``: what a recording cannot tell."""

    rated_kw: Positive | None = None
    capacity_kwh: Positive | None = None
    nominal_hz: Nominal | None = None
    nominal_v: Positive | None = None
    droop_pct: Positive | None = None
    droop_base: Literal["rated", "awarded"] | None = None
    dead_band_hz: NotNegative | None = None
    dead_band_kind: Literal["subtracted", "step"] | None = None
    window_s: NotNegative | None = None
    export_limit_kw: Positive | None = None
    baseline_kw: Number | None = None
    prior_mode: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    directions: Annotated[tuple[Literal["up", "down"], ...], Field(min_length=1)] | None = None
    simulated: bool | None = None
    area: str | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    clock_offset_s: Number | None = Field(
        default=None,
        description="meter's clock less the commander's; moves commands and what the device says",
    )

    def facts(self) -> dict[str, Any]:
        """Return the declarations under the names of :class:`bench.recording.Recording`'s facts.

        ``droop_pct`` and ``dead_band_hz`` are names of rules too, so these get ``declared_`` before them.
        """
        given = self.model_dump(mode="json", exclude_none=True, exclude={"time_zone", "clock_offset_s"})
        renamed = {"droop_pct": "declared_droop_pct", "dead_band_hz": "declared_dead_band_hz"}
        return {renamed.get(name, name): value for name, value in given.items()}


class Accuracy(_Table):
    """``[accuracy]``: the meter's limits of error, half widths."""

    power_reading_pct: ErrorLimit | None = None
    power_range_kw: ErrorLimit | None = None
    power_range_pct: ErrorLimit | None = None
    frequency_hz: ErrorLimit | None = None
    time_s: ErrorLimit | None = None


class Columns(_Table):
    """A columns file."""

    columns: ColumnNames | None = None
    values: Values = Values()
    declared: Declared = Declared()
    accuracy: Accuracy = Accuracy()

    def wanted(self, header: tuple[str, ...]) -> dict[str, Column]:
        """Return ours -> theirs; without ``[columns]`` our own names as far as they are there."""
        if self.columns is None:
            return {name: Column(name) for name in (*TIMES, *OURS) if name in header}
        given = self.columns.model_dump(exclude_none=True)
        return {name: _exact(text, header, name in _TEXTUAL) for name, text in given.items()}


def _exact(text: str, header: tuple[str, ...], textual: bool) -> Column:
    """A column that is called just so needs no reading; words have no factor."""
    return Column(text.strip()) if text.strip() in header or textual else parse_column(text)


def read_columns(path: Path | None) -> Columns:
    """Return the columns file at ``path``; without one, our own names and nothing declared.

    Raises:
        UsageError: everything that is wrong with the file.
    """
    if path is None:
        return Columns()
    content, _ = read_toml(path)
    try:
        return Columns.model_validate(content)
    except ValidationError as error:
        raise UsageError(pydantic_faults(error, str(path), content, model=Columns)) from None
