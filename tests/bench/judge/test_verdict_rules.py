"""Every rule of a verdict, with a case that must pass it and one that must not."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest

from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.judge import judge, verdict_json
from bench.model import Finding, Metric, Outcome, Scope, Verdict, exit_code, worst

RULE = {
    "unit": "s",
    "document": "doc",
    "place": "clause",
    "quote": "quote",
    "mark": "seed",
    "status": "draft",
}
NAMES = {"delay_limit_s": 2.0, "band_ratio": 0.1, "delta_kw": 3.0, "cap_kw": 10.0, "zero": 0.0}


def finding(name: str = "delay", metric: str = "delay_s", **more: Any) -> dict[str, Any]:
    return {"id": name, "metric": metric, "limit": {"at_most": "delay_limit_s"}, **more}


def profile(*findings: dict[str, Any]) -> Profile:
    return Profile.model_validate(
        {
            "name": "demo",
            "product": "demo",
            "title_en": "Demo",
            "title_ja": "見本",
            "kind": "command",
            "timeline": [{"segments": [{"phase": "hold", "duration_s": 1}]}],
            "measure": [{"name": "anything"}],
            "findings": list(findings),
        }
    )


def rules(**more: Any) -> RuleSet:
    table = {"delay_limit_s": {**RULE, "value": 2.0}, "band_ratio": {**RULE, "value": 0.1, "unit": "1"}}
    return RuleSet.model_validate({"product": "demo", "edition": "2026", "rules": table, **more})


def verdict(metrics: list[Metric], *findings: dict[str, Any], **more: Any) -> Verdict:
    options: dict[str, Any] = {"edition": "2026", "point": "device", "delta_kw": 3.0, "simulated": True}
    given = more.pop("rules", None) or rules()
    return judge(metrics, profile(*findings), given, more.pop("names", NAMES), **{**options, **more})


def delay(value: float | None, uncertainty: float | None = 0.0, **more: Any) -> Metric:
    return Metric(name="delay_s", value=value, unit="s", uncertainty=uncertainty, **more)


def only(metrics: list[Metric], decision: str = "guarded", **more: Any) -> Finding:
    return verdict(metrics, finding(**more), decision=decision).findings[0]


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


def metric(name: str, value: float, **more: Any) -> Metric:
    return Metric(name=name, value=value, unit="s", uncertainty=0.0, **more)


def three(**values: float) -> list[Metric]:
    return [metric(name, value) for name, value in values.items()]


def causes(found: Verdict) -> dict[str, str | None]:
    return {f.id: f.cause for f in found.findings if f.outcome == "FAIL"}


def test_cause_is_named_only_when_it_fails_too() -> None:
    specs = [finding("a", "a"), finding("b", "b", causes=["a"]), finding("c", "c", causes=["b", "a"])]
    assert causes(verdict(three(a=9, b=9, c=9), *specs)) == {
        "demo.a": None,
        "demo.b": "demo.a",
        "demo.c": "demo.b",
    }
    assert causes(verdict(three(a=1, b=9, c=9), *specs)) == {"demo.b": None, "demo.c": "demo.b"}
    assert causes(verdict(three(a=1, b=1, c=9), *specs)) == {"demo.c": None}


def test_what_the_metric_follows_comes_before_the_profile() -> None:
    specs = [finding("a", "a"), finding("b", "b"), finding("c", "c", causes=["a"])]
    metrics = [*three(a=9, b=9), metric("c", 9, follows="b")]
    assert causes(verdict(metrics, *specs))["demo.c"] == "demo.b"
    metrics = [*three(a=9, b=1), metric("c", 9, follows="b")]
    assert causes(verdict(metrics, *specs))["demo.c"] == "demo.a"


def test_causes_never_make_a_circle_and_a_root_remains() -> None:
    specs = [
        finding("a", "a", causes=["c", "a"]),
        finding("b", "b", causes=["a"]),
        finding("c", "c", causes=["b"]),
    ]
    found = causes(verdict(three(a=9, b=9, c=9), *specs))
    assert list(found.values()).count(None) == 1
    for name in found:
        seen, at = [], name
        while (link := found[at]) is not None:
            assert link not in seen
            seen.append(link)
            at = link


def test_information_never_causes_what_counts() -> None:
    specs = [finding("info", "a", counts=False), finding("b", "b", causes=["info"])]
    assert causes(verdict(three(a=9, b=9), *specs))["demo.b"] is None


@pytest.mark.parametrize(
    ("values", "outcome", "code"),
    [
        ({"a": 1, "b": 1, "stim": 1}, "PASS", 0),
        ({"a": 9, "b": 1, "stim": 1}, "FAIL", 1),
        ({"a": 9, "b": 1, "stim": 9}, "INVALID", 4),
        ({"a": 1, "stim": 1}, "INCONCLUSIVE", 4),
        ({"a": 9, "stim": 1}, "FAIL", 1),
        ({"a": 1, "b": 1}, "PASS", 0),
        ({"b": 1}, "INCONCLUSIVE", 4),
    ],
)
def test_run_outcome_is_the_worst_that_counts(values: dict[str, float], outcome: str, code: int) -> None:
    specs = [
        finding("a", "a", required=True),
        finding("b", "b", if_unknown="INCONCLUSIVE"),
        finding("stim", "stim", fail_is="INVALID"),
        finding("info", "info", counts=False),
    ]
    found = verdict([*three(**values), metric("info", 99)], *specs)
    assert found.outcome == outcome
    assert exit_code(found.outcome) == code


def test_order_and_exit_codes_are_the_contracts() -> None:
    order = ["PASS", "INCONCLUSIVE", "FAIL", "INVALID", "ABORTED", "ERROR"]
    for low, high in itertools.pairwise(order):
        assert worst([Outcome(high), Outcome(low)]) == high
    codes = {name: exit_code(Outcome(name)) for name in [*order, "NOT_APPLICABLE"]}
    assert codes == {
        "PASS": 0, "FAIL": 1, "ERROR": 3, "ABORTED": 3, "INVALID": 4, "INCONCLUSIVE": 4, "NOT_APPLICABLE": 4,
    }  # fmt: skip


def test_nothing_that_counts_is_not_applicable() -> None:
    found = verdict([metric("a", 1)], finding("a", "a", counts=False))
    assert found.outcome == "NOT_APPLICABLE"


def test_a_missing_metric_of_a_required_finding_leaves_the_run_undecided() -> None:
    found = verdict([metric("a", 1)], finding("a", "a"), finding("b", "b", required=True))
    assert (found.findings[1].outcome, found.outcome) == ("NOT_APPLICABLE", "INCONCLUSIVE")
    assert "demo.b" in found.reason
    found = verdict([metric("a", 1)], finding("a", "a"), finding("b", "b"))
    assert found.outcome == "PASS"


def test_a_limit_that_is_not_declared_is_not_applicable() -> None:
    found = only([delay(1.0)], limit={"below": "export_limit_kw"})
    assert found.outcome == "NOT_APPLICABLE"
    assert "export_limit_kw is declared nowhere" in found.reason
    assert "known here" not in found.reason  # the names of the run are nothing to the reader
    assert only([delay(1.0)], limit={}).outcome == "NOT_APPLICABLE"
    assert only([delay(1.0)], limit={}).value == 1.0


def test_practice_never_passes_but_may_fail() -> None:
    good, bad = [delay(1.0)], [delay(9.0)]
    found = verdict(good, finding(), dry_run=True, practice_reasons=["duration_s below 300"])
    assert (found.outcome, found.dry_run, found.qualified_kw) == ("INCONCLUSIVE", True, None)
    assert "duration_s below 300" in found.reason
    assert found.findings[0].outcome == "PASS"
    assert verdict(good, finding(), practice_reasons=["short"]).outcome == "INCONCLUSIVE"
    assert verdict(bad, finding(), dry_run=True).outcome == "FAIL"
    assert verdict(good, finding()).outcome == "PASS"


def test_admitted_point_is_information() -> None:
    given = rules(admitted_points=["receiving"], admitted_note="a scheme is under discussion")
    found = verdict([delay(1.0)], finding(), rules=given)
    last = found.findings[-1]
    assert (last.id, last.outcome, last.counts) == ("demo.admitted_point", "NOT_APPLICABLE", False)
    assert "under discussion" in last.reason
    assert found.outcome == "PASS"
    found = verdict([delay(1.0)], finding(), rules=given, point="receiving")
    assert found.findings[-1].outcome == "PASS"


def test_the_source_is_the_rule_named_or_the_first_in_the_limit() -> None:
    area = {**RULE, "value": 0.3, "place": "Hokkaido"}
    given = rules(
        rules={
            "delay_limit_s": {**RULE, "value": 2.0, "place": "delay"},
            "band_ratio": {**RULE, "value": 0.1, "place": "band"},
            "abnormal_hz": {**RULE, "value": 0.2, "place": "elsewhere"},
            "abnormal_hokkaido_hz": area,
        }
    )

    def place(names: dict[str, float] = NAMES, **more: Any) -> str | None:
        source = verdict([delay(0.1)], finding(**more), rules=given, names=names).findings[0].source
        return None if source is None else source.place

    assert place() == "delay"
    assert place(limit={"at_most": "band_ratio * delta_kw"}) == "band"
    assert place(limit={"at_most": "delta_kw * delay_limit_s"}, rule="band_ratio") == "band"
    assert place(limit={"at_most": 2}) is None
    assert place(limit={"at_most": "export_limit_kw"}) == "export_limit_kw"
    assert place({**NAMES, "abnormal_hz": 0.2}, limit={"at_most": "abnormal_hz"}) == "elsewhere"
    assert place({**NAMES, "abnormal_hz": 0.3}, limit={"at_most": "abnormal_hz"}) == "Hokkaido"


def test_the_verdict_is_json_of_the_contract() -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} in the JSON")

    metrics = [
        delay(0.55, 0.03, scope=Scope(step=3, direction="up")),
        Metric(name="r", value=None, unit="s", state="never"),
    ]
    specs = [finding(required=True), finding("response", "r"), finding("c", "none", counts=False)]
    content = json.loads(verdict_json(verdict(metrics, *specs)), parse_constant=refuse)
    assert content["schema"] == 1
    assert set(content) >= {
        "schema", "profile", "edition", "point", "delta_kw", "simulated", "dry_run", "decision", "outcome",
        "qualified_kw", "findings",
    }  # fmt: skip
    first, second, _, _ = content["findings"]
    assert set(first) >= {
        "id", "metric", "value", "uncertainty", "limit", "unit", "required", "counts", "outcome",
        "rule_outcome", "margin_ratio", "repeats_to_decide", "cause", "scope", "reason", "evidence", "source",
    }  # fmt: skip
    assert first["limit"] == {"at_most": 2.0}
    assert (first["id"], first["scope"]["step"], first["scope"]["direction"]) == ("demo.delay", 3, "up")
    assert set(first["source"]) >= {"document", "place", "mark", "status"}
    assert (second["value"], second["outcome"]) == (None, "FAIL")
    with pytest.raises(ValueError, match="finite"):
        delay(math.nan)
