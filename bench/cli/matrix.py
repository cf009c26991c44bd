"""``matrix``: lay runs over the requirement table."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import out
from bench.cli.options import Json, Lang
from bench.errors import Fault, UsageError

if TYPE_CHECKING:
    from bench.matrix.matrix import Matrix

__all__ = ["after_demo", "matrix", "show", "write_matrix"]


def matrix(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders that hold them.")
    ],
    device: Annotated[
        str | None,
        typer.Option(
            "--device", metavar="SERIAL", help="Whose runs: a serial, or maker, model and serial together."
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="HTML file; the JSON goes beside it. Default: matrix.html."
        ),
    ] = None,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Lay runs over what DR-ready asks, and show which markets they open.

    The newest run of each profile, edition and metering point counts; simulated and practice runs show as
    such and never displace a real one; a folder that is not as it was signed counts for nothing.
    """
    from bench.matrix.matrix import make_matrix, matrix_json

    found = make_matrix(runs, device)
    if as_json:
        if to is not None:
            write_matrix(found, to, lang)
        out.json_object(matrix_json(found))
        return
    path = write_matrix(found, to or Path("matrix.html"), lang)
    show(found, lang)
    out.text(str(path))


def show(found: Matrix, lang: Lang) -> None:
    """Write the matrix as two tables."""
    from bench.cli.show import listing
    from bench.matrix.words import said, say

    for key, true in (
        ("simulated", found.simulated),
        ("practice", found.practice),
        ("untrusted", found.untrusted),
    ):
        if true:
            out.text(f"*** {say(key, lang)} *** {say(f'{key}.long', lang)}")
    heads = ("item", "need", "economic_dr", "capacity", "balancing", "outcome", "missing")
    rows = []
    for line in found.lines:
        item = line.item
        need = say(f"need.{item.need}", lang) + (
            f" ({say('inferred', lang)})" if item.need_mark == "inferred" else ""
        )
        marks = [getattr(item.asked, market) for market in heads[2:5]]
        missing = [*line.missing, *(said(document, lang) for document in item.documents)]
        rows.append(
            (
                said(item.title, lang),
                need,
                *marks,
                _state(line.state, line.simulated, lang),
                ("; " if lang == "en" else "、").join(missing),
            )
        )
    listing([say(head, lang) for head in heads], rows)
    out.text()
    newest = {one.product.id: one.edition for one in reversed(found.eligible)}  # they come newest first
    columns = ("profile", "edition", "point", "route", "eligible", "qualified", "clause")
    cells = [
        (
            said(one.product.title, lang),
            one.edition,
            say(f"point.{cell.point}", lang),
            say(f"route.{cell.route.by}", lang),
            say(f"eligible.{cell.eligible}", lang),
            "-" if cell.qualified_kw is None else f"{cell.qualified_kw:g}",
            said(cell.clause, lang),
        )
        for one in found.eligible
        if one.edition == newest[one.product.id]
        for cell in one.cells
    ]
    listing([say(column, lang) for column in columns], cells)
    if len(newest) < len(found.eligible):
        out.text(say("earlier", lang))


def _state(state: str, simulated: bool, lang: Lang) -> str:
    from bench.matrix.words import say

    return say(f"state.{state}", lang) + (f" {say('simulated', lang)}" if simulated else "")


def write_matrix(found: Matrix, path: Path, lang: Lang) -> Path:
    """Write the page to ``path`` and the JSON beside it; return ``path``.

    Raises:
        UsageError: it cannot be written there.
    """
    from bench.matrix.matrix import matrix_json
    from bench.matrix.page import page

    beside = path.with_suffix(".json")
    if beside == path:
        raise UsageError(Fault("--out", f"{path}: name an HTML file; the JSON goes beside it"))
    texts = {
        path: page(found, lang),
        beside: json.dumps(matrix_json(found), ensure_ascii=False, allow_nan=False, indent=1) + "\n",
    }
    for target, text in texts.items():
        making = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            making.write_bytes(text.encode("utf-8", "backslashreplace"))  # half a surrogate has no UTF-8
            making.replace(target)
        except OSError as error:
            raise UsageError(Fault(str(target), f"cannot write: {error.strerror or error}")) from None
    return path


def after_demo(to: Path, lang: Lang, as_json: bool) -> Any:
    """Return what :func:`bench.cli.campaign.carry_out` calls when the demo's runs are done."""

    def lay_over(folders: Sequence[Path]) -> dict[str, Any]:
        from bench.matrix.matrix import make_matrix
        from bench.matrix.words import say

        path = write_matrix(make_matrix(list(folders)), to / "matrix.html", lang)
        if not as_json:
            out.text(f"{say('title', lang)}: {path}")
        return {"matrix": str(path)}

    return lay_over
