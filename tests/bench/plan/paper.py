"""Profiles and stations on paper for the planner's tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.config.load import LoadedProfile, LoadedStation, load_profile, load_station
from bench.names import namespace, parameter_values
from bench.plan import GridRecording, build_timeline, judged_directions
from bench.timeline import Timeline
from tests.bench.config.paper_station import write_station


@dataclass(frozen=True)
class Paper:
    """A profile, a station, and the timeline they make."""

    loaded: LoadedProfile
    station: LoadedStation
    names: dict[str, float]
    timeline: Timeline


def on_paper(
    folder: Path,
    profile: str,
    *,
    delta_kw: float = 3.0,
    edition: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    station: Mapping[str, Any] | None = None,
    recording: GridRecording | None = None,
    resolution_hz: float | None = 0.001,
) -> Paper:
    """Plan ``profile`` on the paper station."""
    loaded = load_profile(profile, edition)
    lab = load_station(str(write_station(folder)), station)
    parameters, _ = parameter_values(loaded.profile, loaded.rules, overrides, lab.station)
    names = namespace(loaded.profile, loaded.rules, lab.station, delta_kw, parameters)
    directions = judged_directions(loaded.profile, lab.station.device)
    timeline = build_timeline(
        loaded.profile, names, directions, recording=recording, resolution_hz=resolution_hz
    )
    return Paper(loaded, lab, names, timeline)
