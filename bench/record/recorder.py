"""Everything of a run goes to the disk while it happens: samples, commands, events.

Samples may come from several threads; they are gathered in memory and written as batches about twice a
second by whoever calls :meth:`Recorder.flush_due`. Commands and events are written line by line at once, in
real time by a thread of their own.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

import pyarrow as pa

from bench.clock import Clock, host_monotonic_s
from bench.errors import BenchError
from bench.record.busy import HANGS_S, Busy, ends
from bench.record.lines import Lines
from bench.record.schema import LIVE, MODE_CODES, sample_schema
from bench.record.stream import compact
from bench.record.texts import COMMAND_COLUMNS, csv_value, plain
from bench.timeline import SetPoint

__all__ = ["Recorder"]

_FLUSH_RUN_S = 0.5  # looked at every quarter second: a killed process loses less than a second of the run
_FLUSH_HOST_S = 0.2  # virtual time runs thousands of times faster: then the host's time decides
_SYNC_HOST_S = 10.0  # a power cut loses at most this; each sync costs milliseconds on a slow disk
_BATCH_ROWS = 8192
_FIRST_FREE_CODE = 100


class Recorder:
    """Writes ``samples.arrow``, ``commands.csv`` and ``events.jsonl`` of one run folder.

    The first write that fails raises; after it the recorder drops what it is given, so that a safe state
    in progress is not disturbed, and :attr:`failure` keeps the cause. In real time a write that takes longer
    than ``hangs_s`` counts as failed: then :attr:`hung` is set, and the disk is left alone.

    Args:
        folder: the run folder.
        units: unit by channel (``meter.power_kw`` -> ``kW``).
        mode_codes: code by word; empty takes the canonical table. Words not in it get codes from 100.
        clock: the run's clock.
        hangs_s: how long one write may take.

    Raises:
        BenchError: a file cannot be written (every method).
    """

    def __init__(
        self,
        folder: Path,
        units: Mapping[str, str],
        mode_codes: Mapping[str, int],
        clock: Clock,
        *,
        hangs_s: float = HANGS_S,
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.mode_codes: dict[str, int] = dict(mode_codes or MODE_CODES)
        self.failure: BenchError | None = None
        self.hung = False
        self.rows_written = 0
        self._schema = sample_schema(units, self.mode_codes)
        self._rows: list[tuple[int, float, float, str, float | None, str]] = []
        self._gather = threading.Lock()
        self._words = threading.RLock()
        self._write = threading.RLock()
        self._aside = clock.kind != "virtual"
        self._hangs_s = hangs_s
        self._busy = Busy()
        self._flushed_run_s = -math.inf
        self._flushed_host_s = self._synced_host_s = host_monotonic_s()
        self._closed = False
        try:
            self._file = (folder / LIVE).open("wb")
            self._stream = pa.ipc.new_stream(
                self._file, self._schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
            )
            # the stream writes its schema with the first batch: an empty one, so that a run that is killed
            # in its first second is still a run
            self._stream.write_batch(pa.RecordBatch.from_pylist([], schema=self._schema))
            self._file.flush()
            self._commands: TextIO = (folder / "commands.csv").open("w", encoding="utf-8", newline="")
            self._events: TextIO = (folder / "events.jsonl").open("w", encoding="utf-8", newline="")
            self._commands.write(_csv_line(COMMAND_COLUMNS))
            self._commands.flush()
        except (OSError, pa.ArrowException) as error:
            self._fail(error)
        self._lines = Lines(aside=self._aside)

    def sample(
        self, tick: int, t_s: float, host_s: float, channel: str, value: float | str | None, quality: str
    ) -> None:
        """Take one sample; a word is recorded as its code, None or a number that is not finite as no data."""
        if value is not None:
            if isinstance(value, str):
                value = float(self._code(value))
            elif not math.isfinite(value):
                value, quality = None, "missing" if quality == "ok" else quality
        if self._aside:
            self._raise_if_refused()
            if self.failure is not None or self._closed:
                return
        with self._gather:
            self._rows.append((tick, t_s, host_s, channel, value, quality))
            full = len(self._rows) >= _BATCH_ROWS
        if not full or self._aside:  # in real time whoever reads an instrument waits for no disk
            return
        self.flush()

    def command(self, set_point: SetPoint, sent_s: float, read_back: float | str | bool | None) -> None:
        """Write one line of ``commands.csv``; a planned time that is NaN was not planned."""
        row = [
            "" if math.isnan(set_point.t_s) else csv_value(set_point.t_s),
            csv_value(sent_s),
            set_point.role,
            set_point.quantity,
            csv_value(set_point.value),
            csv_value(read_back),
            set_point.phase,
            csv_value(set_point.step),
            set_point.direction or "",
        ]
        self._put(self._commands, _csv_line(row))

    def event(self, kind: str, t_s: float | None, **fields: Any) -> None:
        """Write one line of ``events.jsonl``; ``t_s`` is None before the run's zero is known."""
        line = json.dumps(
            {"kind": kind, "t_s": plain(t_s), **plain(fields)}, ensure_ascii=False, allow_nan=False
        )
        self._put(self._events, line + "\n")

    def _put(self, file: TextIO, line: str) -> None:
        if self.failure is not None or self._closed:
            return
        self._raise_if_refused()
        try:
            self._lines.put(file, line)
        except OSError as error:
            self._fail(error)

    def _raise_if_refused(self) -> None:
        if self.failure is not None:
            return
        if self._lines.error is not None:
            self._fail(self._lines.error)
        if self._aside and self._hangs():
            self._hung()

    def _hung(self) -> NoReturn:
        self.hung = True
        self._fail(OSError(f"the disk has taken nothing for {self._hangs_s:g} s"))

    def _hangs(self) -> bool:
        return max(self._busy.longest_s(), self._lines.busy.longest_s()) > self._hangs_s

    def flush_due(self, t_s: float) -> None:
        """Write what has gathered when the last time was long enough ago; ``t_s`` is the run's time."""
        self._raise_if_refused()
        if t_s - self._flushed_run_s < _FLUSH_RUN_S:
            return
        if host_monotonic_s() - self._flushed_host_s >= _FLUSH_HOST_S:
            self._flushed_run_s = t_s
            self.flush()

    def flush(self) -> None:
        """Write what has gathered as one batch, and now and then sync it to the disk.

        A slow disk is waited for without the lock, or it would hold up whoever writes a command.
        """
        sync = False
        with self._write:
            with self._gather:
                rows, self._rows = self._rows, []
            if self.failure is not None or self._closed:
                return
            try:
                with self._busy:
                    if self._aside and not (self.folder / LIVE).exists():  # what is written on is lost
                        raise OSError("somebody removed the run folder")
                    for first in range(0, len(rows), _BATCH_ROWS):
                        columns = zip(*rows[first : first + _BATCH_ROWS], strict=True)
                        arrays = [pa.array(c, f.type) for c, f in zip(columns, self._schema, strict=True)]
                        self._stream.write_batch(pa.record_batch(arrays, schema=self._schema))
                    self._file.flush()
                self.rows_written += len(rows)
                self._flushed_host_s = host_monotonic_s()
                if self._flushed_host_s - self._synced_host_s >= _SYNC_HOST_S:
                    self._synced_host_s, sync = self._flushed_host_s, True
            except (OSError, pa.ArrowException) as error:
                self._fail(error)
        if sync:
            try:
                with self._busy:
                    os.fsync(self._file.fileno())
            except OSError as error:
                self._fail(error)
            except ValueError:  # closed meanwhile, and synced by that
                return

    def close(self) -> None:
        """Write the rest, and turn the stream into ``samples.parquet``. Closing twice does nothing.

        After a failed write the stream is left as ``samples.arrow``, readable up to its last complete batch.
        A disk that hangs is left to a thread of its own, which ends with the process.

        Raises:
            BenchError: the disk refused or hangs; ``samples.arrow`` is kept.
        """
        if self._closed or self.hung:
            return
        if not self._aside:
            self._close()
            return
        refused: list[BaseException] = []

        def close() -> None:
            try:
                self._close()
            except BaseException as error:  # noqa: BLE001  (raised by the thread that waits)
                refused.append(error)

        thread = threading.Thread(target=close, name="close", daemon=True)
        thread.start()
        if not ends(thread, self._hangs):
            self.hung = True
            self._raise_if_refused()
            if self.failure is not None:  # the thread that closes may have seen it first, and hang itself
                raise self.failure
        for error in refused:
            raise error

    def _close(self) -> None:
        with self._write:
            if self._closed:
                return
            failed_before = self.failure is not None
            try:
                if not self._lines.end(self._hangs_s) and self.failure is None:
                    self._hung()
                self._raise_if_refused()
                self.flush()
            finally:
                self._closed = True
                self._close_files()
            if self.failure is not None and not failed_before:
                raise self.failure
            if self.failure is None:
                try:
                    compact(self.folder, self.mode_codes, self._busy)
                except (OSError, ValueError, pa.ArrowException) as error:
                    self._fail(error, f"the samples stay in {LIVE}")

    def _close_files(self) -> None:
        for name in ("_stream", "_file", "_commands", "_events"):
            item = getattr(self, name, None)
            if item is None:
                continue
            try:
                with self._busy:
                    if name != "_stream" and self.failure is None:
                        os.fsync(item.fileno())
                    if name != "_stream" or self.failure is None:  # no end marker behind a torn batch
                        item.close()
            except (OSError, pa.ArrowException) as error:
                if self.failure is None:
                    self.failure = BenchError(f"cannot write to {self.folder}: {error}")

    def _code(self, word: str) -> int:
        code = self.mode_codes.get(word)
        if code is None:
            with self._words:
                code = max(_FIRST_FREE_CODE, 1 + max(self.mode_codes.values(), default=0))
                code = self.mode_codes.setdefault(word, code)
                self.event("mode_code", None, word=word, code=code)
        return code

    def _fail(self, error: Exception, kept: str = "") -> NoReturn:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        self.failure = BenchError(f"cannot write to {self.folder}: {why}" + (f"; {kept}" if kept else ""))
        raise self.failure from None


def _csv_line(row: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()
