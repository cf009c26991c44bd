"""Energy, state of charge and duration on paper, against hand arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.plan import Estimate, estimate, paper_rows, paper_text
from bench.plan.energy import droop_law
from bench.prepare import RunRequest, prepare_all
from bench.timeline import Timeline
from tests.bench.plan.paper import on_paper


def made(folder: Path, profile: str, soc_pct: float | None = None, **more: Any) -> tuple[Timeline, Estimate]:
    paper = on_paper(folder, profile, **more)
    found = estimate(
        paper.timeline, paper.loaded.profile, paper.station.station, paper.names, soc_pct=soc_pct
    )
    return paper.timeline, found


def test_tertiary2_takes_its_command_times_its_length(tmp_path: Path) -> None:
    _, found = made(tmp_path, "tertiary2")
    energy_kwh = 3.0 * (3600 + 2101) / 3600
    assert found.discharged_kwh == pytest.approx(energy_kwh)
    assert found.charged_kwh == 0.0
    assert (found.soc_start_pct, found.soc_assumed) == (100.0, True)
    assert found.soc_end_pct == pytest.approx(100 - energy_kwh / 15 * 100)
    assert [phase.energy_kwh for phase in found.phases] == pytest.approx([0.0, 3.0, 3.0 * 2101 / 3600, 0.0])
    assert found.duration_s == 9901.0
    assert found.warnings == ()


def test_too_little_charge_is_warned_of_with_the_time_it_is_gone(tmp_path: Path) -> None:
    _, found = made(tmp_path, "tertiary2", soc_pct=30.0)
    # 4.5 kWh at 3 kW last 5,400 s from the command at 3,600 s
    assert found.warnings == (
        "starting at 30 %, the battery would be empty 9000 s into the run (phase 'hold'), "
        "901 s before its end",
    )
    [may] = made(tmp_path, "tertiary2", soc_pct=32.0)[1].warnings
    assert "may be empty before the end" in may
    assert "(assumed; declare [device] usable_kwh)" in may


@pytest.mark.parametrize(("usable_kwh", "warned"), [(4.8, False), (4.7, True)])
def test_what_the_device_declares_to_be_usable_stands_before_what_is_assumed(
    tmp_path: Path, usable_kwh: float, warned: bool
) -> None:
    declared = {"device.usable_kwh": usable_kwh}  # the run takes 4.75 kWh
    assert bool(made(tmp_path, "tertiary2", 90.0, station=declared)[1].warnings) is warned


@pytest.mark.parametrize("declared", [{}, {"device.usable_kwh": 6.0}])
def test_a_reserve_that_the_battery_tells_is_warned_of_whatever_was_declared(
    tmp_path: Path, declared: dict[str, float]
) -> None:
    paper = on_paper(tmp_path, "tertiary2", station=declared)  # takes 4.75 kWh of 15 kWh
    given = (paper.timeline, paper.loaded.profile, paper.station.station, paper.names)
    assert estimate(*given, soc_pct=90.0, reserve_pct=50.0).warnings == ()
    [stops] = estimate(*given, soc_pct=90.0, reserve_pct=59.0).warnings
    assert "takes 4.75 kWh, and above the reserve of 59 % that it tells there are 4.65 kWh" in stops


@pytest.mark.parametrize(("delta_kw", "warned"), [(0.53625, False), (0.59, False), (0.6, True), (3.0, True)])
def test_more_than_the_declared_droop_gives_is_warned_of(
    tmp_path: Path, delta_kw: float, warned: bool
) -> None:
    """5.5 kW, 4 % and 5 mHz give 0.536 kW at 0.2 Hz; a tenth of ΔkW is allowed for."""
    warnings = made(tmp_path, "primary", 50.0, delta_kw=delta_kw)[1].warnings
    assert ["gives 0.536 kW at 0.2 Hz" in text for text in warnings] == [True] * warned


def test_a_command_ends_where_the_device_is_let_go_and_a_mode_moves_energy() -> None:
    """Four minutes at 5.5 kW each in charge and discharge, and 30 s at half of it four times."""
    (prepared,) = prepare_all(RunRequest(["mode_restore"], "twin"))
    found = prepared.estimate(90.0)
    control_kwh = 4 * 2.75 * 30 / 3600
    mode_kwh = 5.5 * (80 + 30 + 120 + 5) / 3600
    assert found.charged_kwh == pytest.approx(mode_kwh)
    assert found.discharged_kwh == pytest.approx(mode_kwh + control_kwh)


def test_what_is_usable_of_a_full_battery_is_less_where_it_starts_with_less(tmp_path: Path) -> None:
    declared = {"device.usable_kwh": 6.0}  # of 15 kWh; the run takes 4.75 kWh
    assert made(tmp_path, "tertiary2", 85.0, station=declared)[1].warnings == ()
    [lacking] = made(tmp_path, "tertiary2", 75.0, station=declared)[1].warnings
    assert "of the usable 6 kWh about 2.02 kWh are lacking" in lacking
    assert made(tmp_path, "tertiary2", station=declared)[1].warnings == ()


@pytest.mark.parametrize(
    ("limits", "warned"), [([0.0, 7.0], True), ([-0.05, 7.0], True), ([-0.1, 7.0], False)]
)
def test_limits_without_room_for_power_at_rest_are_warned_of(
    tmp_path: Path, limits: list[float], warned: bool
) -> None:
    warnings = made(tmp_path, "tertiary2", 90.0, station={"limits.power_kw": limits})[1].warnings
    assert ["power at rest" in text for text in warnings] == [True] * warned


@pytest.mark.parametrize(("cap_kw", "load"), [(2.5, ["a load of 0.5 kW"]), (3.0, []), (None, [])])
def test_more_power_than_may_be_exported_needs_a_load(
    tmp_path: Path, cap_kw: float | None, load: list[str]
) -> None:
    declared = {} if cap_kw is None else {"device.export_limit_kw": cap_kw}
    warnings = made(tmp_path, "tertiary2", 90.0, station=declared)[1].warnings
    assert [part in text for text, part in zip(warnings, load, strict=True)] == [True] * len(load)
    # a profile that judges no export has nothing to say of it
    assert made(tmp_path, "metering", 90.0, station=declared)[1].warnings == ()


def test_a_full_battery_cannot_charge(tmp_path: Path) -> None:
    down = {"device.directions": ["down"]}
    assert "would be full 3600 s" in made(tmp_path, "tertiary2", 100.0, station=down)[1].warnings[0]
    _, best = made(tmp_path, "tertiary2", station=down)
    assert (best.soc_start_pct, best.warnings) == (0.0, ())
    assert best.charged_kwh == pytest.approx(3.0 * 5701 / 3600)


def test_more_than_the_capacity_cannot_fit_whatever_the_charge(tmp_path: Path) -> None:
    _, found = made(tmp_path, "tertiary2", station={"device.capacity_kwh": 4.0})
    assert found.warnings[0] == "the run moves 4.75 kWh, more than the declared capacity of 4 kWh"
    assert "empty 8400 s into the run" in found.warnings[1]


def test_a_run_that_moves_more_than_the_capacity_both_ways_starts_somewhere_real(tmp_path: Path) -> None:
    tiny = {"device.capacity_kwh": 0.04}
    _, found = made(tmp_path, "primary", delta_kw=0.53625, station=tiny)
    assert 0.0 <= found.soc_start_pct <= 100.0
    assert found.warnings[0].startswith("the run moves")
    assert any("would be empty" in warning for warning in found.warnings)


def test_primary_asks_its_droop_of_both_holds(tmp_path: Path) -> None:
    _, found = made(tmp_path, "primary", delta_kw=0.53625)
    one_way_kwh = 0.53625 * (5 * 20 + 340) / 3600
    assert found.discharged_kwh == pytest.approx(one_way_kwh, rel=1e-6)
    assert found.charged_kwh == pytest.approx(one_way_kwh, rel=1e-6)
    assert found.soc_end_pct == pytest.approx(found.soc_start_pct)


def test_the_droop_as_declared(tmp_path: Path) -> None:
    device = on_paper(tmp_path, "primary").station.station.device
    law = droop_law(device, 50.0)
    assert law is not None
    assert law(49.8) == pytest.approx(0.53625)
    assert law(50.2) == pytest.approx(-0.53625)
    assert law(50.005) == law(49.995) == law(50.0) == 0.0
    assert law(40.0) == 5.5
    stepped = droop_law(device.model_copy(update={"dead_band_kind": "step"}), 50.0)
    assert stepped is not None
    assert stepped(49.8) == pytest.approx(0.55)
    assert stepped(49.996) == 0.0
    assert droop_law(device.model_copy(update={"declared_droop_pct": None}), 50.0) is None


def test_the_plan_as_text(tmp_path: Path) -> None:
    timeline, found = made(tmp_path, "tertiary2")
    rows = paper_rows(timeline, found)
    assert rows[1].cells() == (
        "1:00:00",
        "response up",
        "1:00:00",
        "battery.power_set_kw = 3",
        "+3.000",
        "80.0 %",
    )
    assert rows[0].commands == "battery.start; source.frequency_hz = 50; battery.power_set_kw = 0"
    text = paper_text(timeline, found, delta_kw=3.0, why="as asked")
    assert text.splitlines()[0] == "tertiary2: ΔkW 3 kW = as asked"
    assert "length 2:45:01; out 4.751 kWh, in 0.000 kWh; charge 100.0 % (assumed) to 68.3 %" in text
    assert not any(line != line.rstrip() for line in text.splitlines())
