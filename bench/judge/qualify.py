"""The largest ΔkW that the same recording would have qualified for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from bench.config.profile import FindingSpec
from bench.judge.finding import Court, judge_finding
from bench.judge.interval import interval
from bench.model import Finding, Metric, Outcome

__all__ = ["qualified_kw"]

# What a band around another ΔkW decides anew: whether power lies in it at every judged point, from the
# response time to the end of the hold. Whatever else failed would fail at any ΔkW.
_BY_BAND = ("band_deviation_kw", "response_s", "hold_s", "stay_ratio")
_LOWEST, _HIGHEST = "point_min_kw", "point_max_kw"
_BASELINE = "baseline"


def qualified_kw(
    court: Court, findings: Sequence[Finding], metrics: Sequence[Metric], outcome: Outcome, delta_kw: float
) -> float | None:
    """Return ``delta_kw`` on PASS, on FAIL the largest that would have passed or 0, null if undecided.

    From ``point_min_kw`` and ``point_max_kw`` (positive along the direction): every judged point must lie
    within the band of ΔkW' around ΔkW', with its uncertainty where the decision is guarded. What else is
    judged must then pass at ΔkW' too, the baseline among it.
    """
    if outcome is Outcome.PASS:
        return delta_kw
    if outcome is not Outcome.FAIL:
        return None
    failed = {finding.metric for finding in findings if finding.counts and finding.outcome is Outcome.FAIL}
    if not failed <= set(_BY_BAND):
        return 0.0
    allowed = _allowed(court, metrics)
    if allowed is None:
        return None if failed == {"band_deviation_kw"} else 0.0
    low, high = allowed
    if high <= 0 or low > high or high >= delta_kw:
        return 0.0
    return _others_pass(court, metrics, high)


def _allowed(court: Court, metrics: Sequence[Metric]) -> tuple[float, float] | None:
    """Return the smallest and the largest ΔkW' whose band holds every point of the hold; null if unknown."""
    band = court.names.get("band_ratio")
    points = [
        metric
        for metric in metrics
        if metric.name in (_LOWEST, _HIGHEST)
        and metric.scope.phase != _BASELINE
        and metric.scope.point in (None, court.point)
    ]
    spans = [_span(metric, guarded=court.decision == "guarded") for metric in points]
    if band is None or not 0 < band < 1 or {metric.name for metric in points} != {_LOWEST, _HIGHEST}:
        return None
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return None
    return max(span[1] for span in known) / (1 + band), min(span[0] for span in known) / (1 - band)


def _span(metric: Metric, guarded: bool) -> tuple[float, float] | None:
    """Return what the true point may be; null when unknown."""
    if metric.value is None or metric.state != "measured":
        return None
    ends = interval(metric) if guarded else (metric.value, metric.value)
    return ends if ends is not None and all(math.isfinite(end) for end in ends) else None


def _others_pass(court: Court, metrics: Sequence[Metric], delta_kw: float) -> float | None:
    """Return ``delta_kw`` if what the points do not decide passes at it too; null where that is not known."""
    smaller = replace(court, names={**court.names, "delta_kw": delta_kw})
    others = [spec for spec in court.profile.findings if spec.counts and not _by_points(spec)]
    again = [judge_finding(smaller, spec, metrics)[0] for spec in others]
    if any(finding.outcome is Outcome.FAIL for finding in again):
        return 0.0
    open_ = (Outcome.INCONCLUSIVE, Outcome.INVALID)
    undecided = any(f.outcome in open_ or (f.required and f.outcome is Outcome.NOT_APPLICABLE) for f in again)
    return None if undecided else delta_kw


def _by_points(spec: FindingSpec) -> bool:
    return spec.metric in _BY_BAND and spec.phase != _BASELINE
