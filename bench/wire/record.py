"""``wire.jsonl``: every message with every instrument, as it happened, in the run folder.

The first line names the instruments; each further line is one message:
``{"t_s", "role", "resource", "direction", "text", "end"}``. ``direction`` is ``out``, ``in`` or ``event``
(what the link itself did: opened, lost, discarded); ``end`` is the terminator of a line as it was seen.
What was said before the run's folder was there (identification) comes first in every run's file.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from bench.errors import BenchError
from bench.links.tap import WireRecord
from bench.record.busy import HANGS_S
from bench.record.lines import Lines
from bench.record.schema import WIRE

__all__ = ["LACKING", "WIRE", "WireLog"]

LACKING = "are lacking here"
"""What an event says behind which messages were left out: what comes next answers no question before it."""
MOST_BYTES = 256 * 1024 * 1024
_MOST_BEFORE = 5000
_MOST_WAITING = 8 * 1024 * 1024


class WireLog:
    """A tap that writes into the folder of the run in progress. Safe from several threads.

    A file holds at most ``most_bytes``; then it ends with an event that says so, and the run goes on. A disk
    that refuses ends the record likewise: a test is not stopped for the sake of its wire log. In real time
    nothing on a wire waits for the disk: what is more than ``most_waiting`` characters behind is left out,
    and an event says how much was.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES, most_waiting: int = _MOST_WAITING) -> None:
        self._most_bytes = most_bytes
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._before: list[WireRecord] = []
        self._file: TextIO | None = None
        self._lines = Lines(aside=False)
        self._bytes = 0
        self._left_out, self._left_out_s = 0, 0.0
        self._full = False
        self._began = False

    def __call__(self, record: WireRecord) -> None:
        """Take one message."""
        with self._lock:
            if self._file is not None:
                self._write(record)
            elif not self._began and len(self._before) < _MOST_BEFORE:
                self._before.append(record)

    def begin(
        self, folder: Path, instruments: Mapping[str, Mapping[str, Any]], *, aside: bool = False
    ) -> None:
        """Write into ``folder`` from now on; ``instruments`` by role go into the first line.

        ``aside``: by a thread of its own; in virtual time there is no need for it, and nothing is left out.

        Raises:
            BenchError: the file cannot be made.
        """
        with self._lock:
            head = {"wire": 1, "instruments": {role: dict(told) for role, told in instruments.items()}}
            try:
                file = (folder / WIRE).open("w", encoding="utf-8", newline="\n")
                file.write(json.dumps(head, ensure_ascii=False) + "\n")
            except OSError as error:
                raise BenchError(f"cannot write {folder / WIRE}: {error.strerror or error}") from None
            self._file, self._lines = file, Lines(aside=aside, most=self._most_waiting)
            self._bytes, self._left_out, self._full, self._began = 0, 0, False, True
            for record in self._before:
                self._write(record)

    def end(self, hangs_s: float = HANGS_S) -> None:
        """Have everything written and close the run's file; may be called again.

        A disk that takes longer than ``hangs_s`` for one write is left alone.
        """
        with self._lock:
            file, self._file = self._file, None
            if file is None:
                return
            if self._left_out:
                with contextlib.suppress(OSError):
                    self._lines.put(file, self._lacking(), always=True)
        if self._lines.end(hangs_s):
            with contextlib.suppress(OSError):
                file.close()

    def _write(self, record: WireRecord) -> None:
        if self._full or self._file is None:
            return
        line = _line(record)
        full = self._bytes + len(line) > self._most_bytes
        if full:
            why = f"the record ends here: it would hold more than {self._most_bytes} bytes"
            line = _line(WireRecord(record.t_s, "", "event", why))
        if self._left_out:
            line = self._lacking() + line
        try:
            taken = self._lines.put(self._file, line, always=full)
        except OSError:
            self._full = True
            return
        if taken:
            self._left_out, self._full = 0, full
            self._bytes += len(line)
        else:
            self._left_out_s = self._left_out_s if self._left_out else record.t_s
            self._left_out += 1

    def _lacking(self) -> str:
        why = f"{self._left_out} messages {LACKING}: the disk was too slow"
        return _line(WireRecord(self._left_out_s, "", "event", why))


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
