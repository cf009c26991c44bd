"""What a run comes to: causes, the worst that counts, what is not applicable, and the verdict as JSON."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest

from bench.judge import verdict_json
from bench.model import Metric, Outcome, Scope, exit_code, worst
from tests.bench.judge.small_verdict import (
    NAMES,
    RULE,
    causes,
    delay,
    finding,
    metric,
    only,
    rules,
    three,
    verdict,
)


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
