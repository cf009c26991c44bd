"""A campaign taken up again: what of it is finished stays, the first run that is not is begun anew.

Each run's ``run.json`` says which campaign it belongs to; the run after the seam says after what it came.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.clock import utc_now
from bench.errors import BenchError, Fault, UsageError
from bench.host.process import me
from bench.model import Outcome, Verdict
from bench.prepare import Prepared, RunRequest
from bench.record.files import read_json
from bench.record.info import read_info
from bench.runinfo import RunInfo

__all__ = ["Finished", "Seam", "new_campaign", "seam_of"]


@dataclass(frozen=True)
class Finished:
    """A run of the campaign that need not be done again."""

    profile: str
    outcome: Outcome
    folder: Path
    verdict: Verdict | None


@dataclass(frozen=True)
class Seam:
    """Where a campaign broke off: what was finished, and the run that was not, if one had begun."""

    campaign: dict[str, Any]
    finished: tuple[Finished, ...]
    broken: str | None

    def left(self, plans: list[Prepared]) -> list[Prepared]:
        """Return those of ``plans`` that are still to be run."""
        done = Counter(one.profile for one in self.finished)
        left = []
        for plan in plans:
            name = plan.loaded.profile.name
            if done[name] > 0:
                done[name] -= 1
            else:
                left.append(plan)
        return left


def new_campaign(request: RunRequest) -> dict[str, Any]:
    """Return what a run of a new campaign says of it."""
    stamp = utc_now().strftime("%Y%m%dT%H%M%SZ")
    return {"id": f"{stamp}-{me()['pid']}", "key": _key(request), "profiles": list(request.profiles)}


def seam_of(request: RunRequest) -> Seam:
    """Find the newest campaign in ``request.out`` that was asked for as ``request`` is, and did not end.

    Raises:
        UsageError: there is none.
    """
    key = _key(request)
    runs = [found for found in _infos(request.out) if found[2].get("key") == key]
    if not runs:
        raise UsageError(
            Fault("--resume", f"no campaign in {request.out} was asked for like this one: leave it out")
        )
    newest = max(runs, key=lambda found: (found[1].started_utc, found[0].name))[2]["id"]
    finished, broken = [], None
    for folder, info, campaign in sorted(runs, key=lambda found: found[0].name):
        if campaign["id"] != newest:
            continue
        if info.outcome is None or info.outcome in (Outcome.ERROR, Outcome.ABORTED):
            broken = folder.name
        elif not campaign.get("conditioning"):
            finished.append(Finished(info.profile, info.outcome, folder, _verdict(folder)))
    campaign = {**new_campaign(request), "id": newest, "resumed_after": broken or finished[-1].folder.name}
    return Seam(campaign, tuple(finished), broken)


def _infos(results: Path) -> Iterator[tuple[Path, RunInfo, dict[str, Any]]]:
    try:
        folders = sorted(path for path in results.iterdir() if (path / "run.json").is_file())
    except OSError:
        return
    for folder in folders:
        try:
            info = read_info(folder)
        except BenchError:
            continue
        if isinstance(info.campaign.get("id"), str):
            yield folder, info, info.campaign


def _verdict(folder: Path) -> Verdict | None:
    try:
        return Verdict.model_validate(read_json(folder / "verdict.json"))
    except (BenchError, ValueError):
        return None


def _key(request: RunRequest) -> str:
    asked = [
        list(request.profiles),
        request.station,
        request.edition,
        request.delta_kw,
        request.point,
        list(request.overrides),
        request.decision,
        request.recharge,
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
