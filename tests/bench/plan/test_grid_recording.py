"""A recorded grid frequency: read strictly, rounded openly, played at the right times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config.load import load_profile
from bench.errors import UsageError
from bench.plan import read_grid_recording, recording_for
from bench.rooms import room
from tests.bench.plan.paper import on_paper

REAL = sorted(Path(__file__).parents[3].joinpath("../shared/data").glob("grid_frequency_*.csv"))


def write(folder: Path, text: str) -> Path:
    path = folder / "grid.csv"
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path) -> dict[str, str]:
    with pytest.raises(UsageError) as caught:
        read_grid_recording(path)
    return {fault.place.rpartition("/")[2]: fault.message for fault in caught.value.faults}


def test_a_recording_is_read(tmp_path: Path) -> None:
    text = "\ufefffrequency_hz, note, t_s\r\n50.01,x,10\r\n49.99,y,10.5\r\n50.02,z,11.0\r\n\r\n"
    recording = read_grid_recording(write(tmp_path, text))
    assert recording.t_s.tolist() == [10.0, 10.5, 11.0]
    assert recording.frequency_hz.tolist() == [50.01, 49.99, 50.02]
    assert (recording.nominal_hz, recording.duration_s) == (50.0, 1.5)


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("t_s,frequency_hz\n0,50\n1,abc\n2,50\n", "grid.csv: line 3", "not a finite number: 'abc'"),
        ("t_s,frequency_hz\n0,50\nNaN,50\n", "grid.csv: line 3", "t_s is not a finite number"),
        ("t_s,frequency_hz\n0,50\n1,inf\n", "grid.csv: line 3", "frequency_hz is not a finite number"),
        ("t_s,frequency_hz\n0,50\n1,50\n1,50\n", "grid.csv: line 4", "does not come after 1"),
        ("t_s,frequency_hz\n0,50\n1,0.02\n", "grid.csv: line 3", "is not near 50 or 60"),
        ("t_s,frequency_hz\n0,50\n1,55.5\n", "grid.csv: line 3", "is not near 50 or 60"),
        ("t_s,frequency_hz\n0,50\n1,50,7\n", "grid.csv: line 3", "has 3 fields, the header 2"),
        ("t_s,frequency_hz\n0,50\n1\n", "grid.csv: line 3", "has 1 fields"),
        ("t_s,frequency_hz\n0,50\n", "grid.csv", "at least two rows"),
        ("t_s,frequency_hz\n", "grid.csv", "at least two rows"),
        ("t_s,frequency_hz\n0,50\n1,60\n2,60\n", "grid.csv", "near 50 and near 60"),
    ],
)
def test_nothing_is_repaired(tmp_path: Path, text: str, place: str, hint: str) -> None:
    found = faults(write(tmp_path, text))
    assert list(found) == [place]
    assert hint in found[place]


@pytest.mark.parametrize(
    "text", ["", "time;frequency\n0;50\n", "a,b\n1,2\n", "t_s,frequency_hz,t_s\n1,50,1\n"]
)
def test_a_header_that_is_none(tmp_path: Path, text: str) -> None:
    assert list(faults(write(tmp_path, text))) == ["grid.csv: line 1"]


def test_the_first_faults_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    found = faults(write(tmp_path, "t_s,frequency_hz\n" + "x,50\n" * 500))
    assert len(found) == 11
    assert found["grid.csv"] == "and 490 more lines like these"


def test_a_missing_file(tmp_path: Path) -> None:
    assert faults(tmp_path / "none.csv") == {"none.csv": "no such file"}


@settings(max_examples=150)
@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(lambda t: b"t_s,frequency_hz\n" + t.encode("utf-8", "replace"))
)
def test_any_bytes_give_a_recording_or_a_usage_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    try:
        recording = read_grid_recording(path)
    except UsageError:
        return
    assert len(recording.t_s) >= 2
    assert np.all(np.diff(recording.t_s) > 0)


def test_it_is_played_row_by_row_rounded_to_the_source_with_a_note(tmp_path: Path) -> None:
    recording = read_grid_recording(
        write(tmp_path, "t_s,frequency_hz\n100,50.0114\n100.5,49.9886\n101,50.0149\n")
    )
    timeline = on_paper(tmp_path, "grid_replay", recording=recording, resolution_hz=0.01).timeline
    played = [(p.t_s, p.value) for p in timeline.set_points if p.phase == "replay"]
    assert played == [(30.0, 50.01), (30.5, 49.99), (31.0, 50.01)]
    assert [(p.name, p.from_s, p.to_s) for p in timeline.phases] == [
        ("settle", 0.0, 30.0),
        ("replay", 30.0, 31.5),
        ("rest", 31.5, 61.5),
    ]
    assert "rounded to the source's 0.01 Hz, largest error 4.9 mHz" in timeline.notes[0]
    exact = on_paper(tmp_path, "grid_replay", recording=recording, resolution_hz=None).timeline
    assert [p.value for p in exact.set_points if p.phase == "replay"] == [50.0114, 49.9886, 50.0149]
    assert "resolution is unknown" in exact.notes[0]


def test_a_recording_of_another_nominal_is_played_as_deviations(tmp_path: Path) -> None:
    recording = read_grid_recording(write(tmp_path, "t_s,frequency_hz\n0,50.02\n1,49.8\n"))
    at_60 = {"station.nominal_hz": 60.0, "limits.frequency_hz": [57.0, 62.0]}
    timeline = on_paper(tmp_path, "grid_replay", recording=recording, station=at_60).timeline
    assert [p.value for p in timeline.set_points if p.phase == "replay"] == [60.02, 59.8]
    assert "a 50 Hz recording, played as deviations around 60 Hz" in timeline.notes[0]


def test_the_parameter_names_the_file_and_empty_means_the_bundled_one(tmp_path: Path) -> None:
    profile = load_profile("grid_replay").profile
    path = write(tmp_path, "t_s,frequency_hz\n0,50.02\n1,49.8\n")
    found = recording_for(profile, {"recording": str(path)})
    assert found is not None
    assert found.path == path
    bundled = recording_for(profile, {"recording": ""})
    assert bundled is not None
    assert bundled.path.name == "synthetic_50hz.csv"
    assert recording_for(load_profile("primary").profile, {}) is None
    with pytest.raises(UsageError, match="no such file"):
        recording_for(profile, {"recording": str(tmp_path / "none.csv")})


def test_the_bundled_recording_has_the_documented_statistics() -> None:
    recording = read_grid_recording(room("profiles") / "recordings" / "synthetic_50hz.csv")
    t_s, hz = recording.t_s, recording.frequency_hz
    assert len(t_s) == 6000
    assert np.allclose(np.diff(t_s), 0.1)
    walk = hz[t_s < 400]
    assert 0.016 < walk.std() < 0.024
    assert abs(walk.mean() - 50) < 0.002
    down = hz[(t_s >= 405) & (t_s <= 425)]
    assert down.min() == down.max() == 49.8
    assert hz.min() == 49.8
    assert hz.max() < 50.06
    assert recording.path.stat().st_size < 300_000


def test_the_bundled_recording_is_what_its_script_makes(tmp_path: Path) -> None:
    made = tmp_path / "made.csv"
    subprocess.run([sys.executable, "-m", "profiles.recordings.synthetic", str(made)], check=True)
    assert made.read_bytes() == (room("profiles") / "recordings" / "synthetic_50hz.csv").read_bytes()


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_real_recording_is_read_and_played(tmp_path: Path, path: Path) -> None:
    recording = read_grid_recording(path)
    timeline = on_paper(tmp_path, "grid_replay", recording=recording).timeline
    played = np.array([p.value for p in timeline.set_points if p.phase == "replay"])
    assert len(played) == len(recording.t_s)
    assert np.max(np.abs(played - recording.frequency_hz)) <= 0.0005 + 1e-9
    assert np.allclose(played * 1000, np.round(played * 1000))
