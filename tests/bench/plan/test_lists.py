"""Which steps the source may make by its own clock."""

from __future__ import annotations

import pytest

from bench.plan.lists import source_lists
from bench.timeline import SetPoint

NOMINAL_HZ = 50.0


def steps(*points: tuple[float, float]) -> list[SetPoint]:
    return [SetPoint(t_s, "source", "frequency_hz", value, "p") for t_s, value in points]


def test_each_excursion_is_a_list_from_nominal_to_nominal() -> None:
    points = steps((0, 50.0), (30, 49.8), (50, 50.0), (70, 50.2), (80, 50.3), (90, 50.0))
    lists = source_lists(points, NOMINAL_HZ, 120.0)
    assert [[point.value for point in played.points] for played in lists] == [
        [49.8, 50.0],
        [50.2, 50.3, 50.0],
    ]
    assert [played.durations_s for played in lists] == [[20.0, 1.0], [10.0, 10.0, 1.0]]
    assert [(played.load_s, played.release_s) for played in lists] == [(25.0, 51.0), (65.0, 91.0)]


@pytest.mark.parametrize(
    "points",
    [
        steps((0, 50.0), (3, 49.8), (20, 50.0)),
        steps((0, 50.0), (30, 49.8)),
        steps((0, 50.0), (30, 49.8), (50, 50.0), (50, 50.1), (60, 50.0)),
        [
            *steps((0, 50.0), (30, 49.8)),
            SetPoint(40.0, "source", "voltage_v", 200.0, "p"),
            *steps((50, 50.0)),
        ],
    ],
    ids=["no time to load it", "never back", "no time at nominal", "the voltage moves meanwhile"],
)
def test_what_cannot_be_a_list_is_sent_step_by_step(points: list[SetPoint]) -> None:
    assert source_lists(points, NOMINAL_HZ, 100.0) == ()


def test_a_list_never_begins_before_the_one_before_is_let_go() -> None:
    points = steps((0, 50.0), (30, 49.8), (40, 50.0), (44, 50.2), (60, 50.0))
    lists = source_lists(points, NOMINAL_HZ, 100.0)
    assert [played.begin_s for played in lists] == [30]
    assert lists[0].release_s == 41.0


def test_the_end_of_the_run_cuts_the_last_rest_short() -> None:
    (played,) = source_lists(steps((0, 50.0), (30, 49.8), (50, 50.0)), NOMINAL_HZ, 50.4)
    assert played.release_s == 50.4
