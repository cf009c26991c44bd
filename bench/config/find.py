"""A bundled name or a path: which file is meant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.config.faults import shown
from bench.config.shape import nearest_text
from bench.errors import Fault, UsageError

__all__ = ["find_file"]


def find_file(name_or_path: str, bundled: Mapping[str, Path], what: str) -> Path:
    """Return the bundled file of that name, else the path itself.

    Raises:
        UsageError: neither; the message lists what there is and the nearest name.
    """
    if name_or_path in bundled:
        return bundled[name_or_path]
    path = Path(name_or_path)
    looks_like_a_path = path.suffix != "" or path.name != name_or_path
    try:
        there = path.is_file()
    except (OSError, ValueError):  # ValueError: a null character in the name
        there = False
    if there or (looks_like_a_path and "\0" not in name_or_path):
        return path  # a missing file is named by whoever reads it
    hint = nearest_text(name_or_path, bundled)
    known = ", ".join(sorted(bundled)) or "none"
    raise UsageError(
        Fault(what, f"no {what} {shown(name_or_path)}{hint}; bundled: {known}; or give the path of a file")
    )
