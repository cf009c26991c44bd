"""Assessment I and II and the penalties: the end points and the worked numbers of the document."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import economics as eco
from bench.config.load import read_rules
from bench.errors import UsageError
from bench.rooms import bundled_rules


@pytest.fixture(scope="module", params=["2021", "2026"])
def rules(request) -> eco.AssessmentRules:
    return eco.assessment_rules(read_rules(bundled_rules()["tertiary2", request.param])[0])


def test_a_full_award_pays_all_of_it(rules):
    assert eco.first_reward_ratio(eco.shortfall_ratio(10.0, 10.0), rules.penalty_ratio) == 1.0


def test_nothing_available_pays_back_half(rules):
    assert eco.first_reward_ratio(eco.shortfall_ratio(10.0, 0.0), rules.penalty_ratio) == pytest.approx(-0.5)


def test_a_third_short_pays_half(rules):
    assert eco.first_reward_ratio(eco.shortfall_ratio(9.0, 6.0), rules.penalty_ratio) == pytest.approx(0.5)


def test_outside_the_band_pays_back_half_whatever_was_available(rules):
    for shortfall in (0.0, 0.4, 1.0):
        assert eco.reward_ratio(shortfall, False, rules.penalty_ratio) == pytest.approx(-0.5)
        assert eco.reward_ratio(shortfall, True, rules.penalty_ratio) == eco.first_reward_ratio(
            shortfall, rules.penalty_ratio
        )


def test_more_than_awarded_is_no_bonus(rules):
    assert eco.shortfall_ratio(10.0, 12.0) == 0.0


@pytest.mark.parametrize("awarded", [0.0, -1.0, math.nan])
def test_no_award_is_refused(awarded):
    with pytest.raises(ValueError, match="award"):
        eco.shortfall_ratio(awarded, 1.0)


def test_the_sign_of_the_service():
    assert eco.generation_change_kw(actual_kw=5.0, plan_kw=3.0) == 2.0
    assert eco.demand_change_kw(baseline_kw=100.0, actual_kw=80.0) == 20.0
    assert eco.demand_change_kw(baseline_kw=0.0, actual_kw=3.0) == -3.0  # not clipped at zero
    # a house that used 1 kW stops doing so and exports 2: the change is 3
    assert eco.negaposi_change_kw(baseline_kw=1.0, demand_kw=0.0, generation_kw=2.0) == 3.0


def test_the_example_of_page_36():
    assert eco.adjustment_kwh(100.0, 80.0) == pytest.approx(20.0)
    assert eco.adjustment_kwh(80.0, 100.0) == pytest.approx(-20.0)


def test_the_examples_of_page_37(rules):
    assert eco.at_sending_end_kwh(291.3, rules.loss_ratio["extra_high"]) == pytest.approx(300.0, abs=0.05)
    assert eco.at_sending_end_kwh(95.8, rules.loss_ratio["high"]) == pytest.approx(100.0, abs=0.05)
    total = eco.at_sending_end_kwh(291.3, rules.loss_ratio["extra_high"])
    total += eco.at_sending_end_kwh(95.8, rules.loss_ratio["high"])
    assert total == pytest.approx(400.0, abs=0.1)
    assert eco.at_sending_end_kwh(1.0, rules.loss_ratio["low"]) == pytest.approx(1.0764, abs=1e-4)


def test_both_baseline_and_actual_are_converted(rules):
    loss = rules.loss_ratio["low"]
    assert eco.adjustment_kwh(100.0, 80.0, loss) == pytest.approx(eco.at_sending_end_kwh(20.0, loss))


@pytest.mark.parametrize("loss", [-0.1, 1.0, math.nan])
def test_a_loss_that_is_no_share_is_refused(loss):
    with pytest.raises(ValueError, match="loss"):
        eco.at_sending_end_kwh(1.0, loss)


def test_the_mean_of_the_slot_is_judged_and_not_its_points(rules):
    swinging = [3.0, 2.0, 4.0, 3.0, 1.0, 5.0]  # points far outside the band, the mean exactly inside
    result = eco.settle_slot(3.0, 3.0, swinging, 3.0, 100.0, rules)
    assert (result.second_met, result.reward_yen) == (True, 100.0)
    assert "indicative" in result.note


@pytest.mark.parametrize(("mean_kw", "met"), [(3.3, True), (2.7, True), (3.31, False), (2.69, False)])
def test_the_edge_of_the_band_is_inside(rules, mean_kw, met):
    result = eco.settle_slot(3.0, 3.0, [mean_kw] * 6, 3.0, 100.0, rules)
    assert result.second_met is met
    assert result.reward_yen == pytest.approx(100.0 if met else -50.0)


@pytest.mark.parametrize(
    ("change_kw", "met"), [(-0.31, False), (-0.3, True), (1.5, True), (3.3, True), (3.31, False)]
)
@pytest.mark.parametrize(("command_kw", "former_kw"), [(3.0, 0.0), (0.0, 3.0)])
def test_while_a_command_is_answered_both_count(rules, change_kw, met, command_kw, former_kw):
    assert eco.inside_band(change_kw, command_kw, 3.0, rules, former_kw=former_kw) is met


def test_no_command_is_a_command_of_zero(rules):
    assert eco.settle_slot(3.0, 3.0, [0.0], None, 1.0, rules).second_met
    assert not eco.settle_slot(3.0, 3.0, [3.0], None, 1.0, rules).second_met


def test_an_empty_slot_is_refused(rules):
    with pytest.raises(ValueError, match="no value"):
        eco.settle_slot(3.0, 3.0, [], 3.0, 1.0, rules)


def test_rules_without_the_numbers_are_refused_by_name():
    with pytest.raises(UsageError, match=r"primary_2026.*penalty_ratio"):
        eco.assessment_rules(read_rules(bundled_rules()["primary", "2026"])[0])


@given(
    awarded=st.floats(0.01, 1e4),
    available=st.floats(-1e4, 1e5),
    change=st.floats(-1e5, 1e5),
)
def test_the_reward_stays_between_the_end_points(awarded, available, change):
    rules = eco.assessment_rules(read_rules(bundled_rules()["tertiary2", "2026"])[0])
    result = eco.settle_slot(awarded, available, [change], awarded, 1.0, rules)
    assert -0.5 - 1e-9 <= result.reward_ratio <= 1.0
