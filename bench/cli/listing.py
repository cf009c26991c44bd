"""``runs``, ``profiles``, ``stations``, ``instruments``, ``editions`` and ``schema``: what there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bench.cli import out
from bench.cli.options import Json, Lang
from bench.cli.recover import close_left_in

RESULTS = Path("results")

__all__ = ["editions", "instruments", "profiles", "runs", "schema", "stations"]


def runs(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder of run folders; default: results.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the runs, newest first."""
    from bench.cli.show import listing, plain
    from bench.runs import list_runs

    where = RESULTS if folder is None else folder
    close_left_in(where)
    # before the first run nobody has made the folder that a run makes by itself
    found = list_runs(where) if folder is not None or where.exists() else []
    if as_json:
        out.json_object({"runs": [plain(entry) for entry in found]})
        return
    if not found:
        out.note(f"no runs in {where}")
        return
    rows = [
        (
            entry.started_utc,
            entry.profile,
            entry.outcome or entry.state,
            _marks(entry.simulated, entry.dry_run),
            entry.serial,
            entry.folder,
        )
        for entry in found
    ]
    listing(("started (UTC)", "profile", "outcome", "", "serial", "folder"), rows)


def profiles(as_json: Json = False, lang: Lang = "en") -> None:
    """List the bundled profiles."""
    from bench.catalogue import profiles as catalogue

    rows = catalogue()
    columns = ("name", f"title_{lang}", "product", "editions")
    _show("profiles", rows, columns, ("profile", "title", "product", "editions"), as_json)


def stations(as_json: Json = False) -> None:
    """List the bundled stations."""
    from bench.catalogue import stations as catalogue

    columns = ("name", "nominal_hz", "simulated", "device", "rated_kw")
    _show("stations", catalogue(), columns, ("station", "Hz", "simulated", "device", "rated kW"), as_json)


def instruments(as_json: Json = False) -> None:
    """List the drivers that a station may name."""
    from bench.catalogue import instruments as catalogue

    rows = catalogue()
    shown = [
        {
            **row,
            "sets": [one["name"] for one in row["quantities"] if one["access"] == "set"],
            "read for it": len(row["sources"]),
            "verified": row["verified_on_hardware"] or False,
        }
        for row in rows
    ]
    columns = ("driver", "title", "wire", "sets", "read for it", "verified")
    heads = ("driver", "speaks to", "wire", "sets", "sources", "on hardware")
    _show("instruments", rows if as_json else shown, columns, heads, as_json)
    if not as_json and not any(row["verified_on_hardware"] for row in rows):
        out.note("no driver has been verified against the hardware it is for; limits and sources: --json, or")
        out.note("docs/reference/instruments.md")


def editions(
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--diff", metavar="A B", help="Show what changed: 2021 2026, or tertiary2_2021 tertiary2_2026."
        ),
    ] = None,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """List the editions of the rules.

    With --diff: what changed from one to another.
    """
    from bench.catalogue import editions as catalogue
    from bench.catalogue import editions_diff

    if diff is None:
        columns = ("product", "edition", f"title_{lang}", "in_force_from", "rules")
        _show(
            "editions",
            catalogue(),
            columns,
            ("product", "edition", "title", "in force from", "rules"),
            as_json,
        )
        return
    first, second = diff
    from bench.editions import heads_changed, not_compared

    rows = editions_diff(first, second)
    heads, others = heads_changed(first, second), not_compared(first, second)
    if as_json:
        out.json_object(
            {"first": first, "second": second, "differences": rows, "heads": heads, "not_compared": others}
        )
        return
    if not rows and not heads:
        out.note(f"no difference between {first} and {second}")
    else:
        _show_diff(rows, heads, first, second)
    for product, have in others.items():
        names = " ".join(f"{product}_{edition}" for edition in have)
        why = f"compare it with --diff {names}" if len(have) > 1 else "one edition only"
        out.note(f"{product} is left out: it has {', '.join(have)}; {why}")


_IN_WORDS = {"admitted_note": "metering points", "admitted_condition": "also asked"}


def _show_diff(rows: list[dict[str, Any]], heads: list[dict[str, Any]], first: str, second: str) -> None:
    from bench.cli.show import listing

    cells: list[tuple[object, ...]] = [
        (row["product"], row["rule"], row["unit"], _side(row["first"]), _side(row["second"]), _origin(row))
        for row in rows
    ]
    cells += [
        (row["product"], row["what"], "", _head(row["first"]), _head(row["second"]), "")
        for row in heads
        if row["what"] not in _IN_WORDS
    ]
    listing(("product", "rule", "unit", first, second, "from"), sorted(cells, key=lambda cell: str(cell[0])))
    for row in heads:
        if row["what"] in _IN_WORDS:
            what = _IN_WORDS[row["what"]]
            out.text(f"{row['product']}: {what}: {row['first'] or '-'} -> {row['second'] or '-'}")


def schema(
    what: Annotated[Literal["profile", "station", "rules", "map"], typer.Argument(help="Kind of file.")],
) -> None:
    """Print a JSON Schema, for editors."""
    from bench.catalogue import schema as json_schema

    out.text(json.dumps(json_schema(what), indent=2, ensure_ascii=True, allow_nan=False))


def _show(
    what: str, rows: list[dict[str, Any]], keys: tuple[str, ...], heads: tuple[str, ...], as_json: bool
) -> None:
    if as_json:
        out.json_object({what: rows})
        return
    from bench.cli.show import listing

    listing(heads, [[_cell(row[key]) for key in keys] for row in rows])


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else value


def _marks(simulated: bool | None, dry_run: bool | None) -> str:
    return " ".join(word for word, on in (("SIMULATED", simulated), ("PRACTICE", dry_run)) if on)


def _side(rule: dict[str, Any] | None) -> str:
    return "-" if rule is None else f"{rule['value']:g}"


def _head(value: object) -> object:
    return "-" if value in ("", []) else _cell(value)


def _origin(row: dict[str, Any]) -> str:
    rule = row["second"] or row["first"]
    return f"{rule['place']} ({rule['mark']}, {rule['status']})"
