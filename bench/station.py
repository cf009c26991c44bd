"""Open a station: the embedded twin if there is one, then every driver, identified before it is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TextIO

from bench.clock import Clock, RealClock, VirtualClock
from bench.config.check_station import driver_class
from bench.config.load import LoadedStation
from bench.drivers.base import Driver, Identity, Value
from bench.drivers.descriptors import Control
from bench.drivers.register_map import MODES
from bench.drivers.setting import Setting
from bench.errors import BenchError, Fault, InstrumentError, InstrumentRefused, UsageError, WrongInstrument
from bench.links.factory import LinkFactory
from bench.links.tap import Tap
from bench.rooms import load_object

__all__ = ["OpenStation", "open_each", "open_station"]


class OpenStation:
    """The instruments of a station, by role, until :meth:`close`. Usable as a context manager."""

    def __init__(self, loaded: LoadedStation, clock: Clock) -> None:
        self.loaded = loaded
        self.clock = clock
        self.drivers: dict[str, Driver] = {}
        self.identities: dict[str, Identity] = {}
        self.resources: dict[str, str] = {}
        self.host: Any = None
        self._closing: list[Callable[[], object]] = []

    @property
    def simulated(self) -> bool:
        """True where the station file says so, or any instrument identifies as a twin."""
        return self.loaded.station.simulated or any(who.simulated for who in self.identities.values())

    def on_close(self, close: Callable[[], object]) -> None:
        """Have ``close`` called by :meth:`close`, last given first."""
        self._closing.append(close)

    def close(self) -> None:
        """Release every wire, then the twin; never raises, and may be called twice."""
        while self._closing:
            with suppress(Exception):
                self._closing.pop()()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _outside_twin(loaded: LoadedStation) -> list[str]:
    return [
        role
        for role, config in loaded.station.instruments.items()
        if loaded.station.twin is None or config.resource not in (None, "twin")
    ]


def _clock_for(loaded: LoadedStation, clock: Clock | None) -> Clock:
    """Return the clock of the station.

    Raises:
        UsageError: a virtual clock beside an instrument outside this process, whose time does not jump.
    """
    if clock is None:
        clock = RealClock() if loaded.station.twin is None else VirtualClock()
    outside = _outside_twin(loaded)
    if clock.kind == "virtual" and outside:
        raise UsageError(
            [
                Fault(
                    f"{loaded.path}: instruments.{role}.resource",
                    "is outside the twin, whose virtual time jumps: leave it out, or take [twin] away",
                )
                for role in outside
            ]
        )
    return clock


def _start_twin(station: OpenStation, log: TextIO | None) -> Mapping[str, object]:
    """Start the embedded twin, fill in its resources, and return its endpoints for the direct link."""
    loaded = station.loaded
    if loaded.station.twin is None:
        return {}
    host_class = load_object("instruments.twins.host:TwinHost", f"{loaded.path}: twin")
    outside = _outside_twin(loaded)
    host = host_class(
        loaded.station.twin,
        loaded.station.station,
        loaded.station.device,
        station.clock,
        log=log,
        roles=[role for role in loaded.station.instruments if role not in outside],
        folder=loaded.folder,
    )
    station.host = host
    station.on_close(host.close)
    station.resources.update(host.start())
    endpoints: Mapping[str, object] = getattr(host, "endpoints", {})
    return endpoints


def _resources(station: OpenStation) -> list[BenchError]:
    """Fill in what the station file says; return a fault for every role that the twin does not have."""
    loaded, faults = station.loaded, []
    offered = dict(station.resources)
    station.resources.clear()
    for role, config in loaded.station.instruments.items():
        if config.resource not in (None, "twin"):
            station.resources[role] = str(config.resource)
        elif role in offered:
            station.resources[role] = offered[role]
        else:
            known = ", ".join(offered) or "none"
            faults.append(
                Fault(f"{loaded.path}: instruments.{role}", f"the twin has no {role}; it has: {known}")
            )
    return [UsageError(faults)] if faults else []


def _safe_faults(loaded: LoadedStation, role: str, driver: Driver) -> list[Fault]:
    known = driver.quantities()
    faults = []
    safe = loaded.station.instruments[role].safe or {}  # type: ignore[index]  # roles come from the file
    for name, value in safe.items():
        where = loaded.at("instruments", role, "safe", name)
        if name not in known or not known[name].settable:
            settable = ", ".join(key for key, info in known.items() if info.settable) or "nothing"
            faults.append(Fault(where, f"this instrument cannot set it; it can set: {settable}"))
        elif (wrong := _not_taken(driver, name, value)) is not None:
            faults.append(Fault(where, wrong))
    return faults


def _not_taken(driver: Driver, name: str, value: Value) -> str | None:
    """Return why the driver would refuse ``value`` when it matters: the wrong kind, out of range, no mode."""
    row = getattr(driver, "table", {}).get(name)
    if not isinstance(row, Control):
        return None
    if row.unit == "mode" and value not in MODES:
        return f"is no mode: {value!r}; modes are: {', '.join(MODES)}"
    try:
        row.check(value)
    except InstrumentRefused as error:
        return str(error)
    return None


def _open_role(station: OpenStation, role: str, links: LinkFactory) -> None:
    """Open and identify one instrument.

    Raises:
        InstrumentError: not there, not answering, or another than the station file says.
        UsageError: its driver refuses the station file.
    """
    loaded = station.loaded
    config = loaded.station.instruments[role]  # type: ignore[index]  # roles come from the file
    found = driver_class(config.driver, f"{loaded.path}: instruments.{role}.driver")
    setting = Setting(
        role=role,
        config=config,
        resource=station.resources[role],
        station=loaded.station.station,
        limits=loaded.station.limits,
        links=links.tapped(role),
        clock=station.clock,
        folder=loaded.folder,
    )
    driver: Driver = found(setting)
    station.on_close(driver.close)
    identity = driver.identify()
    if config.serial is not None and identity.serial != config.serial:
        raise WrongInstrument(
            f"{station.resources[role]} answers with serial {identity.serial!r}; the station file says "
            f"{config.serial!r}"
        )
    faults = _safe_faults(loaded, role, driver)
    if faults:
        raise UsageError(faults)
    station.drivers[role] = driver
    station.identities[role] = identity


def open_each(
    loaded: LoadedStation, *, clock: Clock | None = None, log: TextIO | None = None, tap: Tap | None = None
) -> tuple[OpenStation, list[BenchError]]:
    """Open what can be opened, and return it with an error for every role that cannot. Switches nothing.

    Raises:
        UsageError: a virtual clock beside a real instrument, or a twin that cannot be.
    """
    station = OpenStation(loaded, _clock_for(loaded, clock))
    try:
        endpoints = _start_twin(station, log)
        errors = _resources(station)
        links = LinkFactory(station.clock, loaded.station.station.visa, endpoints, tap=tap)
        close_links = getattr(links, "close", None)
        if callable(close_links):
            station.on_close(close_links)
        for role in list(station.resources):
            try:
                _open_role(station, role, links)
            except InstrumentError as error:
                error.role = error.role or role
                errors.append(error)
            except UsageError as error:
                errors.append(error)
            except Exception as error:  # noqa: BLE001  (a driver's own defect must not leave the others open)
                errors.append(
                    InstrumentError(f"its driver failed: {type(error).__name__}: {error}", role=role)
                )
    except BaseException:
        station.close()
        raise
    return station, errors


def _together(errors: list[BenchError]) -> BenchError:
    """Return all errors as one: a wrong file before a wrong instrument, since nothing works without it."""
    usage = [fault for error in errors if isinstance(error, UsageError) for fault in error.faults]
    if usage:
        return UsageError(usage)
    if len(errors) == 1:
        return errors[0]
    kinds = {type(error) for error in errors}
    kind = kinds.pop() if len(kinds) == 1 else InstrumentError
    return kind("\n".join(str(error) for error in errors))


def open_station(
    loaded: LoadedStation, *, clock: Clock | None = None, log: TextIO | None = None, tap: Tap | None = None
) -> OpenStation:
    """Open and identify every instrument of a station; on any fault close what was opened. Switches nothing.

    ``clock`` defaults to a virtual one with an embedded twin, else to the real one. ``log`` is the twin's;
    ``tap`` sees every message with every instrument.

    Raises:
        UsageError: the station file is wrong, or a virtual clock meets a real instrument.
        InstrumentError: the faults of all roles at once.
    """
    station, errors = open_each(loaded, clock=clock, log=log, tap=tap)
    if errors:
        station.close()
        raise _together(errors)
    return station
