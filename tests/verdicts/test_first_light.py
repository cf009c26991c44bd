"""Tell good from bad: for each device the outcome, and the one finding that is the cause."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged import judged

from bench.model import Outcome

CASES = [
    ("primary", (), Outcome.PASS, set()),
    ("primary", ("twin.battery.delay_s=2.3",), Outcome.FAIL, {"delay"}),
    ("primary", ("twin.battery.gain_ratio=0",), Outcome.FAIL, {"delay"}),
    ("primary", ("twin.battery.gain_ratio=-1",), Outcome.FAIL, {"delay"}),
    ("primary", ("twin.source.offset_hz=0.03",), Outcome.INVALID, set()),
    ("tertiary2", (), Outcome.PASS, set()),
    ("tertiary2", ("twin.battery.gain_ratio=0",), Outcome.FAIL, {"response"}),
    ("tertiary2", ("twin.battery.gain_ratio=-1",), Outcome.FAIL, {"response"}),
    ("tertiary2", ("twin.battery.gain_ratio=1.12",), Outcome.FAIL, {"band"}),
    ("tertiary2", ("twin.battery.gain_ratio=0.88",), Outcome.FAIL, {"band"}),
    ("tertiary2", ("twin.battery.gain_ratio=0.95",), Outcome.PASS, set()),
    ("tertiary2", ("twin.battery.soc_pct=60",), Outcome.FAIL, {"hold"}),
    # 90 % of 5.5 kW is reached after 4.95 kW / ramp: 3640 s, the rule allows 3600 s
    ("tertiary2", ("twin.battery.ramp_kw_per_s=0.00136",), Outcome.FAIL, {"response"}),
    ("tertiary2", ("twin.source.offset_hz=0.03",), Outcome.INVALID, set()),
    ("tertiary2", ('twin.meter.faults=["nan@7300-8150"]',), Outcome.INCONCLUSIVE, set()),
]


@pytest.mark.parametrize(
    ("profile", "overrides", "outcome", "roots"), CASES, ids=[f"{c[0]}-{'-'.join(c[1])}" for c in CASES]
)
def test_good_from_bad(
    profile: str, overrides: tuple[str, ...], outcome: Outcome, roots: set[str], tmp_path: Path
) -> None:
    found = judged(profile, tmp_path, *overrides)
    assert found.outcome is outcome, found.verdict.reason
    assert found.roots == roots


def test_the_response_just_before_the_limit_is_measured_right(tmp_path: Path) -> None:
    """4.95 kW are reached after 3536 s of the 3600 s allowed."""
    found = judged("tertiary2", tmp_path, "twin.battery.ramp_kw_per_s=0.0014")
    assert (found.outcome, found.roots) == (Outcome.PASS, set()), found.verdict.reason
    response = found.finding("response")
    assert response.value == pytest.approx(4.95 / 0.0014 + 0.5, abs=5.0)
    assert response.uncertainty is not None
    assert response.uncertainty < 10.0
