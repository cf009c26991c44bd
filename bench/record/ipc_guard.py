"""A look at Arrow messages before Arrow reads them: are they ours, and of a size that ours have?"""

from __future__ import annotations

import struct

import pyarrow as pa

from bench.record.flatbuffer import root
from bench.record.schema import COLUMNS

__all__ = ["MAX_BATCH_ROWS", "MAX_ROWS", "MAX_UNPACKED_BYTES", "check_batch", "schema_metadata"]

MAX_ROWS = 100_000_000  # a day at 0.1 s with a hundred channels; more is no run of ours
MAX_BATCH_ROWS = 65_536
MAX_UNPACKED_BYTES = 64 * 1024 * 1024  # a full batch of ours takes about 6 MB

_HEADER = 2  # Message: version 0, header_type 1, header 2, bodyLength 3


def schema_metadata(message: pa.Message) -> dict[bytes, bytes]:
    """Return the metadata of a schema message whose columns are ours; Arrow itself never parses it.

    Raises:
        ValueError: the message is damaged, or of another schema.
    """
    if message.type != "schema":
        raise ValueError(f"begins with a {message.type}")
    try:
        schema = root(memoryview(message.metadata)).table(_HEADER)  # fields 1, custom_metadata 2
        names = [field.text(0) for field in schema.tables(1)]
        metadata = {pair.text(0).encode(): pair.text(1).encode() for pair in schema.tables(2)}
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"damaged schema: {error}") from None
    if names != [name for name, _ in COLUMNS]:
        raise ValueError(f"columns {names}")
    return metadata


def check_batch(message: pa.Message) -> None:
    """Refuse a record batch that has more rows, or unpacks into more bytes, than any of ours.

    A compressed buffer begins with its unpacked size as int64, and no more than that is ever unpacked.

    Raises:
        pyarrow.ArrowInvalid: it is too large, or its header is damaged.
    """
    if message.type != "record batch":
        raise pa.ArrowInvalid(f"unexpected message: {message.type}")
    try:
        rows, unpacked = _claims(memoryview(message.metadata), memoryview(message.body or b""))
    except struct.error as error:
        raise pa.ArrowInvalid(f"damaged header of a batch: {error}") from None
    if not 0 <= rows <= MAX_BATCH_ROWS or unpacked > MAX_UNPACKED_BYTES:
        raise pa.ArrowInvalid(f"a batch claims {rows} rows and {unpacked} bytes: not one of ours")


def _claims(header: memoryview, body: memoryview) -> tuple[int, int]:
    batch = root(header).table(_HEADER)  # length 0, nodes 1, buffers 2, compression 3
    compressed = batch.field(3) is not None
    begin, count = batch.vector(2)
    unpacked = 0
    for index in range(count):
        offset, length = struct.unpack_from("<qq", header, begin + 16 * index)
        if not (offset >= 0 and 0 <= length <= len(body) - offset):
            raise struct.error("a buffer outside the message")
        claimed = struct.unpack_from("<q", body, offset)[0] if compressed and length >= 8 else 0
        unpacked += max(claimed, length)
    return batch.int64(0), unpacked
