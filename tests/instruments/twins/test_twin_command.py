"""Commands, the power stage, state of charge and energy against closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.instruments.twins.worlds import at, order, step, world


@pytest.mark.parametrize("command_delay_s", [0.0, 0.5, 7.25])
def test_power_begins_to_change_after_the_command_delay(command_delay_s: float) -> None:
    made = world(battery={"mode": "remote", "command_delay_s": command_delay_s})
    order(made, 10.0, power_set_kw=3.0)
    assert made.battery.settings.power_set_kw == 3.0  # its registers say so at once
    assert at(made, 10.0 + command_delay_s) == 0.0
    assert at(made, 10.0 + command_delay_s + 0.01) > 0.0


def test_ramp_then_lag() -> None:
    # 3 kW at 5 kW/s with 0.3 s: straight until 1.5 kW are left, then exponential.
    made = world(battery={"mode": "remote"})
    order(made, 10.0, power_set_kw=3.0)
    start_s = 10.5
    assert at(made, start_s + 0.1) == pytest.approx(0.5, rel=1e-9)
    assert at(made, start_s + 0.3) == pytest.approx(1.5, rel=1e-9)
    assert at(made, start_s + 0.3 + 0.3) == pytest.approx(3.0 - 1.5 * math.exp(-1.0), rel=1e-9)
    assert at(made, start_s + 60) == pytest.approx(3.0, abs=1e-8)


def test_a_slow_ramp_reaches_the_band_when_arithmetic_says() -> None:
    made = world(battery={"mode": "remote", "ramp_kw_per_s": 0.001, "time_constant_s": 0.0})
    order(made, 0.0, power_set_kw=3.0)
    assert at(made, 0.5 + 2700.0) == pytest.approx(2.7, rel=1e-9)
    assert at(made, 0.5 + 3000.0) == pytest.approx(3.0, rel=1e-9)


def test_a_command_during_a_change_goes_on_from_where_the_power_is() -> None:
    made = world(battery={"mode": "remote"})
    order(made, 10.0, power_set_kw=3.0)
    order(made, 10.1, power_set_kw=-3.0)
    turn_kw = at(made, 10.6)
    assert turn_kw == pytest.approx(0.5, rel=1e-9)
    assert at(made, 10.7) == pytest.approx(0.0, abs=1e-9)
    assert at(made, 60.0) == pytest.approx(-3.0, abs=1e-8)


def test_the_rating_bounds_the_sum() -> None:
    made = world(battery={"mode": "frequency_response"})
    order(made, 1.0, set_enabled=True, power_set_kw=5.0)
    step(made, 20.0, 48.0)
    assert at(made, 60.0) == pytest.approx(5.5, abs=1e-8)


def test_gain_also_acts_at_the_rating() -> None:
    made = world(battery={"mode": "remote", "gain_ratio": 1.12})
    order(made, 1.0, power_set_kw=5.5)
    assert at(made, 60.0) == pytest.approx(1.12 * 5.5, abs=1e-8)


def test_energy_balances() -> None:
    made = world(
        battery={"mode": "remote", "soc_pct": 50.0, "time_constant_s": 0.0, "ramp_kw_per_s": math.inf}
    )
    order(made, 0.0, power_set_kw=3.0)
    order(made, 3600.0, power_set_kw=-2.0)
    made.advance_to(7200.5)
    store = made.battery.store
    assert store.discharged_kwh(7200.5) == pytest.approx(3.0, rel=1e-12)
    assert store.charged_kwh(7200.5) == pytest.approx(2.0, rel=1e-12)
    assert store.stored_kwh(7200.5) == pytest.approx(7.5 - 3.0 / 0.95 + 2.0 * 0.95, rel=1e-12)


def test_at_its_floor_it_stops_discharging_without_an_error() -> None:
    made = world(battery={"mode": "remote", "soc_pct": 20.0, "efficiency_ratio": 1.0})
    order(made, 0.0, power_set_kw=3.0)
    # 1.5 kWh at 3 kW last half an hour: the ramp and the lag at the start lose 0.6 s of full power.
    lost_s = 0.3 - 0.3 * 0.3 * 5.0 / 2 / 3.0 + 1.5 * 0.3 / 3.0
    empty_s = 0.5 + 1800.0 + lost_s
    assert at(made, empty_s - 0.01) == pytest.approx(3.0, abs=1e-6)
    assert at(made, empty_s + 0.1) < 2.9
    assert at(made, empty_s + 10.0) == pytest.approx(0.0, abs=1e-8)
    assert made.battery.store.soc_pct(empty_s) == pytest.approx(10.0, abs=1e-6)
    assert made.battery.store.soc_pct(made.now_s) == pytest.approx(10.0, abs=0.02)
    assert made.battery.settings.power_set_kw == 3.0
    order(made, 4000.0, power_set_kw=-1.0)
    assert at(made, 4010.0) == pytest.approx(-1.0, abs=1e-6)


def test_when_full_it_stops_charging() -> None:
    made = world(battery={"mode": "remote", "soc_pct": 99.0, "efficiency_ratio": 1.0})
    order(made, 0.0, power_set_kw=-3.0)
    assert at(made, 100.0) == pytest.approx(-3.0, abs=1e-6)
    assert at(made, 400.0) == pytest.approx(0.0, abs=1e-8)
    assert made.battery.store.soc_pct(400.0) == pytest.approx(100.0, abs=0.02)


@pytest.mark.parametrize(
    ("mode", "power_kw"),
    [
        ("auto", 0.5),
        ("standby", 0.0),
        ("remote", 0.0),
        ("charge", -5.5),
        ("discharge", 5.5),
        ("frequency_response", 0.0),
    ],
)
def test_starting_modes(mode: str, power_kw: float) -> None:
    made = world(battery={"mode": mode, "soc_pct": 50.0})
    assert at(made, 30.0) == pytest.approx(power_kw, abs=1e-8)


def test_auto_covers_the_house_and_exports_nothing(tmp_path: Path) -> None:
    (tmp_path / "pv.csv").write_text("t_s,pv_kw\n0,0\n100,2.5\n200,0.25\n")
    made = world(folder=tmp_path, battery={"soc_pct": 50.0}, house={"load_kw": 1.0, "pv_kw": "pv.csv"})
    for t_s, power_kw in ((90.0, 1.0), (190.0, -1.5), (290.0, 0.75)):
        assert at(made, t_s) == pytest.approx(power_kw, abs=1e-8)
        assert made.receiving_kw.value(t_s) == pytest.approx(0.0, abs=1e-8)
    assert at(made, 290.0) > 0.0


def test_the_receiving_point_sees_battery_load_and_sun() -> None:
    made = world(battery={"mode": "remote"}, house={"load_kw": 1.2, "pv_kw": 0.2})
    order(made, 0.0, power_set_kw=3.0)
    made.advance_to(60.0)
    assert made.receiving_kw.value(60.0) == pytest.approx(2.0, abs=1e-8)


def test_bypass_hides_the_battery_from_the_receiving_point() -> None:
    made = world(battery={"mode": "remote"}, house={"load_kw": 1.2, "bypass": True})
    before = made.receiving_kw.value(0.0)
    order(made, 0.0, power_set_kw=3.0)
    assert at(made, 60.0) == pytest.approx(3.0, abs=1e-8)
    assert made.receiving_kw.value(60.0) == before == -1.2


def test_nothing_flows_while_the_source_is_off() -> None:
    made = world(on=False, battery={"mode": "discharge"})
    assert at(made, 60.0) == 0.0
    assert made.receiving_kw.value(60.0) == 0.0
    assert made.battery.store.soc_pct(60.0) == 90.0


@pytest.mark.parametrize(("asked_hz", "set_hz"), [(49.8004, 49.8), (49.8006, 49.801)])
def test_the_source_rounds_to_what_it_can_set(asked_hz: float, set_hz: float) -> None:
    made = world()
    made.set_frequency(asked_hz)
    assert made.source.set_hz == set_hz
    assert made.source.frequency_hz(0.0) == pytest.approx(set_hz, abs=1e-12)


def test_the_source_may_deliver_beside_what_it_says() -> None:
    made = world(source={"offset_hz": 0.03})
    made.set_frequency(49.8)
    assert made.source.set_hz == 49.8
    assert made.source.frequency_hz(0.0) == pytest.approx(49.83)


def test_reserve_raises_the_floor_and_never_lowers_it() -> None:
    made = world(battery={"mode": "discharge", "soc_pct": 50.0, "efficiency_ratio": 1.0})
    order(made, 0.0, reserve_pct=45.0)
    assert at(made, 3600.0) == pytest.approx(0.0, abs=1e-8)
    assert made.battery.store.soc_pct(3600.0) == pytest.approx(45.0, abs=0.05)
    order(made, 3600.0, reserve_pct=0.0)
    order(made, 3601.0, power_set_kw=5.0)
    assert at(made, 20000.0) == pytest.approx(0.0, abs=1e-8)
    assert made.battery.store.soc_pct(20000.0) == pytest.approx(10.0, abs=0.05)
