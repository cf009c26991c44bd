"""Parquet files of other people: only the columns that are needed, within bounds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.errors import Fault, UsageError

__all__ = ["Cells", "read_parquet"]

Cells = Sequence[Any] | NDArray[np.float64]

_LARGEST_BYTES = 2**31
_BATCH_ROWS = 65_536
_LONGEST_TEXT = 4096
_OURS_LONG = {"tick", "t_s", "channel", "value"}


def read_parquet(
    path: Path, wanted: Callable[[tuple[str, ...]], Sequence[str]], most_rows: int
) -> tuple[tuple[str, ...], dict[str, Cells], int]:
    """Return header, cells of the columns that ``wanted`` names, and the number of rows.

    Numbers become float arrays (null is NaN), times with a zone UTC datetimes, the rest text.

    Raises:
        UsageError: damaged, too large, nested, or without rows.
    """
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            header = tuple(file.schema_arrow.names)
            rows = file.metadata.num_rows
            if set(header) >= _OURS_LONG:
                raise UsageError(Fault(str(path), "is the samples of a run folder: name the folder instead"))
            names = [name for name in dict.fromkeys(wanted(header)) if name in header]
            repeated = [name for name in names if header.count(name) > 1]
            if repeated:
                raise UsageError([Fault(str(path), f"{name!r} heads several columns") for name in repeated])
            if rows < 1:
                raise UsageError(Fault(str(path), "has no rows"))
            if rows > most_rows:
                raise UsageError(Fault(str(path), f"is too large: at most {most_rows} rows"))
            texts = [name for name in names if _is_text(file.schema_arrow.field(name).type)]
        parts: dict[str, list[Cells]] = {name: [] for name in names}
        # a text that stands in a million rows is kept once; what the footer claims of sizes is not asked for,
        # since asking a damaged one for a column's ends the process (pyarrow 26)
        with pq.ParquetFile(path, read_dictionary=texts, memory_map=False) as file:
            size = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=names, use_threads=False):
                size += batch.nbytes
                if size > _LARGEST_BYTES:
                    raise UsageError(Fault(str(path), f"unpacks to over {_LARGEST_BYTES // 2**20} MiB"))
                for name in names:
                    parts[name].append(_cells(batch.column(name), name, path))
        cells = {name: _joined(some) for name, some in parts.items()}
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError) as error:
        text = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(Fault(str(path), f"cannot be read as Parquet: {text}")) from None
    if any(len(column) != rows for column in cells.values()):
        raise UsageError(Fault(str(path), "cannot be read as Parquet: columns of different lengths"))
    return header, cells, rows


def _joined(parts: list[Cells]) -> Cells:
    if parts and all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return [cell for part in parts for cell in part]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _cells(column: pa.Array, name: str, path: Path) -> Cells:
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        return _words(column, name, path)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=float)
    if pa.types.is_decimal(kind):
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
    if pa.types.is_timestamp(kind):
        micro = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
        return list(micro.to_pylist()) if kind.tz is None else list(_utc(micro))
    if _is_text(kind):
        return _words(column.dictionary_encode(), name, path)
    if pa.types.is_null(kind):
        return [""] * len(column)
    raise UsageError(Fault(f"{path}: {name}", f"holds {kind}: expected numbers, text or times"))


def _words(column: pa.DictionaryArray, name: str, path: Path) -> list[str]:
    column.validate(full=True)
    longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
    if longest > _LONGEST_TEXT:
        raise UsageError(Fault(f"{path}: {name}", f"holds a text of {longest} bytes"))
    words = ["" if word is None else str(word) for word in column.dictionary.to_pylist()]
    return ["" if index is None else words[index] for index in column.indices.to_pylist()]


def _utc(column: pa.Array) -> list[Any]:
    """Return datetimes in UTC; the zone's name is not needed, since the stored instants are UTC already."""
    naive = pc.cast(column, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    return [None if at is None else at.replace(tzinfo=dt.UTC) for at in naive.to_pylist()]
