"""``faults campaign``: every kind of step of a run, met by every kind of fault, on served twins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli import out
from bench.cli.options import Json, Lang
from bench.errors import Fault, UsageError

__all__ = ["app"]

app = typer.Typer(help="Try the bench itself: what it does when things break.", no_args_is_help=True)
Names = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this one. May be given again.")]


@app.callback()
def _faults() -> None:
    """Try the bench itself: what it does when things break."""


@app.command()
def campaign(
    step: Names = None,
    fault: Names = None,
    seed: Annotated[int, typer.Option(help="Decides the order, the noise and what --sample draws.")] = 1,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Draw this many cells instead of running all.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="Served twins side by side.")] = 4,
    minutes: Annotated[float, typer.Option(min=0.1, help="Begin no cell after this.")] = 600.0,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Markdown page of the whole matrix; rows beside it as .jsonl. Those of other cells stay.",
        ),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--resume", help="Leave out what the rows beside --out hold.")
    ] = False,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Run the matrix of steps and faults on twins over real sockets, judged by what the instruments saw.

    Exit 0: no cell failed, 1: one did. The whole matrix takes about ten minutes on two cores that do
    nothing else; runs are practice and are thrown away.
    """
    from bench.japanese import told
    from bench.rooms import load_object

    def get(module: str, name: str) -> Any:
        return load_object(f"fixtures.faults.{module}:{name}", "faults")

    for name, given, known in (("--step", step, "STEPS"), ("--fault", fault, "FAULTS")):
        wrong = [one for one in given or () if one not in get("cells", known)]
        if wrong:
            raise UsageError(
                Fault(name, f"unknown: {', '.join(wrong)}; there are {', '.join(get('cells', known))}")
            )
    wanted = get("cells", "cells")(step or (), fault or ())
    if sample is not None:
        drawn = {cell.name for cell in get("campaign", "draw")(sample, seed)}
        wanted = [cell for cell in wanted if cell.name in drawn]
    record = to.with_suffix(".jsonl") if to is not None else None
    rows = get("campaign", "read_rows")(record) if record is not None else {}
    asked = list(wanted)
    counted = set(rows) if go_on else set()
    wanted = [cell for cell in wanted if cell.name not in counted]

    def tell(row: dict[str, Any]) -> None:
        rows[row["cell"]] = row
        counted.add(row["cell"])
        off = f"output off after {row['off_s']:.1f} s" if row["off_s"] is not None and row["ended"] else ""
        words = "; ".join(told(wrong, lang) for wrong in row["wrong"])
        out.note(f"{row['cell']}: {'FAIL: ' + words if words else 'ok'}{off and ', ' + told(off, lang)}")
        if record is not None and to is not None:
            lines = [json.dumps(one, ensure_ascii=False) for one in rows.values()]
            _write(record, "\n".join(lines) + "\n")
            _write(to, get("page", "page")(rows, seed))

    out.note(told(f"seed {seed}: {len(wanted)} cells", lang))
    get("campaign", "campaign")(wanted, seed=seed, jobs=jobs, minutes=minutes, tell=tell)
    mine = [rows[cell.name] for cell in asked if cell.name in counted]
    if as_json:
        out.json_object({"seed": seed, "cells": len(asked), "rows": mine})
    else:
        out.text(told(get("page", "summary")(rows, asked), lang))
    if any(row["wrong"] for row in mine):
        raise typer.Exit(1)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(Fault("--out", f"cannot write {path}: {error.strerror or error}")) from None
