"""What every section of the report is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.evidence.text import Words, amount, limit_text, measured
from bench.model import Finding, Metric, Outcome, Verdict
from bench.recording import Recording
from bench.runinfo import RunInfo

__all__ = ["View"]


@dataclass(frozen=True)
class View:
    """A run and the language it is shown in. What a broken run does not have is None or empty."""

    folder: Path
    info: RunInfo
    recording: Recording | None
    metrics: Sequence[Metric]
    verdict: Verdict | None
    profile: Profile | None
    rules: RuleSet | None
    events: Sequence[Mapping[str, Any]]
    words: Words

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended: what broke it outranks what was judged; None where nothing says."""
        if self.info.execution == "error":
            return Outcome.ERROR
        if self.info.execution in ("aborted", "running"):
            return Outcome.ABORTED
        return self.verdict.outcome if self.verdict is not None else self.info.outcome

    @property
    def outcome_word(self) -> str:
        """The word of the outcome in the language of the page."""
        return self.words("outcome.NONE") if self.outcome is None else self.words.outcome(self.outcome)

    @property
    def simulated(self) -> bool:
        """True where any part of the record says so."""
        said = [self.info.simulated, *(instrument.simulated for instrument in self.info.instruments)]
        return any(said) or (self.verdict is not None and self.verdict.simulated)

    @property
    def practice(self) -> bool:
        """True where any part of the record says that this was a dry run."""
        return self.info.dry_run or (self.verdict is not None and self.verdict.dry_run)

    @property
    def stamp(self) -> str:
        """What is written across the page and every chart."""
        said = [("simulated", self.simulated), ("dry_run", self.practice)]
        return " · ".join(self.words(key) for key, true in said if true)

    @property
    def title(self) -> str:
        """The profile's title in the language of the page."""
        if self.profile is None:
            return self.info.profile
        return self.profile.title_ja if self.words.lang == "ja" else self.profile.title_en

    @property
    def device(self) -> str:
        """Maker, model and serial of the device under test."""
        return " ".join(str(self.info.device.get(key) or "") for key in ("maker", "model", "serial")).strip()

    def value_text(self, finding: Finding) -> str:
        """Return a finding's value with its uncertainty and unit, or why there is none."""
        if finding.value is None:
            return self.words("never" if finding.outcome is Outcome.FAIL else "no_value")
        unit = "" if finding.unit == "1" else f" {finding.unit}"
        return measured(finding.value, finding.uncertainty) + unit

    def limit_text(self, finding: Finding) -> str:
        """Return a finding's limit with its unit."""
        text = limit_text(finding.limit, self.words)
        return (
            f"{text} {finding.unit if finding.unit != '1' else ''}".strip()
            if text
            else self.words("no_limit")
        )

    def fact(self, name: str) -> str:
        """Return a number of the run's facts as text."""
        value = self.info.facts.get(name)
        return amount(float(value)) if isinstance(value, int | float) else str(value or "–")
