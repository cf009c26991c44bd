"""``score``, ``report`` and ``verify``: what needs a recording and no bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import out
from bench.cli.options import ColumnsFile, Decision, DeltaKw, Edition, Json, Lang, Sets
from bench.cli.recover import close_if_left

__all__ = ["report", "score", "verify"]

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


def score(
    target: Annotated[
        Path, typer.Argument(metavar="RUN_OR_FILE", help="A run folder, or a CSV or Parquet file.")
    ],
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="P", help="Profile; a run folder knows its own.")
    ] = None,
    edition: Edition = None,
    delta_kw: DeltaKw = None,
    point: Annotated[
        Literal["device", "receiving"] | None,
        typer.Option("--point", help="Metering point that is judged; a run folder knows its own."),
    ] = None,
    columns: ColumnsFile = None,
    sets: Sets = None,
    decision: Decision = "guarded",
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Judge a recording without a bench.

    A run folder, or somebody else's CSV or Parquet file. Prints; never writes into a closed run.
    """
    from bench.cli.show import verdict
    from bench.judge import verdict_json
    from bench.model import exit_code
    from bench.run import score as score_recording

    close_if_left(target, lang)
    found = score_recording(
        target,
        profile=profile,
        edition=edition,
        delta_kw=delta_kw,
        point=point,
        columns=columns,
        overrides=sets or (),
        decision=decision,
        lang=lang,
    )
    if as_json:
        out.json_object(json.loads(verdict_json(found)))
    else:
        verdict(found, lang)
    raise typer.Exit(exit_code(found.outcome))


def report(
    folder: RunFolder,
    lang: Lang = "en",
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; default: beside the run folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw the report again, beside the run."""
    from bench.run import redraw

    close_if_left(folder, lang)
    path = redraw(folder, lang=lang, out=to)
    if as_json:
        out.json_object({"report": str(path)})
    else:
        out.text(str(path))


def verify(
    folder: RunFolder,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="Public key (PEM) of the one who must have signed it."),
    ] = None,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Check integrity, and judge the raw data again.

    Without --key the signer's own key is believed, and its id is printed: compare it with what the signer
    told you. What nobody signed is not genuine. Exit 0: genuine, 1: not, 2: no run folder, or no such key.
    """
    from bench.evidence.integrity import UNSIGNED, signer
    from bench.japanese import told
    from bench.run import verify as verify_run

    problems = verify_run(folder, key)
    signed_by = None if problems else signer(folder)
    if as_json:
        found = {"genuine": not problems, "folder": str(folder), "signed_by": signed_by, "problems": problems}
        out.json_object(found)
    elif problems:
        found_out = "NOT genuine" if problems != [UNSIGNED] else "not shown to be genuine"
        out.text(f"{folder}: {told(found_out, lang)}")
        for problem in problems:
            out.text(f"  {told(problem, lang)}")
    else:
        out.text(f"{folder}: {told('genuine', lang)}")
        by = f"signed by the key {signed_by}" + ("" if key is None else ", the one given")
        out.text(f"  {told(by, lang)}")
    raise typer.Exit(1 if problems else 0)
