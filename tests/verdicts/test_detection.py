"""The detection matrix as it is kept, and a sample of it run anew; the whole of it is `drready detect`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from bench.model import Outcome
from bench.rooms import bundled_profiles
from bench.trials.compliant import draw, trial
from bench.trials.compliant_page import page as compliant_page
from bench.trials.compliant_page import tally
from bench.trials.detect import Seen, catalogue, compare, observe, overrides_of, station_of
from bench.trials.detect_matrix import asked, cells, read_rows, write_rows
from bench.trials.detect_page import page
from instruments.twins.fault_expected import GROUPS, expected

KINDS = catalogue()
BY_NAME = {(kind.part, kind.name): kind for kind in KINDS}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "detection.md"
ROWS = read_rows(PAGE.with_suffix(".jsonl"))
# the quick ones first
PROFILES = ("follow1", "droop", "frequency_accuracy", "mode_restore", "reverse_flow", "dead_band", "metering")
PROFILES += tuple(profile for profile in GROUPS["all"] if profile not in PROFILES)
MUST = {
    (kind.part, kind.name): [p for p in PROFILES if p in kind.expected and not kind.expected[p].may]
    for kind in KINDS
}
"""The profiles in which a fault must be caught."""


@cache
def healthy(profile: str, station: str = "twin") -> Seen:
    return observe(profile, station=station)


@pytest.mark.parametrize(("part", "name"), sorted(BY_NAME))
def test_a_fault_is_caught_by_the_finding_that_names_it_or_does_no_harm(part: str, name: str) -> None:
    kind, must = BY_NAME[part, name], MUST[part, name]
    profile, station = (must or PROFILES)[0], station_of(kind)
    seen = observe(profile, overrides_of(kind), station=station)
    fit = ROWS[station, profile, "", ""]
    assert fit is not None
    assert fit.outcome is Outcome.PASS
    assert compare(kind, profile, seen, fit) == ("caught" if must else "silent"), seen
    assert must or seen.counted == healthy(profile, station).counted


@pytest.mark.parametrize(
    ("part", "name", "warning"),
    [("battery", "reports_wrong_sign", {"tertiary2.device_sign", "tertiary2.device_agreement"})],
)
def test_a_wrong_report_warns_and_fails_nobody(part: str, name: str, warning: set[str]) -> None:
    kind = BY_NAME[part, name]
    seen = observe("tertiary2", overrides_of(kind))
    assert seen.outcome is healthy("tertiary2").outcome is Outcome.PASS
    assert warning <= set(seen.warnings)
    assert compare(kind, "tertiary2", seen, healthy("tertiary2")) == "caught"


@pytest.mark.parametrize(
    ("profile", "part", "name"),
    [
        ("tertiary2", "battery", "oscillates"),
        ("metering", "meter", "skew"),
    ],
)
def test_what_is_allowed_changes_nothing_that_counts(profile: str, part: str, name: str) -> None:
    kind = BY_NAME[part, name]
    assert profile not in kind.expected
    seen = observe(profile, overrides_of(kind))
    assert seen.counted == healthy(profile).counted


def test_a_power_stage_that_is_wrong_is_no_fault_of_the_built_in_meter() -> None:
    """The meter counted what flowed, and told what the analyzer saw just before or after."""
    seen = observe("metering", ['twin.battery.faults=["crawls", "soc_floor"]'])
    assert seen.outcome is Outcome.INCONCLUSIVE
    assert "metering.error" in seen.roots


def test_a_device_that_takes_its_time_to_change_the_mode_still_answers_to_frequency() -> None:
    """What it did of its own in the first level is neither noise nor a response."""
    assert observe("dead_band", ["twin.battery.command_delay_s=15"]).outcome is Outcome.PASS


def test_a_timed_fault_counts_from_the_start_of_the_run() -> None:
    """The run begins some seconds after the clock: counted from the clock, the last judged second stays."""
    seen = observe("tertiary2", ['twin.meter.faults=["nan@3590-3600.5"]'])
    assert "tertiary2.data" in seen.roots


def test_another_finding_or_none_is_a_miss() -> None:
    kind, good = BY_NAME["battery", "slow"], Seen(Outcome.PASS)
    wrong = Seen(Outcome.FAIL, ("primary.measurement_interval",))
    assert compare(kind, "primary", wrong, good) == "missed"
    assert compare(kind, "primary", good, good) == "missed"
    assert compare(kind, "primary", Seen(Outcome.FAIL, ("primary.response",)), good) == "caught"
    assert compare(kind, "tertiary2", good, good) == "silent"
    assert compare(kind, "tertiary2", Seen(Outcome.FAIL, ("tertiary2.response",)), good) == "missed"
    stuck = BY_NAME["battery", "stuck_soc"]
    assert compare(stuck, "tertiary2", good, good) == "missed"
    assert compare(stuck, "tertiary2", Seen(Outcome.PASS, warnings=("tertiary2.gaps",)), good) == "missed"
    warned = Seen(Outcome.PASS, warnings=("tertiary2.energy_balance",))
    assert compare(stuck, "tertiary2", warned, good) == "caught"
    assert compare(stuck, "reverse_flow", good, good) == "silent"  # it may be too little to see
    undecided = Seen(Outcome.INCONCLUSIVE, ("tertiary2.band",))
    assert compare(stuck, "tertiary2", undecided, undecided) == "silent"
    harmless = BY_NAME["meter", "drift"]
    assert compare(harmless, "primary", Seen(Outcome.INVALID, ("primary.stimulus",)), good) == "missed"


def test_what_is_expected_is_told_for_groups_and_taken_back_for_one_profile() -> None:
    found = expected("all:a,b primary:c tertiary2:- droop:d?")
    assert set(found) == set(GROUPS["all"]) - {"tertiary2"} == set(bundled_profiles()) - {"tertiary2"}
    assert (found["follow1"].ids, found["primary"].ids) == (("a", "b"), ("c",))
    assert [found[name].may for name in ("droop", "primary")] == [True, False]
    for wrong in ("nowhere:a", "primary"):
        with pytest.raises(ValueError, match="names no profile"):
            expected(wrong)


def test_the_page_shows_what_was_missed() -> None:
    kind, good = BY_NAME["battery", "slow"], Seen(Outcome.PASS)
    rows = {
        ("twin", "primary", "", ""): good,
        ("twin", "primary", "battery", "slow"): Seen(Outcome.FAIL, ("primary.band",)),
    }
    text = page(cells(rows, [kind], ["primary"]), [kind])
    assert "**missed** FAIL: band" in text
    assert "**1** of the cells" in text


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = {
        ("twin", "primary", "", ""): Seen(Outcome.PASS),
        ("twin", "primary", "battery", "slow"): Seen(Outcome.FAIL, ("primary.response",), ("primary.gaps",)),
        ("twin-echonet", "primary", "", ""): None,
    }
    write_rows(tmp_path / "rows.jsonl", rows)
    assert read_rows(tmp_path / "rows.jsonl") == rows


def test_the_page_is_that_of_its_rows() -> None:
    profiles = list(bundled_profiles())
    lacking = set(asked(profiles, KINDS)) - set(ROWS)
    assert PAGE.read_text(encoding="utf-8") == page(cells(ROWS, KINDS, profiles), KINDS, len(lacking))
    assert set(ROWS) - set(asked(profiles, KINDS)) == set()


def test_every_fault_of_the_rows_is_caught_by_the_finding_that_names_it() -> None:
    found = cells(ROWS, KINDS, list(bundled_profiles()))
    assert [cell for cell in found if cell.result == "missed"] == []
    caught = {(cell.part, cell.fault) for cell in found if cell.result == "caught"}
    assert caught == {key for key, must in MUST.items() if must}
    assert {(cell.part, cell.fault) for cell in found} == {("", ""), *BY_NAME}


def test_a_fault_that_need_not_be_caught_is_harmless_or_has_its_test_elsewhere() -> None:
    doubtful = {key for key, must in MUST.items() if not must and BY_NAME[key].expected}
    assert doubtful == {("battery", "keeps_command")}  # test_site_pairs: the station takes no schedule


def test_compliant_devices_do_not_fail() -> None:
    found = trial(3, ["primary", "tertiary2", "dead_band"], seed=20)
    assert [one for one in found if one.seen.outcome is not Outcome.PASS] == []
    assert tally(found) == {"PASS": 3}
    assert "| tertiary2 | 1 | 1 | 0 |" in compliant_page(found, 20)


def test_a_draw_can_be_repeated_and_no_two_are_alike() -> None:
    assert draw(3, 1, "primary") == draw(3, 1, "primary")
    assert len({draw(number, 1, "primary").overrides for number in range(50)}) == 50
    assert {draw(number, 1, "primary").station for number in range(50)} == {"twin", "twin-60hz"}
