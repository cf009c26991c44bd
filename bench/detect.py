"""The detection matrix: every fault of the catalogue in every profile, and whether its finding caught it.

Runs go over the direct link in virtual time. A fault is ``caught`` where the root of the outcome (or a
warning that the healthy device does not get) is a finding that the catalogue names; ``silent`` where nothing
that counts changed, as in a profile that does not look there; ``missed`` where something changed and the
name is wrong: then the bench blames the wrong part.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.errors import BenchError, InstrumentError
from bench.model import Finding, Outcome, Verdict
from bench.prepare import RunRequest
from bench.rooms import load_object
from bench.run import run_campaign

__all__ = ["Cell", "Seen", "catalogue", "compare", "observe"]

Result = Literal["caught", "silent", "missed", "no such part", "refused"]
DIRECT = 'twin.link="direct"'


@dataclass(frozen=True)
class Seen:
    """How a run ended: the outcome, the ids of its roots, and of the warnings it gave."""

    outcome: Outcome
    roots: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    counted: tuple[tuple[str, str], ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Cell:
    """One fault in one profile."""

    part: str
    fault: str
    profile: str
    result: Result
    seen: Seen


def catalogue() -> list[Any]:
    """Return the faults there are: ``name part kind doc caught_by``."""
    found: dict[tuple[str, str], Any] = load_object("instruments.twins.faults:CATALOGUE", "twin faults")
    return list(found.values())


def observe(
    profile: str, overrides: Sequence[str] = (), *, station: str = "twin", link: str = DIRECT
) -> Seen:
    """Run ``profile`` with ``overrides`` and say how it ended; the folder is thrown away.

    Raises:
        UsageError: the overrides or the profile are wrong.
    """
    with tempfile.TemporaryDirectory(prefix="drready-detect-") as out:
        request = RunRequest(
            profiles=[profile], station=station, overrides=[link, *overrides], out=Path(out), lang="en"
        )
        try:
            result = run_campaign(request)[0]
        except InstrumentError as error:
            return Seen(Outcome.ERROR, ("ERROR",), reason=str(error))
        if result.outcome in (Outcome.ERROR, Outcome.ABORTED) or result.verdict is None:
            return Seen(result.outcome, (result.outcome.value,), reason=result.reason)
        return _seen(result.verdict)


def _seen(verdict: Verdict) -> Seen:
    findings = verdict.findings
    bad = [one for one in findings if one.counts and one.outcome is verdict.outcome and one.cause is None]
    roots = bad if verdict.outcome is not Outcome.PASS else []
    if verdict.outcome is Outcome.INCONCLUSIVE and not roots:
        roots = [one for one in findings if one.required and one.outcome is Outcome.NOT_APPLICABLE]
    warnings = [one for one in findings if not one.counts and one.outcome is Outcome.FAIL]
    return Seen(
        verdict.outcome,
        tuple(one.id for one in roots),
        tuple(one.id for one in warnings),
        tuple((one.id, _class(one)) for one in findings if one.counts),
        verdict.reason,
    )


def _class(finding: Finding) -> str:
    return finding.outcome.value


def _named(ids: Sequence[str], caught_by: Sequence[str]) -> bool:
    return any(one in caught_by or one.partition(".")[2] in caught_by for one in ids)


def compare(kind: Any, profile: str, seen: Seen, healthy: Seen) -> Cell:
    """Say whether ``seen``, with the fault ``kind``, was caught by a finding that the catalogue names."""
    new = [one for one in seen.warnings if one not in healthy.warnings]
    changed = seen.outcome is not healthy.outcome or seen.roots != healthy.roots
    result: Result
    if changed:
        result = "caught" if _named(seen.roots, kind.caught_by) else "missed"
    elif new and _named(new, kind.caught_by):
        result = "caught"
    else:
        result = "silent"
    return Cell(kind.part, kind.name, profile, result, seen)


def overrides_of(kind: Any, given: Sequence[str] = ()) -> list[str]:
    """Return the overrides that give a station the fault ``kind``."""
    return [f'twin.{kind.part}.faults=["{kind.name}"]', *given]


def matrix(
    profiles: Sequence[str],
    kinds: Sequence[Any],
    *,
    station: str = "twin",
    roles: Sequence[str] = (),
    told: Callable[[Cell], None] = lambda cell: None,
) -> list[Cell]:
    """Run every fault in every profile.

    Args:
        profiles: names or paths.
        kinds: entries of the catalogue.
        station: a station with an embedded twin.
        roles: the instruments it has: a fault of a part it lacks is not run.
        told: hears of each cell as it comes.
    """
    cells: list[Cell] = []
    for profile in profiles:
        try:
            healthy = observe(profile, station=station)
        except BenchError as error:
            refused = Seen(Outcome.ERROR, reason=str(error))
            cells.append(Cell("", "", profile, "refused", refused))
            told(cells[-1])
            continue
        cells.append(Cell("", "", profile, "silent", healthy))
        told(cells[-1])
        for kind in kinds:
            if kind.part not in (*roles, "house"):
                cell = Cell(kind.part, kind.name, profile, "no such part", healthy)
            else:
                seen = observe(profile, overrides_of(kind), station=station)
                cell = compare(kind, profile, seen, healthy)
            cells.append(cell)
            told(cell)
    return cells
