"""A sample of the detection matrix, and its page; the whole of it is `drready detect`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from bench.compliant import draw, trial
from bench.detect import Cell, Seen, catalogue, compare, observe, overrides_of
from bench.detect_page import page
from bench.model import Outcome

KINDS = {(kind.part, kind.name): kind for kind in catalogue()}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "detection.md"
CAUGHT = [
    ("primary", "battery", "slow", Outcome.FAIL, {"primary.response"}),
    ("primary", "source", "slow_slew", Outcome.INVALID, {"primary.stimulus", "primary.stimulus_edge"}),
    ("tertiary2", "meter", "gain_error", Outcome.INVALID, {"tertiary2.power_agreement"}),
    ("tertiary2", "house", "bypass", Outcome.INVALID, {"tertiary2.wiring"}),
]


@cache
def healthy(profile: str) -> Seen:
    return observe(profile)


@pytest.mark.parametrize(("profile", "part", "name", "outcome", "roots"), CAUGHT)
def test_a_fault_is_caught_by_the_finding_that_names_it(
    profile: str, part: str, name: str, outcome: Outcome, roots: set[str]
) -> None:
    kind = KINDS[part, name]
    seen = observe(profile, overrides_of(kind))
    assert (seen.outcome, set(seen.roots)) == (outcome, roots), seen.reason
    assert compare(kind, profile, seen, healthy(profile)).result == "caught"


@pytest.mark.parametrize(
    ("part", "name", "warning"),
    [("battery", "reports_wrong_sign", {"tertiary2.device_sign", "tertiary2.device_agreement"})],
)
def test_a_wrong_report_warns_and_fails_nobody(part: str, name: str, warning: set[str]) -> None:
    kind = KINDS[part, name]
    seen = observe("tertiary2", overrides_of(kind))
    assert seen.outcome is healthy("tertiary2").outcome is Outcome.PASS
    assert warning <= set(seen.warnings)
    assert compare(kind, "tertiary2", seen, healthy("tertiary2")).result == "caught"


@pytest.mark.parametrize(("part", "name"), [("battery", "oscillates")])
def test_what_a_rule_allows_changes_nothing_that_counts(part: str, name: str) -> None:
    kind = KINDS[part, name]
    assert kind.caught_by == ()
    seen = observe("tertiary2", overrides_of(kind))
    assert seen.counted == healthy("tertiary2").counted


def test_a_timed_fault_counts_from_the_start_of_the_run() -> None:
    """The run begins some seconds after the clock: counted from the clock, the last judged second stays."""
    seen = observe("tertiary2", ['twin.meter.faults=["nan@3590-3600.5"]'])
    assert "tertiary2.data" in seen.roots


def test_another_name_is_a_miss() -> None:
    kind = KINDS["battery", "slow"]
    good = Seen(Outcome.PASS)
    wrong = Seen(Outcome.FAIL, ("primary.measurement_interval",))
    assert compare(kind, "primary", wrong, good).result == "missed"
    assert compare(kind, "primary", Seen(Outcome.FAIL, ("primary.response",)), good).result == "caught"
    assert compare(kind, "primary", good, good).result == "silent"
    warned = Seen(Outcome.PASS, warnings=("primary.energy_balance",))
    assert compare(KINDS["battery", "stuck_soc"], "primary", warned, good).result == "caught"
    harmless = KINDS["meter", "drift"]
    assert compare(harmless, "primary", Seen(Outcome.INVALID, ("primary.stimulus",)), good).result == "missed"


def test_the_page_shows_what_was_missed() -> None:
    kind = KINDS["battery", "slow"]
    good, bad = Seen(Outcome.PASS), Seen(Outcome.FAIL, ("primary.band",))
    text = page(
        [Cell("", "", "primary", "silent", good), compare(kind, "primary", bad, good)], [kind], "twin"
    )
    assert "**missed** FAIL: band" in text
    assert "There are 1." in text


def test_the_reference_lists_every_fault() -> None:
    rows = {
        (cells[1], cells[2])
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if len(cells := [part.strip() for part in line.split("|")]) > 4
    }
    assert set(KINDS) - rows == set()


def test_compliant_devices_do_not_fail() -> None:
    found = trial(4, ["primary", "tertiary2"], seed=20, first=0)
    assert [one.seen.outcome for one in found if one.seen.outcome is not Outcome.PASS] == []


def test_a_draw_can_be_repeated_and_no_two_are_alike() -> None:
    assert draw(3, 1) == draw(3, 1)
    assert len({tuple(draw(number, 1)) for number in range(50)}) == 50
