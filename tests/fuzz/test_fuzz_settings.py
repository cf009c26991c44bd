"""Station, profile, rules, register map, columns and overrides: whatever stands in them."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from bench.config.load import load_profile, load_station, parse_overrides, read_profile, read_rules
from bench.drivers.register_map_load import load_map
from bench.errors import UsageError
from bench.foreign import read_columns
from bench.plan.grid import read_grid_recording
from bench.rooms import bundled_profiles, bundled_rules, bundled_stations, load_object, room
from bench.trials.detect_matrix import read_rows as detect_rows
from fixtures.faults.campaign import read_rows as campaign_rows
from instruments.twins.config import HouseTwin
from instruments.twins.house import House
from tests.fuzz.hostile import NUMBER, TEXT, cases, changed, damaged, folder, survives, without_null

COLUMNS = """
[columns]
t_s = "t_s"
command_kw = "cmd_W * 0.001"
power_kw = "p_meter_W * 0.001"
mode = "mode"
[values]
missing = ["NAN", "INF", "9.91E+37", ""]
[declared]
rated_kw = 5.0
nominal_hz = 50.0
time_zone = "Asia/Tokyo"
directions = ["up", "down"]
simulated = false
"""


def load_twin(path: Path) -> object:
    """Load a station as ``doctor`` does, up to the twin's own table."""
    loaded = load_station(str(path))
    if loaded.station.twin is not None:
        from bench.clock import VirtualClock

        table = {**loaded.station.twin, "link": "direct"}
        host = load_object("instruments.twins.host:TwinHost", "twin")(
            table, loaded.station.station, loaded.station.device, VirtualClock(),
            roles=tuple(loaded.station.instruments), folder=loaded.folder,
        )  # fmt: skip
        host.close()
    return loaded


SOURCES = {
    "station": (sorted(bundled_stations().values()), load_twin),
    "profile": (
        sorted(bundled_profiles().values()),
        lambda path: (read_profile(path), load_profile(str(path))),
    ),
    "rules": (sorted(bundled_rules().values()), read_rules),
    "register map": (sorted((room("fixtures") / "maps").glob("*.toml")), load_map),
    "columns": ([], read_columns),
}


def original(data: st.DataObject, target: str) -> tuple[str, Any]:
    paths, load = SOURCES[target]
    return (data.draw(st.sampled_from(paths)).read_text(encoding="utf-8") if paths else COLUMNS), load


@pytest.mark.parametrize("target", SOURCES)
@cases(25)
@given(data=st.data())
def test_damaged_bytes(target: str, data: st.DataObject) -> None:
    text, load = original(data, target)
    with folder() as at:
        path = at / "file.toml"
        path.write_bytes(damaged(data, text.encode()))
        survives(target, lambda: load(path), at)


@pytest.mark.parametrize("target", SOURCES)
@cases(30)
@given(data=st.data())
def test_changed_values(target: str, data: st.DataObject) -> None:
    text, load = original(data, target)
    tables = without_null(changed(data, tomllib.loads(text)))
    with folder() as at:
        path = at / "file.toml"
        path.write_bytes(tomli_w.dumps(tables).encode("utf-8", "surrogatepass"))
        survives(target, lambda: load(path), at)


TABLES = {
    "grid frequency": ("t_s,frequency_hz", "50.01", read_grid_recording),
    "house": ("t_s,pv_kw", "1.5", lambda path: House(HouseTwin(pv_kw=path.name), path.parent)),
}


@pytest.mark.parametrize("target", TABLES)
@cases(25)
@given(st.lists(st.lists(TEXT | NUMBER.map(str), max_size=3), max_size=4), st.data())
def test_tables_that_a_station_or_profile_names(
    target: str, rows: list[list[str]], data: st.DataObject
) -> None:
    head, value, load = TABLES[target]
    lines = [head, *(f"{t_s},{value}" for t_s in range(20)), *(",".join(row) for row in rows)]
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    with folder() as at:
        path = at / "table.csv"
        path.write_bytes(damaged(data, content) if data.draw(st.booleans()) else content)
        survives(target, lambda: load(path), at)


SEEN = {
    "detect rows": (
        {
            "station": "twin",
            "profile": "droop",
            "part": "",
            "fault": "",
            "outcome": "PASS",
            "roots": [],
            "warnings": [],
        },
        detect_rows,
    ),
    "campaign rows": ({"cell": "a", "wrong": [], "off_s": None, "ended": True}, campaign_rows),
}


@pytest.mark.parametrize("target", SEEN)
@cases(20)
@given(data=st.data())
def test_rows_of_an_earlier_call(target: str, data: st.DataObject) -> None:
    """What ``--resume`` reads: cut by a full disk, or never ours."""
    row, load = SEEN[target]
    lines = [json.dumps(row), json.dumps(changed(data, copy.deepcopy(row)), default=str)]
    content = ("\n".join(lines) + "\n").encode()
    with folder() as at:
        path = at / "rows.jsonl"
        path.write_bytes(damaged(data, content) if data.draw(st.booleans()) else content)
        survives(target, lambda: load(path), at)


@cases(60)
@given(
    st.sampled_from(
        [
            "",
            "device.",
            "limits.",
            "instruments.source.",
            "twin.battery.",
            "profile.",
            "station.",
            "interlock.",
        ]
    ),
    TEXT,
    TEXT,
)
def test_overrides(prefix: str, key: str, value: str) -> None:
    def call() -> None:
        overrides = parse_overrides([f"{prefix}{key}={value}"])
        load_station("twin", overrides.station)

    survives("override", call)


@pytest.mark.parametrize(
    ("load", "content", "told"),
    [
        (TABLES["house"][2], "t_s,pv_kw\n0," + "9" * 200_000, "is no CSV"),
        (TABLES["house"][2], "t_s,pv_kw\n" + "x,y\n" * 100, "and 80 more rows"),
        (detect_rows, '{"station": "twin", "prof', "line 1: is no row of an earlier run"),
        (detect_rows, "[]\n", "line 1: is no row of an earlier run"),
        (campaign_rows, '{"cell": "a"}\n{"cel', "line 2: is not JSON of ours"),
        (campaign_rows, "7\n", "line 1: is no row of a campaign"),
    ],
)
def test_tables_that_once_broke_something(
    tmp_path: Path, load: Callable[[Path], object], content: str, told: str
) -> None:
    path = tmp_path / "file"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        load(path)
