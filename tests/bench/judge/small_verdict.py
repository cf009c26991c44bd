"""A profile of one or a few findings, its rules, and verdicts on metrics made up for a test."""

from __future__ import annotations

from typing import Any

from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.judge import judge
from bench.model import Finding, Metric, Verdict

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


def metric(name: str, value: float, **more: Any) -> Metric:
    return Metric(name=name, value=value, unit="s", uncertainty=0.0, **more)


def three(**values: float) -> list[Metric]:
    return [metric(name, value) for name, value in values.items()]


def causes(found: Verdict) -> dict[str, str | None]:
    return {f.id: f.cause for f in found.findings if f.outcome == "FAIL"}
