"""``recover``: close a run whose process ended before it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import out
from bench.cli.options import Json, Lang

__all__ = ["close_if_left", "close_left_in", "recover"]


def recover(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of an interrupted run.")],
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Close an interrupted run as ABORTED.

    Every sample that was written is kept; verdict, report, checksums and signature are made. Exit 0: closed,
    2: not a run folder, closed already, or still running.
    """
    from bench.recover import recover as close

    found = close(folder, lang=lang)
    outcome = found.verdict.outcome.value
    if as_json:
        out.json_object(
            {
                "outcome": outcome,
                "folder": str(found.folder),
                "samples": found.rows,
                "reason": found.info.reason,
                "safe_state": found.info.safe_state.state,
            }
        )
        return
    out.text(f"{found.folder}: closed as {outcome}, {found.rows} samples kept")
    if found.info.reason:
        out.text(f"  {found.info.reason}")


def close_if_left(folder: Path) -> None:
    """Close ``folder`` if it is a run that was left open, and say so."""
    if not (folder / "run.json").is_file():
        return
    from bench.recover import recover_quietly

    found = recover_quietly(folder)
    if found is not None:
        out.note(f"{found.folder}: was left open by a process that ended; closed as {found.verdict.outcome}")


def close_left_in(results: Path) -> None:
    """Close every run in ``results`` that was left open, and say so."""
    from bench.recover import recover_all

    for found in recover_all(results):
        out.note(f"{found.folder}: was left open by a process that ended; closed as {found.verdict.outcome}")
