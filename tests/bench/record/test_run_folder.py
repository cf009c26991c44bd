"""The run folder: its name, and what happens where it cannot be made."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.record.folder import make_run_folder, write_inputs, write_json

START = dt.datetime(2026, 3, 1, 9, 30, 15, tzinfo=dt.timezone(dt.timedelta(hours=9)))


def test_the_name_is_utc_profile_and_serial(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path / "results", "primary", "AB 12/3-x_蓄電池", False, START)
    assert folder.name == "20260301T003015Z_primary_AB123-x"
    assert (folder / "inputs").is_dir()


def test_simulated_and_a_second_run_in_the_same_second_show_in_the_name(tmp_path: Path) -> None:
    names = [make_run_folder(tmp_path, "tertiary2", "S1", True, START).name for _ in range(3)]
    stem = "20260301T003015Z_tertiary2_S1_simulated"
    assert names == [stem, f"{stem}_2", f"{stem}_3"]


def test_a_serial_without_a_letter_still_has_a_name(tmp_path: Path) -> None:
    assert make_run_folder(tmp_path, "../../x", "/../", False, START).name == "20260301T003015Z_x_unknown"


def test_japanese_folders_work(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path / "試験結果 令和八年", "p", "1", False, START)
    write_json(folder / "a.json", {"名": "蓄電池"})
    assert json.loads((folder / "a.json").read_text(encoding="utf-8")) == {"名": "蓄電池"}


def test_where_no_folder_can_be_made_the_call_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot make a run folder") as caught:
        make_run_folder(tmp_path / "file" / "results", "p", "1", False, START)
    assert caught.value.exit_code == 2


def test_json_never_carries_nan_and_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, [{"value": math.nan, "interval95": (1.0, math.inf)}])
    assert json.loads(path.read_text()) == [{"value": None, "interval95": [1.0, None]}]
    write_json(path, [])
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]


def test_inputs_are_verbatim_and_stay_inside(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, "p", "1", False, START)
    (tmp_path / "grid.csv").write_bytes(b"t_s\r\n1\r\n")
    write_inputs(folder, {"station.toml": "a = 1\r\n"}, {"grid.csv": tmp_path / "grid.csv"})
    assert (folder / "station.toml").read_bytes() == b"a = 1\r\n"
    assert (folder / "inputs" / "grid.csv").read_bytes() == b"t_s\r\n1\r\n"
    with pytest.raises(UsageError, match="plain file name"):
        write_inputs(folder, {"../station.toml": ""})
