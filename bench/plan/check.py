"""What forbids a run, found on paper: roles, rating, limits, the source's sink and resolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from bench.config.load import LoadedStation
from bench.config.profile import Profile
from bench.drivers.base import Capabilities
from bench.errors import Fault
from bench.expr import ExpressionError, evaluate
from bench.plan.delta import delta_faults
from bench.plan.energy import asked_power, droop_law
from bench.timeline import SetPoint, Timeline

__all__ = ["check", "source_resolution_hz", "source_sink_kw"]

LIMITED = {
    "source.frequency_hz": "frequency_hz",
    "source.voltage_v": "voltage_v",
    "battery.power_set_kw": "power_kw",
    "gateway.power_set_kw": "power_kw",
}

RESOLUTION_KEYS = ("frequency_resolution_hz", "resolution_hz")


def source_sink_kw(loaded: LoadedStation, capabilities: Mapping[str, Capabilities]) -> float | None:
    """Return the power the source takes back: as the station file says, else the driver; None: unknown."""
    source = loaded.station.instruments.get("source")
    if source is not None and source.sink_kw is not None:
        return source.sink_kw
    return capabilities["source"].sink_kw if "source" in capabilities else None


def source_resolution_hz(loaded: LoadedStation, capabilities: Mapping[str, Capabilities]) -> float | None:
    """Return the source's finest frequency step: as the driver says, else the station file; None: unknown."""
    known = capabilities["source"].resolution.get("frequency_hz") if "source" in capabilities else None
    if known is not None:
        return known
    source = loaded.station.instruments.get("source")
    options = source.options() if source is not None else {}
    for key in RESOLUTION_KEYS:
        given = options.get(key)
        if isinstance(given, int | float) and not isinstance(given, bool):
            return float(given)
    return None


def _roles(profile: Profile, timeline: Timeline, loaded: LoadedStation, point: str) -> Iterator[Fault]:
    wanted = {"meter": f"{profile.name} is judged by it"}
    for act in timeline.acts:
        wanted.setdefault(act.role, f"{profile.name} does {act.role}.{act.sequence}")
    for set_point in timeline.set_points:
        wanted.setdefault(set_point.role, f"{profile.name} sets {set_point.role}.{set_point.quantity}")
    for role, why in wanted.items():
        if role not in loaded.station.instruments:
            yield Fault(f"{loaded.path}: instruments.{role}", f"is missing: {why}")
    meter = loaded.station.instruments.get("meter")
    if point not in profile.points:
        yield Fault("--point", f"{profile.name} is not judged at the {point} point")
    elif point == "receiving" and meter is not None and meter.receiving_point is None:
        yield Fault(
            f"{loaded.path}: instruments.meter.receiving_point",
            "is needed for --point receiving: which element of the analyzer is wired there",
        )


def _outside(timeline: Timeline, loaded: LoadedStation) -> Iterator[Fault]:
    """Yield one fault for each quantity and phase, with the value that is farthest outside."""
    worst: dict[tuple[str, str], tuple[float, SetPoint]] = {}
    for set_point in timeline.set_points:
        channel = f"{set_point.role}.{set_point.quantity}"
        if channel not in LIMITED or isinstance(set_point.value, str | bool):
            continue
        low, high = getattr(loaded.station.limits, LIMITED[channel])
        excess = max(low - set_point.value, set_point.value - high)
        key = (channel, set_point.phase)
        if excess > worst.get(key, (1e-9, set_point))[0]:
            worst[key] = (excess, set_point)
    for (channel, phase), (_, set_point) in worst.items():
        low, high = getattr(loaded.station.limits, LIMITED[channel])
        yield Fault(
            loaded.at("limits", LIMITED[channel]),
            f"{timeline.profile} would set {channel} to {set_point.value:g} in phase {phase!r} at "
            f"{set_point.t_s:g} s; allowed are {low:g} to {high:g}",
        )


def _export_kw(timeline: Timeline) -> float | None:
    """Return the most that house and battery may give the source; None where no generation is moved.

    No limiter is counted on: whether it works is what the run finds out.
    """
    now = {"battery.power_set_kw": 0.0, "site.pv_kw": 0.0, "site.load_kw": 0.0}
    if not any(f"{point.role}.{point.quantity}" == "site.pv_kw" for point in timeline.set_points):
        return None
    most_kw, at_s = 0.0, 0.0
    for point in timeline.set_points:
        if point.t_s > at_s:
            most_kw, at_s = max(most_kw, sum(now.values())), point.t_s
        channel = f"{point.role}.{point.quantity}"
        if channel in now and not isinstance(point.value, str | bool):
            now[channel] = -point.value if channel == "site.load_kw" else point.value
    return max(most_kw, sum(now.values()))


def _powers(
    profile: Profile, timeline: Timeline, loaded: LoadedStation, delta_kw: float, sink_kw: float | None
) -> Iterator[Fault]:
    """Yield what the asked discharge and charge would break: the source's sink, the limit of power."""
    station = loaded.station
    responds = profile.kind == "frequency"
    law = droop_law(station.device, station.station.nominal_hz) if responds else None
    asked = [step.power_kw for step in asked_power(timeline, law)]
    discharge_kw, charge_kw = max([0.0, *asked]), min([0.0, *asked])
    if responds and law is None:
        discharge_kw, charge_kw = delta_kw, -delta_kw
    export_kw = _export_kw(timeline)
    if sink_kw is not None and export_kw is not None and sink_kw < export_kw - 1e-9:
        yield Fault(
            loaded.at("instruments", "source", "sink_kw"),
            f"the source can take back {sink_kw:g} kW, but in {profile.name} battery and generation together "
            f"may give it {export_kw:.4g} kW",
        )
    elif sink_kw is not None and sink_kw < discharge_kw - 1e-9:
        yield Fault(
            loaded.at("instruments", "source", "sink_kw"),
            f"the source can take back {sink_kw:g} kW, but {profile.name} has the battery discharge "
            f"{discharge_kw:.4g} kW into it",
        )
    low, high = station.limits.power_kw
    if responds and not (low <= charge_kw and discharge_kw <= high):
        yield Fault(
            loaded.at("limits", "power_kw"),
            f"{profile.name} has the battery go from {charge_kw:.4g} to {discharge_kw:.4g} kW; "
            f"allowed are {low:g} to {high:g}",
        )


def _resolution(
    profile: Profile, names: Mapping[str, float], loaded: LoadedStation, resolution_hz: float | None
) -> Iterator[Fault]:
    if profile.frequency_resolution_hz is None or resolution_hz is None:
        return
    try:
        needed_hz = evaluate(profile.frequency_resolution_hz, names)
    except ExpressionError as error:
        yield Fault(f"{profile.name}: frequency_resolution_hz", str(error))
        return
    if resolution_hz > needed_hz * (1 + 1e-9):
        yield Fault(
            f"{loaded.path}: instruments.source",
            f"the source sets frequency in steps of {resolution_hz * 1000:g} mHz; {profile.name} needs "
            f"{needed_hz * 1000:g} mHz or finer: a source as coarse as this cannot test it",
        )


def check(
    profile: Profile,
    timeline: Timeline,
    loaded: LoadedStation,
    names: Mapping[str, float],
    *,
    delta_kw: float,
    point: Literal["device", "receiving"] = "device",
    capabilities: Mapping[str, Capabilities] | None = None,
    delta_from: str = "--delta-kw",
) -> list[Fault]:
    """Return everything that forbids the run. Opens nothing.

    ``capabilities`` by role are the drivers' once the station is open; before that the station file alone
    is asked. What neither tells (a sink, a resolution) forbids nothing here; ``doctor`` warns of it.
    """
    capabilities = capabilities or {}
    faults: list[Fault] = delta_faults(delta_kw, loaded.station.device, delta_from)
    parts: Sequence[Iterator[Fault]] = (
        _roles(profile, timeline, loaded, point),
        _outside(timeline, loaded),
        _powers(profile, timeline, loaded, delta_kw, source_sink_kw(loaded, capabilities)),
        _resolution(profile, names, loaded, source_resolution_hz(loaded, capabilities)),
    )
    for part in parts:
        faults += part
    return faults
