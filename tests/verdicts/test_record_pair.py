"""A battery whose report carries no time: new every second as asked, or every other."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.model import Outcome
from tests.verdicts.judged import judged


@pytest.mark.parametrize(
    ("every_s", "outcome", "roots"), [(1.0, Outcome.PASS, set()), (2.0, Outcome.FAIL, {"record"})]
)
def test_a_report_that_is_new_too_seldom_fails_the_record(
    tmp_path: Path, every_s: float, outcome: Outcome, roots: set[str]
) -> None:
    found = judged("primary", tmp_path, f"twin.battery.report_interval_s={every_s}")
    assert found.outcome is outcome, found.verdict.reason
    assert found.roots == roots
