"""The record of a run whose process ended first: every sample that was acknowledged, in closed files."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.record.schema import CLOSED, LIVE, MODE_CODES, WIRE, sample_schema
from bench.record.stream import StreamReader, compact
from bench.record.texts import COMMAND_COLUMNS, is_command, is_event

__all__ = ["Salvaged", "add_event", "interrupted", "rows_of", "salvage"]

Salvaged = dict[str, Any]
_HEADER = ",".join(COMMAND_COLUMNS) + "\n"


def interrupted(folder: Path) -> bool:
    """Tell whether the samples of ``folder`` were never closed."""
    return (folder / LIVE).is_file()


def salvage(folder: Path) -> Salvaged:
    """Close the files of an interrupted record, and return what was found: rows, and bytes cut off.

    A line or a batch that was only half written when the process ended was never acknowledged: it goes. So
    does a line that a damaged disk has made unreadable; the rest stays.

    Raises:
        BenchError: the disk refuses; nothing that was there is lost.
    """
    try:
        for making in folder.glob("*.part"):  # what was being written when the process ended
            making.unlink()
        missing = [name for name in ("events.jsonl", "commands.csv") if not (folder / name).exists()]
        if not (folder / LIVE).exists() and not (folder / CLOSED).exists():
            missing.append("samples")
        found: Salvaged = {
            "missing": missing,
            "events_cut_bytes": _cut(folder / "events.jsonl", "", is_event),
            "commands_cut_bytes": _cut(folder / "commands.csv", _HEADER, is_command),
        }
        if (folder / WIRE).exists():
            found["wire_cut_bytes"] = _cut(folder / WIRE, "", lambda line: True)
        return found | _samples(folder)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BenchError(f"cannot close the record in {folder}: {why}") from None


def add_event(folder: Path, kind: str, **fields: Any) -> None:
    """Write one more line behind the events of a record that was salvaged.

    Raises:
        BenchError: the disk refuses.
    """
    line = json.dumps({"kind": kind, "t_s": None, **fields}, ensure_ascii=False, allow_nan=False)
    try:
        with (folder / "events.jsonl").open("a", encoding="utf-8", newline="") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BenchError(f"cannot write to {folder}: {error.strerror or error}") from None


def _cut(path: Path, beginning: str, fits: Callable[[bytes], bool]) -> int:
    """Leave the complete lines that can be read, ``beginning`` first; return how many bytes went."""
    if not path.exists():
        path.write_text(beginning, encoding="utf-8", newline="")
        return 0
    with path.open("r+b") as file:
        content = file.read()
        *lines, tail = content.split(b"\n")
        kept = [line for line in lines if fits(line)]
        lost = len(tail) + sum(len(line) + 1 for line in lines) - sum(len(line) + 1 for line in kept)
        head = beginning.encode().splitlines()
        if kept[: len(head)] != head:
            kept = [*head, *kept]
        left = b"".join(line + b"\n" for line in kept)
        if left != content:
            file.seek(0)
            file.write(left)
            file.truncate()
    return lost


def _samples(folder: Path) -> Salvaged:
    live, closed = folder / LIVE, folder / CLOSED
    if not live.exists():
        if not closed.exists():
            _empty(closed)
        return {"rows": rows_of(folder), "torn": False}
    try:
        reader = StreamReader(live)
    except ValueError:  # killed before its first batch: there is nothing to keep
        size = live.stat().st_size
        if not closed.exists():
            _empty(closed)
        live.unlink()
        return {"rows": 0, "torn": True, "samples_cut_bytes": size}
    codes = {**reader.mode_codes, **_words(folder)}
    for _ in reader:
        pass
    torn = reader.torn
    return {"rows": compact(folder, codes), "torn": torn}


def rows_of(folder: Path) -> int:
    """Return the number of samples of a record that is closed.

    Raises:
        ValueError: it is damaged.
    """
    try:
        return int(pq.read_metadata(folder / CLOSED).num_rows)
    except pa.ArrowException as error:
        raise ValueError(f"{CLOSED} is damaged: {str(error).splitlines()[0]}") from None


def _words(folder: Path) -> dict[str, int]:
    """Return the codes of modes that came up while running."""
    codes = {}
    for line in (folder / "events.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if (
                isinstance(event, dict)
                and event.get("kind") == "mode_code"
                and type(event.get("code")) is int
            ):
                codes[str(event.get("word"))] = int(event["code"])
    return codes


def _empty(path: Path) -> None:
    pq.write_table(sample_schema({}, MODE_CODES).empty_table(), path)
