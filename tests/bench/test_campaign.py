"""A campaign: order and recharge on paper, and on the twin in virtual time."""

from __future__ import annotations

import json

import pytest

from bench.campaign import charge_window, plan_campaign, recharge_kw
from bench.conditioning import conditioning_for
from bench.config.load import load_station, parse_overrides
from bench.errors import UsageError
from bench.matrix.matrix import make_matrix
from bench.model import Outcome
from bench.prepare import Prepared, RunRequest, prepare_all, prepare_campaign
from bench.rescore import plan_run, twin_charge, verify
from bench.rooms import bundled_profiles
from bench.run import RunResult, run_campaign

DIRECT = 'twin.link="direct"'


def paper(*profiles: str, station: str = "twin", sets: tuple[str, ...] = ()) -> list[Prepared]:
    return prepare_all(RunRequest(list(profiles), station, overrides=list(sets)))


def test_the_fullest_need_comes_first_and_nobody_starts_outside_his_window():
    plans = paper("follow1", "tertiary2", "primary", "capacity", "economic_dr")
    campaign = plan_campaign(plans, 90.0)

    assert sorted(p.loaded.profile.name for p in campaign.runs) == sorted(
        p.loaded.profile.name for p in plans
    )
    assert campaign.runs[0].loaded.profile.name == "tertiary2"
    windows = {plan.loaded.profile.name: charge_window(plan) for plan in plans}
    for step in campaign.steps:
        if step.kind == "run":
            assert windows[step.profile].holds(step.soc_start_pct), step
        assert -1e-9 <= step.soc_end_pct <= 100.0
    assert campaign.duration_s == pytest.approx(sum(step.duration_s for step in campaign.steps))
    assert campaign.warnings == ()


def test_a_battery_that_is_nearly_empty_is_recharged_before_it_must_discharge():
    (first, second) = plan_campaign(paper("tertiary2"), 12.0).steps
    assert (first.kind, second.kind) == ("recharge", "run")
    assert first.soc_end_pct == second.soc_start_pct > 80.0
    assert first.charged_kwh > 0
    assert [step.kind for step in plan_campaign(paper("tertiary2"), 95.0).steps] == ["run"]


def test_what_every_turn_in_and_out_loses_is_there_at_the_start():
    """Five times about 1.06 kWh out and in at 90 % each way: 0.87 kWh are gone before the last."""
    (plan,) = paper("metering", sets=("device.capacity_kwh=4.0", "device.usable_kwh=3.0"))
    levels_kwh = [power_kw * s / 3600 for power_kw, s in _points(plan)]
    lost_kwh = sum(levels_kwh[:-1]) * (1 / 0.9 - 0.9)
    assert lost_kwh == pytest.approx(0.87, abs=0.02)
    lowest = 15.0 + (lost_kwh + levels_kwh[-1] / 0.9) / 4.0 * 100
    assert charge_window(plan).low_pct == pytest.approx(lowest, abs=0.1)


def _points(plan: Prepared) -> list[tuple[float, float]]:
    """Return power (kW) and length (s) of each discharging point."""
    given = [p for p in plan.timeline.set_points if p.quantity == "power_set_kw" and p.value > 0]
    spans = {phase.from_s: phase.to_s - phase.from_s for phase in plan.timeline.phases}
    return [(float(point.value), spans[point.t_s]) for point in given]


def test_no_run_starts_at_a_reserve_that_the_battery_tells():
    (droop,) = paper("droop")
    assert [step.kind for step in plan_campaign([droop], 20.0).steps] == ["run"]
    assert [step.kind for step in plan_campaign([droop], 20.0, 20.0).steps] == ["recharge", "run"]
    assert conditioning_for(droop, 20.0) is None
    assert conditioning_for(droop, 20.0, reserve_pct=20.0) is not None


def test_on_paper_too_each_run_begins_where_the_one_before_ended():
    first, second = plan_run(RunRequest(["capacity", "tertiary2"], "twin"))
    assert (first.soc_start_pct, first.warnings) == (90.0, [])
    assert second.soc_start_pct == first.soc_end_pct == pytest.approx(35.0)
    assert "would be empty" in second.warnings[0]


def test_a_plan_for_a_twin_starts_where_the_twin_does():
    assert twin_charge(load_station("twin")) == (90.0, 10.0)
    sets = parse_overrides(["twin.battery.soc_pct=40", "twin.battery.soc_min_pct=20"]).station
    assert twin_charge(load_station("twin", sets)) == (40.0, 20.0)
    (report,) = plan_run(RunRequest(["tertiary2"], "twin"))
    assert (report.soc_start_pct, report.soc_assumed) == (90.0, False)


def test_a_full_battery_is_discharged_only_for_a_run_that_charges():
    charging = paper("tertiary2", sets=('device.directions=["down"]',))
    assert charging[0].directions == ("down",)
    assert [step.kind for step in plan_campaign(charging, 100.0).steps] == ["recharge", "run"]
    assert [step.kind for step in plan_campaign(paper("tertiary2"), 100.0).steps] == ["run"]


def test_what_cannot_fit_is_warned_of_and_planned_all_the_same():
    campaign = plan_campaign(paper("tertiary2", sets=("device.capacity_kwh=5.0",)), 50.0)
    assert len(campaign.warnings) == 1
    assert "tertiary2 cannot fit" in campaign.warnings[0]
    assert campaign.steps[-1].kind == "run"


def test_the_recharge_stays_inside_rating_limits_and_sink():
    station = load_station("twin").station
    assert recharge_kw(station, charge=True) == -5.5
    sink = load_station("twin", parse_overrides(["instruments.source.sink_kw=4.0"]).station).station
    assert recharge_kw(sink, charge=False) == pytest.approx(3.6)
    narrow = load_station("twin", parse_overrides(["limits.power_kw=[-2.0, 7.0]"]).station).station
    assert recharge_kw(narrow, charge=True) == pytest.approx(-1.8)
    none = load_station("twin", parse_overrides(["limits.power_kw=[0.0, 7.0]"]).station).station
    assert recharge_kw(none, charge=True) == 0.0


def test_no_recharge_without_need_or_without_a_reading():
    (plan,) = paper("follow1")
    assert conditioning_for(plan, 60.0) is None
    assert conditioning_for(plan, None) is None
    recharge = conditioning_for(plan, 16.0)
    assert recharge is not None
    until = recharge.timeline.until
    assert until is not None
    assert until.at_least == pytest.approx(charge_window(plan).target_pct, abs=0.1)
    assert not until.met(None)
    assert not until.met(until.at_least - 0.1)
    assert until.met(until.at_least)


def test_all_is_every_bundled_profile_or_a_reason_why_not():
    found = prepare_campaign(RunRequest(["all"], "twin"))
    names = {plan.loaded.profile.name for plan in found.plans} | {name for name, _ in found.left_out}
    assert names == set(bundled_profiles())
    earlier = prepare_campaign(RunRequest(["all"], "twin", edition="2021"))
    assert {plan.loaded.profile.product for plan in earlier.plans} == {"tertiary2"}
    assert all("2021" in why for _, why in earlier.left_out)


def test_a_wrong_call_is_refused_whole():
    with pytest.raises(UsageError, match="foo"):
        prepare_campaign(RunRequest(["all"], "twin", overrides=["profile.foo=1"]))
    with pytest.raises(UsageError, match="leave out primary"):
        prepare_campaign(RunRequest(["all", "primary"], "twin"))
    with pytest.raises(UsageError, match="twin"):
        prepare_campaign(RunRequest(["all"], "twin", overrides=["twin.battery.nothing=1"]))


def test_an_unknown_estimator_is_refused_before_anything_is_touched(tmp_path):
    text = bundled_profiles()["primary"].read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('name = "step_response"', 'name = "step_respons"'), encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine\.toml: measure: unknown estimator 'step_respons'"):
        run_campaign(RunRequest([str(path)], "twin", out=tmp_path / "results"))
    assert not (tmp_path / "results").exists()


@pytest.fixture(scope="module")
def campaign(tmp_path_factory) -> list[RunResult]:
    """A campaign of one short run that begins with a nearly empty battery."""
    out = tmp_path_factory.mktemp("results")
    sets = [DIRECT, "twin.battery.soc_pct=18"]
    return run_campaign(RunRequest(["follow1"], "twin", overrides=sets, out=out, recharge=True))


def test_the_recharge_is_a_folder_of_its_own_that_waits_on_the_reading(campaign):
    recharge, run = campaign
    assert (recharge.profile, recharge.conditioning, recharge.outcome) == (
        "recharge",
        True,
        Outcome.NOT_APPLICABLE,
    )
    assert (run.profile, run.conditioning, run.outcome) == ("follow1", False, Outcome.PASS)
    info = json.loads((recharge.folder / "run.json").read_text(encoding="utf-8"))
    assert info["soc_start_pct"] == pytest.approx(18.0, abs=0.5)
    assert info["execution"] == "done"
    assert info["safe_state"]["state"] == "verified"
    lasted_s = info["phases"][-1][2]
    assert 600 < lasted_s < float(info["overrides"]["profile.duration_s"])
    events = (recharge.folder / "events.jsonl").read_text(encoding="utf-8")
    assert events.count('"until_met"') == 1


def test_the_charge_at_the_start_of_each_run_is_recorded(campaign):
    recharge, run = campaign
    target = json.loads((recharge.folder / "run.json").read_text(encoding="utf-8"))["facts"]["target_soc_pct"]
    start = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))["soc_start_pct"]
    assert start == pytest.approx(target, abs=0.5)


def test_both_folders_verify(campaign):
    assert [verify(result.folder) for result in campaign] == [[], []]


def test_the_matrix_of_a_campaign_leaves_the_recharge_out_and_trusts_nothing_changed(campaign, tmp_path):
    _, run = campaign
    out = run.folder.parent
    line = next(each for each in make_matrix([out]).lines if each.item.id == "interval_below_30min")
    assert (line.state, line.simulated) == ("PASS", True)
    kept = (run.folder / "verdict.json").read_bytes()
    try:
        (run.folder / "verdict.json").write_bytes(kept.replace(b'"follow1.end"', b'"follow1.End"'))
        changed = make_matrix([out])
        line = next(each for each in changed.lines if each.item.id == "interval_below_30min")
        assert line.state == "NOT_TRUSTED"
        assert changed.untrusted
    finally:
        (run.folder / "verdict.json").write_bytes(kept)


def test_a_recharge_that_fails_ends_the_campaign(tmp_path):
    sets = [DIRECT, "twin.battery.soc_pct=18", 'twin.battery.faults=["refuses"]']
    results = run_campaign(RunRequest(["follow1"], "twin", overrides=sets, out=tmp_path, recharge=True))
    assert [(r.profile, r.outcome) for r in results] == [("recharge", Outcome.ERROR)]


def test_the_plan_of_all_is_one_json_object(capsys):
    from bench.cli import main

    with pytest.raises(SystemExit) as left:
        main(["plan", "all", "--station", "twin", "--json"])
    content = json.loads(capsys.readouterr().out)["campaign"]
    assert left.value.code == 0
    assert set(content["order"]) | {one["profile"] for one in content["left_out"]} == set(bundled_profiles())
    assert content["duration_s"] / 3600 > 12
