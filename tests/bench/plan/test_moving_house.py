"""The house that moves at the receiving point, and the loop that compensates it, on paper."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest

from bench.config.check_profile import check_profile
from bench.config.load import load_profile, load_station
from bench.config.overrides import Overrides
from bench.config.profile import Profile
from bench.errors import UsageError
from bench.plan import build_timeline
from bench.plan.house import HousePlan
from bench.prepare import Prepared, prepare
from bench.timeline import SetPoint

BOTH = {"device.directions": ["up", "down"]}


def planned(
    profile: str,
    point: Literal["device", "receiving"] = "receiving",
    station: str = "twin",
    delta_kw: float | None = None,
    changed: dict[str, object] | None = None,
    **parameters: float,
) -> Prepared:
    lab = load_station(station, changed or {})
    return prepare(
        profile, lab, Overrides({}, parameters), edition=None, delta_kw=delta_kw, point=point
    )  # fmt: skip


def net_kw(points: list[SetPoint], t_s: float) -> float:
    """Return load less generation in force at ``t_s``."""
    last = {
        point.quantity: float(point.value) for point in points if point.role == "site" and point.t_s <= t_s
    }
    return last["load_kw"] - last["pv_kw"]


@pytest.mark.parametrize(
    ("profile", "loop_s", "interval_s"), [("follow5", 60.0, 300.0), ("follow1", 10.0, 60.0)]
)
def test_half_a_loop_after_each_command_the_receiving_point_is_at_the_target(
    profile: str, loop_s: float, interval_s: float
) -> None:
    plan = planned(profile, changed=BOTH)
    points = list(plan.timeline.set_points)
    at_device = planned(profile, "device", changed=BOTH, delta_kw=plan.delta.value_kw).timeline
    targets = {p.t_s: float(p.value) for p in at_device.set_points if p.quantity == "power_set_kw"}
    sent = [p for p in points if p.quantity == "power_set_kw" and p.phase == "follow"]
    baseline_kw = net_kw(points, 0.0)

    assert len(sent) == len([p for p in plan.timeline.phases if p.name == "follow"]) * interval_s / loop_s
    for point in sent:
        start_s = max(t_s for t_s in targets if t_s <= point.t_s)
        assert (point.t_s - start_s) % loop_s == 0.0
        house_kw = net_kw(points, point.t_s + loop_s / 2.0) - baseline_kw
        assert float(point.value) - house_kw == pytest.approx(targets[start_s])


@pytest.mark.parametrize("profile", ["follow5", "follow1"])
@pytest.mark.parametrize("delta_kw", [0.5, 5.5])
def test_nothing_is_asked_beyond_delta_kw_and_every_interval_ends_far_from_where_it_began(
    profile: str, delta_kw: float
) -> None:
    plan = planned(profile, delta_kw=delta_kw, changed=BOTH)
    points = list(plan.timeline.set_points)
    for phase in plan.timeline.phases:
        if phase.name != "follow":
            continue
        inside = [p for p in points if phase.from_s <= p.t_s < phase.to_s]
        asked = [float(p.value) for p in inside if p.quantity == "power_set_kw"]
        sign = 1.0 if phase.direction == "up" else -1.0
        assert all(-1e-6 <= sign * kw <= delta_kw + 1e-6 for kw in asked)
        moved_kw = abs(net_kw(points, phase.to_s - 0.001) - net_kw(points, phase.from_s))
        assert 0.18 * delta_kw < moved_kw < 0.21 * delta_kw
        # between two commands of the loop it moves by clearly less than the band
        steps = sorted({p.t_s for p in inside if p.quantity == "power_set_kw"} | {phase.to_s - 0.001})
        house = [net_kw(points, t_s) for t_s in steps]
        assert max(abs(b - a) for a, b in itertools.pairwise(house)) < 0.07 * delta_kw
    assert all(float(p.value) >= 0.0 for p in points if p.role == "site")
    assert net_kw(points, plan.timeline.end_s) == net_kw(points, 0.0)


def test_the_energy_of_the_plan_is_that_of_the_compensated_power() -> None:
    plan = planned("follow1", delta_kw=4.0)
    sent = [p for p in plan.timeline.set_points if p.quantity == "power_set_kw"]
    ends = [*(p.t_s for p in sent[1:]), plan.timeline.end_s]
    kwh = sum(float(p.value) * (end - p.t_s) for p, end in zip(sent, ends, strict=True)) / 3600.0

    assert plan.estimate().discharged_kwh == pytest.approx(kwh)


@pytest.mark.parametrize("profile", ["follow5", "follow1"])
def test_at_the_device_point_and_without_a_site_the_house_stands_still(profile: str) -> None:
    device, without = planned(profile, "device"), planned(profile, station="twin-echonet")

    assert device.timeline.notes == ()
    assert [note.partition(":")[0] for note in without.timeline.notes] == ["the house does not move"]
    for plan in (device, without):
        assert {point.role for point in plan.timeline.set_points} == {"source", "battery"}


def test_a_house_that_cannot_be_is_one_clear_fault() -> None:
    with pytest.raises(UsageError, match="must not be negative"):
        planned("follow1", house_kw=-3.0)
    with pytest.raises(UsageError, match=r"house\.load_kw.*division"):
        planned("follow1", rest_ratio=1.0)


def test_what_is_wrong_with_a_house_in_a_profile_is_told_with_its_place() -> None:
    loaded = load_profile("follow1")
    table = loaded.profile.model_dump(by_alias=True, warnings=False)
    house = table["timeline"][1]["segments"][0]["house"]
    house |= {"load_kw": "gone * wya", "every_s": "gone", "compensate": "battery.mode"}
    told = [str(fault) for fault in check_profile(Profile.model_validate(table), loaded.rules, "mine.toml")]

    assert len(told) == 3
    assert all("timeline[1].segments[0].house" in one for one in told)
    assert "unknown name 'wya'" in told[0]
    assert "unknown name 'gone'" in told[1]
    assert "'battery.mode' is not set in this segment" in told[2]
    house |= {"load_kw": 1, "every_s": 0, "compensate": "battery.power_set_kw"}
    names = {**planned("follow1").names, "loop_s": 10.0}
    with pytest.raises(UsageError, match="must be above zero"):
        build_timeline(Profile.model_validate(table), names, ("up",))


def test_the_first_command_of_a_step_tells_its_target_also_where_the_house_moves_at_once() -> None:
    plan = HousePlan()
    plan.moves(10.0, None, lambda gone: (1.0, 0.0))
    plan.moves(60.0, 1.0, lambda gone: (1.0 + 0.6 * gone, 0.0))

    sent = plan.loop(60.0, 10.0, 3.0, 1.0)

    assert sent[0] == (0.0, 3.0)
    assert sent[1] == (10.0, pytest.approx(3.0 + 0.6 * 15.0 / 60.0))
