"""Cells as numbers, words and instants."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.config.faults import shown
from bench.foreign.columns import Column, time_zone
from bench.foreign.rows import FaultList
from bench.foreign.table import Table

__all__ = ["CANONICAL_CODES", "Missing", "instants", "modes", "numbers"]

_NO_DATA = 9.9e37
"""SCPI's infinity; 9.91e37 is its NaN. A reading of this size or more is no reading."""
_NAN = 9.91e37
CANONICAL_CODES = {
    "auto": 0,
    "remote": 1,
    "frequency_response": 2,
    "charge": 3,
    "discharge": 4,
    "standby": 5,
}
"""Codes of the canonical modes (contract section 7) in the recording that is made; others follow."""
_LONGEST_WORD = 64
_MOST_WORDS = 64
_LATEST_S = 1e12


class Missing:
    """What stands for "no data": words by their letters, numbers by their value."""

    def __init__(self, listed: Sequence[str | float]) -> None:
        self.words = {str(entry).strip().casefold() for entry in listed} | {""}
        values = (_float(str(entry)) for entry in listed)
        self.values = {value for value in values if value is not None and math.isfinite(value)}

    def word(self, text: str) -> bool:
        """Tell whether a cell of text means "no data"."""
        return text.strip().casefold() in self.words

    def qualities(self, value: NDArray[np.float64]) -> NDArray[np.str_]:
        """Return ``ok``, ``missing`` or ``overflow`` for each number, as it stands in the file."""
        size = np.abs(value)
        quality = np.full(len(value), "ok", dtype="<U8")
        quality[np.isnan(value) | (size >= _NAN) | np.isin(value, sorted(self.values))] = "missing"
        quality[np.isinf(value) | ((size >= _NO_DATA) & (size < _NAN))] = "overflow"
        return quality


def _float(text: str) -> float | None:
    """Return ``text`` as a number; None when it is none. Python's own ``1_000`` is none."""
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _place(table: Table, row: int, ours: str, column: Column) -> str:
    named = "" if column.name == ours else f" (column {shown(column.name)})"
    return f"{table.counted} {table.lines[row]}: {ours}{named}"


def numbers(
    table: Table, ours: str, column: Column, missing: Missing, faults: FaultList
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return values times the factor (NaN where there is no data) and qualities, both of shape (rows,)."""
    raw = _parsed(table, ours, column, missing, faults)
    quality = missing.qualities(raw)
    with np.errstate(over="ignore", invalid="ignore"):
        value = raw * column.factor
    quality[(quality == "ok") & ~np.isfinite(value)] = "overflow"
    return np.where(quality == "ok", value, math.nan), quality


def _parsed(
    table: Table, ours: str, column: Column, missing: Missing, faults: FaultList
) -> NDArray[np.float64]:
    """Return the numbers of a column as they stand; NaN for a word that means "no data"."""
    cells = table.cells[column.name]
    if isinstance(cells, np.ndarray):
        return cells
    raw = np.full(len(cells), math.nan)
    for row, cell in enumerate(cells):
        number = _float(cell) if isinstance(cell, str) else None
        if number is not None:
            raw[row] = number
        elif cell is not None and not (isinstance(cell, str) and missing.word(cell)):
            faults.add(_place(table, row, ours, column), f"{shown(str(cell))} is not a number")
    return raw


_NO_ZONE = "has no time zone, and [declared] time_zone is not given"


def instants(
    table: Table, ours: str, column: Column, zone: str | None, faults: FaultList
) -> tuple[NDArray[np.float64], str | None]:
    """Return the time of each row in seconds, and for clock times the UTC of the first row.

    ``t_s`` is taken as it stands; a clock time counts from the first row.
    """
    cells = table.cells[column.name]
    if ours == "t_s":
        return _seconds(table, ours, column, faults), None
    zoned = None if zone is None else time_zone(zone)
    found: list[dt.datetime] = []
    for row, cell in enumerate(cells):
        at, wrong = _instant(cell, zoned)
        if at is None:
            faults.add(_place(table, row, ours, column), wrong)
            if wrong.endswith(_NO_ZONE):  # one line in [declared] mends every row
                break
        else:
            found.append(at)
    if len(found) < len(cells):
        return np.zeros(len(cells)), None
    micro = np.array([(at - found[0]) // dt.timedelta(microseconds=1) for at in found], dtype=np.int64)
    return micro / 1e6, found[0].isoformat()


def _seconds(table: Table, ours: str, column: Column, faults: FaultList) -> NDArray[np.float64]:
    cells = table.cells[column.name]
    t_s = np.zeros(len(cells))
    for row, cell in enumerate(cells):
        number = _float(str(cell))
        scaled = math.nan if number is None else number * column.factor
        if abs(scaled) < _LATEST_S:
            t_s[row] = scaled
        else:
            faults.add(_place(table, row, ours, column), f"{shown(str(cell))} is not a time in seconds")
    return t_s


def _instant(cell: Any, zone: dt.tzinfo | None) -> tuple[dt.datetime | None, str]:
    try:
        at = cell if isinstance(cell, dt.datetime) else dt.datetime.fromisoformat(_iso(str(cell)))
        if at.tzinfo is None:
            if zone is None:
                return None, f"{shown(str(cell))} {_NO_ZONE}"
            at = at.replace(tzinfo=zone)
        return at.astimezone(dt.UTC), ""
    except (ValueError, OverflowError):
        return None, f"{shown(str(cell))} is not an ISO time"


def _iso(text: str) -> str:
    return text.strip().replace("/", "-")


def modes(
    table: Table, ours: str, column: Column, missing: Missing, faults: FaultList
) -> tuple[NDArray[np.float64], NDArray[np.str_], dict[str, int]]:
    """Return codes of the modes, qualities, and word -> code; modes that are numbers keep them as codes."""
    words = [_mode(cell) for cell in table.cells[column.name]]
    known = sorted({word for word in words if not missing.word(word)})
    strange = [word for word in known if len(word) > _LONGEST_WORD or not word.isprintable()]
    if strange or len(known) > _MOST_WORDS:
        what = f"{shown(strange[0])} is no word for a mode" if strange else f"{len(known)} different modes"
        faults.add(f"{ours} (column {shown(column.name)})", what)
        return np.zeros(len(words)), np.full(len(words), "missing"), {}
    if known and all(_float(word) is not None for word in known):
        value, quality = numbers(table, ours, column, missing, faults)
        return value, quality, {f"{code:g}": int(code) for code in np.unique(value[quality == "ok"]).tolist()}
    codes = dict(CANONICAL_CODES)
    for word in known:
        codes.setdefault(word, len(codes))
    value = np.array([float(codes.get(word, math.nan)) for word in words])
    return value, np.where(np.isnan(value), "missing", "ok").astype("<U8"), codes


def _mode(cell: Any) -> str:
    word = ("" if math.isnan(cell) else f"{cell:g}") if isinstance(cell, float) else str(cell).strip()
    return word.casefold() if word.casefold() in CANONICAL_CODES else word
