"""Station, profile, rules, register map, columns and overrides: whatever stands in them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from bench.config.load import load_profile, load_station, parse_overrides, read_profile, read_rules
from bench.drivers.register_map_load import load_map
from bench.foreign import read_columns
from bench.rooms import bundled_profiles, bundled_rules, bundled_stations, load_object, room
from tests.fuzz.hostile import TEXT, cases, changed, damaged, folder, survives, without_null

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
