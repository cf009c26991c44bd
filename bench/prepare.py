"""All that can be known of a run on paper, with all its faults at once, before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from bench.config.check_station import driver_class
from bench.config.load import (
    LoadedProfile,
    LoadedStation,
    Overrides,
    load_profile,
    load_station,
    parse_overrides,
)
from bench.drivers.base import Capabilities
from bench.errors import Fault, UsageError
from bench.measure import ESTIMATORS
from bench.names import facts, namespace, parameter_values
from bench.plan import (
    DeltaKw,
    Estimate,
    GridRecording,
    build_timeline,
    check,
    choose_delta_kw,
    estimate,
    judged_directions,
    recording_for,
    source_lists,
    source_resolution_hz,
)
from bench.rooms import bundled_profiles
from bench.timeline import Timeline

__all__ = ["ALL", "Campaign", "Prepared", "RunRequest", "prepare", "prepare_all", "prepare_campaign"]

ALL = "all"
"""In the place of a profile's name: every bundled profile, in the order that planning finds."""

Point = Literal["device", "receiving"]


@dataclass(frozen=True)
class RunRequest:
    """What ``drready run`` was asked to do."""

    profiles: Sequence[str]
    station: str
    edition: str | None = None
    delta_kw: float | None = None
    point: Point = "device"
    overrides: Sequence[str] = ()
    decision: Literal["guarded", "simple"] = "guarded"
    operator: str | None = None
    witness: str | None = None
    out: Path = field(default_factory=lambda: Path("results"))
    lang: Literal["en", "ja"] = "en"
    resume: bool = False
    recharge: bool = False
    record_wire: bool = False

    @property
    def campaign(self) -> bool:
        """True where the order is to be found and the battery recharged between runs."""
        return self.recharge or ALL in self.profiles


@dataclass(frozen=True)
class Campaign:
    """Every bundled profile that this station can do on paper, and why it cannot do the others."""

    plans: tuple[Prepared, ...]
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Prepared:
    """One profile on paper."""

    loaded: LoadedProfile
    station: LoadedStation
    overrides: Overrides
    parameters: Mapping[str, float | str | bool]
    practice_reasons: tuple[str, ...]
    names: Mapping[str, float]
    directions: tuple[Literal["up", "down"], ...]
    delta: DeltaKw
    point: Point
    recording: GridRecording | None
    timeline: Timeline

    def facts(self, **more: Any) -> dict[str, Any]:
        """Return what the estimators get to know of the run; ``more`` is what only an open station tells."""
        loaded = self.loaded
        return facts(
            loaded.profile,
            loaded.rules,
            self.station.station,
            self.delta.value_kw,
            self.point,
            loaded.edition,
            self.parameters,
            directions=self.directions,
            **more,
        )

    def check(self, capabilities: Mapping[str, Capabilities] | None = None) -> list[Fault]:
        """Return what forbids the run; with ``capabilities`` also what only the instruments could tell."""
        return check(
            self.loaded.profile,
            self.timeline,
            self.station,
            self.names,
            delta_kw=self.delta.value_kw,
            point=self.point,
            capabilities=capabilities,
        )

    def estimate(self, soc_pct: float | None = None, reserve_pct: float | None = None) -> Estimate:
        """Return energy, charge and duration as declared; ``reserve_pct`` is what the battery tells."""
        return estimate(
            self.timeline, self.loaded.profile, self.station.station, self.names,
            soc_pct=soc_pct, reserve_pct=reserve_pct,
        )  # fmt: skip


def prepare(
    name: str,
    station: LoadedStation,
    overrides: Overrides,
    *,
    edition: str | None,
    delta_kw: float | None,
    point: Point,
) -> Prepared:
    """Return one profile on paper.

    Raises:
        UsageError: everything that is wrong with it.
    """
    loaded = load_profile(name, edition)
    profile, device = loaded.profile, station.station.device
    unknown = sorted({spec.name for spec in profile.measure} - set(ESTIMATORS))
    if unknown:
        known = ", ".join(sorted(ESTIMATORS))
        raise UsageError(
            [
                Fault(f"{loaded.path}: measure", f"unknown estimator {one!r}; known: {known}")
                for one in unknown
            ]
        )
    parameters, practice = parameter_values(profile, loaded.rules, overrides.profile, station.station)
    directions = judged_directions(profile, device)
    recording = recording_for(profile, parameters)
    names = namespace(profile, loaded.rules, station.station, None, parameters)
    names["receiving"] = float(point == "receiving")
    delta = choose_delta_kw(profile, names, station.station, directions, option=delta_kw, recording=recording)
    names = {**names, "delta_kw": delta.value_kw}
    timeline = build_timeline(
        profile,
        names,
        directions,
        recording=recording,
        resolution_hz=source_resolution_hz(station, {}),
    )
    if profile.prefer_source_list and _plays_lists(station):
        timeline = _with_lists(timeline, station.station.station.nominal_hz)
    prepared = Prepared(
        loaded=loaded,
        station=station,
        overrides=overrides,
        parameters=parameters,
        practice_reasons=tuple(practice),
        names=names,
        directions=directions,
        delta=delta,
        point=point,
        recording=recording,
        timeline=timeline,
    )
    faults = prepared.check()
    if faults:
        raise UsageError(faults)
    return prepared


def _plays_lists(station: LoadedStation) -> bool:
    """Return whether the source's driver can have it play a list, and the station file does not forbid it."""
    source = station.station.instruments.get("source")
    if source is None or source.options().get("use_list", True) is False:
        return False
    driver = driver_class(source.driver, f"{station.path}: instruments.source.driver")
    return bool(getattr(driver, "NATIVE_LIST", None))


def _with_lists(timeline: Timeline, nominal_hz: float) -> Timeline:
    lists = source_lists(timeline.set_points, nominal_hz, timeline.end_s)
    steps = sum(len(played.points) for played in lists)
    note = (
        f"{steps} steps of frequency in {len(lists)} lists that the source plays by its own clock, "
        "each started at the planned time"
    )
    return replace(timeline, lists=lists, notes=(*timeline.notes, note) if lists else timeline.notes)


def prepare_all(request: RunRequest, *, among: Sequence[str] | None = None) -> list[Prepared]:
    """Return every profile of ``request`` on paper; ``among`` are all that share its overrides.

    Raises:
        UsageError: everything that is wrong with any of them.
    """
    if not request.profiles:
        raise UsageError(Fault("PROFILE", "name at least one profile"))
    overrides = parse_overrides(request.overrides)
    station = load_station(request.station, overrides.station)
    faults: list[Fault] = []
    prepared = []
    for name in request.profiles:
        try:
            prepared.append(
                prepare(
                    name,
                    station,
                    _for_profile(name, overrides, among or request.profiles),
                    edition=request.edition,
                    delta_kw=request.delta_kw,
                    point=request.point,
                )
            )
        except UsageError as error:
            faults += error.faults
    if faults:
        raise UsageError(list(dict.fromkeys(faults)))
    return prepared


def prepare_campaign(request: RunRequest) -> Campaign:
    """Return the profiles named, or for ``all`` the bundled ones that can be done here and those that cannot.

    Raises:
        UsageError: the station or an override is wrong, or no profile at all can be run.
    """
    if ALL not in request.profiles:
        return Campaign(tuple(prepare_all(request)), ())
    beside = [name for name in request.profiles if name != ALL]
    if beside:
        raise UsageError(Fault("PROFILE", f"{ALL!r} is every bundled profile; leave out {', '.join(beside)}"))
    load_station(request.station, parse_overrides(request.overrides).station)
    plans: list[Prepared] = []
    left_out: list[tuple[str, str]] = []
    faults: list[Fault] = []
    names = list(bundled_profiles())
    for name in names:
        try:
            plans += prepare_all(replace(request, profiles=[name]), among=names)
        except UsageError as error:
            left_out.append((name, "; ".join(str(fault) for fault in error.faults)))
            faults += error.faults
    if not plans:
        raise UsageError(list(dict.fromkeys(faults)))
    return Campaign(tuple(plans), tuple(left_out))


def _for_profile(name: str, overrides: Overrides, profiles: Sequence[str]) -> Overrides:
    """Return the overrides that concern ``name``: each profile takes the parameters it declares."""
    if len(profiles) == 1 or not overrides.profile:
        return overrides
    declared: dict[str, set[str]] = {}
    for other in profiles:
        declared[other] = set(load_profile(other).profile.parameters)
    somewhere = set().union(*declared.values())
    kept = {
        key: value
        for key, value in overrides.profile.items()
        if key in declared[name] or key not in somewhere
    }
    return Overrides(station=overrides.station, profile=kept)
