"""The detection matrix: every fault of the catalogue in every profile, and its rows.

A run is told in one row, which can be kept and judged again under another catalogue without running anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.config.text import read_text
from bench.errors import BenchError, Fault, UsageError
from bench.model import Outcome
from bench.record.files import DamagedFile, parse_json
from bench.trials.detect import Cell, Seen, compare, observe, overrides_of, station_of
from bench.trials.side_by_side import side_by_side

__all__ = ["Key", "asked", "cells", "read_rows", "run_rows", "write_rows"]

_LARGEST_BYTES = 64_000_000
Key = tuple[str, str, str, str]
"""Station, profile, part and fault; the last two are empty for the healthy device."""


def asked(profiles: Sequence[str], kinds: Sequence[Any]) -> list[Key]:
    """Return what has to be run: each profile healthy on each station, then with each fault."""
    stations = dict.fromkeys(station_of(kind) for kind in kinds)
    found = [(station, profile, "", "") for station in stations for profile in profiles]
    found += [(station_of(kind), profile, kind.part, kind.name) for profile in profiles for kind in kinds]
    return found


def run_rows(
    keys: Sequence[Key], kinds: Sequence[Any], *, jobs: int, told: Callable[[Key, Seen | None], None]
) -> None:
    """Run the cells, ``jobs`` at a time.

    Args:
        keys: what to run.
        kinds: the catalogue.
        jobs: processes side by side.
        told: hears of each run as it ends; None: the profile cannot be played on that station.
    """
    sets = {(kind.part, kind.name): overrides_of(kind) for kind in kinds}
    work = [(key, tuple(sets.get(key[2:], ()))) for key in keys]
    for key, seen in side_by_side(_run, work, jobs):
        told(key, seen)


def _run(job: tuple[Key, tuple[str, ...]]) -> tuple[Key, Seen | None]:
    key, overrides = job
    station, profile, _, _ = key
    try:
        return key, observe(profile, overrides, station=station)
    except BenchError:  # not an instrument's: the profile does not fit the station
        return key, None


def cells(rows: Mapping[Key, Seen | None], kinds: Sequence[Any], profiles: Sequence[str]) -> list[Cell]:
    """Return what came of the runs, as far as there are rows."""
    found = []
    for station, profile, part, fault in asked(profiles, kinds):
        seen, healthy = (rows.get((station, profile, *one)) for one in ((part, fault), ("", "")))
        if seen is None or healthy is None:
            continue
        if not fault:
            found.append(Cell(station, "", "", profile, "silent", seen))
            continue
        kind = next(one for one in kinds if (one.part, one.name) == (part, fault))
        found.append(Cell(station, part, fault, profile, compare(kind, profile, seen, healthy), seen))
    return found


def write_rows(path: Path, rows: Mapping[Key, Seen | None]) -> None:
    """Write the rows, one JSON object a line."""
    lines = []
    for (station, profile, part, fault), seen in sorted(rows.items()):
        row = {"station": station, "profile": profile, "part": part, "fault": fault, "outcome": None}
        if seen is not None:
            row |= {"outcome": seen.outcome.value, "roots": seen.roots, "warnings": seen.warnings}  # type: ignore[dict-item]  # lists are JSON
        lines.append(json.dumps(row, ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def read_rows(path: Path) -> dict[Key, Seen | None]:
    """Read the rows that :func:`write_rows` wrote; nothing where there is no such file.

    Raises:
        UsageError: a line is none of them.
    """
    lines: Iterable[str] = read_text(path, _LARGEST_BYTES).splitlines() if path.exists() else ()
    found: dict[Key, Seen | None] = {}
    for number, line in enumerate(lines, start=1):
        try:
            row = parse_json(line, path.name)
            key = (str(row["station"]), str(row["profile"]), str(row["part"]), str(row["fault"]))
            found[key] = (
                None
                if row["outcome"] is None
                else Seen(Outcome(row["outcome"]), tuple(row["roots"]), tuple(row["warnings"]))
            )
        except (DamagedFile, KeyError, TypeError, ValueError):
            raise UsageError(Fault(f"{path}: line {number}", "is no row of an earlier run")) from None
    return found
