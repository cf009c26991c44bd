"""Whatever a profile that loads says, its plan is a timeline or a UsageError: no traceback, no hang."""

from __future__ import annotations

import math
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config.load import load_profile, load_station
from bench.errors import UsageError
from bench.names import namespace, parameter_values
from bench.plan import (
    build_timeline,
    check,
    choose_delta_kw,
    estimate,
    judged_directions,
    paper_text,
    recording_for,
)
from bench.rooms import bundled_profiles
from tests.bench.config.paper_station import write_station

FOLDER = Path(tempfile.mkdtemp(prefix="drready-hostile-plan-"))
STATION = load_station(str(write_station(FOLDER)))
NUMBERS = st.one_of(
    st.floats(allow_nan=False),
    st.integers(-10, 10**12),
    st.sampled_from(
        ["delta_kw", "1 / (response_s - response_s)", "nominal_hz * 1e300 * 1e300", "-duration_s", "k"]
    ),
)
KEYS = ("duration_s", "repeat", "dither_s", "sample_s", "value", "at_least", "slow_sample_s")


def numbers_in(tables: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of the expressions that move the timeline."""
    inside = (
        tables.items() if isinstance(tables, dict) else enumerate(tables) if isinstance(tables, list) else ()
    )
    found = [(*path, key) for key, _ in inside if key in KEYS or "_hz" in str(key) or "_kw" in str(key)]
    inside = (
        tables.items() if isinstance(tables, dict) else enumerate(tables) if isinstance(tables, list) else ()
    )
    return found + [each for key, value in inside for each in numbers_in(value, (*path, key))]


def planned(name: str, overrides: dict[str, Any], delta_kw: float | None) -> None:
    """Plan as a run does."""
    loaded, lab = load_profile(name), STATION.station
    parameters, _ = parameter_values(loaded.profile, loaded.rules, overrides, lab)
    directions = judged_directions(loaded.profile, lab.device)
    recording = recording_for(loaded.profile, parameters)
    names = namespace(loaded.profile, loaded.rules, lab, None, parameters)
    delta = choose_delta_kw(loaded.profile, names, lab, directions, option=delta_kw, recording=recording)
    names["delta_kw"] = delta.value_kw
    timeline = build_timeline(loaded.profile, names, directions, recording=recording, resolution_hz=0.001)
    estimated = estimate(timeline, loaded.profile, lab, names)
    assert math.isfinite(estimated.soc_end_pct)
    assert paper_text(timeline, estimated, delta_kw=delta.value_kw)
    assert timeline.phases[-1].to_s == timeline.end_s
    assert list(timeline.set_points) == sorted(timeline.set_points, key=lambda point: point.t_s)
    check(loaded.profile, timeline, STATION, names, delta_kw=delta.value_kw)


@settings(max_examples=60)
@given(st.data())
def test_a_profile_with_one_number_changed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(bundled_profiles())))
    tables: Any = tomllib.loads(bundled_profiles()[name].read_text(encoding="utf-8"))
    path = data.draw(st.sampled_from(numbers_in(tables)))
    node = tables
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = data.draw(NUMBERS)
    file = FOLDER / "profile.toml"
    file.write_text(tomli_w.dumps(tables), encoding="utf-8")
    try:
        planned(str(file), {}, data.draw(st.none() | st.floats()))
    except UsageError as error:
        message = str(error)
        assert message
