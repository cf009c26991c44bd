"""The verdict of a run: metrics x rules, nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.judge import words
from bench.judge.causes import with_causes
from bench.judge.decide import Decision
from bench.judge.finding import Court, judge_finding
from bench.judge.qualify import qualified_kw
from bench.model import Finding, Limit, Metric, Outcome, Scope, Verdict, worst

__all__ = ["judge", "verdict_json"]

_ADMITTED = "admitted_point"


def judge(
    metrics: Sequence[Metric],
    profile: Profile,
    rules: RuleSet,
    names: Mapping[str, float],
    *,
    edition: str,
    point: Literal["device", "receiving"],
    delta_kw: float,
    simulated: bool,
    dry_run: bool = False,
    practice_reasons: Sequence[str] = (),
    decision: Decision = "guarded",
) -> Verdict:
    """Judge ``metrics`` as ``profile`` says, against ``rules`` and the run's ``names``.

    ``names`` are the values that limits may use (rules, parameters, ``delta_kw``, ...). A practice run
    (``dry_run``, or any of ``practice_reasons``) never passes.
    """
    court = Court(profile, rules, names, point, decision)
    judged = [judge_finding(court, spec, metrics) for spec in profile.findings if point in spec.points]
    follows = {finding.id: follow for finding, follow in judged}
    findings = with_causes(profile, [finding for finding, _ in judged], follows)
    outcome = _outcome(findings)
    said = words.outcome_words(outcome, _deciding(findings, outcome))
    qualified = qualified_kw(court, findings, metrics, outcome, delta_kw) if profile.qualifies else None
    dry = dry_run or bool(practice_reasons)
    if dry and outcome is Outcome.PASS:
        outcome, qualified = Outcome.INCONCLUSIVE, None
        said = words.outcome_words(outcome, [])
    if dry:
        said = words.join(said, words.practice(list(practice_reasons)))
    if all(spec.id != _ADMITTED for spec in profile.findings):
        findings.append(_admitted(court, edition))
    return Verdict(
        profile=profile.name,
        edition=edition,
        point=point,
        delta_kw=delta_kw,
        simulated=simulated,
        dry_run=dry,
        decision=decision,
        outcome=outcome,
        qualified_kw=qualified,
        findings=tuple(findings),
        reason=said.en,
        reason_ja=said.ja,
    )


def verdict_json(verdict: Verdict) -> str:
    """Return ``verdict`` as the text of ``verdict.json``; never with NaN."""
    content = verdict.model_dump(mode="json", by_alias=True)
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _outcome(findings: Sequence[Finding]) -> Outcome:
    """Return the worst that counts; a required finding with nothing to judge leaves the run undecided."""
    outcomes = []
    for finding in findings:
        if not finding.counts:
            continue
        if finding.outcome is not Outcome.NOT_APPLICABLE:
            outcomes.append(finding.outcome)
        elif finding.required:
            outcomes.append(Outcome.INCONCLUSIVE)
    return worst(outcomes)


def _deciding(findings: Sequence[Finding], outcome: Outcome) -> list[str]:
    """Return the ids that made the outcome; where there are causes, only the roots."""
    if outcome is Outcome.PASS:
        return []
    roots = [f for f in findings if f.counts and f.cause is None]
    undecided = outcome is Outcome.INCONCLUSIVE
    return [
        f.id
        for f in roots
        if f.outcome is outcome or (undecided and f.required and f.outcome is Outcome.NOT_APPLICABLE)
    ]


def _admitted(court: Court, edition: str) -> Finding:
    """Say whether the market takes results at this point: never the device's failing, so never a FAIL."""
    known = court.point in court.rules.admitted_points
    said = words.admitted(
        court.point, edition, known, court.rules.admitted_note, court.rules.admitted_note_ja
    )
    outcome = Outcome.PASS if known else Outcome.NOT_APPLICABLE
    return Finding(
        id=f"{court.profile.name}.{_ADMITTED}",
        metric=_ADMITTED,
        value=None,
        uncertainty=None,
        limit=Limit(),
        unit="1",
        required=False,
        counts=False,
        outcome=outcome,
        rule_outcome=outcome,
        margin_ratio=None,
        repeats_to_decide=None,
        cause=None,
        scope=Scope(point=court.point),
        reason=said.en,
        reason_ja=said.ja,
        evidence=None,
        source=None,
    )
