"""``commission``: a station proved with a small step before its first real run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import out
from bench.cli.options import Json, Lang, Out, RecordWire, Sets, StationName

__all__ = ["commission"]


def commission(
    station: StationName,
    power_w: Annotated[
        float, typer.Option("--power-w", metavar="W", help="The step, given both ways, in watts.")
    ] = 100.0,
    sets: Sets = None,
    operator: Annotated[
        str | None, typer.Option("--operator", metavar="NAME", help="Who wired and tested it.")
    ] = None,
    to: Out = Path("results"),
    record_wire: RecordWire = False,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Prove sign, element, wiring and units with a small step.

    A small discharge, a small charge and a small step of frequency; everything that measures must show them.
    Kept as a folder like a run. Exit 0: all is proved, 1: the battery or its report is not as told, 3: it
    could not be done, or a limit tripped, 4: the bench is wired or set wrongly, or something cannot be told.
    """
    from bench.cli.progress import progress
    from bench.cli.show import listing, plain
    from bench.commission import commission as prove
    from bench.evidence.text import Words
    from bench.host.signals import interrupts
    from bench.japanese import told
    from bench.model import exit_code

    with interrupts():
        done = prove(
            station,
            power_w=power_w,
            overrides=sets or (),
            out=to,
            operator=operator,
            lang=lang,
            record_wire=record_wire,
            progress=progress(lang),
        )
    if done.unsigned:
        out.error(told(f"{done.folder}: {done.unsigned}; verify will not call it genuine", lang))
    if as_json:
        out.json_object(
            {
                "outcome": done.outcome.value,
                "folder": str(done.folder) if done.folder is not None else None,
                "checks": [plain(check) for check in done.checks],
                "reason": done.reason,
            }
        )
    else:
        words = Words(lang)
        listing(
            [words(f"station.{key}") for key in ("check", "outcome", "found")],
            [
                (c.check, c.outcome if lang == "en" else words(f"short.{c.outcome}"), told(c.found, lang))
                for c in done.checks
            ],
        )
        for check in done.checks:
            if check.do:
                out.text(f"{check.check}: {check.do_ja if lang == 'ja' else check.do}")
        why = done.reason.removeprefix(f"{done.outcome.value}: ")
        proved = words("station.proved") if done.outcome.value == "PASS" else told(why, lang)
        code = done.outcome.value if lang == "en" else words.outcome(done.outcome)
        out.text(f"{code}: {proved}")
        out.text(f"  {done.folder}")
    raise typer.Exit(exit_code(done.outcome))
