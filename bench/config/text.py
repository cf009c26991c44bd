"""Read a file that somebody wrote: text, then TOML, with the line of what is wrong."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from bench.errors import Fault, UsageError

__all__ = ["parse_toml", "read_text", "read_toml"]

_LARGEST_BYTES = 4_000_000
_LINE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\Z")


def read_text(path: Path, largest_bytes: int = _LARGEST_BYTES) -> str:
    """Return the text of ``path``, line ends as they are, so that a copy is verbatim.

    Raises:
        UsageError: missing, not a regular file, unreadable, too large, or not UTF-8.
    """
    where = str(path)
    try:
        if not path.exists():
            raise UsageError(Fault(where, "no such file"))
        if not path.is_file():
            raise UsageError(Fault(where, "is not a regular file"))
        if path.stat().st_size > largest_bytes:
            raise UsageError(Fault(where, f"is larger than {largest_bytes / 1e6:g} MB"))
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(Fault(where, f"cannot be read: {reason}")) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(Fault(f"{where}: line {line}", "is not UTF-8 text")) from None


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return the tables of ``text``.

    Raises:
        UsageError: not TOML; the place carries the line.
    """
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))  # editors on Windows put a byte order mark
    except RecursionError:
        raise UsageError(Fault(where, "nested too deeply")) from None
    except (ValueError, OverflowError) as error:  # ValueError: also integers of thousands of digits
        message = str(error)
        at = _LINE.search(message)
        if at is None:
            raise UsageError(Fault(where, f"not TOML: {message}")) from None
        line = at.group(1) or str(text.count("\n") + 1)
        column = f" (column {at.group(2)})" if at.group(2) else " (end of the file)"
        raise UsageError(
            Fault(f"{where}: line {line}", f"not TOML: {message[: at.start()]}{column}")
        ) from None


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Return the tables and the verbatim text of ``path``.

    Raises:
        UsageError: see :func:`read_text` and :func:`parse_toml`.
    """
    text = read_text(path)
    return parse_toml(text, str(path)), text
