"""A look at an Arrow message before it is unpacked: a few bytes may claim to unpack into gigabytes.

The message's header is a FlatBuffer (Arrow columnar format, "Encapsulated message format": table
``Message`` with ``header`` as field 2; ``RecordBatch`` with ``length`` 0, ``buffers`` 2,
``compression`` 3). A compressed buffer begins with its unpacked size as int64, and no more than that
is ever unpacked.
"""

from __future__ import annotations

import struct

import pyarrow as pa

__all__ = ["MAX_BATCH_ROWS", "MAX_ROWS", "MAX_UNPACKED_BYTES", "check_message"]

MAX_ROWS = 100_000_000  # a day at 0.1 s with a hundred channels; more is no run of ours
MAX_BATCH_ROWS = 65_536
MAX_UNPACKED_BYTES = 64 * 1024 * 1024  # a full batch of ours takes about 6 MB


class _Table:
    """One FlatBuffer table: where its fields lie."""

    def __init__(self, data: memoryview, at: int) -> None:
        self.data, self.at = data, at
        self.slots = at - struct.unpack_from("<i", data, at)[0]
        self.slots_size = struct.unpack_from("<H", data, self.slots)[0]

    def field(self, index: int) -> int | None:
        """Return where field ``index`` lies, None when it is left out."""
        slot = 4 + 2 * index
        offset = struct.unpack_from("<H", self.data, self.slots + slot)[0] if slot < self.slots_size else 0
        return self.at + offset if offset else None

    def pointed(self, index: int) -> int | None:
        """Return where the thing lies that field ``index`` points at."""
        at = self.field(index)
        return None if at is None else at + struct.unpack_from("<I", self.data, at)[0]


def check_message(message: pa.Message) -> None:
    """Refuse a record batch that has more rows, or unpacks into more bytes, than any of ours.

    Raises:
        pyarrow.ArrowInvalid: it is too large, or its header is damaged.
    """
    try:
        rows, unpacked = _claims(memoryview(message.metadata), memoryview(message.body or b""))
    except (struct.error, IndexError, ValueError) as error:
        raise pa.ArrowInvalid(f"damaged header of a batch: {error}") from None
    if not 0 <= rows <= MAX_BATCH_ROWS or unpacked > MAX_UNPACKED_BYTES:
        raise pa.ArrowInvalid(f"a batch claims {rows} rows and {unpacked} bytes: not one of ours")


def _claims(header: memoryview, body: memoryview) -> tuple[int, int]:
    root = _Table(header, struct.unpack_from("<I", header, 0)[0])
    batch_at = root.pointed(2)
    if batch_at is None:
        raise ValueError("no batch in the message")
    batch = _Table(header, batch_at)
    length_at, buffers_at = batch.field(0), batch.pointed(2)
    rows = 0 if length_at is None else struct.unpack_from("<q", header, length_at)[0]
    if buffers_at is None:
        return rows, 0
    compressed = batch.field(3) is not None
    count = struct.unpack_from("<I", header, buffers_at)[0]
    unpacked = 0
    for index in range(min(count, 1024)):
        offset, length = struct.unpack_from("<qq", header, buffers_at + 4 + 16 * index)
        if not (offset >= 0 and 0 <= length <= len(body)):
            raise ValueError("a buffer outside the message")
        if compressed and length >= 8:
            (claimed,) = struct.unpack_from("<q", body, offset)
            unpacked += max(claimed, length)
        else:
            unpacked += length
    return rows, unpacked
