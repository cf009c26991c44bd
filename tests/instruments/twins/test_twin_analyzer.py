"""The analyzer's windows: exact means, its own clock, its own noise, no data where there is none."""

from __future__ import annotations

import math
import statistics

import pytest

from instruments.twins.analyzer import Analyzer
from instruments.twins.config import read_twin
from instruments.twins.world import World
from tests.instruments.twins.worlds import QUIET, order, step, world


def analyzer(made: World, **meter: object) -> Analyzer:
    return Analyzer(read_twin({"meter": meter}).meter, 1, made)


def power_kw(meter: Analyzer, t_s: float, element: int = 0) -> float:
    watts = meter.elements(t_s)[element].power_w
    assert watts is not None
    return watts / 1000.0


@pytest.mark.parametrize("update_s", [0.05, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("clock_offset_s", [0.0, 0.033, -0.07])
def test_a_window_mean_over_ramp_and_lag_is_exact(update_s: float, clock_offset_s: float) -> None:
    made = world(battery={"mode": "remote"})
    meter = analyzer(made, **QUIET, update_s=update_s, clock_offset_s=clock_offset_s)
    order(made, 10.0, power_set_kw=3.0)  # moves from 10.5 on: 5 kW/s for 0.3 s, then a lag of 0.3 s

    def energy(t_s: float) -> float:
        dt_s = t_s - 10.5
        if dt_s <= 0:
            return 0.0
        if dt_s <= 0.3:
            return 2.5 * dt_s**2
        return 0.225 + 3.0 * (dt_s - 0.3) - 1.5 * 0.3 * (1 - math.exp(-(dt_s - 0.3) / 0.3))

    for k in range(40):
        now_s = 10.0 + 0.0731 * k + 0.0002
        made.advance_to(now_s)
        window = meter.window(now_s)
        assert window.to_s <= now_s < window.to_s + update_s
        assert (window.to_s + clock_offset_s) / update_s == pytest.approx(window.number + 1, abs=1e-6)
        expected = (energy(window.to_s) - energy(window.from_s)) / update_s
        assert power_kw(meter, now_s) == pytest.approx(expected, abs=1e-9)


def test_the_frequency_of_a_mixed_window_is_the_mean() -> None:
    made = world()
    meter = analyzer(made, **QUIET)
    step(made, 10.03, 49.8)
    made.advance_to(10.1)
    assert meter.elements(10.1)[0].frequency_hz == pytest.approx(50.0 - 0.2 * 0.7, abs=1e-9)


def test_values_change_only_with_the_window() -> None:
    made = world()
    meter = analyzer(made)
    shown = []
    for k in range(100):
        made.advance_to(5.0 + 0.01 * k)
        shown.append(meter.elements(made.now_s))
    assert len(set(shown)) == 10


def test_noise_is_what_the_station_says_and_white() -> None:
    made = world(battery={"mode": "standby"})
    meter = analyzer(made, noise_kw=0.02, noise_hz=0.003)
    powers, frequencies = [], []
    for k in range(1, 4001):
        made.advance_to(0.1 * k + 0.05)
        element = meter.elements(made.now_s)[0]
        assert element.power_w is not None
        assert element.frequency_hz is not None
        powers.append(element.power_w / 1000.0)
        frequencies.append(element.frequency_hz)
    assert statistics.stdev(powers) == pytest.approx(0.02, rel=0.06)
    assert statistics.stdev(frequencies) == pytest.approx(0.003, rel=0.06)
    assert abs(statistics.mean(powers)) < 4 * 0.02 / math.sqrt(4000)
    assert abs(statistics.correlation(powers[1:], powers[:-1])) < 0.07
    assert abs(statistics.correlation(powers, frequencies)) < 0.07


def test_a_dead_bus_has_no_frequency() -> None:
    made = world(on=False)
    meter = analyzer(made)
    made.advance_to(1.0)
    element = meter.elements(1.0)[0]
    assert (element.frequency_hz, element.voltage_v, element.current_a, element.power_w) == (
        None,
        0.0,
        0.0,
        0.0,
    )
    made.set_voltage(202.0)
    made.set_output(True)
    made.advance_to(1.15)
    assert meter.elements(1.15)[0].frequency_hz is not None


def test_before_its_first_window_it_has_nothing() -> None:
    made = world()
    assert analyzer(made).elements(0.0)[0].power_w is None


def test_no_data_between_two_seconds() -> None:
    made = world()
    meter = analyzer(made, faults=["nan@10-20", "nan@30-31.5"])
    found = {}
    for t_s in (9.95, 10.25, 19.95, 20.15, 25.0, 30.55, 31.45, 31.65):
        made.advance_to(t_s)
        found[t_s] = meter.elements(t_s)[0].power_w is None
    assert found == {
        9.95: False,
        10.25: True,
        19.95: True,
        20.15: False,
        25.0: False,
        30.55: True,
        31.45: True,
        31.65: False,
    }


def test_gain_and_elements() -> None:
    made = world(battery={"mode": "remote"}, house={"load_kw": 1.0})
    meter = analyzer(made, **QUIET, gain_ratio=1.05)
    order(made, 0.0, power_set_kw=3.0)
    made.advance_to(60.0)
    assert power_kw(meter, 60.0, 0) == pytest.approx(1.05 * 3.0, abs=1e-6)
    assert power_kw(meter, 60.0, 1) == pytest.approx(1.05 * 2.0, abs=1e-6)


def test_a_peak_shorter_than_a_window_keeps_its_energy() -> None:
    made = world(
        battery={"mode": "remote", "time_constant_s": 0.0, "ramp_kw_per_s": math.inf, "command_delay_s": 0.0}
    )
    meter = analyzer(made, **QUIET)
    order(made, 10.01, power_set_kw=5.0)
    order(made, 10.03, power_set_kw=0.0)
    made.advance_to(10.1)
    assert power_kw(meter, 10.1) == pytest.approx(5.0 * 0.02 / 0.1, abs=1e-9)
