"""``recover``: close a run whose process ended before it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import out
from bench.cli.options import Json, Lang

if TYPE_CHECKING:
    from bench.recover import Recovered

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
    from bench.japanese import told
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
    out.text(f"{found.folder}: {told(f'closed as {outcome}, {found.rows} samples kept', lang)}")
    if found.info.reason:
        out.text(f"  {told(found.info.reason, lang)}")


def close_if_left(folder: Path, lang: Lang = "en") -> None:
    """Close ``folder`` if it is a run that was left open, and say so."""
    if not (folder / "run.json").is_file():
        return
    from bench.recover import recover_quietly

    found = recover_quietly(folder)
    if found is not None:
        _say(found, lang)


def close_left_in(results: Path, lang: Lang = "en") -> None:
    """Close every run in ``results`` that was left open, and say so."""
    from bench.recover import recover_all

    for found in recover_all(results):
        _say(found, lang)


def _say(found: Recovered, lang: Lang) -> None:
    from bench.japanese import told

    closed = f"was left open by a process that ended; closed as {found.verdict.outcome}"
    out.note(f"{found.folder}: {told(closed, lang)}")
