"""``twin serve`` and ``twin faults``: the simulated world for other clients."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import out
from bench.cli.options import Json, Lang, Sets, StationName
from bench.cli.station import station_sets
from bench.errors import Fault, UsageError

__all__ = ["app"]

app = typer.Typer(help="The simulated instruments, served to other programs.", no_args_is_help=True)


@app.command()
def serve(
    station: StationName = "twin",
    sets: Sets = None,
    write_station: Annotated[
        Path | None,
        typer.Option(
            "--write-station", metavar="FILE", help="Write a station file by which others reach them."
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="Write what each instrument saw, one JSON a line."),
    ] = None,
    lang: Lang = "en",
) -> None:
    """Serve the twin in real time.

    On free ports of 127.0.0.1, until SIGINT or SIGTERM. Prints one line of JSON when every port accepts.
    """
    from bench.config.load import load_station
    from bench.host.signals import wait_for_stop
    from bench.serve import serve as serve_twin

    loaded = load_station(station, station_sets(sets))

    def ready(ports: Mapping[str, int]) -> None:
        where = str(write_station) if write_station is not None else None
        out.text(json.dumps({"ready": True, "station": where, "ports": dict(ports)}))

    with contextlib.ExitStack() as stack:
        stopped = stack.enter_context(wait_for_stop())
        stream = None
        if log is not None:
            try:
                stream = stack.enter_context(log.open("w", encoding="utf-8", buffering=1))
            except OSError as problem:
                raise UsageError(Fault("--log", f"cannot write {log}: {problem.strerror}")) from None
        serve_twin(loaded, write_station=write_station, log=stream, ready=ready, wait=lambda: stopped.recv(1))


@app.command()
def faults(as_json: Json = False, lang: Lang = "en") -> None:
    """List the faults a twin can be given: --set 'twin.battery.faults=["NAME"]'."""
    from bench.catalogue import twin_faults
    from bench.cli.show import listing
    from bench.evidence.text import Words
    from bench.japanese import told

    found = twin_faults()
    if as_json:
        out.json_object({"faults": found})
        return
    listing(
        [Words(lang)(f"list.{key}") for key in ("table", "fault", "does", "caught")],
        [
            (f"twin.{row['part']}", row["name"], told(row["doc"], lang), ", ".join(row["caught_by"]))
            for row in found
        ],
    )
