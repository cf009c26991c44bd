"""Does the device on the table pass the pre-qualification? ``pytest tests/prequal --station my-lab.toml``"""

from __future__ import annotations

import pytest

from bench.model import Outcome
from bench.run import RunResult
from fixtures.plugin import RunProfile


def explain(result: RunResult) -> str:
    """Return what did not pass, one line each, and where the evidence lies."""
    lines = [f"{result.profile}: {result.outcome.value}. {result.reason}".strip()]
    if result.verdict is not None:
        lines += [
            f"  {finding.id}: {finding.outcome.value}: {finding.reason}"
            for finding in result.verdict.findings
            if finding.counts and finding.outcome is not Outcome.PASS
        ]
    return "\n".join([*lines, f"  evidence: {result.folder}"])


@pytest.mark.timeout(0)  # a real tertiary2 run takes hours; the run itself knows its end
@pytest.mark.parametrize("profile", ["tertiary2", "primary"])
def test_device_passes(profile: str, run_profile: RunProfile) -> None:
    result = run_profile(profile)

    assert result.outcome is Outcome.PASS, explain(result)
