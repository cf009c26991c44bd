"""Run a profile on a twin over the direct link and hand back its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.model import Finding, Outcome, Verdict
from bench.prepare import RunRequest
from bench.run import run_campaign

__all__ = ["Judged", "judged"]


@dataclass(frozen=True)
class Judged:
    """A verdict with what tests ask of it."""

    outcome: Outcome
    verdict: Verdict
    folder: Path

    def finding(self, short: str) -> Finding:
        """Return the finding ``<profile>.<short>``."""
        wanted = f"{self.verdict.profile}.{short}"
        return next(finding for finding in self.verdict.findings if finding.id == wanted)

    @property
    def roots(self) -> set[str]:
        """The short ids of the FAILs (that count) which follow from no other."""
        return {
            finding.id.partition(".")[2]
            for finding in self.verdict.findings
            if finding.outcome is Outcome.FAIL and finding.counts and finding.cause is None
        }


def judged(
    profile: str, out: Path, *overrides: str, link: str = "direct", station: str = "twin", **how: object
) -> Judged:
    """Run ``profile`` with ``overrides`` on a twin; several overrides may be given."""
    request = RunRequest(
        profiles=[profile],
        station=station,
        overrides=[f'twin.link="{link}"', *overrides],
        out=out,
        **how,  # type: ignore[arg-type]  # keywords of RunRequest, checked when it is made
    )
    result = run_campaign(request)[0]
    assert result.verdict is not None
    assert result.folder is not None
    return Judged(result.outcome, result.verdict, result.folder)
