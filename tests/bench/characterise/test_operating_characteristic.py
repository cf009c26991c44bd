"""A small operating characteristic: right far from the limit, never a PASS on the wrong side of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.characterise.cases import CASES
from bench.characterise.draw import characterise, figures, grid, plan
from bench.characterise.page import write_page
from bench.characterise.trial import Asked, Trial, limit_of_case, trial
from bench.measure.uncertainty import coverage_factor


@pytest.fixture(scope="module")
def found() -> list[Trial]:
    asked = [
        Asked(quantity, value, 0.1, seed)
        for quantity in CASES
        for seed, value in enumerate(grid(quantity)[:: (4 if quantity == "dead_band" else 2)])
    ]
    return characterise(asked, processes=0)


@pytest.mark.parametrize("quantity", list(CASES))
def test_far_from_the_limit_the_verdict_is_right(found: list[Trial], quantity: str) -> None:
    mine = [item for item in found if item.asked.quantity == quantity]
    limit, upper = limit_of_case(CASES[quantity], quantity), CASES[quantity].upper
    worst, best = (mine[-1], mine[0]) if upper else (mine[0], mine[-1])
    assert (worst.outcome, best.outcome) == ("FAIL", "PASS")
    assert figures(found, quantity).wrong == 0
    for item in mine:
        beyond = item.truth > limit if upper else item.truth < limit
        assert not (beyond and item.outcome == "PASS")


def test_the_same_seed_gives_the_same_trial() -> None:
    asked = Asked("droop", 4.9, 0.2, 7)
    assert trial(asked) == trial(asked)


def test_coverage_factor_between_normal_and_rectangular() -> None:
    assert coverage_factor({"noise": 1.0}) == pytest.approx(1.96)
    assert coverage_factor({"meter": 1.0}) == pytest.approx(1.645, abs=0.001)
    assert coverage_factor({"meter": 1.0, "frequency": 1.0}) == pytest.approx(1.902, abs=0.002)


def test_plan_spreads_trials_over_everything() -> None:
    asked = plan(400, 1)
    assert {item.quantity for item in asked} == set(CASES)
    assert {item.window_s for item in asked} == {0.05, 0.1, 0.2}
    assert asked == plan(400, 1) != plan(400, 2)


def test_the_page_and_its_picture(found: list[Trial], tmp_path: Path) -> None:
    page = write_page(found, tmp_path, asked=len(found), seed=1)
    assert f"{len(found)} trials" in page.read_text(encoding="utf-8")
    picture = tmp_path / "img" / "operating-characteristic.svg"
    assert picture.stat().st_size < 300_000
    assert picture.read_text(encoding="utf-8").count("<polyline") == 36
