"""Following a command: each kind of device, and the metric and root finding that must tell."""

from __future__ import annotations

from typing import Any

import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Metric
from tests.bench.measure.synthetic import Following

COMMAND_S = 3600.0
JUDGED_S = 7200.0


def metrics(case: Following) -> list[Metric]:
    return measure(case.recording(), [MeasureSpec(name="following")], case.names())


def one(found: list[Metric], name: str, phase: str | None = None, direction: str = "up") -> Metric:
    match = [
        m
        for m in found
        if m.name == name and m.scope.direction == direction and (phase is None or m.scope.phase == phase)
    ]
    assert len(match) == 1, f"{len(match)} metrics {name} {phase} {direction}"
    return match[0]


def value(metric: Metric) -> float:
    assert metric.value is not None
    return metric.value


def test_a_good_device() -> None:
    found = metrics(Following())
    assert value(one(found, "band_deviation_kw", "baseline")) < 0.01
    assert value(one(found, "band_deviation_kw", "hold")) < 0.01
    response = one(found, "response_s")
    # 0.5 s until it moves, 2.7 kW at 5 kW/s until it is inside
    assert value(response) == pytest.approx(1.04, abs=0.3)
    assert response.interval95 is not None
    assert response.interval95[0] is not None
    assert response.interval95[1] is not None
    assert response.interval95[0] <= 1.04 <= response.interval95[1]
    hold = one(found, "hold_s")
    assert hold.state == "measured"
    assert hold.value == 2100.0
    assert hold.interval95 == (2100.0, 2100.0)
    assert one(found, "stay_ratio").value == 1.0
    assert value(one(found, "return_s")) < 3.0
    assert all(m.follows is None for m in found)


def test_uncertainty_of_a_point_is_meter_and_noise() -> None:
    found = metrics(Following(noise_kw=0.02))
    point = one(found, "band_deviation_kw", "hold")
    limit = 3.0 * 0.1 / 100 + 6.0 * 0.05 / 100
    assert point.components["meter"] == pytest.approx(limit / 3**0.5, rel=0.02)
    assert point.components["noise"] == pytest.approx(0.02, rel=0.35)
    assert point.uncertainty == pytest.approx(2 * (0.02**2 + limit**2 / 3) ** 0.5, rel=0.35)


@pytest.mark.parametrize(("gain", "percent"), [(0.88, 88), (1.12, 112)])
def test_wrong_level_fails_the_band_and_the_rest_follows(gain: float, percent: int) -> None:
    found = metrics(Following(gain=gain))
    band, response, hold = (
        one(found, "band_deviation_kw", "hold"),
        one(found, "response_s"),
        one(found, "hold_s"),
    )
    assert value(band) == pytest.approx(0.36, abs=0.01)
    assert band.follows is None
    assert f"settled at {percent} %" in band.note
    assert (response.state, response.value, response.follows) == ("never", None, "band")
    assert (hold.value, hold.follows) == (0.0, "band")


def test_five_percent_short_is_inside() -> None:
    found = metrics(Following(gain=0.95))
    assert value(one(found, "band_deviation_kw", "hold")) == pytest.approx(0.15, abs=0.01)
    assert one(found, "hold_s").value == 2100.0
    assert one(found, "response_s").state == "measured"


@pytest.mark.parametrize(("gain", "words"), [(0.0, "never moved"), (-1.0, "wrong way")])
def test_no_response_is_the_root(gain: float, words: str) -> None:
    found = metrics(Following(gain=gain))
    response = one(found, "response_s")
    assert (response.state, response.value, response.follows) == ("never", None, None)
    assert words in response.note
    assert one(found, "band_deviation_kw", "hold").follows == "response"
    assert one(found, "hold_s").follows == "response"


def test_slow_device_enters_after_the_limit() -> None:
    found = metrics(Following(ramp_kw_per_s=2.7 / 3720.0))
    response = one(found, "response_s")
    assert value(response) == pytest.approx(3720.5, abs=8.0)
    assert response.follows is None
    assert "after the command" in response.note
    assert one(found, "band_deviation_kw", "hold").follows == "response"
    assert one(found, "hold_s").value == 0.0


def test_slow_device_enters_just_before_the_limit() -> None:
    found = metrics(Following(ramp_kw_per_s=2.7 / 3550.0))
    response = one(found, "response_s")
    assert value(response) == pytest.approx(3550.5, abs=8.0)
    assert response.interval95 is not None
    assert response.interval95[1] is not None
    assert response.interval95[1] < 3600.0
    assert one(found, "hold_s").value == 2100.0
    assert value(one(found, "band_deviation_kw", "hold")) <= 0.3


def test_creeping_along_the_edge_of_the_band_leaves_the_response_open() -> None:
    """Inside by less than the meter can tell: the time has no upper bound."""
    found = metrics(Following(gain=0.9005, noise_kw=0.001))
    response = one(found, "response_s")
    assert response.interval95 is not None
    assert response.interval95[1] is None
    hold = one(found, "hold_s")
    assert hold.interval95 == (0.0, 2100.0)


@pytest.mark.parametrize(
    ("from_s", "hold_s", "words"),
    [(JUDGED_S + 700.0, 600.0, "into the hold"), (COMMAND_S + 600.0, 0.0, "before the first judged point")],
)
def test_running_empty_fails_the_hold(from_s: float, hold_s: float, words: str) -> None:
    found = metrics(Following(drops=[(from_s, 1e6, 0.0)]))
    hold = one(found, "hold_s")
    assert (hold.value, hold.follows) == (hold_s, None)
    assert words in hold.note
    assert "state of charge" in hold.note
    assert "as from a battery that ran out" in hold.note
    assert one(found, "band_deviation_kw", "hold").follows == "hold"
    assert value(one(found, "response_s")) < 2.0


def test_power_that_only_fell_is_not_taken_for_an_empty_battery() -> None:
    found = metrics(Following(drops=[(JUDGED_S + 700.0, 1e6, 2.0)]))
    assert "into the hold; state of charge" in one(found, "hold_s").note
    assert "ran out" not in one(found, "hold_s").note


def test_extra_interval_is_not_part_of_the_band() -> None:
    """Power gone after the 30 minutes asked for: the hold is 1800 s, the band is kept."""
    found = metrics(Following(drops=[(JUDGED_S + 1900.0, 1e6, 0.0)]))
    assert value(one(found, "band_deviation_kw", "hold")) < 0.01
    assert one(found, "hold_s").value == 1800.0


def test_points_before_the_response_time_are_not_judged() -> None:
    found = metrics(Following(drops=[(COMMAND_S + 60.0, JUDGED_S - 400.0, 1.0)]))
    assert value(one(found, "band_deviation_kw", "hold")) < 0.01
    assert one(found, "hold_s").value == 2100.0
    assert value(one(found, "response_s")) == pytest.approx(3200.0, abs=2.0)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"end_s": JUDGED_S + 900.0}, "censored"),
        ({"levels": [(0.0, 0.0), (3600.0, 3.0), (8101.0, 0.0)]}, "censored"),
    ],
)
def test_a_cut_hold_is_censored_with_both_readings(change: dict[str, Any], state: str) -> None:
    found = metrics(Following(**change))
    hold = one(found, "hold_s")
    assert hold.state == state
    assert hold.value == 900.0
    # strictly 900 s after the response time; 4500 s counted from the command
    assert hold.interval95 == (900.0, 4500.0)


def test_a_cut_hold_that_had_left_the_band_is_not_censored() -> None:
    found = metrics(Following(end_s=JUDGED_S + 900.0, drops=[(JUDGED_S + 400.0, 1e6, 0.0)]))
    hold = one(found, "hold_s")
    assert (hold.state, hold.value) == ("measured", 300.0)


def test_record_that_ends_before_the_first_point() -> None:
    found = metrics(Following(end_s=JUDGED_S - 100.0))
    assert one(found, "hold_s").state == "censored"
    assert one(found, "hold_s").value is None
    assert one(found, "band_deviation_kw", "hold").state == "missing"


def test_standing_offset_shows_in_the_baseline() -> None:
    found = metrics(Following(offset_kw=0.4))
    assert value(one(found, "band_deviation_kw", "baseline")) == pytest.approx(0.4, abs=0.01)
    assert one(found, "point_min_kw", "baseline").value == pytest.approx(0.4, abs=0.01)


def test_receiving_point_counts_from_the_baseline() -> None:
    found = metrics(Following(point="receiving", load_kw=1.2, noise_kw=0.01))
    assert value(one(found, "band_deviation_kw", "hold")) < 0.05
    assert "baseline" in one(found, "band_deviation_kw", "hold").method
    declared = metrics(Following(point="receiving", load_kw=1.2, facts={"baseline_kw": -1.0}))
    assert value(one(declared, "band_deviation_kw", "hold")) == pytest.approx(0.2, abs=0.02)


def test_both_directions_are_judged_apart() -> None:
    sequence = [(0.0, 0.0), (3600.0, 3.0), (9301.0, 0.0), (13501.0, -3.0), (19202.0, 0.0)]
    down_is_weak = [(13501.0 + 100.0, 19202.0, -2.0)]
    both = Following(levels=sequence, drops=down_is_weak, facts={"directions": ["up", "down"]})
    found = metrics(both)
    assert value(one(found, "band_deviation_kw", "hold", "up")) < 0.01
    assert value(one(found, "band_deviation_kw", "hold", "down")) == pytest.approx(1.0, abs=0.01)
    assert one(found, "point_max_kw", "hold", "down").value == pytest.approx(2.0, abs=0.02)
    up_only = metrics(Following(levels=sequence, drops=down_is_weak, facts={"directions": ["up"]}))
    assert {m.scope.direction for m in up_only} == {"up"}


def test_a_repeated_command_is_no_new_command() -> None:
    again = [(0.0, 0.0), (1800.0, 0.0), (3600.0, 3.0), (7000.0, 3.0), (9301.0, 0.0)]
    assert one(metrics(Following(levels=again)), "hold_s").value == 2100.0


def test_noise_does_not_make_the_response_late() -> None:
    """Lone samples outside the band are noise, not a departure."""
    found = metrics(Following(noise_kw=0.09, gain=0.97))
    assert value(one(found, "response_s")) < 60.0


def test_charging_until_full_is_still_the_wrong_way() -> None:
    found = metrics(Following(gain=-1.0, drops=[(COMMAND_S + 1500.0, 1e6, 0.0)]))
    assert "wrong way" in one(found, "response_s").note
    assert one(found, "hold_s").follows == "response"
