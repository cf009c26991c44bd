"""The samples on disk: an Arrow stream while the run lasts, one Parquet file when it is closed.

A Parquet file without its footer is lost whole; of an Arrow stream every complete batch stays readable.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.host.places import put
from bench.record.busy import Busy
from bench.record.ipc_guard import MAX_BATCH_ROWS, MAX_ROWS, MAX_UNPACKED_BYTES, check_batch, schema_metadata
from bench.record.schema import CLOSED, LIVE, metadata_of, sample_schema

__all__ = ["ParquetReader", "StreamReader", "compact", "sync_folder"]

_ROW_GROUP = 131_072


class StreamReader:
    """The complete batches of ``samples.arrow``, however it ends.

    After the iteration ``torn`` says whether the stream broke off before its end marker.

    Raises:
        ValueError: not even the schema can be read, or it is not ours, or a batch is larger than any of ours.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.torn = False
        try:
            self._messages = pa.ipc.MessageReader.open_stream(self._file)
            self.schema = sample_schema({}, {}).with_metadata(
                schema_metadata(self._messages.read_next_message())
            )
            self.units, self.mode_codes = metadata_of(self.schema)
        except (StopIteration, pa.ArrowException, ValueError, OSError, MemoryError) as error:
            self._file.close()
            why = str(error).splitlines()[0] if str(error) else repr(error)
            raise ValueError(f"no readable beginning: {why}") from None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            while True:
                try:
                    message = self._messages.read_next_message()
                    check_batch(message)
                    batch = pa.ipc.read_record_batch(message, self.schema)
                    batch.validate(full=True)  # a stream has no checksums
                except StopIteration:
                    self.torn = not self._ended_properly()
                    return
                except (pa.ArrowException, OSError, MemoryError):
                    self.torn = True
                    return
                yield batch
        finally:
            self._file.close()

    def _ended_properly(self) -> bool:
        """Tell an end marker (eight bytes) from a file that merely stops between two batches."""
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - 8))
        return self._file.read() == b"\xff\xff\xff\xff\x00\x00\x00\x00"


class ParquetReader:
    """The rows of ``samples.parquet``, a batch at a time.

    Raises (here and while iterating):
        ValueError, OSError, pyarrow.ArrowException: damaged, not ours, or larger than any of ours.
    """

    def __init__(self, path: Path) -> None:
        metadata = pq.read_metadata(path)
        self.units, self.mode_codes = metadata_of(metadata.schema.to_arrow_schema())
        self.rows: int = metadata.num_rows
        if self.rows > MAX_ROWS:
            raise ValueError(f"more than {MAX_ROWS} samples")
        for group in range(metadata.num_row_groups):
            # not the columns' own sizes: asking a damaged file for them ends the process (pyarrow 26)
            if metadata.row_group(group).total_byte_size > MAX_UNPACKED_BYTES:
                raise ValueError("a row group that unpacks into more than any of ours")
        self._file = pq.ParquetFile(
            path, read_dictionary=["channel", "quality"], page_checksum_verification=True, memory_map=False
        )

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        with self._file:
            yield from self._file.iter_batches(batch_size=MAX_BATCH_ROWS, use_threads=False)


def sync_folder(folder: Path) -> None:
    """Make names created or replaced in ``folder`` survive a power cut, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def compact(folder: Path, mode_codes: Mapping[str, int] | None = None, busy: Busy | None = None) -> int:
    """Turn ``samples.arrow`` into ``samples.parquet`` and return the number of rows.

    The stream is deleted only when the Parquet file is on the disk with every row. Works on the torn
    stream of an interrupted run too. ``mode_codes`` replaces the table in the metadata: words met
    while running may have been added to it. ``busy`` tells how long each piece takes.

    Raises:
        ValueError: the stream cannot be read, or rows went missing on the way.
        OSError: the disk refused.
    """
    live, closed, making = folder / LIVE, folder / CLOSED, folder / (CLOSED + ".part")
    reader = StreamReader(live)
    schema = sample_schema(reader.units, reader.mode_codes if mode_codes is None else mode_codes)
    rows, busy = 0, busy or Busy()
    try:
        with busy, making.open("wb") as file:
            writer = pq.ParquetWriter(
                file,
                schema,
                compression="zstd",
                use_dictionary=["channel", "quality"],
                write_page_checksum=True,  # so that a flipped bit is found when reading
            )
            for table in _row_groups(reader):
                busy.again()
                writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=_ROW_GROUP)
                busy.again()
                rows += table.num_rows
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        written = pq.read_metadata(making).num_rows
        if written != rows:
            raise ValueError(f"{written} rows of {rows} arrived in {making.name}")
        put(making, closed)
    except BaseException:
        making.unlink(missing_ok=True)
        raise
    with busy:
        sync_folder(folder)
        live.unlink()
    return rows


def _row_groups(batches: StreamReader) -> Iterator[pa.Table]:
    """Yield tables of exactly ``_ROW_GROUP`` rows, the last may be shorter.

    Where one batch ended and the next began depends on the disk's speed; so cut, it leaves no trace.
    """
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        while count >= _ROW_GROUP:
            table = pa.Table.from_batches(waiting, batches.schema)
            yield table.slice(0, _ROW_GROUP).combine_chunks()
            rest = table.slice(_ROW_GROUP)
            waiting, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(waiting, batches.schema).combine_chunks()
