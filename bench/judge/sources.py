"""Where the limit of a finding comes from."""

from __future__ import annotations

from collections.abc import Mapping

from bench.config.profile import FindingSpec, LimitSpec, Profile
from bench.config.rules import RuleSet
from bench.expr import names_in
from bench.model import Source

__all__ = ["limit_names", "source_of"]

_DECLARED = ("rated_kw", "capacity_kwh", "export_limit_kw")


def limit_names(spec: LimitSpec) -> tuple[str, ...]:
    """Return the names that the bounds of ``spec`` use, in order."""
    written = (getattr(spec, name) for name in LimitSpec.model_fields)
    return tuple(name for text in written if text is not None for name in names_in(text))


def source_of(
    spec: FindingSpec, profile: Profile, rules: RuleSet, names: Mapping[str, float]
) -> Source | None:
    """Return the source of the rule that ``spec`` names, or of the first rule in its limit.

    A limit that rests on a parameter or on the maker's declaration says so; a bare number has no source.
    """
    used = limit_names(spec.limit)
    rule = spec.rule or next((name for name in used if name in rules.rules), None)
    if rule is not None and rule in rules.rules:
        return rules.rules[_by_area(rule, rules, names)].source()
    for name in used:
        if name in profile.parameters:
            return Source(
                document=f"profile {profile.name}",
                place=f"parameters.{name}",
                mark="proposal",
                status="draft",
            )
        if name in _DECLARED or name.startswith("declared_"):
            return Source(
                document="declaration of the maker", place=name, mark="unverified", status="declared"
            )
    return None


def _by_area(rule: str, rules: RuleSet, names: Mapping[str, float]) -> str:
    """Return the area's own rule (``abnormal_hokkaido_hz`` for ``abnormal_hz``) where its value is in use."""
    stem, _, unit = rule.rpartition("_")
    for other, text in rules.rules.items():
        is_area = other.startswith(f"{stem}_") and other.endswith(f"_{unit}") and other != rule
        if is_area and names.get(rule) == text.value != rules.rules[rule].value:
            return other
    return rule
