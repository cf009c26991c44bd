"""What names mean in a run: parameters over rules, areas, and what makes a run practice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.config.load import LoadedProfile, load_profile, load_station
from bench.config.profile import Parameter
from bench.config.station import Station
from bench.errors import UsageError
from bench.names import facts, namespace, parameter_values
from tests.bench.config.paper_station import write_station


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return load_station(str(write_station(tmp_path))).station


@pytest.fixture(scope="module")
def tertiary2() -> LoadedProfile:
    return load_profile("tertiary2")


def with_parameters(loaded: LoadedProfile, **parameters: dict[str, Any]) -> Any:
    given = {name: Parameter.model_validate(value) for name, value in parameters.items()}
    return loaded.profile.model_copy(update={"parameters": given})


def test_without_overrides_parameters_are_the_rules(tertiary2: LoadedProfile) -> None:
    values, reasons = parameter_values(tertiary2.profile, tertiary2.rules, {})
    assert values == {
        "baseline_s": 3600.0,
        "response_s": 3600.0,
        "duration_s": 1800.0,
        "interval_s": 300.0,
        "return_s": 600.0,
    }
    assert reasons == []


def test_a_shortened_run_is_practice_and_says_why(tertiary2: LoadedProfile) -> None:
    values, reasons = parameter_values(
        tertiary2.profile, tertiary2.rules, {"duration_s": 60, "interval_s": 600}
    )
    assert reasons == [
        "profile.duration_s = 60 s is below the rule's 1800 s",
        "profile.interval_s = 600 s is above the rule's 300 s",
    ]
    assert values["return_s"] == 1200.0, "another parameter follows the one that was set"


def test_longer_than_the_rule_is_no_practice(tertiary2: LoadedProfile) -> None:
    values, reasons = parameter_values(tertiary2.profile, tertiary2.rules, {"duration_s": "2 * duration_s"})
    assert (values["duration_s"], reasons) == (3600.0, [])


def test_a_bound_means_the_rule_even_where_a_parameter_has_its_name(tertiary2: LoadedProfile) -> None:
    profile = with_parameters(
        tertiary2,
        response_s={"value": "response_s", "at_least": "response_s"},
        step_s={"value": "2 * response_s", "at_least": "2 * response_s"},
    )
    values, reasons = parameter_values(profile, tertiary2.rules, {"response_s": 10})
    assert values == {"response_s": 10.0, "step_s": 20.0}
    assert len(reasons) == 2, "the step is short of the rule too, not only of the shortened parameter"


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("durations_s", 60, "did you mean 'duration_s'?"),
        ("duration_s", True, "expected a number"),
        ("duration_s", [60], "expected a number"),
        ("duration_s", float("nan"), "finite"),
        ("duration_s", float("inf"), "finite"),
        ("duration_s", "long", "unknown name 'long'"),
        ("duration_s", "1 / 0", "division"),
        ("duration_s", "return_s", "defined by itself"),
    ],
)
def test_a_wrong_override_is_refused(tertiary2: LoadedProfile, name: str, value: object, hint: str) -> None:
    overrides = {name: value} | ({"return_s": "duration_s"} if value == "return_s" else {})
    with pytest.raises(UsageError) as caught:
        parameter_values(tertiary2.profile, tertiary2.rules, overrides)
    assert caught.value.faults[0].place == f"--set profile.{name}"
    assert hint in caught.value.faults[0].message


def test_words_and_switches_keep_their_kind(tertiary2: LoadedProfile) -> None:
    profile = with_parameters(
        tertiary2, recording={"text": ""}, fast={"value": False}, limit_kw={"about": "no default"}
    )
    assert parameter_values(profile, tertiary2.rules, {})[0] == {"recording": "", "fast": False}
    given = {"recording": "grid.csv", "fast": True, "limit_kw": 2}
    assert parameter_values(profile, tertiary2.rules, given)[0] == {
        "recording": "grid.csv",
        "fast": True,
        "limit_kw": 2.0,
    }
    for name, wrong in (("recording", 5), ("fast", 1)):
        with pytest.raises(UsageError):
            parameter_values(profile, tertiary2.rules, {name: wrong})


def test_the_namespace_holds_rules_parameters_and_the_run(tertiary2: LoadedProfile, station: Station) -> None:
    names = namespace(tertiary2.profile, tertiary2.rules, station, 3.0, {"duration_s": 60.0, "file": "x"})
    assert names["duration_s"] == 60.0
    assert names["band_ratio"] == 0.10
    assert {
        key: names[key] for key in ("delta_kw", "rated_kw", "capacity_kwh", "nominal_hz", "nominal_v")
    } == {
        "delta_kw": 3.0,
        "rated_kw": 5.5,
        "capacity_kwh": 15.0,
        "nominal_hz": 50.0,
        "nominal_v": 202.0,
    }
    assert "export_limit_kw" not in names
    assert "file" not in names
    assert "delta_kw" not in namespace(tertiary2.profile, tertiary2.rules, station, None)


def test_hokkaido_has_its_own_abnormal_deviation(station: Station) -> None:
    primary = load_profile("primary")
    assert namespace(primary.profile, primary.rules, station, 1.0)["abnormal_hz"] == 0.2
    head = station.station.model_copy(update={"area": "Hokkaido"})
    there = station.model_copy(update={"station": head})
    names = namespace(primary.profile, primary.rules, there, 1.0)
    assert names["abnormal_hz"] == names["abnormal_hokkaido_hz"] == 0.3


def test_facts_are_what_the_estimators_need_and_nothing_unknown(
    tertiary2: LoadedProfile, station: Station
) -> None:
    found = facts(
        tertiary2.profile,
        tertiary2.rules,
        station,
        3.0,
        "device",
        "2026",
        {"duration_s": 60.0, "recording": "grid.csv"},
        directions=("up", "down"),
        window_s=0.1,
        prior_mode=None,
    )
    expected = {
        "delta_kw": 3.0,
        "rated_kw": 5.5,
        "nominal_hz": 50.0,
        "window_s": 0.1,
        "declared_dead_band_hz": 0.005,
        "declared_droop_pct": 4.0,
        "dead_band_kind": "subtracted",
        "droop_base": "rated",
        "directions": ["up", "down"],
        "point": "device",
        "edition": "2026",
        "recording": "grid.csv",
        "duration_s": 60.0,
        "simulated": False,
    }
    assert {key: found[key] for key in expected} == expected
    assert {"prior_mode", "export_limit_kw", "area"}.isdisjoint(found)
