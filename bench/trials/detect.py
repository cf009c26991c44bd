"""One fault of the catalogue in one profile: how the run ended, and whether the right finding caught it.

A fault is ``caught`` where the root of the outcome (or, where the outcome stays, a warning that the healthy
device does not get) is a finding that the catalogue names for this profile; ``silent`` where nothing that
counts changed and nothing had to; ``missed`` where another finding caught it, or none did.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.errors import InstrumentError
from bench.model import Finding, Outcome, Verdict
from bench.prepare import RunRequest
from bench.rooms import load_object
from bench.run import run_campaign

__all__ = ["Cell", "Result", "Seen", "catalogue", "compare", "observe", "overrides_of", "station_of"]

Result = Literal["caught", "silent", "missed"]
DIRECT = 'twin.link="direct"'
_STATIONS = {"gateway": "twin-gateway", "echonet": "twin-echonet"}
"""Where a fault needs an instrument that the station ``twin`` has not."""


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
    """One fault in one profile; without a fault, the healthy device."""

    station: str
    part: str
    fault: str
    profile: str
    result: Result
    seen: Seen


def catalogue() -> list[Any]:
    """Return the faults there are: ``name part kind doc expected``."""
    found: list[Any] = []
    for name in ("CATALOGUE", "ECHONET"):
        kinds: Mapping[tuple[str, str], Any] = load_object(
            f"instruments.twins.fault_catalogue:{name}", "twin faults"
        )
        found += kinds.values()
    return found


def station_of(kind: Any) -> str:
    """Return the bundled station on which the fault ``kind`` is tried."""
    return _STATIONS.get(kind.part, "twin")


def overrides_of(kind: Any) -> list[str]:
    """Return the overrides that give a station the fault ``kind``."""
    key = "twin.battery.echonet" if kind.part == "echonet" else f"twin.{kind.part}.faults"
    return [f'{key}=["{kind.name}"]']


def observe(
    profile: str, overrides: Sequence[str] = (), *, station: str = "twin", link: str = DIRECT
) -> Seen:
    """Run ``profile`` with ``overrides`` and say how it ended; the folder is thrown away.

    Raises:
        UsageError: the overrides or the profile are wrong, or do not fit the station.
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


def _named(ids: Sequence[str], names: Sequence[str]) -> bool:
    return any((one.partition(".")[2] or one) in names for one in ids)


def compare(kind: Any, profile: str, seen: Seen, healthy: Seen) -> Result:
    """Say whether ``seen``, with the fault ``kind``, was caught by a finding that the catalogue names."""
    asked = kind.expected.get(profile)
    if seen.outcome is not healthy.outcome or seen.roots != healthy.roots:
        return "caught" if asked is not None and _named(seen.roots, asked.ids) else "missed"
    if asked is None:
        return "silent"
    new = [one for one in seen.warnings if one not in healthy.warnings]
    if _named(new, asked.ids):
        return "caught"
    # a profile that the station cannot show, even with a healthy device, shows no fault either
    return "silent" if asked.may or healthy.outcome is Outcome.INCONCLUSIVE else "missed"
