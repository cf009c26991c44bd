"""The same profile under another edition is another timeline, and may be another verdict."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from bench.config.load import editions_of, load_profile
from bench.model import Outcome
from bench.prepare import RunRequest, prepare_all
from bench.timeline import Timeline
from tests.verdicts.judged import judged

RESPONSE_AND_HOLD_S = {
    ("tertiary2", "2021"): (2700, 10800),
    ("tertiary2", "2026"): (3600, 1800),
    ("tertiary1", "2022"): (900, 10800),
    ("tertiary1", "2026"): (900, 1800),
    ("secondary1", "2024"): (300, 1800),
    ("secondary1", "2026"): (300, 1800),
    ("secondary2", "2024"): (300, 1800),
    ("secondary2", "2026"): (300, 1800),
}


def timeline(
    profile: str, edition: str | None = None, *overrides: str, delta_kw: float | None = 1.0
) -> Timeline:
    request = RunRequest([profile], "twin", edition=edition, delta_kw=delta_kw, overrides=overrides)
    return prepare_all(request)[0].timeline


@pytest.mark.parametrize(("profile", "edition"), RESPONSE_AND_HOLD_S)
def test_an_edition_moves_the_timeline(profile: str, edition: str) -> None:
    response_s, duration_s = RESPONSE_AND_HOLD_S[profile, edition]
    spans = {}
    for phase in reversed(timeline(profile, edition).phases):
        spans[phase.name] = phase.to_s - phase.from_s  # the first of each name is left
    assert spans["response"] == response_s
    interval_s = load_profile(profile, edition).rules.rules["interval_s"].value
    assert spans["hold"] == duration_s + interval_s + 1


@pytest.mark.parametrize("profile", ["tertiary2_partial", "tertiary2_repeat"])
def test_commands_of_the_variants_fall_on_the_command_interval(profile: str) -> None:
    for edition in editions_of("tertiary2"):
        interval_s = load_profile(profile, edition).rules.rules["command_interval_s"].value
        sent = [
            point.t_s for point in timeline(profile, edition).set_points if point.quantity == "power_set_kw"
        ]
        assert len(sent) >= 4
        assert all(t_s % interval_s == 0 for t_s in sent)


@pytest.mark.parametrize(("area", "period_s"), [("tokyo", 1.0), ("hokkaido", 3.0), ("kyushu", 2.5)])
def test_the_signal_comes_at_the_data_period_of_the_area(area: str, period_s: float) -> None:
    plan = timeline("secondary1", None, f'station.area="{area}"')
    sent = [point.t_s for point in plan.set_points if point.phase == "lfc"]
    assert {round(b - a, 6) for a, b in pairwise(sent)} == {period_s}


@pytest.mark.parametrize("ways", [["up"], ["up", "down"]])
def test_the_signal_stays_within_what_is_judged(ways: list[str]) -> None:
    plan = timeline("secondary1", None, f"device.directions={ways}".replace("'", '"'))
    values = [float(point.value) for point in plan.set_points if point.phase == "lfc"]
    assert max(values) == 1.0
    assert min(values) == (-1.0 if "down" in ways else 0.0)


def test_a_battery_too_small_for_three_hours_passes_with_thirty_minutes(tmp_path: Path) -> None:
    now = judged("tertiary2", tmp_path / "now", delta_kw=3.4)
    then = judged("tertiary2", tmp_path / "then", delta_kw=3.4, edition="2021")
    assert now.outcome is Outcome.PASS
    assert now.verdict.qualified_kw == 3.4
    assert then.outcome is Outcome.FAIL
    assert then.roots == {"hold"}
    assert "state of charge 10 %" in then.finding("hold").reason


def test_what_the_bench_chooses_by_itself_a_good_battery_can_hold_under_the_old_edition(
    tmp_path: Path,
) -> None:
    found = judged("tertiary2", tmp_path, edition="2021")
    assert found.outcome is Outcome.PASS, found.verdict.reason
    assert found.verdict.delta_kw == 2.9


def test_too_little_charge_is_warned_of_in_the_record_and_the_run_goes_on(tmp_path: Path) -> None:
    found = judged("tertiary2", tmp_path, edition="2021", delta_kw=3.9)
    assert found.outcome is Outcome.FAIL
    notes = json.loads((found.folder / "run.json").read_text(encoding="utf-8"))["notes"]
    assert any(note.startswith("warning: starting at 90 %, the battery would be empty") for note in notes)


def test_both_directions_are_judged_where_the_device_declares_them(tmp_path: Path) -> None:
    both = 'device.directions=["up", "down"]'
    good = judged("follow1", tmp_path / "good", both, delta_kw=2.0)
    bad = judged("follow1", tmp_path / "bad", both, 'twin.battery.faults=["never_charges"]', delta_kw=2.0)
    assert good.outcome is Outcome.PASS
    assert bad.outcome is Outcome.FAIL
    assert bad.roots == {"end"}
    assert bad.finding("end").scope.direction == "down"


def test_what_has_no_tolerance_in_the_documents_says_that_the_limit_is_a_proposal() -> None:
    for profile in ("economic_dr", "capacity"):
        loaded = load_profile(profile)
        limited = [spec for spec in loaded.profile.findings if "slot_" in spec.metric]
        assert limited
        for spec in limited:
            assert "tolerance_ratio" in str(spec.limit.at_most)
            assert loaded.rules.rules["tolerance_ratio"].mark == "proposal"
            assert not spec.counts or "proposal" in spec.reason_en
