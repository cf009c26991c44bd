"""``detect``: the bench against its own catalogue of faults, and against devices that comply."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import out
from bench.cli.options import Json, Lang
from bench.errors import Fault, UsageError

if TYPE_CHECKING:
    from bench.trials.compliant import Drawn
    from bench.trials.detect import Seen
    from bench.trials.detect_matrix import Key

__all__ = ["detect"]


def detect(
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Markdown page; rows beside it as .jsonl.")
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", metavar="P", help="Only this profile. May be given again."),
    ] = None,
    faults: Annotated[
        list[str] | None,
        typer.Option("--faults", metavar="NAME", help="Only this fault. May be given again."),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--resume", help="Leave out the runs that the rows beside --out hold.")
    ] = False,
    compliant: Annotated[
        int, typer.Option("--compliant", metavar="N", min=0, help="Instead: N compliant devices at random.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the devices.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="Runs side by side.")] = 2,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Try every fault of the twins in every profile, and see which finding catches it.

    Over the direct link, in virtual time, on the bundled stations that have what a fault needs. Exit 0 when
    every fault was caught by the finding that names it (with --compliant: no device failed), else 1. The
    whole matrix takes the better part of an hour on two cores, 500 devices ten minutes.
    """
    from bench.rooms import bundled_profiles

    known = bundled_profiles()
    names = list(profile or known)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError([Fault("--profile", f"no bundled profile {name!r}") for name in unknown])
    if to is not None and not to.parent.is_dir():
        raise UsageError(Fault("--out", f"{to.parent} is not a folder; choose another"))
    if compliant:
        _compliant(compliant, names, seed, jobs, to, as_json)
    else:
        _matrix(names, faults, to, go_on, jobs, as_json, lang)


def _compliant(count: int, profiles: list[str], seed: int, jobs: int, to: Path | None, as_json: bool) -> None:
    from bench.trials.compliant import trial
    from bench.trials.compliant_page import page, tally

    done = 0

    def told(drawn: Drawn) -> None:
        nonlocal done
        done += 1
        seen = drawn.seen
        why = "" if seen.outcome.value == "PASS" else f" {', '.join(seen.roots)} {seen.reason}"
        out.note(f"{done}/{count} {drawn.device.profile}: {seen.outcome.value}{why}")

    found = trial(count, profiles, seed=seed, jobs=jobs, told=told)
    odd = [one for one in found if one.seen.outcome.value != "PASS"]
    outcomes = tally(found)
    if to is not None:
        _write(to, page(found, seed))
    if as_json:
        rows = [
            {
                "number": one.number,
                "profile": one.device.profile,
                "station": one.device.station,
                "outcome": one.seen.outcome.value,
                "roots": one.seen.roots,
                "overrides": one.device.overrides,
            }
            for one in odd
        ]
        out.json_object({"compliant": count, "seed": seed, "outcomes": outcomes, "not_passed": rows})
    else:
        out.text(", ".join(f"{name} {number}" for name, number in outcomes.items()))
        for one in odd:
            sets = " ".join(f"--set '{each}'" for each in one.device.overrides)
            out.text(f"  drready run {one.device.profile} --station {one.device.station} {sets}")
    raise typer.Exit(1 if any(name not in ("PASS", "INCONCLUSIVE") for name in outcomes) else 0)


def _matrix(
    profiles: list[str],
    only: list[str] | None,
    to: Path | None,
    go_on: bool,
    jobs: int,
    as_json: bool,
    lang: Lang,
) -> None:
    from bench.japanese import told as in_words
    from bench.trials.detect import catalogue
    from bench.trials.detect_matrix import asked, cells, read_rows, run_rows, write_rows
    from bench.trials.detect_page import page

    kinds = catalogue()
    unknown = sorted(set(only or ()) - {kind.name for kind in kinds})
    if unknown:
        raise UsageError(
            [Fault("--faults", f"no fault {name!r}; see drready twin faults") for name in unknown]
        )
    kinds = [kind for kind in kinds if only is None or kind.name in only]
    record = to.with_suffix(".jsonl") if to is not None else None
    rows: dict[Key, Seen | None] = read_rows(record) if record is not None and go_on else {}
    wanted = [key for key in asked(profiles, kinds) if key not in rows]

    def told(key: Key, seen: Seen | None) -> None:
        rows[key] = seen
        station, name, part, fault = key
        what = f"{part}.{fault}" if fault else "healthy"
        how = in_words("cannot be played", lang) if seen is None else seen.outcome.value
        out.note(f"{station} {name} {what}: {how} {', '.join(seen.roots or seen.warnings) if seen else ''}")
        if record is not None and len(rows) % 20 == 0:
            write_rows(record, rows)

    run_rows(wanted, kinds, jobs=jobs, told=told)
    found = cells(rows, kinds, profiles)
    if record is not None and to is not None:
        write_rows(record, rows)
        _write(to, page(found, kinds, sum(key not in rows for key in asked(profiles, kinds))))
    missed = [cell for cell in found if cell.result == "missed"]
    if as_json:
        shown: list[dict[str, Any]] = [
            {
                "station": cell.station,
                "profile": cell.profile,
                "part": cell.part,
                "fault": cell.fault,
                "result": cell.result,
                "outcome": cell.seen.outcome.value,
                "roots": cell.seen.roots,
                "warnings": cell.seen.warnings,
            }
            for cell in found
        ]
        out.json_object({"cells": shown, "missed": len(missed)})
    else:
        caught = sum(cell.result == "caught" for cell in found)
        out.text(in_words(f"{len(found)} runs, {caught} caught, {len(missed)} missed", lang))
        for cell in missed:
            how = ", ".join(cell.seen.roots or cell.seen.warnings) or "nothing"
            out.text(f"  {cell.profile} {cell.part}.{cell.fault}: {cell.seen.outcome.value} {how}")
    raise typer.Exit(1 if missed else 0)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(Fault("--out", f"cannot write {path}: {error.strerror or error}")) from None
