"""``wire replay`` and ``wire check``: what a run recorded with ``--record-wire`` is good for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import out
from bench.cli.options import Json, Lang, Sets, StationName
from bench.cli.station import station_sets

__all__ = ["app"]

app = typer.Typer(help="Conversations with instruments, recorded by --record-wire.", no_args_is_help=True)
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder with wire.jsonl.")]


@app.command()
def replay(
    run: RunFolder,
    write_station: Annotated[
        Path | None,
        typer.Option(
            "--write-station", metavar="FILE", help="Write a station file by which drready reaches them."
        ),
    ] = None,
    lang: Lang = "en",
) -> None:
    """Serve the recorded instruments again.

    SCPI lines and Modbus TCP on free ports of 127.0.0.1, ECHONET Lite on UDP port 3610 of free addresses of
    127.0.3.0/24, each request answered with what came of it the next time it was asked, until SIGINT or
    SIGTERM. Prints one line of JSON when every port accepts.
    """
    from bench.host.signals import wait_for_stop
    from bench.japanese import told
    from bench.wire.replay import Replay
    from bench.wire.replay import replay as serve

    def ready(served: Replay) -> None:
        where = str(write_station) if write_station is not None else None
        found = {"ports": served.ports, "resources": served.resources, "left_out": served.left_out}
        out.text(json.dumps({"ready": True, "station": where, **found}))

    with wait_for_stop() as stopped:
        unknown = serve(run, write_station=write_station, ready=ready, wait=lambda: stopped.recv(1))
    for role, requests in unknown.items():
        for request, times in requests.items():
            out.note(told(f"{role}: not in the record: {request!r}, asked {times} times", lang))


@app.command()
def check(
    run: RunFolder,
    station: StationName = "twin",
    sets: Sets = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance", metavar="RATIO", min=0, help="Values differ beyond this share of the largest."
        ),
    ] = 0.25,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Put the recorded requests to a twin and show where the replies differ.

    Form is compared reply by reply (answer, terminator, header, fields, notation, registers), values by
    their medians. Exit 0: alike, 1: they differ, 4: there was nothing to compare.
    """
    from bench.cli.show import listing, plain
    from bench.config.load import load_station
    from bench.evidence.text import Words
    from bench.japanese import told
    from bench.wire.check import check as compare
    from bench.wire.exchanges import read_session

    loaded = load_station(station, station_sets(sets))
    found = compare(read_session(run), loaded, tolerance_ratio=tolerance)
    if as_json:
        rows = [plain(one) for one in found.differences]
        out.json_object({"compared": found.compared, "differences": rows, "notes": found.notes})
    else:
        if found.differences:
            listing(
                [
                    Words(lang)(f"list.{key}")
                    for key in ("role", "request", "differs", "times", "recorded", "twin")
                ],
                [
                    (d.role, d.request, d.kind, f"{d.count}/{d.of}", d.recorded, d.replayed)
                    for d in found.differences
                ],
            )
        for note in found.notes:
            out.note(told(note, lang))
        each = ", ".join(f"{role} {count}" for role, count in found.compared.items()) or told("none", lang)
        out.text(told(f"{len(found.differences)} differences; exchanges compared: {each}", lang))
    raise typer.Exit(4 if not found.compared else 1 if found.differences else 0)
