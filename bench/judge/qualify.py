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
_BY_BAND = (
    "band_deviation_kw",
    "interval_mean_deviation_kw",
    "response_s",
    "hold_s",
    "stay_ratio",
    "slot_energy_error_ratio",
    "slot_power_error_ratio",
)
_LEAST, _LARGEST = "least_scale_ratio", "largest_scale_ratio"
_LOWEST, _HIGHEST = "point_min_kw", "point_max_kw"
_BASELINE = "baseline"
_GAVE_OUT = "gave_out_count"
_NOTHING = 0.1
"""A band that ends below this share of ΔkW is that of no power at all."""


def qualified_kw(
    court: Court, findings: Sequence[Finding], metrics: Sequence[Metric], outcome: Outcome, delta_kw: float
) -> float | None:
    """Return ``delta_kw`` on PASS, on FAIL the largest that would have passed or 0, null if undecided.

    From ``least_scale_ratio`` and ``largest_scale_ratio``, or where every target is ΔkW from ``point_min_kw``
    and ``point_max_kw`` (positive along the direction): every judged point must lie within the band of ΔkW'
    around its share of ΔkW', with its uncertainty where the decision is guarded. What else is judged must
    then pass at ΔkW' too, the baseline among it.

    Where power was there and fell away for good, as that of an empty battery, the points after that are no
    witness: a smaller ΔkW might have lasted. If they allow none the answer is null, not 0.
    """
    if outcome is Outcome.PASS:
        return delta_kw
    if outcome is not Outcome.FAIL:
        return None
    gone = any(m.name == _GAVE_OUT and m.value for m in metrics if m.scope.point in (None, court.point))
    failed = [finding for finding in findings if finding.counts and finding.outcome is Outcome.FAIL]
    if gone:  # what never came, since nothing did any more, says nothing of another ΔkW either
        failed = [finding for finding in failed if finding.value is not None]
    if not {finding.metric for finding in failed} <= set(_BY_BAND):
        return 0.0
    allowed = _allowed(court, metrics, delta_kw)
    if allowed is None:
        return None if gone or {finding.metric for finding in failed} == {"band_deviation_kw"} else 0.0
    low, high = allowed
    if gone and low <= delta_kw and (low > high or high <= _NOTHING * delta_kw):
        return 0.0 if any(finding.scope.phase == _BASELINE for finding in failed) else None
    if high <= 0 or low > high or high >= delta_kw:
        return 0.0
    return _others_pass(court, metrics, high)


def _allowed(court: Court, metrics: Sequence[Metric], delta_kw: float) -> tuple[float, float] | None:
    """Return the smallest and the largest ΔkW' whose band holds every judged point; null if unknown."""
    here = [metric for metric in metrics if metric.scope.point in (None, court.point)]
    ratios = [metric for metric in here if metric.name in (_LEAST, _LARGEST)]
    spans: dict[str, list[float]] = {metric.name: [] for metric in ratios}
    for metric in ratios:
        span = _span(metric, guarded=court.decision == "guarded")
        if span is None:
            return None
        spans[metric.name].append(span[1] if metric.name == _LEAST else span[0])
    if ratios:
        least, largest = max(spans.get(_LEAST, [0.0])), min(spans.get(_LARGEST, [math.inf]))
        return least * delta_kw, largest * delta_kw
    return _by_extremes(court, here)


def _by_extremes(court: Court, here: Sequence[Metric]) -> tuple[float, float] | None:
    """The same, where every point of a hold has ΔkW for its target."""
    band = court.names.get("band_ratio")
    points = [m for m in here if m.name in (_LOWEST, _HIGHEST) and m.scope.phase != _BASELINE]
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
