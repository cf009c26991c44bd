"""A run folder: its making, the first thing that happens, and the whole files that are put into it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError, Fault, UsageError
from bench.host.places import put
from bench.record.stream import sync_folder
from bench.record.texts import plain

__all__ = ["make_run_folder", "write_inputs", "write_json"]

_LONGEST = 60  # characters of one part: the whole name stays far below the 255 bytes file systems allow
_MOST_IN_A_SECOND = 1000


def _reduced(text: str, also: str = "") -> str:
    """Return the ASCII letters, digits and hyphens of ``text`` (and the characters ``also``)."""
    return re.sub(rf"[^A-Za-z0-9{re.escape(also)}-]", "", text)[:_LONGEST] or "unknown"


def make_run_folder(out: Path, profile: str, serial: str, simulated: bool, started: dt.datetime) -> Path:
    """Make ``<YYYYMMDDTHHMMSSZ>_<profile>_<serial>[_simulated][_2]`` under ``out`` and return it.

    Args:
        out: the folder of all runs; made when missing.
        profile: the profile's name.
        serial: the device's serial; only its ASCII letters, digits and hyphens appear.
        simulated: whether any instrument is simulated.
        started: the start, with a zone.

    Raises:
        UsageError: the folder cannot be made or written.
    """
    stamp = started.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{stamp}_{_reduced(profile, also='_')}_{_reduced(serial)}{'_simulated' if simulated else ''}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        for count in range(1, _MOST_IN_A_SECOND):
            folder = out / (name if count == 1 else f"{name}_{count}")
            try:
                folder.mkdir()  # atomic: two benches that start in one second get two folders
            except FileExistsError:
                continue
            (folder / "inputs").mkdir()
            return folder
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(Fault(str(out), f"cannot make a run folder here: {why}")) from None
    raise UsageError(Fault(str(out), f"there are {_MOST_IN_A_SECOND} runs named {name} already"))


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as JSON, whole or not at all; NaN becomes null.

    Raises:
        BenchError: the disk refused; what was there before is intact.
    """
    making = path.with_name(path.name + ".part")
    try:
        # half a surrogate, which JSON allows, has no UTF-8: as the escape that JSON has for it
        with making.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            json.dump(plain(content), file, ensure_ascii=False, allow_nan=False, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        put(making, path)
        sync_folder(path.parent)
    except OSError as error:
        raise BenchError(f"cannot write {path}: {error.strerror or error}") from None


def write_inputs(folder: Path, texts: Mapping[str, str], files: Mapping[str, Path] | None = None) -> None:
    """Keep verbatim copies of everything the run was made from.

    Args:
        folder: the run folder.
        texts: contents by name in the folder: ``station.toml``, ``profile.toml``, ``rules.toml``.
        files: files to be copied under ``inputs/``, by the name they get there (recordings, register maps).

    Raises:
        UsageError: a name leads out of the folder.
        BenchError: a file cannot be copied.
    """
    for name in (*texts, *(files or {})):
        if Path(name).name != name or name in ("", ".", ".."):
            raise UsageError(Fault(name, "is not a plain file name"))
    try:
        for name, text in texts.items():
            (folder / name).write_bytes(text.encode("utf-8"))
        for name, path in (files or {}).items():
            shutil.copyfile(path, folder / "inputs" / name)
    except OSError as error:
        raise BenchError(f"cannot copy to {folder}: {error.strerror or error}") from None
