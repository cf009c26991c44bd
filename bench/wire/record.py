"""``wire.jsonl``: every message with every instrument, as it happened, in the run folder.

The first line names the instruments; each further line is one message:
``{"t_s", "role", "resource", "direction", "text", "end"}``. ``direction`` is ``out``, ``in`` or ``event``
(what the link itself did: opened, lost, discarded); ``end`` is the terminator of a line as it was seen.
What was said before the run's folder was there (identification) comes first in every run's file.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from bench.errors import BenchError
from bench.links.tap import WireRecord

__all__ = ["WIRE", "WireLog"]

WIRE = "wire.jsonl"
MOST_BYTES = 256 * 1024 * 1024
_MOST_BEFORE = 5000


class WireLog:
    """A tap that writes into the folder of the run in progress. Safe from several threads.

    A file holds at most ``most_bytes``; then it ends with an event that says so, and the run goes on. A disk
    that refuses ends the record likewise: a test is not stopped for the sake of its wire log.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._before: list[WireRecord] = []
        self._file: TextIO | None = None
        self._bytes = 0
        self._full = False
        self._began = False

    def __call__(self, record: WireRecord) -> None:
        """Take one message."""
        with self._lock:
            if self._file is not None:
                self._write(record)
            elif not self._began and len(self._before) < _MOST_BEFORE:
                self._before.append(record)

    def begin(self, folder: Path, instruments: Mapping[str, Mapping[str, Any]]) -> None:
        """Write into ``folder`` from now on; ``instruments`` by role go into the first line.

        Raises:
            BenchError: the file cannot be made.
        """
        with self._lock:
            try:
                self._file = (folder / WIRE).open("w", encoding="utf-8", newline="\n")
            except OSError as error:
                raise BenchError(f"cannot write {folder / WIRE}: {error.strerror or error}") from None
            self._bytes, self._full, self._began = 0, False, True
            head = {"wire": 1, "instruments": {role: dict(told) for role, told in instruments.items()}}
            self._file.write(json.dumps(head, ensure_ascii=False) + "\n")
            for record in self._before:
                self._write(record)

    def end(self) -> None:
        """Close the run's file; may be called again."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                try:
                    file.close()
                except OSError:
                    return

    def _write(self, record: WireRecord) -> None:
        if self._full or self._file is None:
            return
        line = _line(record)
        self._bytes += len(line)
        if self._bytes > self._most_bytes:
            self._full = True
            why = f"the record ends here: it would hold more than {self._most_bytes} bytes"
            line = _line(WireRecord(record.t_s, "", "event", why))
        try:
            self._file.write(line)
        except OSError:
            self._full = True


def _line(record: WireRecord) -> str:
    content: dict[str, Any] = {
        "t_s": round(record.t_s, 6),
        "role": record.role,
        "resource": record.resource,
        "direction": record.direction,
        "text": record.text,
    }
    if record.end:
        content["end"] = record.end
    return json.dumps(content, ensure_ascii=True) + "\n"
