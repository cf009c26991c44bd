"""Every rule of one finding's verdict, with a case that must pass it and one that must not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bench.model import Metric, Scope
from tests.bench.judge.small_verdict import (
    delay,
    finding,
    only,
    verdict,
)


@pytest.mark.parametrize(
    ("limit", "value", "uncertainty", "outcome", "rule"),
    [
        ({"at_most": 2}, 1.0, 0.5, "PASS", "PASS"),
        ({"at_most": 2}, 1.5, 0.5, "PASS", "PASS"),
        ({"at_most": 2}, 1.6, 0.5, "INCONCLUSIVE", "PASS"),
        ({"at_most": 2}, 2.0, 0.5, "INCONCLUSIVE", "PASS"),
        ({"at_most": 2}, 2.0, 0.0, "PASS", "PASS"),
        ({"at_most": 2}, 2.4, 0.5, "INCONCLUSIVE", "FAIL"),
        ({"at_most": 2}, 2.5, 0.5, "INCONCLUSIVE", "FAIL"),
        ({"at_most": 2}, 2.6, 0.5, "FAIL", "FAIL"),
        ({"at_least": 2}, 2.6, 0.5, "PASS", "PASS"),
        ({"at_least": 2}, 2.0, 0.0, "PASS", "PASS"),
        ({"at_least": 2}, 1.6, 0.5, "INCONCLUSIVE", "FAIL"),
        ({"at_least": 2}, 1.4, 0.5, "FAIL", "FAIL"),
        ({"below": "cap_kw"}, 10.0, 0.0, "FAIL", "FAIL"),
        ({"below": "cap_kw"}, 9.999, 0.0, "PASS", "PASS"),
        ({"below": "cap_kw"}, 9.9, 0.1, "INCONCLUSIVE", "PASS"),
        ({"below": "cap_kw"}, 10.1, 0.1, "FAIL", "FAIL"),
        ({"above": 0}, 0.0, 0.0, "FAIL", "FAIL"),
        ({"above": 0}, 1e-6, 0.0, "PASS", "PASS"),
        ({"above": 0, "at_most": 5}, 4.0, 0.5, "PASS", "PASS"),
        ({"above": 0, "at_most": 5}, -4.0, 0.5, "FAIL", "FAIL"),
        ({"above": 0, "at_most": 5}, 6.0, 0.5, "FAIL", "FAIL"),
        ({"above": 0, "at_most": 5}, 6.0, 7.0, "INCONCLUSIVE", "FAIL"),
        ({"above": 0, "at_most": 5}, 0.1, 0.2, "INCONCLUSIVE", "PASS"),
        ({"at_least": -1, "at_most": 1}, 0.0, 9.0, "INCONCLUSIVE", "PASS"),
        ({"at_most": "0.1 * 0.7"}, abs(0.77 - 0.7), 0.0, "PASS", "PASS"),
    ],
)
def test_guarded_and_bare_comparison(
    limit: dict[str, Any], value: float, uncertainty: float, outcome: str, rule: str
) -> None:
    metrics = [delay(value, uncertainty)]
    guarded, simple = only(metrics, limit=limit), only(metrics, "simple", limit=limit)
    assert (guarded.outcome, guarded.rule_outcome) == (outcome, rule)
    assert (simple.outcome, simple.rule_outcome) == (rule, rule)


@pytest.mark.parametrize(
    ("value", "words", "worte"),
    [(1.9, "Conditional pass", "条件付き合格"), (2.1, "Conditional fail", "条件付き不合格")],
)
def test_conditional_cases_are_worded(value: float, words: str, worte: str) -> None:
    found = only([delay(value, 0.3)])
    assert found.reason.startswith(words)
    assert found.reason_ja.startswith(worte)


def test_interval95_is_preferred_over_the_uncertainty() -> None:
    assert only([delay(1.0, 5.0, interval95=(0.9, 1.1))]).outcome == "PASS"
    assert only([delay(1.0, 0.0, interval95=(0.9, 2.1))]).outcome == "INCONCLUSIVE"
    assert only([delay(1.0, 0.0, interval95=(0.9, None))]).outcome == "INCONCLUSIVE"
    assert only([delay(1.0, 0.0, interval95=(None, 1.1))]).outcome == "PASS"
    assert only([delay(2.5, 0.0, interval95=(2.1, None))]).outcome == "FAIL"


def test_an_unknown_uncertainty_decides_nothing_but_a_count_is_exact() -> None:
    assert only([delay(1.0, None)]).outcome == "INCONCLUSIVE"
    assert only([delay(1.0, None)]).rule_outcome == "PASS"
    count = Metric(name="missing_judged_count", value=0, unit="1")
    spec = finding(metric=count.name, limit={"at_most": 0})
    assert verdict([count], spec).outcome == "PASS"
    assert verdict([count.model_copy(update={"value": 1.0})], spec).outcome == "FAIL"


@pytest.mark.parametrize("decision", ["guarded", "simple"])
@pytest.mark.parametrize(
    ("metric", "outcome"),
    [
        (delay(None, None, state="never"), "FAIL"),
        (delay(None, None, state="missing"), "INCONCLUSIVE"),
        (delay(1.0, None, state="missing"), "INCONCLUSIVE"),
        (delay(None, None), "INCONCLUSIVE"),
        (delay(None, None, state="not_applicable", note="no excursion left the dead band"), "NOT_APPLICABLE"),
    ],
)
def test_states(metric: Metric, outcome: str, decision: str) -> None:
    found = only([metric], decision)
    assert (found.outcome, found.rule_outcome) == (outcome, outcome)
    assert metric.note in found.reason
    if metric.state == "never":
        assert found.value is None


@pytest.mark.parametrize("decision", ["guarded", "simple"])
@pytest.mark.parametrize(
    ("strict", "lenient", "outcome"),
    [
        (1500.0, 1900.0, "INCONCLUSIVE"),
        (1500.0, None, "INCONCLUSIVE"),
        (100.0, 200.0, "INCONCLUSIVE"),
        (None, None, "INCONCLUSIVE"),
        (1800.0, None, "PASS"),
        (1800.0, 2000.0, "PASS"),
    ],
)
def test_a_censored_hold_never_fails(
    strict: float | None, lenient: float | None, outcome: str, decision: str
) -> None:
    hold = Metric(name="hold_s", value=strict, unit="s", interval95=(strict, lenient), state="censored")
    found = only([hold], decision, metric="hold_s", limit={"at_least": 1800})
    assert (found.outcome, found.rule_outcome) == (outcome, outcome)
    if strict is not None and lenient is not None:
        assert f"{strict:.6g} s" in found.reason
        assert f"{lenient:.6g} s" in found.reason


def test_the_worst_over_steps_and_directions_is_named_in_scope() -> None:
    def at(step: int, value: float | None, direction: Any = "up", **more: Any) -> Metric:
        return delay(value, 0.1, scope=Scope(phase="step", step=step, direction=direction), **more)

    steps = [at(1, 0.5), at(2, 1.2, "down"), at(3, 0.9)]
    found = only(steps)
    assert (found.scope.step, found.scope.direction, found.value) == (2, "down", 1.2)
    assert only([*steps, at(4, 1.95)]).outcome == "INCONCLUSIVE"
    assert only([*steps, at(4, 1.95), at(5, 9.0), at(6, 3.0)]).scope.step == 5
    assert only([*steps, at(5, 9.0), at(6, None, state="never")]).scope.step == 6
    assert only([*steps, at(7, None, state="missing")]).outcome == "INCONCLUSIVE"
    assert only([*steps, at(8, None, state="not_applicable")]).outcome == "PASS"
    assert only(steps, direction="up").scope.step == 3
    assert only(steps, phase="hold").outcome == "NOT_APPLICABLE"


def test_rule_outcome_is_the_worst_bare_comparison_of_all_steps() -> None:
    def at(step: int, value: float, u: float) -> Metric:
        return delay(value, u, scope=Scope(step=step))

    found = only([at(1, 2.1, 0.3), at(2, 1.0, 0.1)])
    assert (found.outcome, found.rule_outcome) == ("INCONCLUSIVE", "FAIL")
    missing = delay(None, None, state="missing", scope=Scope(step=3))
    assert only([at(1, 2.1, 0.3), missing]).rule_outcome == "FAIL"
    assert only([at(1, 1.0, 0.1), missing]).rule_outcome == "INCONCLUSIVE"


def test_metrics_of_the_other_point_are_left_out() -> None:
    here = delay(1.0, 0.1, scope=Scope(point="device"))
    there = delay(9.0, 0.1, scope=Scope(point="receiving"))
    assert verdict([here, there], finding(), point="device").outcome == "PASS"
    assert verdict([here, there], finding(), point="receiving").outcome == "FAIL"
    assert verdict([there], finding(), point="device").outcome == "FAIL"


@pytest.mark.parametrize(
    ("limit", "value", "ratio"),
    [
        ({"at_most": 2.0}, 0.55, 0.725),
        ({"at_most": 2.0}, 3.0, -0.5),
        ({"at_least": 4.0}, 5.0, 0.25),
        ({"above": 0, "at_most": 5}, 4.0, 0.2),
        ({"above": 0, "at_most": 5}, 1.0, None),
        ({"at_most": 0}, 1.0, None),
        ({"at_most": 1e-320}, 1.0, None),
        ({"at_least": -2.0}, -1.0, 0.5),
    ],
)
def test_margin_ratio(limit: dict[str, Any], value: float, ratio: float | None) -> None:
    found = only([delay(value, 0.0)], limit=limit)
    assert found.margin_ratio == (None if ratio is None else pytest.approx(ratio))


def test_conformance_probability_and_capability() -> None:
    assert only([delay(2.0, 0.4)]).conforms_probability == pytest.approx(0.5)
    assert only([delay(1.6, 0.4)]).conforms_probability == pytest.approx(0.97725, abs=1e-5)
    assert only([delay(2.4, 0.4)]).conforms_probability == pytest.approx(0.02275, abs=1e-5)
    both = {"at_least": -1.0, "at_most": 1.0}
    assert only([delay(0.0, 2.0)], limit=both).conforms_probability == pytest.approx(0.68269, abs=1e-5)
    assert only([delay(0.0, 2.0)], limit=both).capability_index == pytest.approx(0.5)
    assert only([delay(2.0, 0.0)]).conforms_probability == 1.0
    assert only([delay(2.1, 0.0)]).conforms_probability == 0.0
    lopsided = only([delay(1.5, None, interval95=(1.4, 2.0))])
    assert lopsided.conforms_probability == pytest.approx(0.975)
    assert only([delay(1.5, None, interval95=(1.4, None))]).conforms_probability is None
    assert only([delay(1.0, None)]).conforms_probability is None


@pytest.mark.parametrize(
    ("value", "uncertainty", "components", "repeats"),
    [
        (1.9, 0.4, {"noise_kw": 0.2}, 17),
        (1.9, 0.4, {"repeatability_s": 0.2}, 17),
        (2.1, 0.4, {"noise": 0.2}, 17),
        (1.8, 0.5, {"noise": 0.25}, 7),
        (1.9, 0.5, {"noise": 0.2, "window_s": 0.15}, None),
        (1.9, 0.4, {"window_s": 0.2}, None),
        (1.9, 0.4, {}, None),
        (2.0, 0.4, {"noise": 0.2}, None),
        (1.0, 0.4, {"noise": 0.2}, None),
    ],
)
def test_repeats_to_decide(
    value: float, uncertainty: float, components: dict[str, float], repeats: int | None
) -> None:
    found = only([delay(value, uncertainty, components=components)])
    assert found.repeats_to_decide == repeats
    if repeats is not None:
        shrunk = uncertainty / math.sqrt(repeats)
        assert only([delay(value, shrunk)]).outcome in ("PASS", "FAIL")
        assert only([delay(value, uncertainty / math.sqrt(repeats - 1.01))]).outcome == "INCONCLUSIVE"


@pytest.mark.parametrize("mapped", ["INVALID", "INCONCLUSIVE"])
def test_a_failing_that_is_not_the_devices_fault(mapped: str) -> None:
    found = verdict([delay(3.0, 0.1)], finding(fail_is=mapped))
    assert found.outcome == mapped
    assert found.findings[0].rule_outcome == mapped
    assert verdict([delay(1.0, 0.1)], finding(fail_is=mapped)).outcome == "PASS"
    assert verdict([delay(None, None, state="never")], finding(fail_is=mapped)).outcome == mapped
