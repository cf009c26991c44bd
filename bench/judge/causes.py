"""Which FAIL follows from which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.config.profile import Profile
from bench.model import Finding, Outcome

__all__ = ["with_causes"]


def with_causes(
    profile: Profile, findings: Sequence[Finding], follows: Mapping[str, str | None]
) -> list[Finding]:
    """Name the cause of each FAIL that has one.

    What the metric itself says it follows comes first, then the profile's ``causes``. A cause is itself a
    FAIL and counts if the effect counts; there are no circles, so at least one FAIL keeps none.
    """
    failed = {finding.id: finding for finding in findings if finding.outcome is Outcome.FAIL}
    declared = {f"{profile.name}.{spec.id}": spec.causes for spec in profile.findings}
    causes: dict[str, str] = {}
    for candidates in (
        {name: (follows.get(name) or "",) for name in failed},
        {name: declared.get(name, ()) for name in failed},
    ):
        for name, shorts in candidates.items():
            for cause in (_full(profile, short) for short in shorts):
                if name not in causes and _may_cause(failed, causes, cause, name):
                    causes[name] = cause
    return [finding.model_copy(update={"cause": causes.get(finding.id)}) for finding in findings]


def _full(profile: Profile, short: str) -> str:
    return short if short.startswith(f"{profile.name}.") else f"{profile.name}.{short}"


def _may_cause(failed: Mapping[str, Finding], causes: Mapping[str, str], cause: str, effect: str) -> bool:
    if cause not in failed or (failed[effect].counts and not failed[cause].counts):
        return False
    link: str | None = cause
    while link is not None:
        if link == effect:
            return False
        link = causes.get(link)
    return True
