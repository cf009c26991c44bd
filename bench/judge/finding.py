"""One line of the verdict: the worst of its metrics over steps and directions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.config.profile import FindingSpec, Profile
from bench.config.rules import RuleSet
from bench.expr import ExpressionError
from bench.judge import words
from bench.judge.decide import Decision, Reading, read
from bench.judge.interval import capability_index, conforms_probability, repeats_to_decide
from bench.judge.limits import limit_of, nearest, undeclared
from bench.judge.sources import source_of
from bench.model import Finding, Limit, Metric, Outcome, Scope, worst

__all__ = ["Court", "judge_finding", "matching"]


@dataclass(frozen=True)
class Court:
    """What stays the same for every finding of a verdict."""

    profile: Profile
    rules: RuleSet
    names: Mapping[str, float]
    point: Literal["device", "receiving"]
    decision: Decision


def matching(spec: FindingSpec, metrics: Sequence[Metric], point: str) -> list[Metric]:
    """Return the metrics of the name, phase and direction of ``spec``, at the judged point if any is."""
    found = [
        metric
        for metric in metrics
        if metric.name == spec.metric
        and spec.phase in (None, metric.scope.phase)
        and spec.direction in (None, metric.scope.direction)
    ]
    return [metric for metric in found if metric.scope.point in (None, point)] or found


def judge_finding(court: Court, spec: FindingSpec, metrics: Sequence[Metric]) -> tuple[Finding, str | None]:
    """Judge ``spec``; also return the short id of the finding that the worst metric says it follows."""
    found = matching(spec, metrics, court.point)
    if not found:
        return _unknown(court, spec, None, words.no_metric(spec.metric)), None
    try:
        limit = limit_of(spec.limit, court.names)
    except ExpressionError as error:
        missing = undeclared(spec.limit, court.names)
        said = words.undeclared(missing) if missing else words.unlimited(str(error))
        return _unknown(court, spec, found[0], said), None
    readings = [read(metric, limit, court.decision) for metric in found]
    judged = [reading for reading in readings if reading.outcome is not Outcome.NOT_APPLICABLE] or readings
    chosen = _worst(judged)
    finding = _finding(court, spec, limit, chosen, worst(reading.rule_outcome for reading in judged))
    return finding, chosen.metric.follows


def _worst(readings: Sequence[Reading]) -> Reading:
    """Return the reading with the worst outcome, and of those the one with the smallest margin."""
    outcome = worst(reading.outcome for reading in readings)
    return min((r for r in readings if r.outcome is outcome), key=lambda reading: reading.distance)


def _finding(court: Court, spec: FindingSpec, limit: Limit, reading: Reading, rule: Outcome) -> Finding:
    metric, outcome = reading.metric, reading.outcome
    said = words.reason(reading.case, metric, limit)
    if outcome is Outcome.FAIL and spec.fail_is != "FAIL":
        said = words.join(said, words.fail_is(spec.fail_is))
    said = words.join(said, words.Words(spec.reason_en, spec.reason_ja))
    open_ = reading.case in ("conditional_pass", "conditional_fail")
    return Finding(
        id=f"{court.profile.name}.{spec.id}",
        metric=metric.name,
        value=None if metric.state == "never" else metric.value,
        uncertainty=metric.uncertainty,
        interval95=metric.interval95,
        limit=limit,
        unit=metric.unit,
        required=spec.required,
        counts=spec.counts,
        outcome=_mapped(outcome, spec),
        rule_outcome=_mapped(rule, spec),
        margin_ratio=_margin_ratio(metric, limit),
        conforms_probability=conforms_probability(metric, limit) if metric.state == "measured" else None,
        capability_index=capability_index(metric, limit) if metric.state == "measured" else None,
        repeats_to_decide=repeats_to_decide(metric, limit) if open_ else None,
        cause=None,
        scope=metric.scope,
        reason=said.en,
        reason_ja=said.ja,
        evidence=metric.window,
        source=source_of(spec, court.profile, court.rules, court.names),
        components=metric.components,
    )


def _mapped(outcome: Outcome, spec: FindingSpec) -> Outcome:
    return Outcome(spec.fail_is) if outcome is Outcome.FAIL else outcome


def _margin_ratio(metric: Metric, limit: Limit) -> float | None:
    """Return the distance to the nearest limit over that limit; negative outside, null at zero."""
    bound = None if metric.value is None or metric.state == "never" else nearest(limit, metric.value)
    if bound is None or bound.value == 0 or metric.value is None:
        return None
    ratio = bound.distance(metric.value) / abs(bound.value)
    return ratio if math.isfinite(ratio) else None


def _unknown(court: Court, spec: FindingSpec, metric: Metric | None, said: words.Words) -> Finding:
    outcome = Outcome(spec.if_unknown)
    said = words.join(said, words.Words(spec.reason_en, spec.reason_ja))
    return Finding(
        id=f"{court.profile.name}.{spec.id}",
        metric=spec.metric,
        value=None if metric is None else metric.value,
        uncertainty=None if metric is None else metric.uncertainty,
        limit=Limit(),
        unit="" if metric is None else metric.unit,
        required=spec.required,
        counts=spec.counts,
        outcome=outcome,
        rule_outcome=outcome,
        margin_ratio=None,
        repeats_to_decide=None,
        cause=None,
        scope=Scope(phase=spec.phase, direction=spec.direction) if metric is None else metric.scope,
        reason=said.en,
        reason_ja=said.ja,
        evidence=None if metric is None else metric.window,
        source=source_of(spec, court.profile, court.rules, court.names),
    )
