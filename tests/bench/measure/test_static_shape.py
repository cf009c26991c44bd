"""Devices whose response is no straight line: edges, offset and sides are told, and how bent it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.measure.options import Options
from bench.measure.static.characteristic import OPTIONS, static_characteristic
from bench.measure.static.levels import measured_levels
from tests.bench.measure.static_truth import Staircase, droop_case, fine_path, measured, one, value


def off_the_line(bend: float) -> float:
    """Return the largest distance of the levels of a bent device from one straight line, over its last point.

    Ordinary least squares on the levels of one side, each visited out and back, the farthest once.
    """
    away = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.15, 0.1, 0.05, 0.02])
    power = droop_case(bend=bend).curve_kw(-away)
    slope, start = np.polyfit(away, power, 1)
    return float(np.abs(power - slope * away - start).max() / (slope * 0.2 + start))


@pytest.mark.parametrize("bend", [-0.6, -0.3, 0.12, 0.24])
@pytest.mark.parametrize("offset_hz", [0.0, 0.004])
def test_a_bend_is_neither_a_dead_band_nor_an_offset_nor_a_difference_of_the_sides(
    bend: float, offset_hz: float
) -> None:
    found = measured(droop_case(bend=bend, offset_hz=offset_hz, hysteresis_hz=0.002))
    for name, truth in (
        ("dead_band_hz", 0.007),
        ("hysteresis_hz", 0.002),
        ("frequency_offset_hz", offset_hz),
        ("droop_symmetry_ratio", 0.0),
    ):
        metric = one(found, name)
        assert metric.value is not None
        assert metric.uncertainty is not None
        assert abs(metric.value - truth) <= metric.uncertainty < 0.01, name


@pytest.mark.parametrize("bend", [-0.6, -0.3, 0.12, 0.24])
def test_how_far_a_bent_device_is_from_a_line_is_that_of_a_line_through_its_levels(bend: float) -> None:
    found = measured(droop_case(bend=bend))
    for direction in ("up", "down"):
        assert value(found, "droop_linearity_ratio", direction) == pytest.approx(
            off_the_line(bend), abs=0.002
        )


def test_the_time_at_rest_does_not_change_how_bent_a_device_is() -> None:
    path = [0.0, -0.02, -0.05, -0.1, -0.15, -0.2, 0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.0]
    often = [0.0, 0.0, 0.0, 0.0, *path, 0.0, 0.0, 0.0, 0.0]
    few, many = (
        value(measured(droop_case(bend=-0.48, path_hz=np.array(item))), "droop_linearity_ratio", "up")
        for item in (path, often)
    )
    assert many == pytest.approx(few, abs=0.001)


def test_a_difference_of_the_sides_is_told_on_a_bent_device_too() -> None:
    found = one(measured(droop_case(bend=-0.4, droop_over_pct=3.4)), "droop_symmetry_ratio")
    assert found.value is not None
    assert found.uncertainty is not None
    assert found.value == pytest.approx((4.0 - 3.4) / 3.7, abs=found.uncertainty)
    assert found.value - found.uncertainty > 0.1


@pytest.mark.parametrize("limit_kw", [0.32, 0.5])
def test_a_limit_that_only_the_farthest_levels_meet_leaves_the_droop_alone(limit_kw: float) -> None:
    found = measured(droop_case(limit_kw=limit_kw, offset_hz=0.007))
    for name, truth, direction in (("droop_pct", 4.0, "up"), ("dead_band_hz", 0.005, None)):
        metric = one(found, name, direction)
        assert metric.uncertainty is not None
        assert metric.value == pytest.approx(truth, abs=metric.uncertainty)
        assert metric.uncertainty < 0.05


def test_a_line_through_the_origin_may_be_a_dead_band_with_a_step_before_the_first_level() -> None:
    coarse = droop_case(steps=True, dead_band_hz=0.0145)
    found = one(measured(coarse), "dead_band_hz")
    assert found.value is not None
    assert found.uncertainty is not None
    assert found.value + found.uncertainty >= 0.0145
    assert "or with a step, anywhere below 20.0 mHz" in found.note
    # steps of a millihertz leave no room for one
    fine = one(measured(Staircase(path_hz=fine_path(), dead_band_hz=0.0)), "dead_band_hz")
    assert fine.value is not None
    assert fine.uncertainty is not None
    assert fine.value + fine.uncertainty < 0.004
    # a band that is seen is none of that
    seen = one(measured(droop_case(dead_band_hz=0.005)), "dead_band_hz").components
    assert math.isfinite(seen["noise"])
    assert "step" not in seen


def test_a_device_late_behind_a_wandering_frequency_is_not_sure_to_have_slack() -> None:
    steps = np.random.default_rng(3).normal(0.0, 0.004, 3600).cumsum()
    bridge = steps - np.linspace(0.0, steps[-1], len(steps))
    away = 0.12 * bridge / np.abs(bridge).max()
    late = droop_case(path_hz=away, dwell_s=1.0, sample_s=1.0, delay_s=0.0, tau_s=2.8, foreign=True)
    found = one(measured(late), "dead_band_hz")
    assert found.value is not None
    assert found.uncertainty is not None
    assert found.components["lag"] > 0.0
    assert abs(found.value - late.dead_band_hz) <= found.uncertainty < 0.002
    assert "lag" not in one(measured(droop_case(hysteresis_hz=0.002)), "dead_band_hz").components


def test_a_bent_device_with_a_limit_keeps_its_dead_band() -> None:
    side = [0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.15, 0.1, 0.08, 0.06, 0.04, 0.02]
    path = np.r_[0.0, np.negative(side), 0.0, side, 0.0]
    found = one(measured(droop_case(path_hz=path, bend=-0.4, limit_kw=0.35, offset_hz=0.003)), "dead_band_hz")
    assert found.value is not None
    assert found.uncertainty is not None
    assert abs(found.value - 0.005) <= found.uncertainty < 0.001


def test_power_written_down_in_steps_is_no_surer_than_its_steps() -> None:
    plain = droop_case(noise_kw=0.0, offset_hz=0.0)
    exact, rounded = plain.recording(), plain.recording()
    power = rounded.signals["meter.power_kw"]
    in_steps = replace(power, value=np.round(power.value / 0.02) * 0.02)
    rounded = replace(
        rounded,
        signals={**rounded.signals, "meter.power_kw": in_steps},
        accuracy={**rounded.accuracy, "power_resolution_kw": 0.02},
    )
    fine, coarse = (measured_levels(item).kw_var for item in (exact, rounded))
    assert fine.max() < 1e-9
    assert coarse.min() >= 0.02**2 / 12.0
    # the three at rest were rounded to the same
    assert coarse[0] == pytest.approx(3.0 * 0.02**2 / 12.0, rel=0.01)


def test_a_step_between_the_first_levels_of_either_side_is_not_taken_for_no_dead_band() -> None:
    found = one(
        measured(droop_case(steps=True, dead_band_hz=0.02, offset_hz=0.003, noise_kw=0.003)), "dead_band_hz"
    )
    assert found.value is not None
    assert found.uncertainty is not None
    assert found.value + found.uncertainty >= 0.02


@pytest.mark.parametrize("bend", [-0.8, 0.2])
def test_two_levels_before_a_limit_do_not_tell_where_between_levels_the_edge_is(bend: float) -> None:
    """A straight line through both would put the edge up to 4 mHz aside, and be sure of it."""
    found = measured(droop_case(bend=bend, limit_kw=0.2, dead_band_hz=0.008))
    edge, offset = one(found, "dead_band_hz"), one(found, "frequency_offset_hz")
    assert edge.uncertainty is not None
    assert edge.value == pytest.approx(0.008, abs=edge.uncertainty)
    assert edge.value - edge.uncertainty < 0.01 < edge.value + edge.uncertainty
    assert "no curve tells" in edge.note
    assert offset.value == pytest.approx(0.0, abs=0.001)
    # five levels on the lines do
    straight = one(measured(droop_case(dead_band_hz=0.008)), "dead_band_hz")
    assert straight.uncertainty is not None
    assert straight.uncertainty < 0.0003


def test_one_level_before_a_limit_tells_how_steep_a_line_is_at_least() -> None:
    droop_pct = 4.9
    found = one(measured(droop_case(droop_pct=droop_pct, limit_kw=0.09)), "droop_pct", "up")
    assert found.value is not None
    assert found.uncertainty is not None
    assert found.value - found.uncertainty < droop_pct < found.value
    assert "at least" in found.note


def test_a_limit_far_inside_the_staircase_is_measured_to_its_end() -> None:
    away = np.array([0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.2, 0.18, 0.15, 0.12, 0.09, 0.06, 0.03])
    for limit_kw in (0.05, 0.06, 0.1):
        found = measured(droop_case(path_hz=np.r_[0.0, -away, 0.0, away, 0.0], limit_kw=limit_kw))
        for direction in ("up", "down"):
            metric = one(found, "droop_pct", direction)
            assert metric.uncertainty is not None
            assert metric.value == pytest.approx(4.0, abs=metric.uncertainty)


def test_a_limit_on_one_side_leaves_offset_and_droop_alone() -> None:
    recorded = droop_case(offset_hz=0.003)
    recording = recorded.recording()
    power = recording.signals["meter.power_kw"]
    cut = replace(power, value=np.minimum(power.value, 0.33))
    options, _ = Options.resolve("static_characteristic", {}, OPTIONS, recorded.names())
    found = static_characteristic(
        replace(recording, signals={**recording.signals, "meter.power_kw": cut}), options
    )
    for name, truth, direction in (
        ("frequency_offset_hz", 0.003, None),
        ("dead_band_hz", 0.005, None),
        ("droop_pct", 4.0, "up"),
        ("droop_pct", 4.0, "down"),
    ):
        metric = one(found, name, direction)
        assert metric.uncertainty is not None
        assert metric.value == pytest.approx(truth, abs=metric.uncertainty)
        assert metric.uncertainty < 0.06, name


@pytest.mark.parametrize("path_hz", [None, fine_path()], ids=["coarse", "fine"])
def test_a_response_in_stairs_is_no_surer_of_its_edge_than_of_its_stairs(path_hz: np.ndarray | None) -> None:
    """Stairs of 7 % of the response: the first may begin half of one beyond the edge."""
    case = droop_case(dead_band_hz=0.009) if path_hz is None else Staircase(dead_band_hz=0.009)
    recording = case.recording()
    power = recording.signals["meter.power_kw"]
    stair_kw = 0.07 * float(power.value.max())
    stairs = replace(power, value=np.round(power.value / stair_kw) * stair_kw)
    options, _ = Options.resolve("static_characteristic", {}, OPTIONS, case.names())
    found = one(
        static_characteristic(
            replace(recording, signals={**recording.signals, "meter.power_kw": stairs}), options
        ),
        "dead_band_hz",
    )
    assert found.value is not None
    assert found.uncertainty is not None
    assert found.components["model"] > 0.0
    assert abs(found.value - 0.009) <= found.uncertainty


@pytest.mark.parametrize(("droop_pct", "offset_hz"), [(3.0, 0.004), (4.9, 0.0)])
def test_without_a_dead_band_the_offset_is_where_power_is_zero(droop_pct: float, offset_hz: float) -> None:
    case = droop_case(dead_band_hz=0.0, droop_pct=droop_pct, offset_hz=offset_hz)
    found = one(measured(case), "frequency_offset_hz")
    assert found.value == pytest.approx(offset_hz, abs=0.0005)
    assert found.uncertainty is not None
    # half a percent of the rating at rest looks like so much of an offset
    assert 0.005 * droop_pct / 100.0 * 50.0 < found.uncertainty < 0.015


def test_power_at_nominal_without_a_dead_band_is_not_surely_an_offset() -> None:
    """It may be a house behind the meter: nothing in such a staircase tells one from the other."""
    for case in (
        droop_case(dead_band_hz=0.0, meter_offset_kw=0.09),
        droop_case(dead_band_hz=0.0, offset_hz=0.05),
    ):
        found = one(measured(case), "frequency_offset_hz")
        assert found.value is not None
        assert found.uncertainty is not None
        assert abs(found.value) - found.uncertainty < 0.02 < abs(found.value) + found.uncertainty
