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
    lang: Lang = "en",
) -> None:
    """List the runs, newest first."""
    from bench.cli.show import listing, plain
    from bench.japanese import told
    from bench.runs import list_runs

    where = RESULTS if folder is None else folder
    close_left_in(where, lang)
    # before the first run nobody has made the folder that a run makes by itself
    found = list_runs(where) if folder is not None or where.exists() else []
    if as_json:
        out.json_object({"runs": [plain(entry) for entry in found]})
        return
    if not found:
        out.note(told(f"no runs in {where}", lang))
        return
    rows = [
        (
            entry.started_utc,
            entry.profile,
            _outcome(entry.outcome or entry.state, lang),
            _marks(entry.simulated, entry.dry_run, lang),
            entry.serial,
            entry.folder,
        )
        for entry in found
    ]
    listing(_heads(("started", "profile", "outcome", "", "serial", "folder"), lang), rows)


def profiles(as_json: Json = False, lang: Lang = "en") -> None:
    """List the bundled profiles."""
    from bench.catalogue import profiles as catalogue

    rows = catalogue()
    columns = ("name", f"title_{lang}", "product", "editions")
    _show("profiles", rows, columns, ("profile", "title", "product", "editions"), as_json, lang)


def stations(as_json: Json = False, lang: Lang = "en") -> None:
    """List the bundled stations."""
    from bench.catalogue import stations as catalogue

    columns = ("name", "nominal_hz", "simulated", "device", "rated_kw")
    heads = ("station", "hz", "simulated", "device", "rated")
    _show("stations", catalogue(), columns, heads, as_json, lang)


def instruments(as_json: Json = False, lang: Lang = "en") -> None:
    """List the drivers that a station may name."""
    from bench.catalogue import instruments as catalogue
    from bench.japanese import told

    rows = catalogue()
    shown = [
        {
            **row,
            "title": told(row["title"], lang),
            "sets": [one["name"] for one in row["quantities"] if one["access"] == "set"],
            "read for it": len(row["sources"]),
            "verified": row["verified_on_hardware"] or False,
        }
        for row in rows
    ]
    columns = ("driver", "title", "wire", "sets", "read for it", "verified")
    heads = ("driver", "speaks", "wire", "sets", "sources", "hardware")
    _show("instruments", rows if as_json else shown, columns, heads, as_json, lang)
    if not as_json and not any(row["verified_on_hardware"] for row in rows):
        out.note(told("no driver has been verified against the hardware it is for", lang))
        out.note(told("limits and sources: --json, or docs/reference/instruments.md", lang))


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
    from bench.japanese import told

    if diff is None:
        columns = ("product", "edition", f"title_{lang}", "in_force_from", "rules")
        _show(
            "editions", catalogue(), columns, ("product", "edition", "title", "since", "rules"), as_json, lang
        )
        return
    first, second = diff
    from bench.editions import heads_changed, not_compared

    rows = editions_diff(first, second)
    heads = heads_changed(first, second, "en" if as_json else lang)
    others = not_compared(first, second)
    if as_json:
        out.json_object(
            {"first": first, "second": second, "differences": rows, "heads": heads, "not_compared": others}
        )
        return
    if not rows and not heads:
        out.note(told(f"no difference between {first} and {second}", lang))
    else:
        _show_diff(rows, heads, first, second, lang)
    for product, have in others.items():
        names = " ".join(f"{product}_{edition}" for edition in have)
        why = f"compare it with --diff {names}" if len(have) > 1 else "one edition only"
        out.note(told(f"{product} is left out: it has {', '.join(have)}; {why}", lang))


_IN_WORDS = ("admitted_note", "admitted_condition")


def _show_diff(
    rows: list[dict[str, Any]], heads: list[dict[str, Any]], first: str, second: str, lang: Lang
) -> None:
    from bench.cli.show import listing
    from bench.evidence.text import Words

    words = Words(lang)
    cells: list[tuple[object, ...]] = [
        (
            row["product"],
            row["rule"],
            row["unit"],
            _side(row["first"]),
            _side(row["second"]),
            _origin(row, lang),
        )
        for row in rows
    ]
    cells += [
        (
            row["product"],
            words(f"list.{row['what']}"),
            "",
            _head(row["first"], lang),
            _head(row["second"], lang),
            "",
        )
        for row in heads
        if row["what"] not in _IN_WORDS
    ]
    shown = [*_heads(("product", "rule", "unit"), lang), first, second, *_heads(("from",), lang)]
    listing(shown, sorted(cells, key=lambda cell: str(cell[0])))
    for row in heads:
        if row["what"] in _IN_WORDS:
            what = words(f"list.{row['what']}")
            out.text(f"{row['product']}: {what}: {row['first'] or '-'} -> {row['second'] or '-'}")


def schema(
    what: Annotated[Literal["profile", "station", "rules", "map"], typer.Argument(help="Kind of file.")],
    lang: Lang = "en",
) -> None:
    """Print a JSON Schema, for editors."""
    from bench.catalogue import schema as json_schema

    out.text(json.dumps(json_schema(what), indent=2, ensure_ascii=True, allow_nan=False))


def _show(
    what: str,
    rows: list[dict[str, Any]],
    keys: tuple[str, ...],
    heads: tuple[str, ...],
    as_json: bool,
    lang: Lang,
) -> None:
    if as_json:
        out.json_object({what: rows})
        return
    from bench.cli.show import listing

    listing(_heads(heads, lang), [[_cell(row[key], lang) for key in keys] for row in rows])


def _heads(keys: tuple[str, ...], lang: Lang) -> list[str]:
    from bench.evidence.text import Words

    return [Words(lang)(f"list.{key}") if key else "" for key in keys]


def _cell(value: object, lang: Lang) -> object:
    if isinstance(value, bool):
        from bench.evidence.text import Words

        return Words(lang)("yes" if value else "no")
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else value


def _outcome(code: str, lang: Lang) -> str:
    """Return an outcome, or how far a run without one is, as scripts know it or in Japanese."""
    from bench.evidence.text import Words

    words = Words(lang)
    known = next((key for key in (f"outcome.{code}", f"list.{code}") if words.has(key)), None)
    return code if lang == "en" or known is None else words(known)


def _marks(simulated: bool | None, dry_run: bool | None, lang: Lang) -> str:
    from bench.evidence.text import Words

    return " ".join(Words(lang)(f"list.{key}") for key, on in (("sim", simulated), ("dry", dry_run)) if on)


def _side(rule: dict[str, Any] | None) -> str:
    return "-" if rule is None else f"{rule['value']:g}"


def _head(value: object, lang: Lang) -> object:
    from bench.japanese import told

    if isinstance(value, list):
        return ", ".join(told(str(each), lang) for each in value) or "-"
    return "-" if value == "" else _cell(value, lang)


def _origin(row: dict[str, Any], lang: Lang) -> str:
    from bench.evidence.text import Words
    from bench.japanese import told

    rule, words = row["second"] or row["first"], Words(lang)
    if lang == "en":
        return f"{rule['place']} ({rule['mark']}, {rule['status']})"
    return (
        f"{told(rule['place'], lang)}（{words('mark.' + rule['mark'])}、{words('status.' + rule['status'])}）"
    )
