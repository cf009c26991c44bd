"""ΔkW: asked, declared or computed; the worked numbers of the market's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.config.load import load_profile, load_station
from bench.errors import UsageError
from bench.names import namespace, parameter_values
from bench.plan import DeltaKw, choose_delta_kw, judged_directions
from tests.bench.config.paper_station import write_station

AT_60 = {"station.nominal_hz": 60.0, "limits.frequency_hz": [57.0, 62.0]}


def chosen(
    folder: Path,
    profile: str,
    station: dict[str, Any] | None = None,
    option: float | None = None,
    edition: str | None = None,
) -> DeltaKw:
    loaded = load_profile(profile, edition)
    lab = load_station(str(write_station(folder)), station).station
    parameters, _ = parameter_values(loaded.profile, loaded.rules, {}, lab)
    names = namespace(loaded.profile, loaded.rules, lab, None, parameters)
    directions = judged_directions(loaded.profile, lab.device)
    return choose_delta_kw(loaded.profile, names, lab, directions, option=option)


@pytest.mark.parametrize(
    ("station", "expected_kw"),
    [
        ({}, 0.53625),
        ({"device.declared_droop_pct": 5.0, "device.declared_dead_band_hz": 0.0}, 0.44),
        ({"device.declared_droop_pct": 5.0, "device.declared_dead_band_hz": 0.01}, 0.076 * 5.5),
        (AT_60 | {"device.declared_droop_pct": 5.0, "device.declared_dead_band_hz": 0.0}, 0.2 / 3 * 5.5),
        (AT_60, 5.5 * 0.195 / 2.4),
        ({"station.area": "hokkaido"}, 5.5 * 0.295 / 2.0),
        ({"device.declared_droop_pct": 0.4, "device.declared_dead_band_hz": 0.0}, 5.5),
        ({"device.declared_droop_pct": 0.2, "device.declared_dead_band_hz": 0.0}, 5.5),
    ],
)
def test_primary_follows_the_droop_at_the_abnormal_deviation(
    tmp_path: Path, station: dict[str, Any], expected_kw: float
) -> None:
    found = chosen(tmp_path, "primary", station)
    assert found.value_kw == pytest.approx(expected_kw, rel=1e-12)
    assert "kW ×" in found.why


@pytest.mark.parametrize(
    ("usable_kwh", "expected_kw"), [(None, 3.9), (11.4, 2.9), (11.116, 2.8), (11.118, 2.9), (40.0, 3.9)]
)
def test_the_energy_is_what_is_declared_to_be_usable_else_the_capacity(
    tmp_path: Path, usable_kwh: float | None, expected_kw: float
) -> None:
    # 45 min, 3 h and 5 min more: 3.8336 h
    declared = {} if usable_kwh is None else {"device.usable_kwh": usable_kwh}
    undeclared = {"device.delta_kw": None}
    assert chosen(tmp_path, "tertiary2", undeclared | declared, edition="2021").value_kw == expected_kw


def test_primary_takes_the_rules_droop_where_none_is_declared(tmp_path: Path) -> None:
    path = write_station(
        tmp_path, ("declared_droop_pct = 4.0\n", ""), ("declared_dead_band_hz = 0.005\n", "")
    )
    loaded, lab = load_profile("primary"), load_station(str(path)).station
    names = namespace(loaded.profile, loaded.rules, lab, None)
    found = choose_delta_kw(loaded.profile, names, lab, ("up", "down"))
    assert found.value_kw == pytest.approx(5.5 * 0.19 / 2.5)
    assert "of the rule, since none is declared" in found.why


def test_a_dead_band_wider_than_the_deviation_leaves_nothing_to_test(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leaves no response"):
        chosen(tmp_path, "primary", {"device.declared_dead_band_hz": 0.2})


def test_tertiary2_takes_what_the_declared_energy_sustains(tmp_path: Path) -> None:
    # 5,701 s from the command to its end: 15 kWh would sustain 9.4 kW, so the rating decides
    assert chosen(tmp_path, "tertiary2").value_kw == 5.5
    # 5 kWh: 5 / (5701 / 3600) = 3.157 kW
    smaller = chosen(tmp_path, "tertiary2", {"device.capacity_kwh": 5.0})
    assert smaller.value_kw == 3.1
    assert "5 kWh" in smaller.why
    # a rating between two steps
    assert chosen(tmp_path, "tertiary2", {"device.rated_kw": 5.97}).value_kw == 5.9
    # exactly on a step: 3.1 kW for 5701 s
    exact = {"device.capacity_kwh": 3.1 * 5701 / 3600}
    assert chosen(tmp_path, "tertiary2", exact).value_kw == 3.1


def test_an_edition_that_holds_longer_takes_less(tmp_path: Path) -> None:
    # 2,700 + 10,800 + 301 s: 15 / 3.8336 = 3.913 kW
    assert chosen(tmp_path, "tertiary2", edition="2021").value_kw == 3.9


def test_both_directions_give_back_what_they_took(tmp_path: Path) -> None:
    both = {"device.capacity_kwh": 5.0, "device.directions": ["up", "down"]}
    assert chosen(tmp_path, "tertiary2", both).value_kw == 3.1


def test_a_battery_too_small_for_one_step_asks_for_a_value(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--delta-kw: needed"):
        chosen(tmp_path, "tertiary2", {"device.capacity_kwh": 0.1})
    with pytest.raises(UsageError, match="--delta-kw: needed"):
        chosen(tmp_path, "tertiary2", {"device.rated_kw": 0.05})


def test_the_call_stands_before_the_file_and_the_file_before_the_formula(tmp_path: Path) -> None:
    declared = {"device.delta_kw": 2.0}
    for profile in ("tertiary2", "primary"):
        assert chosen(tmp_path, profile, declared).value_kw == 2.0
        assert chosen(tmp_path, profile, declared, option=1.25).value_kw == 1.25
    assert chosen(tmp_path, "primary", option=5.5).value_kw == 5.5


@pytest.mark.parametrize("option", [5.6, 0.0, -1.0, float("nan"), float("inf"), -float("inf")])
def test_a_wrong_value_is_refused(tmp_path: Path, option: float) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(tmp_path, "tertiary2", option=option)
    assert caught.value.faults[0].place == "--delta-kw"
    assert caught.value.exit_code == 2


def test_a_wrong_value_in_the_file_is_laid_to_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--set device\.delta_kw: 6 kW is above the rating, 5\.5 kW"):
        chosen(tmp_path, "primary", {"device.delta_kw": 6.0})
