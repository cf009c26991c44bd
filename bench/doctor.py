"""``drready doctor``: look at every instrument of a station and change nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TextIO

from bench.clock import Clock, utc_now
from bench.config.load import LoadedStation, load_profile
from bench.config.station import Instrument
from bench.drivers.base import Driver, QuantityInfo
from bench.errors import BenchError, InstrumentBusy, InstrumentError, UsageError
from bench.expr import ExpressionError, evaluate
from bench.host.places import shareable
from bench.names import namespace, parameter_values
from bench.plan import source_resolution_hz, source_sink_kw
from bench.rooms import bundled_profiles
from bench.station import OpenStation, open_each
from bench.template import unfilled

__all__ = ["DoctorRow", "doctor"]

Status = Literal["ok", "warn", "fault"]
SOON_DAYS = 30
CLOCK_S = 120.0
SAFE_ROLES = ("source", "battery", "gateway")


@dataclass(frozen=True)
class DoctorRow:
    """One thing that was looked at."""

    role: str
    check: str
    status: Status
    text: str


def _calibration(role: str, config: Instrument, simulated: bool, today: dt.date) -> DoctorRow:
    certificate = config.calibration
    if certificate is None:
        if simulated:
            return DoctorRow(role, "calibration", "ok", "simulated: nothing to calibrate")
        status: Status = "warn" if role in ("source", "meter", "receiving_meter") else "ok"
        return DoctorRow(role, "calibration", status, "no certificate in the station file")
    left_days = (certificate.due - today).days
    text = f"certificate {certificate.certificate}, due {certificate.due.isoformat()}"
    if left_days < 0:
        return DoctorRow(role, "calibration", "fault", f"{text}: expired {-left_days} days ago")
    if left_days < SOON_DAYS:
        return DoctorRow(role, "calibration", "warn", f"{text}: {left_days} days left")
    return DoctorRow(role, "calibration", "ok", text)


def _resolution(role: str, loaded: LoadedStation, step_hz: float | None) -> DoctorRow:
    """Say whether the source is fine enough, and which bundled profiles it is too coarse for."""
    if step_hz is None:
        text = "unknown: whether it is fine enough cannot be checked"
        return DoctorRow(role, "resolution", "warn", text)
    text = f"sets frequency in steps of {step_hz * 1000:g} mHz"
    needed = {name: need for name, need in _needed_hz(loaded).items() if step_hz > need * (1 + 1e-9)}
    if not needed:
        return DoctorRow(role, "resolution", "ok", text)
    told = ", ".join(f"{name} ({need * 1000:g} mHz)" for name, need in needed.items())
    return DoctorRow(role, "resolution", "fault", f"{text}: too coarse for {told}")


def _needed_hz(loaded: LoadedStation) -> dict[str, float]:
    """Return the coarsest step of frequency that each bundled profile can use on this station."""
    found = {}
    for name in bundled_profiles():
        profile = load_profile(name)
        asked = profile.profile.frequency_resolution_hz
        if asked is None:
            continue
        try:
            values, _ = parameter_values(profile.profile, profile.rules, {}, loaded.station)
            found[name] = evaluate(
                asked, namespace(profile.profile, profile.rules, loaded.station, None, values)
            )
        except (UsageError, ExpressionError):
            continue  # a profile that this station cannot do at all: the planner says why
    return found


def _sink(role: str, loaded: LoadedStation, sink_kw: float | None) -> DoctorRow:
    """Say whether the source can take back what the battery is to discharge."""
    if sink_kw is None:
        text = "sink_kw is unknown: a battery that discharges into a source that cannot take it back trips it"
        return DoctorRow(role, "sink", "warn", text)
    device = loaded.station.device
    text = f"takes back {sink_kw:g} kW"
    if sink_kw == 0:
        return DoctorRow(role, "sink", "fault", "cannot sink: no discharge can be tested with it")
    if device.delta_kw is not None and sink_kw < device.delta_kw:
        return DoctorRow(role, "sink", "fault", f"{text}: less than device.delta_kw {device.delta_kw:g} kW")
    if sink_kw < device.rated_kw:
        text += f": a discharge at the rating of {device.rated_kw:g} kW cannot be tested"
        return DoctorRow(role, "sink", "warn", text)
    return DoctorRow(role, "sink", "ok", text)


def _clock(role: str, driver: Driver, now: dt.datetime, simulated: bool) -> Iterator[DoctorRow]:
    """Yield how far the device's own clock is off, where its driver can ask it (``device_clock``).

    Readings are stamped by the bench; a device's clock matters to what the device itself records and to
    the schedules it keeps. It tells minutes only, so a minute is no offset.
    """
    ask: Callable[[], dt.datetime | None] | None = getattr(driver, "device_clock", None)
    shown = ask() if ask is not None else None
    if shown is None:
        return
    if simulated:
        yield DoctorRow(role, "clock", "ok", f"shows {shown:%Y-%m-%d %H:%M}: simulated, as is its time")
        return
    offset_s = (shown - now.astimezone().replace(tzinfo=None)).total_seconds()
    status: Status = "ok" if abs(offset_s) <= CLOCK_S else "fault"
    text = f"shows {shown:%Y-%m-%d %H:%M}"
    if status == "fault":
        text += f", {abs(offset_s):.0f} s {'ahead of' if offset_s > 0 else 'behind'} this computer: set it"
    yield DoctorRow(role, "clock", status, text)


def _reversion(role: str, driver: Driver) -> Iterator[DoctorRow]:
    """Yield that the device gives up a set-point by itself, where it tells (``reversion_s``).

    The bench sends a command once, as the market does: a profile that holds it longer sees the reversion.
    """
    if "reversion_s" not in driver.quantities():
        return
    after_s = driver.read(["reversion_s"])["reversion_s"].value
    if isinstance(after_s, float | int) and after_s > 0:
        text = f"gives a set-point up after {after_s:g} s that nobody renews"
        yield DoctorRow(role, "reversion", "warn", f"{text}: switch that off for longer holds")


def _capabilities(role: str, loaded: LoadedStation, driver: Driver) -> Iterator[DoctorRow]:
    can = driver.capabilities
    if role == "source":
        step_hz = source_resolution_hz(loaded, {role: can})
        yield _resolution(role, loaded, step_hz)
        yield _sink(role, loaded, source_sink_kw(loaded, {role: can}))
        if can.native_list is not None:
            text = "plays its own list" if can.native_list else "use_list = false: is sent every step"
            yield DoctorRow(role, "steps", "ok", text)
    if role in ("meter", "receiving_meter"):
        text = "averaging window not told before a run sets it; without it, it is estimated from the data"
        if can.window_s is not None:
            text = f"averages over {can.window_s:g} s"
        yield DoctorRow(role, "window", "ok", text)
    config = loaded.station.instruments[role]  # type: ignore[index]  # roles come from the file
    outside = config.resource not in (None, "twin")
    if (config.max_connections or can.max_connections) == 1 or (outside and not shareable(config.resource)):
        yield DoctorRow(
            role,
            "connections",
            "warn",
            "takes one connection only: the watchdog cannot reach it while a stopped run holds it",
        )


def _limits(role: str, loaded: LoadedStation, known: dict[str, QuantityInfo]) -> Iterator[DoctorRow]:
    """Yield whether the instrument reaches the station's limits; short of them it refuses in mid-run."""
    names = {"frequency_hz": "frequency_hz", "voltage_v": "voltage_v"}
    for quantity, limit in names.items():
        info = known.get(quantity)
        if info is None or not info.settable or info.low is None or info.high is None:
            continue
        low, high = getattr(loaded.station.limits, limit)
        short = info.low > low or info.high < high
        text = (
            f"{quantity}: sets {info.low:g} to {info.high:g} {info.unit}; limits.{limit} {low:g} to {high:g}"
        )
        yield DoctorRow(
            role, "limits", "warn" if short else "ok", text + (": wider than the instrument" if short else "")
        )


def _safe(role: str, loaded: LoadedStation, config: Instrument, driver: Driver) -> Iterator[DoctorRow]:
    if role not in SAFE_ROLES:
        return
    if role not in loaded.station.station.safe_order:
        yield DoctorRow(
            role, "safe order", "fault", "is not in station.safe_order: it would be left as it is"
        )
    declared = dict(config.safe) if config.safe is not None else dict(driver.safe_values())
    whose = "declared" if config.safe is not None else "the driver's default"
    if not declared:
        yield DoctorRow(role, "safe state", "warn", "none: neither the station file nor the driver has one")
    known = driver.quantities()
    for name, value in declared.items():
        if name not in known or not known[name].settable:
            yield DoctorRow(role, "safe state", "fault", f"{name} = {value} ({whose}) cannot be set")
        elif not known[name].readable:
            yield DoctorRow(
                role, "safe state", "warn", f"{name} = {value} ({whose}) cannot be proved by read-back"
            )
        else:
            reading = driver.read([name]).get(name)
            now = "no answer" if reading is None or reading.value is None else str(reading.value)
            status: Status = "fault" if now == "no answer" else "ok"
            yield DoctorRow(role, "safe state", status, f"{name} = {value} ({whose}); now {now}")


def _readings(role: str, config: Instrument, driver: Driver) -> Iterator[DoctorRow]:
    """Yield whether everything that a run samples can be read.

    An analyzer is not asked: it would have to be configured first. Nor is an operator.
    """
    if role in ("meter", "receiving_meter") or config.resource == "operator":
        return
    try:
        readings = driver.read()
    except InstrumentBusy:
        yield DoctorRow(role, "readings", "warn", "says that it is busy just now: look again")
        return
    except InstrumentError as error:
        error.role = error.role or role
        yield DoctorRow(role, "readings", "fault", str(error).removeprefix(f"{role}: "))
        return
    without = [name for name, reading in readings.items() if reading.value is None]
    text = f"{len(readings) - len(without)} of {len(readings)} quantities have a value"
    text += f"; no data: {', '.join(without)}" if without else ""
    yield DoctorRow(role, "readings", "warn" if without else "ok", text)


def _instrument(station: OpenStation, role: str, today: dt.date) -> Iterator[DoctorRow]:
    driver, identity = station.drivers[role], station.identities[role]
    config = station.loaded.station.instruments[role]  # type: ignore[index]  # roles come from the file
    yield DoctorRow(role, "reachable", "ok", station.resources[role])
    who = f"{identity.maker} {identity.model}, serial {identity.serial}"
    who += f", firmware {identity.firmware}" if identity.firmware else ""
    yield DoctorRow(role, "identity", "ok", who + (" (simulated)" if identity.simulated else ""))
    if (
        role == "battery"
        and not station.simulated
        and identity.serial != station.loaded.station.device.serial
    ):
        yield DoctorRow(
            role,
            "device",
            "warn",
            f"[device] declares serial {station.loaded.station.device.serial!r}, which this one does not say",
        )
    yield _calibration(role, config, station.simulated, today)
    yield from _capabilities(role, station.loaded, driver)
    yield from _limits(role, station.loaded, dict(driver.quantities()))
    yield from _safe(role, station.loaded, config, driver)
    yield from _readings(role, config, driver)
    yield from _clock(role, driver, utc_now(), identity.simulated)
    yield from _reversion(role, driver)


def _second_sessions(station: OpenStation) -> Iterator[DoctorRow]:
    """Yield who does not serve a second session beside the first: the watchdog has one of its own."""
    loaded = station.loaded
    tables = {
        role: config
        for role, config in loaded.station.instruments.items()
        if role in SAFE_ROLES
        and role in station.drivers
        and config.resource != "twin"
        and shareable(config.resource)
        and (config.max_connections or station.drivers[role].capabilities.max_connections) != 1
    }
    if not tables:
        return
    some = loaded.station.model_copy(update={"instruments": tables})
    again, errors = open_each(dataclasses.replace(loaded, station=some), clock=station.clock)
    again.close()
    for error in errors:
        if isinstance(error, InstrumentError) and error.role is not None:
            text = (
                f"serves no second connection ({str(error).removeprefix(f'{error.role}: ')}): the watchdog "
            )
            text += "cannot reach it while a stopped run holds it; say max_connections = 1"
            yield DoctorRow(error.role, "connections", "warn", text)


def _failed(error: BenchError) -> list[DoctorRow]:
    if isinstance(error, InstrumentError):
        kind = "identity" if type(error).__name__ in ("WrongInstrument", "WrongReply") else "reachable"
        role = error.role or "station"
        return [DoctorRow(role, kind, "fault", str(error).removeprefix(f"{role}: "))]
    if isinstance(error, UsageError):
        return [DoctorRow("station", "file", "fault", str(fault)) for fault in error.faults]
    return [DoctorRow("station", "open", "fault", str(error))]


def doctor(
    loaded: LoadedStation, *, clock: Clock | None = None, log: TextIO | None = None
) -> list[DoctorRow]:
    """Open, identify and question every instrument; return one row for each thing looked at.

    Nothing is set, started or configured. An instrument that fails hides none of the others. ``log`` is
    the embedded twin's.

    Raises:
        UsageError: a virtual clock beside a real instrument, or a twin that cannot be.
    """
    today = utc_now().date()
    station, errors = open_each(loaded, clock=clock, log=log)
    rows: list[DoctorRow] = []
    with station:
        for error in errors:
            rows += _failed(error)
        for role in station.drivers:
            try:
                rows += _instrument(station, role, today)
            except InstrumentError as error:
                error.role = error.role or role
                rows += _failed(error)
        if loaded.station.twin is None:
            rows += _second_sessions(station)
    for line in unfilled(loaded.text):
        rows.append(
            DoctorRow("station", "file", "warn", f"{loaded.path}: line {line}: still to be filled in")
        )
    for role in ("source", "meter", "battery"):
        if role not in loaded.station.instruments:
            rows.append(
                DoctorRow(role, "present", "warn", f"there is no [instruments.{role}]: most profiles need it")
            )
    return rows
