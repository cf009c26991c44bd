"""Their file as a table of cells: CSV in the shapes that loggers and spreadsheets write, or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import Fault, UsageError
from bench.foreign.parquet import Cells, read_parquet
from bench.foreign.rows import FaultList

__all__ = ["Table", "read_table"]

LARGEST_BYTES = 512 * 1024 * 1024
LARGEST_ROWS = 10_000_000
_MOST_COLUMNS = 4096
_MOST_REMARKS = 100
_COMMENT = "#"
_DELIMITERS = (",", ";", "\t")
_ENCODINGS = ("utf-8", "cp932")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class Table:
    """Header, and the cells of each column that was asked for. ``lines`` are the places of the rows."""

    header: tuple[str, ...]
    cells: Mapping[str, Cells]
    lines: Sequence[int]
    counted: str


def read_table(path: Path, wanted: Callable[[tuple[str, ...]], Sequence[str]]) -> Table:
    """Read the columns that ``wanted`` names, given the header.

    Raises:
        UsageError: no such file, too large, neither CSV nor Parquet, ragged, without rows.
    """
    head = _head(path)
    if head == b"PAR1":
        header, cells, count = read_parquet(path, wanted, LARGEST_ROWS)
        return Table(header, cells, range(1, count + 1), "row")
    if head == b"PK\x03\x04":
        raise UsageError(Fault(str(path), "is a workbook or an archive: save the sheet as CSV"))
    return _read_csv(path, wanted)


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UsageError(Fault(str(path), "is not a regular file" if path.exists() else "no such file"))
        if path.stat().st_size > LARGEST_BYTES:
            raise UsageError(Fault(str(path), f"is larger than {LARGEST_BYTES // 2**20} MiB"))
        with path.open("rb") as file:
            return file.read(4)
    except (OSError, ValueError) as error:
        raise UsageError(Fault(str(path), f"cannot be read: {error}")) from None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(Fault(str(path), f"cannot be read: {error.strerror}")) from None
    marked = [name for mark, name in _BOMS if content.startswith(mark)]
    for encoding in marked or _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise UsageError(Fault(str(path), "is neither Parquet nor text in UTF-8 or Shift_JIS"))


def _read_csv(path: Path, wanted: Callable[[tuple[str, ...]], Sequence[str]]) -> Table:
    text = _text(path)
    skipped, text = _from_header(text, wanted)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), skipinitialspace=True)
    faults = FaultList(str(path))
    header: tuple[str, ...] = ()
    names: Sequence[str] = ()
    at: list[int] = []
    columns: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = tuple(cell.strip() for cell in row)
                if len(header) > _MOST_COLUMNS:
                    raise UsageError(Fault(str(path), f"has {len(header)} columns"))
                names = [name for name in dict.fromkeys(wanted(header)) if name in header]
                at = [header.index(name) for name in names]
                columns = [[] for _ in at]
                for name in names:
                    if header.count(name) > 1:
                        faults.add(
                            f"line {skipped + rows.line_num}", f"{name!r} heads {header.count(name)} columns"
                        )
                continue
            if len(row) != len(header):
                faults.add(
                    f"line {skipped + rows.line_num}", f"{len(row)} cells under a header of {len(header)}"
                )
                continue
            if len(lines) >= LARGEST_ROWS:
                raise UsageError(Fault(str(path), f"has more than {LARGEST_ROWS} rows"))
            lines.append(skipped + rows.line_num)
            for cells, index in zip(columns, at, strict=True):
                cells.append(row[index])
    except csv.Error as error:
        faults.add(f"line {skipped + rows.line_num}", str(error))
    faults.close()
    if not lines:
        raise UsageError(Fault(str(path), "has no rows"))
    return Table(header, dict(zip(names, columns, strict=True)), lines, "line")


def _from_header(text: str, wanted: Callable[[tuple[str, ...]], Sequence[str]]) -> tuple[int, str]:
    """Return how many lines stand before the header, and the text from there on.

    Loggers write remarks first. The header is the first line that has the columns that are wanted; where none
    has, the first that is no comment, so that the fault is told of it.
    """
    lines = io.StringIO(text, newline="")
    first: tuple[int, int] | None = None
    at = 0
    for number, line in enumerate(lines):
        if number > _MOST_REMARKS:
            break
        if line.strip() and not line.lstrip().startswith(_COMMENT):
            first = first or (number, at)
            try:
                wanted(tuple(cell.strip() for cell in next(csv.reader([line], delimiter=_delimiter(line)))))
            except (UsageError, csv.Error):
                pass
            else:
                return number, text[at:]
        at += len(line)
    number, at = first or (0, 0)
    return number, text[at:]


def _delimiter(text: str) -> str:
    """Return what separates the cells of the first line that is not empty."""
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    counts = {}
    for mark in _DELIMITERS:
        try:
            counts[mark] = len(next(csv.reader([first], delimiter=mark), []))
        except csv.Error:
            counts[mark] = 0
    return max(_DELIMITERS, key=lambda mark: counts[mark])
