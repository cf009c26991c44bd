"""Just enough of FlatBuffers to look into an Arrow message before Arrow does.

A damaged header can end the process inside Arrow (pyarrow 26 follows missing strings of a schema), and a few
bytes may claim to unpack into gigabytes. Layout: "FlatBuffer internals", and ``Message.fbs`` and
``Schema.fbs`` of the Arrow columnar format.
"""

from __future__ import annotations

import struct

__all__ = ["Table", "root"]


class Table:
    """One table: where its fields lie. Every read is inside the data, or raises ``struct.error``."""

    def __init__(self, data: memoryview, at: int) -> None:
        self.data, self.at = data, at
        self._slots = at - self._number("<i", at)
        self._size = self._number("<H", self._slots)

    def _number(self, kind: str, at: int) -> int:
        if at < 0:
            raise struct.error("before the beginning")
        return int(struct.unpack_from(kind, self.data, at)[0])

    def field(self, index: int) -> int | None:
        """Return where field ``index`` lies, None when it is left out."""
        slot = 4 + 2 * index
        offset = self._number("<H", self._slots + slot) if slot < self._size else 0
        return self.at + offset if offset else None

    def int64(self, index: int) -> int:
        """Return the number in field ``index``, 0 when it is left out."""
        at = self.field(index)
        return 0 if at is None else self._number("<q", at)

    def pointed(self, index: int) -> int:
        """Return where the thing lies that field ``index`` points at.

        Raises:
            struct.error: the field is left out.
        """
        at = self.field(index)
        if at is None:
            raise struct.error(f"field {index} is missing")
        return at + self._number("<I", at)

    def table(self, index: int) -> Table:
        """Return the table in field ``index``."""
        return Table(self.data, self.pointed(index))

    def text(self, index: int) -> str:
        """Return the string in field ``index``."""
        at = self.pointed(index)
        raw: bytes = struct.unpack_from(f"<{self._number('<I', at)}s", self.data, at + 4)[0]
        return raw.decode("utf-8")

    def vector(self, index: int, most: int = 1024) -> tuple[int, int]:
        """Return where the items of the vector in field ``index`` begin, and how many there are."""
        at = self.pointed(index)
        count = self._number("<I", at)
        if count > most:
            raise struct.error(f"{count} items")
        return at + 4, count

    def tables(self, index: int) -> list[Table]:
        """Return the tables of the vector in field ``index``."""
        begin, count = self.vector(index)
        places = range(begin, begin + 4 * count, 4)
        return [Table(self.data, at + self._number("<I", at)) for at in places]


def root(data: memoryview) -> Table:
    """Return the table that ``data`` holds."""
    return Table(data, struct.unpack_from("<I", data, 0)[0])
