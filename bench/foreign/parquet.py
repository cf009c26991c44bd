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
            if rows > most_rows or _claimed_bytes(file, names) > _LARGEST_BYTES:
                raise UsageError(Fault(str(path), f"is too large: at most {most_rows} rows"))
            table = file.read(columns=names, use_threads=False)
        cells = {name: _cells(table.column(name), name, path) for name in names}
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError) as error:
        text = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(Fault(str(path), f"cannot be read as Parquet: {text}")) from None
    if any(len(column) != rows for column in cells.values()):
        raise UsageError(Fault(str(path), "cannot be read as Parquet: columns of different lengths"))
    return header, cells, rows


def _claimed_bytes(file: pq.ParquetFile, names: Sequence[str]) -> int:
    total = 0
    for group in range(file.metadata.num_row_groups):
        meta = file.metadata.row_group(group)
        for index in range(meta.num_columns):
            column = meta.column(index)
            if column.path_in_schema.split(".")[0] in names:
                total += column.total_uncompressed_size
    return total


def _cells(column: pa.ChunkedArray, name: str, path: Path) -> Cells:
    kind = column.type
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
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return ["" if text is None else str(text) for text in column.to_pylist()]
    raise UsageError(Fault(f"{path}: {name}", f"holds {kind}: expected numbers, text or times"))


def _utc(column: pa.ChunkedArray) -> list[Any]:
    """Return datetimes in UTC; the zone's name is not needed, since the stored instants are UTC already."""
    naive = pc.cast(column, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    return [None if at is None else at.replace(tzinfo=dt.UTC) for at in naive.to_pylist()]
