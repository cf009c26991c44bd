"""Whatever a file holds, the answer is a station or a UsageError: no traceback, no hang."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config.load import load_profile, load_station, parse_overrides, read_profile, read_rules
from bench.errors import UsageError
from bench.rooms import bundled_profiles
from tests.bench.config.paper_station import STATION

FOLDER = Path(tempfile.mkdtemp(prefix="drready-hostile-"))
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.text(max_size=12),
    st.dates(),
    st.sampled_from(
        ["source.frequency_hz", "nominal_hz", "1 / 0", "os:system", "up", "a" * 300, "__import__('os')"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FILE = st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass"))


def attempt(call: Any, *args: Any) -> Any:
    """Call; a UsageError must carry a message."""
    try:
        return call(*args)
    except UsageError as caught:
        error = caught
    assert error.faults
    assert all(fault.message and len(str(fault)) < 2000 for fault in error.faults)
    return None


def everywhere(tables: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in ``tables``."""
    inside = (
        tables.items() if isinstance(tables, dict) else enumerate(tables) if isinstance(tables, list) else ()
    )
    return [path, *(found for key, value in inside for found in everywhere(value, (*path, key)))]


def changed(tables: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Replace the value at ``path``."""
    node: Any = tables
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return tables


def write(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(data)
    return path


@settings(max_examples=200)
@given(FILE)
def test_any_bytes(data: bytes) -> None:
    path = write("any.toml", data)
    assert attempt(load_station, str(path)) is None
    assert attempt(read_profile, path) is None
    assert attempt(read_rules, path) is None


@settings(max_examples=200)
@given(st.data())
def test_a_station_with_one_value_changed(data: st.DataObject) -> None:
    tables = tomllib.loads(STATION)
    path = data.draw(st.sampled_from(everywhere(tables)[1:]))
    text = tomli_w.dumps(changed(tables, path, data.draw(VALUES)))
    loaded = attempt(load_station, str(write("station.toml", text.encode("utf-8", "surrogatepass"))))
    assert loaded is None or loaded.station.device.rated_kw > 0


@settings(max_examples=200)
@given(st.data())
def test_a_profile_with_one_value_changed(data: st.DataObject) -> None:
    bundled = bundled_profiles()
    name = data.draw(st.sampled_from(sorted(bundled)))
    tables = tomllib.loads(bundled[name].read_text(encoding="utf-8"))
    path = data.draw(st.sampled_from(everywhere(tables)[1:]))
    text = tomli_w.dumps(changed(tables, path, data.draw(VALUES)))
    loaded = attempt(load_profile, str(write("profile.toml", text.encode("utf-8", "surrogatepass"))))
    assert loaded is None or loaded.edition == "2026"


@settings(max_examples=200)
@given(
    st.text(max_size=40),
    st.text(max_size=40),
    st.sampled_from(["", "device.", "limits.", "instruments.source."]),
)
def test_any_override(key: str, value: str, prefix: str) -> None:
    overrides = attempt(parse_overrides, [f"{prefix}{key}={value}"])
    if overrides is not None and overrides.station:
        path = write("right.toml", STATION.encode())
        loaded = attempt(load_station, str(path), overrides.station)
        assert loaded is None or loaded.overrides == overrides.station
