"""What a station's schema cannot see: drivers and their options, limits against nominal values, the twin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bench.config.faults import place, pydantic_faults
from bench.config.shape import nearest_text
from bench.config.station import Instrument, Station
from bench.drivers.base import Driver
from bench.errors import Fault, UsageError
from bench.rooms import load_object

__all__ = ["ACCURACY_KEYS", "check_station", "driver_class"]

ACCURACY_KEYS = (
    "power_reading_pct",
    "power_range_kw",
    "power_range_pct",
    "frequency_hz",
    "voltage_reading_pct",
    "voltage_range_pct",
    "voltage_v",
    "current_reading_pct",
    "time_s",
)
_METHODS = tuple(name for name in vars(Driver) if not name.startswith("_") and callable(vars(Driver)[name]))


class _NoOptions(BaseModel):
    """What a driver without ``OPTIONS`` takes: nothing."""

    model_config = {"extra": "forbid"}


def driver_class(dotted: str, where: str) -> type[Any]:
    """Return the driver class that a station file names.

    Raises:
        UsageError: it cannot be imported, or is not a driver.
    """
    try:
        found = load_object(dotted, where)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001  (importing somebody's driver may raise anything)
        raise UsageError(
            Fault(where, f"importing {dotted!r} raised {type(error).__name__}: {error}")
        ) from None
    lacking = [name for name in _METHODS if not callable(getattr(found, name, None))]
    if not isinstance(found, type) or lacking:
        raise UsageError(
            Fault(where, f"{dotted!r} is not a driver: it has no {', '.join(lacking) or 'class'}")
        )
    return found


def _instrument(
    role: str, config: Instrument, file: str, folder: Path, overridden: Mapping[str, Any]
) -> list[Fault]:
    under = ("instruments", role)
    faults = []
    for key, value in (config.accuracy or {}).items():
        where = place(file, (*under, "accuracy", key), overridden)
        if key not in ACCURACY_KEYS:
            hint = nearest_text(key, ACCURACY_KEYS)
            faults.append(Fault(where, f"unknown key{hint}; known there: {', '.join(ACCURACY_KEYS)}"))
        elif value < 0:
            faults.append(Fault(where, "must not be negative"))
    if config.map is not None and not (folder / config.map).is_file():
        where = place(file, (*under, "map"), overridden)
        faults.append(Fault(where, f"no file {config.map!r} beside the station file"))
    try:
        found = driver_class(config.driver, place(file, (*under, "driver"), overridden))
    except UsageError as error:
        return [*faults, *error.faults]
    options: type[BaseModel] = getattr(found, "OPTIONS", None) or _NoOptions
    try:
        options.model_validate(config.options())
    except ValidationError as error:
        faults += pydantic_faults(
            error, file, config.options(), model=options, under=under, overridden=overridden
        )
    # a driver that needs more than options (a register map, a form of address) looks at it here, on paper
    check = getattr(found, "check_config", None)
    if callable(check) and not (config.map is not None and not (folder / config.map).is_file()):
        faults += check(config, folder, place(file, under, overridden))
    return faults


def _limits(station: Station, file: str, overridden: Mapping[str, Any]) -> list[Fault]:
    faults = []
    for name, nominal, what in (
        ("frequency_hz", station.station.nominal_hz, "station.nominal_hz"),
        ("voltage_v", station.station.nominal_v, "station.nominal_v"),
        ("power_kw", 0.0, "a battery at rest,"),
    ):
        low, high = getattr(station.limits, name)
        if not low <= nominal <= high:
            faults.append(
                Fault(
                    place(file, ("limits", name), overridden),
                    f"{low:g} to {high:g} does not contain {what} {nominal:g}",
                )
            )
    return faults


def _twin(station: Station, file: str, overridden: Mapping[str, Any]) -> list[Fault]:
    where = place(file, ("twin",), overridden)
    try:
        load_object("instruments.twins.config:read_twin", where)(station.twin)
    except UsageError as error:
        return [_relocated(fault, file, overridden) for fault in error.faults]
    return []


def _relocated(fault: Fault, file: str, overridden: Mapping[str, Any]) -> Fault:
    """Return a fault that the twin placed at ``twin.battery.delay_s`` with its file, or its ``--set``."""
    if not fault.place.startswith("twin"):
        return fault
    for key in overridden:
        if fault.place == key or fault.place.startswith((f"{key}.", f"{key}[")):
            return Fault(f"--set {fault.place}", fault.message)
    return Fault(f"{file}: {fault.place}", fault.message)


def check_station(station: Station, file: str, folder: Path, overridden: Mapping[str, Any]) -> list[Fault]:
    """Return everything that is wrong with a station whose schema is right. Opens nothing."""
    faults = _limits(station, file, overridden)
    device = station.device
    if device.delta_kw is not None and device.delta_kw > device.rated_kw:
        where = place(file, ("device", "delta_kw"), overridden)
        faults.append(Fault(where, f"{device.delta_kw:g} kW is above the rating, {device.rated_kw:g} kW"))
    site = station.instruments.get("site")
    if site is not None and "alarm" in (site.options().get("has") or ()) and not device.test_alarms:
        why = "is needed where the site provokes an alarm, so that every other one still ends the run"
        faults.append(Fault(place(file, ("device", "test_alarms"), overridden), why))
    for role, config in station.instruments.items():
        if station.twin is None and config.resource in (None, "twin"):
            where = place(file, ("instruments", role, "resource"), overridden)
            faults.append(Fault(where, "is needed, since there is no [twin] table"))
        faults += _instrument(role, config, file, folder, overridden)
    faults += _interlock(station, file, overridden)
    if station.twin is not None:
        faults += _twin(station, file, overridden)
    return faults


def _interlock(station: Station, file: str, overridden: Mapping[str, Any]) -> list[Fault]:
    if station.interlock is None or station.interlock.resource is None:
        return []
    where = place(file, ("interlock", "resource"), overridden)
    kind, _, rest = station.interlock.resource.partition("::")
    if kind.upper() not in ("TCP", "TLS", "RTU") or not rest.rpartition("::")[0]:
        return [Fault(where, "expected TCP::host::port, TLS::host::port or RTU::device::9600N81")]
    if station.twin is not None:
        return [Fault(where, "is outside the twin, whose virtual time jumps: use file, or take [twin] away")]
    return []
