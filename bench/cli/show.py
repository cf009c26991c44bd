"""Verdicts, plans and lists as text for a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.cli import out
from bench.cli.progress import span

if TYPE_CHECKING:
    from bench.model import Verdict
    from bench.run import PlanReport

_UNFOLDED = 10_000

__all__ = ["listing", "plain", "plan_report", "verdict"]


def verdict(found: Verdict, lang: Literal["en", "ja"]) -> None:
    """Write the verdict table."""
    from bench.evidence.summary import verdict_table

    out.renderable(verdict_table(found, lang=lang))


def plan_report(report: PlanReport, lang: Literal["en", "ja"]) -> None:
    """Write the timeline of one profile, what it costs, and what speaks against it."""
    from bench.evidence.text import Words
    from bench.japanese import told

    words = Words(lang)
    out.text(
        words(
            "plan.head",
            profile=report.profile,
            edition=report.edition,
            kw=f"{report.delta_kw:.4g}",
            why=told(report.delta_from, lang),
        )
    )
    listing(
        [words(f"plan.{key}") for key in ("at", "phase", "lasts", "commands", "energy", "charge")],
        [
            (
                span(row["from_s"]),
                " ".join(map(words.phase, row["phase"].split())) if lang == "ja" else row["phase"],
                span(row["duration_s"]),
                row["commands"],
                f"{row['energy_kwh']:+.3f}",
                f"{row['soc_end_pct']:.1f} %",
            )
            for row in report.rows
        ],
    )
    sums = words(
        "plan.sums",
        lasts=span(report.duration_s),
        out=f"{report.discharged_kwh:.3f}",
        taken=f"{report.charged_kwh:.3f}",
        start=f"{report.soc_start_pct:.1f}",
        end=f"{report.soc_end_pct:.1f}",
    )
    out.text(sums + (words("plan.assumed") if report.soc_assumed else ""))
    for kind, lines in (
        ("note", report.notes),
        ("practice", report.practice_reasons),
        ("warning", report.warnings),
    ):
        for line in lines:
            out.text(f"{words(f'plan.{kind}')}: {told(line, lang)}")
    out.text()


def listing(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table without frames: columns that scripts can cut and people can read."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    out.renderable(table, plain_width=_UNFOLDED)  # a script or grep wants a row on a line


def plain(thing: Any) -> Any:
    """Return ``thing`` as what JSON can hold: dataclasses and mappings as objects, paths as text."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: plain(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple | set | frozenset):
        return [plain(value) for value in thing]
    if isinstance(thing, float) and not (float("-inf") < thing < float("inf")):
        return None
    if isinstance(thing, Path):
        return str(thing)
    return thing
