"""The largest ΔkW that the same recording would have qualified for."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge import judge
from bench.model import Metric, Scope, Verdict
from tests.bench.judge.small_verdict import profile, rules

DELTA_KW = 3.0
BAND = {"at_most": "band_ratio * delta_kw"}
PROFILE = profile(
    {"id": "baseline", "metric": "band_deviation_kw", "phase": "baseline", "limit": BAND},
    {"id": "response", "metric": "response_s", "limit": {"at_most": 60}},
    {"id": "band", "metric": "band_deviation_kw", "phase": "hold", "limit": BAND},
    {"id": "hold", "metric": "hold_s", "limit": {"at_least": 300}, "causes": ["band"]},
    {"id": "delay", "metric": "delay_s", "limit": {"at_most": 2}},
    {"id": "cap", "metric": "cap_kw", "limit": {"at_most": "2 * delta_kw"}},
)
RULES = rules()


def held(low: float, high: float, u: float = 0.0, **more: Any) -> Verdict:
    """Judge a hold whose points lie between ``low`` and ``high`` (kW, positive along the direction)."""
    direction = more.get("direction", "up")
    off = max(abs(low - DELTA_KW), abs(high - DELTA_KW))
    scope = Scope(phase="hold", direction=direction)

    def metric(name: str, value: float, unit: str = "kW", scope: Scope = scope, **rest: Any) -> Metric:
        return Metric(name=name, value=value, unit=unit, uncertainty=u, scope=scope, **rest)

    metrics = [
        metric("band_deviation_kw", more.get("baseline", 0.01), scope=Scope(phase="baseline")),
        metric("band_deviation_kw", off),
        metric("response_s", more.get("response", 10.0), "s"),
        metric("hold_s", 400.0 if off <= 0.3 else more.get("hold", 0.0), "s"),
        metric("delay_s", more.get("delay", 0.5), "s"),
        metric("cap_kw", more.get("cap", 0.0)),
        metric("point_min_kw", low),
        metric("point_max_kw", high),
        metric("point_min_kw", -0.01, scope=Scope(phase="baseline")),
    ]
    metrics = [m for m in metrics if not (more.get("without_points") and m.name.startswith("point"))]
    return judge(
        metrics,
        PROFILE,
        RULES,
        {"band_ratio": 0.1, "delta_kw": DELTA_KW},
        edition="2026",
        point="device",
        delta_kw=DELTA_KW,
        simulated=True,
        decision=more.get("decision", "guarded"),
    )


@pytest.mark.parametrize(
    ("low", "high", "more", "outcome", "qualified"),
    [
        (2.9, 3.0, {}, "PASS", 3.0),
        (2.64, 2.66, {}, "FAIL", 2.64 / 0.9),
        (2.64, 2.66, {"direction": "down"}, "FAIL", 2.64 / 0.9),
        (1.5, 1.6, {}, "FAIL", 1.5 / 0.9),
        (3.36, 3.36, {}, "FAIL", 0.0),
        (0.0, 3.0, {}, "FAIL", 0.0),
        (-3.0, -3.0, {}, "FAIL", 0.0),
        (1.5, 2.64, {}, "FAIL", 0.0),
        (2.64, 2.66, {"delay": 2.5}, "FAIL", 0.0),
        (2.9, 3.0, {"response": 99.0}, "FAIL", 0.0),
        (2.64, 2.66, {"baseline": 0.297}, "FAIL", 0.0),
        (2.64, 2.66, {"cap": 5.95}, "FAIL", 0.0),
        (2.64, 2.66, {"cap": 5.80}, "FAIL", 2.64 / 0.9),
    ],
)
def test_qualified_kw(low: float, high: float, more: dict[str, Any], outcome: str, qualified: float) -> None:
    found = held(low, high, **more)
    assert found.outcome == outcome
    assert found.qualified_kw == pytest.approx(qualified)


def test_the_guard_takes_its_share() -> None:
    assert held(2.64, 2.66, 0.009).qualified_kw == pytest.approx((2.64 - 0.009) / 0.9)
    assert held(2.64, 2.66, 0.009, decision="simple").qualified_kw == pytest.approx(2.64 / 0.9)


def test_what_qualifies_passes_when_it_is_tested() -> None:
    first = held(2.5, 2.6, 0.005)
    assert first.qualified_kw is not None
    names = {"band_ratio": 0.1, "delta_kw": first.qualified_kw}
    deviation = max(abs(2.5 - first.qualified_kw), abs(2.6 - first.qualified_kw))
    metric = Metric(
        name="band_deviation_kw", value=deviation, unit="kW", uncertainty=0.005, scope=Scope(phase="hold")
    )
    again = judge(
        [metric], PROFILE, RULES, names, edition="2026", point="device",
        delta_kw=first.qualified_kw, simulated=True,
    )  # fmt: skip
    assert again.findings[2].outcome == "PASS"


def test_undecided_is_null() -> None:
    assert held(2.71, 2.75, 0.05).outcome == "INCONCLUSIVE"
    assert held(2.71, 2.75, 0.05).qualified_kw is None
    assert held(2.64, 2.66, without_points=True, hold=400.0).qualified_kw is None
    assert held(2.64, 2.66, without_points=True).qualified_kw == 0.0
