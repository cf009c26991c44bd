"""The options that several commands share: one spelling, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "ColumnsFile",
    "Decision",
    "DeltaKw",
    "Edition",
    "Json",
    "Lang",
    "Out",
    "Point",
    "Profiles",
    "RecordWire",
    "Sets",
    "StationName",
]

Profiles = Annotated[
    list[str], typer.Argument(metavar="PROFILE", help="Names of bundled profiles, or paths to files.")
]
StationName = Annotated[
    str,
    typer.Option("--station", metavar="S", help="A bundled station (twin, twin-60hz) or a path to a file."),
]
Edition = Annotated[
    str | None, typer.Option("--edition", metavar="E", help="Edition of the rules; default: the newest.")
]
DeltaKw = Annotated[float | None, typer.Option("--delta-kw", metavar="X", help="ΔkW to be judged, in kW.")]
Point = Annotated[
    Literal["device", "receiving"], typer.Option("--point", help="Metering point that is judged.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override one value of the station file by its dotted key, or profile.NAME a parameter of the "
        "profile. May be given again.",
    ),
]
Decision = Annotated[
    Literal["guarded", "simple"],
    typer.Option(
        "--decision", help="guarded: the uncertainty must lie inside the limit too; simple: bare values."
    ),
]
Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder that gets one run folder per profile.")
]
RecordWire = Annotated[
    bool,
    typer.Option("--record-wire", help="Keep every message with every instrument in the run: wire.jsonl."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else there.")]
Lang = Annotated[Literal["en", "ja"], typer.Option("--lang", help="Language of tables and report.")]
ColumnsFile = Annotated[
    Path | None,
    typer.Option(
        "--columns", metavar="FILE", help="TOML that maps the columns of a foreign recording to ours."
    ),
]
