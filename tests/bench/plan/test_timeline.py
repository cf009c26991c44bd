"""Timelines on paper: times, values and phases against numbers worked out by hand."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bench.config.profile import Block, Profile, Segment
from bench.errors import UsageError
from bench.plan import build_timeline
from bench.timeline import Timeline
from tests.bench.plan.paper import on_paper


def spans(timeline: Timeline) -> list[tuple[str, float, float, str | None]]:
    return [(phase.name, phase.from_s, phase.to_s, phase.direction) for phase in timeline.phases]


def profile_of(*blocks: Block, name: str = "tertiary2", folder: Path | None = None) -> Profile:
    from bench.config.load import load_profile

    return load_profile(name).profile.model_copy(update={"timeline": blocks, "start_do": ()})


def segment(phase: str = "a", duration_s: float | str = 10, **more: object) -> Segment:
    return Segment.model_validate({"phase": phase, "duration_s": duration_s, **more})


def test_tertiary2_is_an_hour_at_zero_an_hour_to_respond_and_the_hold_and_one_interval_more(
    tmp_path: Path,
) -> None:
    timeline = on_paper(tmp_path, "tertiary2").timeline
    assert spans(timeline) == [
        ("baseline", 0.0, 3600.0, "up"),
        ("response", 3600.0, 7200.0, "up"),
        ("hold", 7200.0, 7200.0 + 1800.0 + 300.0 + 1.0, "up"),
        ("return", 9301.0, 9301.0 + 600.0, "up"),
    ]
    sent = [(point.t_s, f"{point.role}.{point.quantity}", point.value) for point in timeline.set_points]
    assert sent == [
        (0.0, "source.frequency_hz", 50.0),
        (0.0, "battery.power_set_kw", 0.0),
        (3600.0, "battery.power_set_kw", 3.0),
        (9301.0, "battery.power_set_kw", 0.0),
    ]
    assert [(act.t_s, act.role, act.sequence) for act in timeline.acts] == [(0.0, "battery", "start")]
    assert (timeline.end_s, timeline.sample_s, timeline.slow_sample_s) == (9901.0, 1.0, 5.0)
    assert {phase.step for phase in timeline.phases} == {None}
    # the last judged point of the hold, command + response + duration, lies before the command ends
    assert 3600.0 + 3600.0 + 1800.0 < 9301.0


def test_an_edition_moves_the_timeline(tmp_path: Path) -> None:
    timeline = on_paper(tmp_path, "tertiary2", edition="2021").timeline
    assert [phase.to_s - phase.from_s for phase in timeline.phases][:3] == [3600.0, 2700.0, 10800.0 + 301.0]


def test_both_directions_command_both_signs(tmp_path: Path) -> None:
    timeline = on_paper(tmp_path, "tertiary2", station={"device.directions": ["up", "down"]}).timeline
    commands = [p.value for p in timeline.set_points if p.quantity == "power_set_kw"]
    assert commands == [0.0, 3.0, 0.0, 0.0, -3.0, 0.0]
    assert [p.direction for p in timeline.phases] == ["up"] * 4 + ["down"] * 4
    assert all(earlier.to_s == later.from_s for earlier, later in itertools.pairwise(timeline.phases))


def test_a_down_only_device_is_commanded_down_only(tmp_path: Path) -> None:
    timeline = on_paper(tmp_path, "tertiary2", station={"device.directions": ["down"]}).timeline
    assert {phase.direction for phase in timeline.phases} == {"down"}
    assert min(p.value for p in timeline.set_points if p.quantity == "power_set_kw") == -3.0  # type: ignore[type-var]


def test_primary_steps_five_times_each_way_and_holds_once_each_way(tmp_path: Path) -> None:
    timeline = on_paper(tmp_path, "primary", delta_kw=0.53625).timeline
    steps = [phase for phase in timeline.phases if phase.name == "step"]
    assert [(phase.direction, phase.step) for phase in steps] == [
        (direction, count) for count in range(1, 6) for direction in ("up", "down")
    ]
    assert {round(phase.to_s - phase.from_s, 6) for phase in steps} == {20.0}, "a dither shortens no step"
    holds = [phase for phase in timeline.phases if phase.name == "hold"]
    assert [(hold.direction, hold.step) for hold in holds] == [("up", None), ("down", None)]
    assert all(hold.to_s - hold.from_s == pytest.approx(10 + 300 + 30) for hold in holds)
    values = {(p.phase, p.direction): p.value for p in timeline.set_points}
    assert values["step", "up"] == values["hold", "up"] == pytest.approx(49.8)
    assert values["step", "down"] == values["hold", "down"] == pytest.approx(50.2)
    assert values["rest", "up"] == values["settle", None] == 50.0
    assert all(p.from_s < p.to_s for p in timeline.phases)
    assert timeline.acts[0].sequence == "frequency_response_on"
    assert all(
        point.step == phase.step and point.direction == phase.direction
        for point in timeline.set_points
        for phase in timeline.phases
        if phase.from_s == point.t_s
    )


def test_primary_in_hokkaido_and_at_60_hz(tmp_path: Path) -> None:
    there = on_paper(tmp_path, "primary", station={"station.area": "hokkaido"}).timeline
    assert sorted({p.value for p in there.set_points}) == pytest.approx([49.7, 50.0, 50.3])
    at_60 = {"station.nominal_hz": 60.0, "limits.frequency_hz": [57.0, 62.0]}
    west = on_paper(tmp_path, "primary", station=at_60).timeline
    assert sorted({p.value for p in west.set_points}) == pytest.approx([59.8, 60.0, 60.2])


def test_dithered_steps_fill_the_sampling_interval_evenly_in_each_direction(tmp_path: Path) -> None:
    width_s = 0.2
    timeline = on_paper(tmp_path, "primary").timeline
    for direction in ("up", "down"):
        starts = [p.from_s for p in timeline.phases if p.name == "step" and p.direction == direction]
        places = sorted(start % width_s for start in starts)
        gaps = [(b - a) % width_s for a, b in itertools.pairwise([*places, places[0] + width_s])]
        assert len(places) == 5
        assert max(gaps) < 1.6 * width_s / 5, "no gap much wider than an even spread's"
        assert min(gaps) > 0.2 * width_s / 5, "no two steps at the same place"
    again = on_paper(tmp_path, "primary").timeline
    assert again == timeline, "two plans of one run are the same"


def test_over_repeat_and_k_make_a_staircase() -> None:
    block = Block(
        segments=(
            segment(set={"source.frequency_hz": "nominal_hz + sign * (level_hz + k)"}, direction="down"),
        ),
        over={"level_hz": (0.5, "0.25 * 3")},
        repeat=2,
    )
    timeline = build_timeline(profile_of(block), {"nominal_hz": 50.0}, ("up", "down"))
    assert [p.value for p in timeline.set_points] == [49.5, 48.5, 49.25, 48.25]
    assert [p.step for p in timeline.phases] == [1, 2, 3, 4]
    assert [p.t_s for p in timeline.set_points] == [0.0, 10.0, 20.0, 30.0]


def test_a_segment_of_one_direction_is_left_out_where_that_is_not_judged() -> None:
    blocks = (
        Block(segments=(segment("a"), segment("b", direction="down"), segment("c", direction="up"))),
        Block(segments=(segment("d", direction="down"), segment("e")), each_direction=True),
    )
    assert [(p.name, p.direction) for p in build_timeline(profile_of(*blocks), {}, ("up",)).phases] == [
        ("a", None),
        ("c", "up"),
        ("e", "up"),
    ]


def test_words_switches_and_sequences() -> None:
    block = Block(
        segments=(
            segment(words={"battery.mode": "standby"}, do=("battery.stop",)),
            segment("b", set={"source.output": "0 * 1"}),
        )
    )
    timeline = build_timeline(profile_of(block), {}, ("up",))
    assert [(p.quantity, p.value) for p in timeline.set_points] == [("mode", "standby"), ("output", False)]
    assert timeline.set_points[1].value is False
    assert [(a.sequence, a.t_s, a.phase) for a in timeline.acts] == [("stop", 0.0, "a")]


@pytest.mark.parametrize(
    ("block", "place", "hint"),
    [
        (Block(segments=(segment(duration_s="0 - 5"),)), "timeline[0].segments[0].duration_s", "negative"),
        (
            Block(segments=(segment(duration_s="nothing"),)),
            "timeline[0].segments[0].duration_s",
            "unknown name",
        ),
        (Block(segments=(segment(duration_s=1e9),)), "timeline[0].segments[0].duration_s", "days"),
        (Block(segments=(segment(),), repeat=1.5), "timeline[0].repeat", "whole number"),
        (Block(segments=(segment(),), repeat=-1), "timeline[0].repeat", "not negative"),
        (Block(segments=(segment(),), repeat=10**9), "timeline[0].repeat", "more than"),
        (Block(segments=(segment(play="recording"),)), "timeline[0].segments[0].play", "no recording"),
        (Block(segments=(segment(direction="down"),)), "timeline", "nothing is left"),
        (Block(segments=(segment(dither_s="1 / 0"),)), "timeline[0].segments[0].dither_s", "division"),
    ],
)
def test_what_cannot_be_planned_is_named_with_its_place(block: Block, place: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_timeline(profile_of(block), {}, ("up",))
    assert caught.value.faults[0].place == f"tertiary2: {place}"
    assert hint in caught.value.faults[0].message


def test_sampling_intervals_must_be_above_zero(tmp_path: Path) -> None:
    profile = profile_of(Block(segments=(segment(),)))
    assert build_timeline(profile, {}, ("up",), sample_s=0.5, slow_sample_s=2.0).sample_s == 0.5
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="sample_s: must be above zero"):
            build_timeline(profile, {}, ("up",), sample_s=wrong)
