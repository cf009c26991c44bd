"""One metric against one limit: guarded and bare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bench.judge.interval import interval
from bench.judge.limits import bounds, inside, nearest, wholly_inside, wholly_outside
from bench.model import Limit, Metric, Outcome

__all__ = ["Case", "Decision", "Reading", "read"]

Decision = Literal["guarded", "simple"]
Case = Literal[
    "inside",
    "outside",
    "conditional_pass",
    "conditional_fail",
    "no_uncertainty",
    "never",
    "missing",
    "not_applicable",
    "censored",
    "censored_pass",
    "no_limit",
]


@dataclass(frozen=True)
class Reading:
    """How one metric stands. ``distance`` orders readings of one outcome: the smallest is the worst."""

    metric: Metric
    outcome: Outcome
    rule_outcome: Outcome
    case: Case
    distance: float


def read(metric: Metric, limit: Limit, decision: Decision) -> Reading:
    """Judge ``metric`` against ``limit`` under ``decision`` and under the bare rule."""
    outcome, rule, case = _states(metric, limit, decision)
    return Reading(metric, outcome, rule, case, _distance(metric, limit))


def _states(metric: Metric, limit: Limit, decision: Decision) -> tuple[Outcome, Outcome, Case]:
    if metric.state == "not_applicable":
        return Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE, "not_applicable"
    if metric.state == "never":
        return Outcome.FAIL, Outcome.FAIL, "never"
    if metric.state == "censored":
        return _censored(metric, limit, decision)
    if metric.state == "missing" or metric.value is None:
        return Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, "missing"
    if nearest(limit, metric.value) is None:
        return Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE, "no_limit"
    kept = inside(limit, metric.value)
    rule = Outcome.PASS if kept else Outcome.FAIL
    if decision == "simple":
        return rule, rule, "inside" if kept else "outside"
    span = interval(metric)
    if span is None:
        return Outcome.INCONCLUSIVE, rule, "no_uncertainty"
    if wholly_inside(limit, *span):
        return Outcome.PASS, rule, "inside"
    if wholly_outside(limit, *span):
        return Outcome.FAIL, rule, "outside"
    return Outcome.INCONCLUSIVE, rule, "conditional_pass" if kept else "conditional_fail"


def _censored(metric: Metric, limit: Limit, decision: Decision) -> tuple[Outcome, Outcome, Case]:
    """The record or the command ended first: both readings must pass for a PASS, and none can fail."""
    strict, lenient = metric.interval95 or (metric.value, None)
    if strict is None or not bounds(limit):
        return Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, "censored"
    known = [end for end in (strict, lenient, metric.value) if end is not None]
    low, high = min(known), math.inf if lenient is None else max(known)
    guard = metric.uncertainty or 0.0
    bare = wholly_inside(limit, low, high)
    guarded = wholly_inside(limit, low - guard, high + guard)
    rule = Outcome.PASS if bare else Outcome.INCONCLUSIVE
    outcome = rule if decision == "simple" or guarded else Outcome.INCONCLUSIVE
    return outcome, rule, "censored_pass" if outcome is Outcome.PASS else "censored"


def _distance(metric: Metric, limit: Limit) -> float:
    if metric.state == "never":
        return -math.inf
    if metric.value is None:
        # Unknown: worse than a conditional pass, not as bad as a conditional fail.
        return 0.0
    bound = nearest(limit, metric.value)
    return -abs(metric.value) if bound is None else bound.distance(metric.value)
