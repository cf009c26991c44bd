"""The battery's own frequency response against the textbook."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.twins.world import World
from tests.instruments.twins.worlds import at, order, step, world

FREE = {"mode": "frequency_response", "soc_pct": 50.0}


def droop_kw(
    deviation_hz: float, *, droop_pct: float = 4.0, dead_hz: float = 0.005, nominal_hz: float = 50.0
) -> float:
    beyond_hz = max(abs(deviation_hz) - dead_hz, 0.0)
    return math.copysign(5.5 * beyond_hz / (droop_pct / 100 * nominal_hz), deviation_hz)


@pytest.mark.parametrize("delay_s", [0.0, 0.5, 1.37, 2.3])
@pytest.mark.parametrize("seed", [1, 2, 7])
def test_dead_time_counts_from_the_sampling_instant(delay_s: float, seed: int) -> None:
    made = world(seed=seed, battery={**FREE, "delay_s": delay_s})
    seen_s = step(made, 5.0, 49.8)
    assert 5.0 < seen_s <= 5.05
    start_s = seen_s + delay_s
    assert at(made, start_s - 1e-6) == 0.0
    dt_s = 0.2
    target_kw = droop_kw(0.2)
    assert at(made, start_s + dt_s) == pytest.approx(target_kw * (1 - math.exp(-dt_s / 0.3)), rel=1e-9)


def test_the_sampling_phase_comes_from_the_seed() -> None:
    phases = {world(seed=seed).battery.sampling.phase_s for seed in range(50)}
    assert len(phases) == 50
    assert all(0.0 < phase_s < 0.05 for phase_s in phases)


@settings(max_examples=60)
@given(
    deviation_hz=st.floats(-1.0, 1.0),
    droop_pct=st.floats(0.5, 10.0),
    dead_hz=st.floats(0.0, 0.05),
    nominal_hz=st.sampled_from([50.0, 60.0]),
)
def test_steady_power_is_the_droop_line(
    deviation_hz: float, droop_pct: float, dead_hz: float, nominal_hz: float
) -> None:
    battery = {**FREE, "droop_pct": droop_pct, "dead_band_hz": dead_hz}
    made = world(nominal_hz=nominal_hz, battery=battery, source={"resolution_hz": 1e-6})
    step(made, 1.0, nominal_hz - deviation_hz)
    expected = droop_kw(deviation_hz, droop_pct=droop_pct, dead_hz=dead_hz, nominal_hz=nominal_hz)
    limited = min(max(expected, -5.5), 5.5)
    assert at(made, 60.0) == pytest.approx(limited, abs=3e-5)


@pytest.mark.parametrize(
    ("frequency_hz", "answers"), [(49.996, False), (50.004, False), (49.99, True), (50.01, True)]
)
def test_dead_band(frequency_hz: float, answers: bool) -> None:
    made = world(battery=FREE)
    step(made, 1.0, frequency_hz)
    power_kw = at(made, 30.0)
    assert (power_kw != 0.0) is answers
    if answers:
        assert power_kw == pytest.approx(droop_kw(50.0 - frequency_hz), rel=1e-6)


def staircase(made: World, deviations_mhz: list[int]) -> dict[tuple[int, int], float]:
    """Walk through deviations, 10 s each; return the power at the end of each by (number, deviation)."""
    found = {}
    for number, deviation in enumerate(deviations_mhz):
        start_s = 10.0 + 10.0 * number
        step(made, start_s, 50.0 - deviation / 1000)
        found[number, deviation] = at(made, start_s + 9.9)
    return found


def test_hysteresis_moves_both_branches_by_its_half_width() -> None:
    made = world(battery={**FREE, "hysteresis_hz": 0.003})
    out_and_back = [*range(30), *range(30, -1, -1)]
    powers = staircase(made, out_and_back)
    gain = 5.5 / (0.04 * 50.0)
    for (number, deviation), power_kw in powers.items():
        edge_hz = 0.005 + 0.003 if number <= 30 else 0.005 - 0.003
        # On the way back the backlash is taken up first: the output stays where the outward branch left it.
        top_kw = gain * (0.030 - 0.008)
        branch_kw = gain * max(deviation / 1000 - edge_hz, 0.0)
        expected = branch_kw if number <= 30 else min(branch_kw, top_kw)
        assert power_kw == pytest.approx(expected, abs=1e-6)


def test_without_hysteresis_the_branches_are_one() -> None:
    made = world(battery=FREE)
    powers = staircase(made, [*range(20), *range(20, -1, -1)])
    for deviation in range(20):
        there, back = (power for (_, d), power in powers.items() if d == deviation)
        assert there == pytest.approx(back, abs=1e-8)


def test_its_frequency_error_shifts_the_curve() -> None:
    made = world(battery={**FREE, "frequency_offset_hz": 0.02})
    step(made, 1.0, 49.98)  # reads 50.000
    assert at(made, 30.0) == 0.0
    step(made, 31.0, 50.0)  # reads 50.020: charges
    assert at(made, 60.0) == pytest.approx(droop_kw(-0.02), rel=1e-6)
    assert made.battery.measured_hz(60.0) == pytest.approx(50.02)


@pytest.mark.parametrize("gain_ratio", [1.0, 0.88, 1.12, 0.0, -1.0])
def test_gain(gain_ratio: float) -> None:
    made = world(battery={**FREE, "gain_ratio": gain_ratio})
    step(made, 1.0, 49.8)
    assert at(made, 60.0) == pytest.approx(gain_ratio * droop_kw(0.2), rel=1e-6, abs=1e-12)


def test_slow_sampling_sees_a_step_late() -> None:
    made = world(battery={**FREE, "measurement_interval_s": 2.0, "delay_s": 0.1})
    seen_s = step(made, 10.0, 49.8)
    assert 10.0 < seen_s <= 12.0
    assert at(made, seen_s + 0.1 - 1e-6) == 0.0
    assert at(made, seen_s + 0.1 + 1e-3) > 0.0


def test_a_pulse_between_two_samples_is_not_seen() -> None:
    made = world(battery={**FREE, "measurement_interval_s": 2.0})
    seen_s = step(made, 10.0, 49.8)
    step(made, 10.0 + (seen_s - 10.0) / 2, 50.0)
    assert at(made, 30.0) == 0.0


def test_a_sloping_source_is_followed_sample_by_sample() -> None:
    made = world(
        battery={**FREE, "time_constant_s": 0.0, "ramp_kw_per_s": math.inf}, source={"slew_hz_per_s": 0.1}
    )
    step(made, 10.0, 49.8)  # two seconds long
    t_s = 11.5
    sampling = made.battery.sampling
    last_s = sampling.instant_s(sampling.after(t_s - 0.5) - 1)
    assert at(made, t_s) == pytest.approx(droop_kw(0.1 * (last_s - 10.0)), rel=1e-9)
    assert at(made, 13.0) == pytest.approx(droop_kw(0.2), rel=1e-9)


def test_response_adds_to_the_set_point_when_both_are_on() -> None:
    made = world(battery=FREE)
    order(made, 1.0, set_enabled=True, power_set_kw=2.0)
    step(made, 20.0, 49.8)
    assert at(made, 60.0) == pytest.approx(2.0 + droop_kw(0.2), rel=1e-6)


def test_a_dead_bus_stops_it_at_once_and_it_starts_afresh() -> None:
    made = world(battery=FREE)
    step(made, 1.0, 49.8)
    assert at(made, 10.0) > 0.5
    made.set_output(False)
    assert at(made, 10.0) == 0.0
    assert at(made, 11.0) == 0.0
    assert made.battery.measured_hz(11.0) is None
    made.set_output(True)
    seen_s = made.battery.sampling.instant_s(made.battery.sampling.after(11.0))
    assert at(made, seen_s + 0.5 - 1e-6) == 0.0
    assert at(made, 20.0) == pytest.approx(droop_kw(0.2), rel=1e-6)
