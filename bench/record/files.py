"""Reading small files of a run folder that may be damaged, huge, or not files at all."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

from bench.errors import Fault, NoRunFolder

__all__ = ["DamagedFile", "check_file", "parse_json", "read_json", "read_text"]


MAX_JSON_BYTES = 16 * 1024 * 1024


class DamagedFile(NoRunFolder):
    """A file of the run folder cannot be what we wrote."""


def check_file(path: Path, max_bytes: int) -> None:
    """Refuse what is not a plain file of the folder itself: links that lead out, pipes, monsters.

    Raises:
        DamagedFile: with the file's name.
    """
    try:
        found = os.lstat(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DamagedFile(Fault(path.name, f"cannot be read: {why}")) from None
    if not stat.S_ISREG(found.st_mode):
        raise DamagedFile(Fault(path.name, "is not a plain file"))
    if found.st_size > max_bytes:
        raise DamagedFile(Fault(path.name, f"has {found.st_size} bytes; no run of ours has over {max_bytes}"))


def read_text(path: Path, max_bytes: int) -> str:
    """Return the UTF-8 text of ``path``, line ends as they are.

    Raises:
        DamagedFile: not a plain file, too large, or not UTF-8.
    """
    check_file(path, max_bytes)
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedFile(Fault(path.name, f"is not UTF-8 at byte {error.start}")) from None
    except OSError as error:
        raise DamagedFile(Fault(path.name, f"cannot be read: {error.strerror}")) from None


def parse_json(text: str, place: str) -> Any:
    """Return the JSON value of ``text``; NaN and numbers beyond a float are refused.

    Raises:
        DamagedFile: with ``place``.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except (ValueError, OverflowError, RecursionError) as error:
        raise DamagedFile(Fault(place, f"is not JSON of ours: {error}")) from None


def read_json(path: Path, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Return the JSON value in the file ``path``.

    Raises:
        DamagedFile: see :func:`read_text` and :func:`parse_json`.
    """
    return parse_json(read_text(path, max_bytes), path.name)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")


def _whole(text: str) -> int:
    number = int(text)
    float(number)  # what no float holds, no quantity is
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not finite")
    return number
