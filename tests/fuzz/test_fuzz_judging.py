"""Right in form, wild in value: what a columns file declares, profiles put on paper, rules that judge."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from bench.config.load import read_profile
from bench.errors import NoRunFolder, UsageError
from bench.expr import ExpressionError, evaluate
from bench.judge import verdict_json
from bench.prepare import RunRequest
from bench.rescore import plan_run, score
from bench.rooms import bundled_profiles
from bench.score_file import judge_file
from tests.fuzz.folders import copy
from tests.fuzz.hostile import cases, changed, folder, places, survives, without_null
from tests.fuzz.test_fuzz_recordings import ALL_PROFILES, table

WILD = st.floats() | st.sampled_from(
    [0.0, -1.0, 5e-324, 1e-9, 0.5, 50.0, 1e6, 1e18, 1e308, -1e308, float("nan"), float("inf")]
)
DECLARED = (
    "rated_kw",
    "nominal_hz",
    "droop_pct",
    "dead_band_hz",
    "window_s",
    "export_limit_kw",
    "clock_offset_s",
)
ACCURACY = ("power_reading_pct", "power_range_kw", "power_range_pct", "frequency_hz", "time_s")


@cases(25)
@given(
    st.dictionaries(st.sampled_from(DECLARED), WILD, max_size=4),
    st.dictionaries(st.sampled_from(ACCURACY), WILD, max_size=3),
    st.sampled_from(ALL_PROFILES),
    st.just(3.0) | WILD,
)
def test_wild_declarations(
    declared: dict[str, float], accuracy: dict[str, float], profile: str, delta_kw: float
) -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table(table()), stream)
    with folder() as at:
        path, columns = at / "file.parquet", at / "columns.toml"
        path.write_bytes(stream.getvalue())
        columns.write_text(tomli_w.dumps({"declared": declared, "accuracy": accuracy}), encoding="utf-8")

        def call() -> None:
            verdict = judge_file(path, profile=profile, delta_kw=delta_kw, columns=columns)[2]
            assert "NaN" not in verdict_json(verdict)

        survives("declared", call, at)


def numbers_changed(data: st.DataObject, tables: object) -> object:
    """Replace up to three numbers by wild ones: most of it stays a file that loads."""
    found = [path for path in places(tables)[1:] if _is_number(tables, path)]
    for path in data.draw(st.lists(st.sampled_from(found), min_size=1, max_size=3)) if found else ():
        node: object = tables
        for key in path[:-1]:
            node = node[key]  # type: ignore[index]
        wild = data.draw(WILD | st.integers(-(10**6), 10**12))
        node[path[-1]] = wild  # type: ignore[index]
    return tables


def _is_number(tables: object, path: tuple[object, ...]) -> bool:
    for key in path:
        tables = tables[key]  # type: ignore[index]
    return isinstance(tables, int | float) and not isinstance(tables, bool)


@cases(12)
@given(data=st.data())
def test_wild_profiles_on_paper(data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(sorted(bundled_profiles().values())))
    tables = tomllib.loads(source.read_text(encoding="utf-8"))
    tables = numbers_changed(data, tables) if data.draw(st.booleans()) else changed(data, tables)
    with folder() as at:
        path = at / "profile.toml"
        path.write_bytes(tomli_w.dumps(without_null(tables)).encode("utf-8", "surrogatepass"))
        survives("plan", lambda: plan_run(RunRequest((str(path),), station="twin", out=at / "results")), at)


@cases(12)
@given(data=st.data())
def test_wild_settings_on_paper(data: st.DataObject) -> None:
    """Every parameter that a profile declares, and numbers of the station."""
    name = data.draw(st.sampled_from(ALL_PROFILES))
    parameters = sorted(read_profile(bundled_profiles()[name])[0].parameters)
    keys = [f"profile.{key}" for key in parameters]
    keys += [
        f"device.{key}" for key in ("rated_kw", "capacity_kwh", "declared_droop_pct", "declared_dead_band_hz")
    ]
    keys += ["station.nominal_hz", "station.period_s", "limits.frequency_hz", "twin.battery.soc_pct"]
    sets = [
        f"{key}={data.draw(WILD)!r}"
        for key in data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3))
    ]
    delta_kw = data.draw(st.none() | WILD)
    with folder() as at:
        request = RunRequest(
            (name,), station="twin", out=at / "results", overrides=tuple(sets), delta_kw=delta_kw
        )
        survives("plan", lambda: plan_run(request), at)


@cases(6)
@given(data=st.data())
def test_wild_rules_and_profiles_of_a_run(run: Path, data: st.DataObject) -> None:
    """What a folder of others says it was judged by."""
    with folder() as at:
        found = copy(run, at)
        path = found / data.draw(st.sampled_from(["rules.toml", "profile.toml", "station.toml"]))
        tables = numbers_changed(data, tomllib.loads(path.read_text(encoding="utf-8")))
        path.write_text(tomli_w.dumps(tables), encoding="utf-8")  # type: ignore[arg-type]
        info = json.loads((found / "run.json").read_text(encoding="utf-8"))
        if data.draw(st.booleans()):
            (found / "run.json").write_text(
                json.dumps(numbers_changed(data, info), default=str), encoding="utf-8"
            )
        profile = data.draw(st.none() | st.sampled_from(ALL_PROFILES))
        survives("judged by others", lambda: verdict_json(score(found, profile=profile)), at)


@pytest.mark.parametrize("expression", ["ceil(1e308*10 - 1e308*10)", 10**400, "1e308 * 10", float("inf")])
def test_arithmetic_without_a_finite_value(expression: str | float) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression, {})


@pytest.mark.parametrize(
    ("declared", "accuracy", "delta_kw", "told"),
    [
        ({}, {"frequency_hz": 1e198}, 3.0, "accuracy.frequency_hz"),
        ({}, {}, 5e-324, "no power of a device"),
        (
            {"rated_kw": 5.0, "nominal_hz": 50.0, "droop_pct": 4.0, "dead_band_hz": 0.3},
            {},
            None,
            "make a ΔkW of -",
        ),
    ],
)
def test_declarations_that_once_broke_something(
    tmp_path: Path, declared: dict[str, float], accuracy: dict[str, float], delta_kw: float | None, told: str
) -> None:
    path, columns = tmp_path / "file.parquet", tmp_path / "columns.toml"
    pq.write_table(pa.table(table()), path)
    columns.write_text(tomli_w.dumps({"declared": declared, "accuracy": accuracy}), encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        judge_file(path, profile="primary", delta_kw=delta_kw, columns=columns)


@pytest.mark.parametrize("delta_kw", [0.0, 5e-324, -1.0, 1e308])
def test_a_run_of_no_power_is_damaged(run: Path, tmp_path: Path, delta_kw: float) -> None:
    found = copy(run, tmp_path)
    info = json.loads((found / "run.json").read_text(encoding="utf-8"))
    (found / "run.json").write_text(json.dumps(info | {"delta_kw": delta_kw}), encoding="utf-8")
    with pytest.raises(NoRunFolder, match=r"run\.json: delta_kw"):
        score(found, profile="tertiary2")


@pytest.mark.parametrize(
    ("file", "key", "value", "told"),
    [
        ("profile.toml", "parameters", 1e308, "is no time of a test"),
        ("profile.toml", "parameters", 1e-9, "is no time of a test"),
        ("rules.toml", "rules", 1e-9, "is no time of a test"),
    ],
)
def test_times_of_others_that_once_hung(
    run: Path, tmp_path: Path, file: str, key: str, value: float, told: str
) -> None:
    found = copy(run, tmp_path)
    tables = tomllib.loads((found / file).read_text(encoding="utf-8"))
    name = next(name for name in tables[key] if name.endswith("_s") and "value" in tables[key][name])
    tables[key][name]["value"] = value
    (found / file).write_text(tomli_w.dumps(tables), encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        score(found)
