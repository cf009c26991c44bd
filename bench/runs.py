"""The runs that lie in a results folder, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import Fault, UsageError
from bench.record.files import DamagedFile, read_json

__all__ = ["RunEntry", "list_runs"]


@dataclass(frozen=True)
class RunEntry:
    """One run folder at a glance. ``outcome`` is None while it runs, after a crash, or unreadable.

    ``state`` is ``closed``, ``open`` (still running, or its process died) or ``unreadable``.
    """

    folder: Path
    profile: str
    started_utc: str
    outcome: str | None
    simulated: bool | None
    dry_run: bool | None
    serial: str
    state: str
    reason: str = ""


def list_runs(results: Path) -> list[RunEntry]:
    """Return the runs in ``results``, newest first; folders without ``run.json`` are no runs and left out.

    Raises:
        UsageError: ``results`` is not a folder that can be read.
    """
    try:
        folders = [entry for entry in results.iterdir() if (entry / "run.json").is_file()]
    except OSError as problem:
        raise UsageError(Fault(str(results), f"not a folder that can be read ({problem.strerror})")) from None
    return sorted((_entry(folder) for folder in folders), key=_age, reverse=True)


def _age(entry: RunEntry) -> tuple[str, str]:
    stamp = "".join(letter for letter in entry.started_utc if letter.isdigit())[:14]
    return stamp or "".join(
        letter for letter in entry.folder.name[:16] if letter.isdigit()
    ), entry.folder.name


def _entry(folder: Path) -> RunEntry:
    try:
        content: Any = read_json(folder / "run.json")
        if not isinstance(content, dict):
            raise DamagedFile(Fault("run.json", "not a JSON object"))
    except DamagedFile as problem:
        return RunEntry(folder, "", "", None, None, None, "", "unreadable", str(problem))
    outcome = content.get("outcome")
    device = content.get("device")
    return RunEntry(
        folder=folder,
        profile=str(content.get("profile", "")),
        started_utc=str(content.get("started_utc", "")),
        outcome=outcome if isinstance(outcome, str) else None,
        simulated=_flag(content.get("simulated")),
        dry_run=_flag(content.get("dry_run")),
        serial=str(device.get("serial", "")) if isinstance(device, dict) else "",
        state="closed" if isinstance(outcome, str) else "open",
        reason=str(content.get("reason", "")),
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
