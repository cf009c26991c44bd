"""``detect``: the bench against its own catalogue of faults, and against devices that comply."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import out
from bench.cli.options import Json, StationName

__all__ = ["detect"]


def detect(
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the matrix as a page (Markdown).")
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", metavar="P", help="Only this profile. May be given again."),
    ] = None,
    faults: Annotated[
        list[str] | None,
        typer.Option("--faults", metavar="NAME", help="Only this fault. May be given again."),
    ] = None,
    compliant: Annotated[
        int, typer.Option("--compliant", metavar="N", min=0, help="Instead: N compliant devices at random.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the devices.")] = 1,
    station: StationName = "twin",
    as_json: Json = False,
) -> None:
    """Try every fault of the twins in every profile, and see which finding catches it.

    Over the direct link, in virtual time. Exit 0 when no fault was missed (with --compliant: no device
    failed), else 1. The whole matrix takes the better part of an hour.
    """
    from bench.config.load import load_station
    from bench.rooms import bundled_profiles

    names = list(profile or bundled_profiles())
    loaded = load_station(station, {"twin.link": "direct"})
    if compliant:
        _compliant(compliant, profile or ["primary", "tertiary2"], seed, station, as_json)
    _matrix(names, faults, to, station, list(loaded.station.instruments), as_json)


def _compliant(count: int, profiles: list[str], seed: int, station: str, as_json: bool) -> None:
    from bench.compliant import Drawn, trial

    def told(drawn: Drawn) -> None:
        why = "" if drawn.seen.outcome.value == "PASS" else f" {drawn.seen.reason}"
        out.note(f"{drawn.number + 1}/{count} {drawn.profile}: {drawn.seen.outcome.value}{why}")

    found = trial(count, profiles, seed=seed, station=station, told=told)
    tally: dict[str, int] = {}
    for one in found:
        tally[one.seen.outcome.value] = tally.get(one.seen.outcome.value, 0) + 1
    odd = [one for one in found if one.seen.outcome.value != "PASS"]
    if as_json:
        rows = [
            {
                "number": one.number,
                "profile": one.profile,
                "outcome": one.seen.outcome.value,
                "roots": one.seen.roots,
                "overrides": one.overrides,
            }
            for one in odd
        ]
        out.json_object({"compliant": count, "seed": seed, "outcomes": tally, "not_passed": rows})
    else:
        out.text(", ".join(f"{name} {number}" for name, number in sorted(tally.items())))
        for one in odd:
            out.text(f"  {one.profile} --set " + " --set ".join(one.overrides))
    raise typer.Exit(1 if any(name not in ("PASS", "INCONCLUSIVE") for name in tally) else 0)


def _matrix(
    names: list[str], only: list[str] | None, to: Path | None, station: str, roles: list[str], as_json: bool
) -> None:
    from bench.detect import Cell, catalogue, matrix
    from bench.detect_page import page
    from bench.errors import Fault, UsageError

    kinds = catalogue()
    unknown = sorted(set(only or ()) - {kind.name for kind in kinds})
    if unknown:
        raise UsageError(
            [Fault("--faults", f"no fault {name!r}; see drready twin faults") for name in unknown]
        )
    chosen = [kind for kind in kinds if only is None or kind.name in only]

    def told(cell: Cell) -> None:
        roots = ", ".join(cell.seen.roots or cell.seen.warnings)
        what = f"{cell.part}.{cell.fault}" if cell.fault else "healthy"
        out.note(f"{cell.profile} {what}: {cell.result}, {cell.seen.outcome.value} {roots}")

    cells = matrix(names, chosen, station=station, roles=roles, told=told)
    if to is not None:
        to.write_text(page(cells, chosen, station), encoding="utf-8", newline="")
    missed = [cell for cell in cells if cell.result in ("missed", "refused")]
    if as_json:
        rows = [
            {
                "profile": cell.profile,
                "part": cell.part,
                "fault": cell.fault,
                "result": cell.result,
                "outcome": cell.seen.outcome.value,
                "roots": cell.seen.roots,
                "warnings": cell.seen.warnings,
            }
            for cell in cells
        ]
        out.json_object({"cells": rows, "missed": len(missed)})
    else:
        out.text(
            f"{len(cells)} runs, {sum(c.result == 'caught' for c in cells)} caught, {len(missed)} missed"
        )
    raise typer.Exit(1 if missed else 0)
