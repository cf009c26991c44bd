"""The vocabulary that the stages share: outcomes, metrics, findings, verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_serializer

__all__ = [
    "Finding",
    "Limit",
    "Metric",
    "Outcome",
    "Scope",
    "Source",
    "Verdict",
    "Window",
    "exit_code",
    "worst",
]


class Outcome(StrEnum):
    """What a finding, a run or a call came to. The order of :func:`worst` is the contract's."""

    PASS = "PASS"  # noqa: S105  (an outcome, not a password)
    NOT_APPLICABLE = "NOT_APPLICABLE"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"
    INVALID = "INVALID"
    ABORTED = "ABORTED"
    ERROR = "ERROR"


_SEVERITY = [
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
    Outcome.INCONCLUSIVE,
    Outcome.FAIL,
    Outcome.INVALID,
    Outcome.ABORTED,
    Outcome.ERROR,
]
_EXIT = {
    Outcome.PASS: 0,
    Outcome.FAIL: 1,
    Outcome.ERROR: 3,
    Outcome.ABORTED: 3,
    Outcome.INVALID: 4,
    Outcome.INCONCLUSIVE: 4,
    Outcome.NOT_APPLICABLE: 4,
}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst outcome; NOT_APPLICABLE when there is none to choose from."""
    return max(outcomes, key=_SEVERITY.index, default=Outcome.NOT_APPLICABLE)


def exit_code(outcome: Outcome) -> int:
    """Return the exit code that the contract gives to an outcome."""
    return _EXIT[outcome]


def _finite(value: float) -> float:
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("must be finite (unknown is null)")
    return value


Finite = Annotated[float, AfterValidator(_finite)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(_Record):
    """To what part of a run a metric belongs; null means all of it."""

    point: Literal["device", "receiving"] | None = None
    phase: str | None = None
    step: int | None = None
    direction: Literal["up", "down"] | None = None


class Window(_Record):
    """The stretch of the recording a number was taken from, in seconds of the run."""

    from_s: Finite
    to_s: Finite


class Metric(_Record):
    """One measured number.

    ``uncertainty`` is expanded (k = 2). ``interval95`` is given where the uncertainty is one-sided or
    lies in each sample (counts, ratios, durations); the judge then prefers it. ``value`` null with
    ``state`` "never" is a response that was never reached; with "not_applicable" there was nothing to
    judge; "missing" means that the data cannot tell; "censored" that the record or the command ended first:
    then ``interval95`` holds the strict and the lenient reading.
    """

    name: str
    value: Finite | None
    unit: str
    uncertainty: Finite | None = None
    interval95: tuple[Finite | None, Finite | None] | None = None
    scope: Scope = Scope()
    window: Window | None = None
    method: str = ""
    state: Literal["measured", "never", "not_applicable", "missing", "censored"] = "measured"
    note: str = ""
    follows: str | None = Field(default=None, description="short finding id whose failing explains this one")
    components: dict[str, Finite] = Field(
        default_factory=dict, description="uncertainty budget: component -> standard uncertainty in the unit"
    )
    rule_value: Finite | None = Field(
        default=None, description="the value under the other definition, where two exist"
    )


class Limit(_Record):
    """One or two bounds in the unit of the metric; written with the bounds that there are, and no others."""

    at_most: Finite | None = None
    at_least: Finite | None = None
    below: Finite | None = None
    above: Finite | None = None

    @model_serializer
    def _bounds(self) -> dict[str, float]:
        bounds = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in bounds.items() if value is not None}


class Source(_Record):
    """Where a limit comes from; ``mark`` is seed, found, unverified or proposal."""

    document: str
    place: str
    mark: Literal["seed", "found", "unverified", "proposal"]
    status: Literal["draft", "in force", "declared"]
    quote: str = ""


class Finding(_Record):
    """One line of a verdict (contract section 5)."""

    id: str
    metric: str
    value: Finite | None
    uncertainty: Finite | None
    interval95: tuple[Finite | None, Finite | None] | None = None
    limit: Limit
    unit: str
    required: bool
    counts: bool
    outcome: Outcome
    rule_outcome: Outcome
    margin_ratio: Finite | None
    conforms_probability: Finite | None = None
    capability_index: Finite | None = Field(
        default=None, description="C_m of JCGM 106: width of the limit over 4 standard uncertainties"
    )
    repeats_to_decide: int | None
    cause: str | None
    scope: Scope
    reason: str
    reason_ja: str = ""
    evidence: Window | None
    source: Source | None
    components: dict[str, Finite] = Field(default_factory=dict)


class Verdict(_Record):
    """The contents of ``verdict.json``."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    profile: str
    edition: str
    point: Literal["device", "receiving"]
    delta_kw: Finite
    simulated: bool
    dry_run: bool
    decision: Literal["guarded", "simple"]
    outcome: Outcome
    qualified_kw: Finite | None
    findings: tuple[Finding, ...]
    reason: str = ""
    reason_ja: str = ""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
