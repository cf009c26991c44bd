"""What forbids a run is found on paper; what does not forbid it is let through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.config.load import LoadedStation
from bench.drivers.base import Capabilities
from bench.errors import Fault
from bench.plan import check
from bench.plan.grid import GridRecording, read_grid_recording
from tests.bench.plan.paper import on_paper


def found(folder: Path, profile: str, **more: Any) -> list[Fault]:
    delta_kw = more.pop("delta_kw", 0.53625 if profile == "primary" else 3.0)
    point = more.pop("point", "device")
    capabilities = more.pop("capabilities", None)
    paper = on_paper(folder, profile, delta_kw=delta_kw, **more)
    return check(
        paper.loaded.profile,
        paper.timeline,
        paper.station,
        paper.names,
        delta_kw=delta_kw,
        point=point,
        capabilities=capabilities,
    )


def places(faults: list[Fault]) -> list[str]:
    return [fault.place.rpartition("/")[2] for fault in faults]


@pytest.mark.parametrize("profile", ["tertiary2", "primary"])
def test_a_right_run_has_no_fault(tmp_path: Path, profile: str) -> None:
    assert found(tmp_path, profile) == []


def test_a_frequency_outside_the_limits(tmp_path: Path) -> None:
    faults = found(tmp_path, "primary", station={"limits.frequency_hz": [49.9, 51.5]})
    assert places(faults) == ["--set limits.frequency_hz"] * 2, "one a phase, not one a step"
    assert "would set source.frequency_hz to 49.8 in phase 'step' at 30 s; allowed are 49.9 to 51.5" in str(
        faults[0]
    )
    assert found(tmp_path, "primary", station={"limits.frequency_hz": [49.8, 50.2]}) == [], (
        "the edge is inside"
    )


def test_a_command_outside_the_limits(tmp_path: Path) -> None:
    faults = found(tmp_path, "tertiary2", station={"limits.power_kw": [-7.0, 2.5]})
    assert places(faults) == ["--set limits.power_kw"]
    assert "battery.power_set_kw to 3 in phase 'response' at 3600 s" in faults[0].message
    assert found(tmp_path, "tertiary2", station={"limits.power_kw": [0.0, 3.0]}) == []


def test_a_response_outside_the_limits(tmp_path: Path) -> None:
    assert places(found(tmp_path, "primary", station={"limits.power_kw": [-0.5, 7.0]})) == [
        "--set limits.power_kw"
    ]
    assert found(tmp_path, "primary", station={"limits.power_kw": [-0.54, 0.54]}) == []


def test_a_source_that_cannot_sink_the_discharge(tmp_path: Path) -> None:
    faults = found(tmp_path, "tertiary2", station={"instruments.source.sink_kw": 2.9})
    assert places(faults) == ["--set instruments.source.sink_kw"]
    assert "can take back 2.9 kW, but tertiary2 has the battery discharge 3 kW into it" in faults[0].message
    assert found(tmp_path, "tertiary2", station={"instruments.source.sink_kw": 3.0}) == []
    assert places(found(tmp_path, "primary", station={"instruments.source.sink_kw": 0.0})) == [
        "--set instruments.source.sink_kw"
    ]
    down = {"instruments.source.sink_kw": 0.0, "device.directions": ["down"]}
    assert found(tmp_path, "tertiary2", station=down) == [], "a charging battery gives nothing back"


def test_the_sink_of_the_driver_counts_where_the_file_says_nothing(tmp_path: Path) -> None:
    cannot = {"source": Capabilities(sink_kw=0.0)}
    assert found(tmp_path, "tertiary2", capabilities=cannot) == [], "the file says 6 kW"
    paper = on_paper(tmp_path, "tertiary2")
    source = paper.station.station.instruments["source"].model_copy(update={"sink_kw": None})
    instruments = {**paper.station.station.instruments, "source": source}
    station = paper.station.station.model_copy(update={"instruments": instruments})
    lab = LoadedStation(station, "x", paper.station.path, "", paper.station.folder)
    arguments: dict[str, Any] = {"delta_kw": 3.0}
    faults = check(paper.loaded.profile, paper.timeline, lab, paper.names, capabilities=cannot, **arguments)
    assert places(faults) == ["lab.toml: instruments.source.sink_kw"]
    assert check(paper.loaded.profile, paper.timeline, lab, paper.names, **arguments) == []


def test_a_source_too_coarse_for_the_profile(tmp_path: Path) -> None:
    coarse = {"instruments.source.resolution_hz": 0.1}
    faults = found(tmp_path, "primary", station=coarse)
    assert places(faults) == ["lab.toml: instruments.source"]
    assert "steps of 100 mHz; primary needs 10 mHz or finer" in faults[0].message
    assert found(tmp_path, "primary", station={"instruments.source.resolution_hz": 0.01}) == []
    assert found(tmp_path, "tertiary2", station=coarse) == [], "it moves no frequency"
    driver = {"source": Capabilities(resolution={"frequency_hz": 0.1})}
    assert places(found(tmp_path, "primary", capabilities=driver)) == ["lab.toml: instruments.source"]


def test_a_rating_is_a_fault_whoever_asks(tmp_path: Path) -> None:
    assert "--delta-kw" in places(found(tmp_path, "tertiary2", delta_kw=6.0))


def test_the_receiving_point_needs_an_element(tmp_path: Path) -> None:
    faults = found(tmp_path, "tertiary2", point="receiving")
    assert places(faults) == ["lab.toml: instruments.meter.receiving_point"]
    wired = {"instruments.meter.receiving_point": 2}
    assert found(tmp_path, "tertiary2", point="receiving", station=wired) == []


def test_roles_that_are_missing_are_named_with_what_they_are_for(tmp_path: Path) -> None:
    paper = on_paper(tmp_path, "primary", delta_kw=0.53625)
    bare = paper.station.station.model_copy(update={"instruments": {}})
    lab = LoadedStation(bare, "x", paper.station.path, "", paper.station.folder)
    faults = check(paper.loaded.profile, paper.timeline, lab, paper.names, delta_kw=0.5)
    assert places(faults) == [
        "lab.toml: instruments.meter",
        "lab.toml: instruments.battery",
        "lab.toml: instruments.source",
    ]
    assert "primary sets source.frequency_hz" in faults[2].message


def test_a_recording_outside_the_limits_is_one_fault(tmp_path: Path) -> None:
    grid = tmp_path / "grid.csv"
    grid.write_text("t_s,frequency_hz\n0,50\n1,49.0\n2,47.2\n3,47.3\n", encoding="utf-8")
    recording: GridRecording = read_grid_recording(grid)
    faults = found(tmp_path, "grid_replay", recording=recording)
    assert "lab.toml: limits.frequency_hz" in places(faults)
    assert sum("source.frequency_hz to 47.2" in fault.message for fault in faults) == 1
