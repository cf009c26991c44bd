"""Numbers written with a comma, as spreadsheets of half the world write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bench.foreign.table import Table

__all__ = ["with_points"]

_WITH_COMMA = re.compile(r"\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*")
_GROUPED = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+\s*")
_WITH_POINT = re.compile(r"\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*")


def with_points(table: Table, numeric: Sequence[str]) -> Table:
    """Return ``table`` with points for commas in the numbers of the columns ``numeric``.

    A comma is the decimal mark where no number has a point, and at least one cannot be thousands in groups
    (``1,234`` alone may be either, and stays a fault that is told).
    """
    words = [cell for name in numeric for cell in table.cells[name] if isinstance(cell, str)]
    commas = [word for word in words if "," in word and _WITH_COMMA.fullmatch(word)]
    if all(_GROUPED.fullmatch(word) for word in commas) or any(_WITH_POINT.fullmatch(word) for word in words):
        return table
    pointed = {
        name: [
            cell.replace(",", ".") if isinstance(cell, str) and _WITH_COMMA.fullmatch(cell) else cell
            for cell in table.cells[name]
        ]
        for name in numeric
        if isinstance(table.cells[name], list)
    }
    return replace(table, cells={**table.cells, **pointed})
