"""Find what the other rooms hold without importing them: data by path, code by dotted name.

The rooms have generic names (``profiles``, ``fixtures``), so each is checked to be our own.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import BenchError, Fault, UsageError

__all__ = [
    "bundled_profiles",
    "bundled_rules",
    "bundled_stations",
    "load_object",
    "requirements_file",
    "room",
]


@cache
def room(name: str) -> Path:
    """Return the folder of our own package ``name``.

    Raises:
        BenchError: the name resolves to somebody else's package.
    """
    here = Path(__file__).resolve().parent.parent
    spec = importlib.util.find_spec(name)
    found = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
    if found != here / name:
        raise BenchError(
            f"the package {name!r} is {found or 'missing'}, not the bench's own {here / name}: "
            "another project on the import path has a folder of that name; run from elsewhere"
        )
    return found


def bundled_profiles() -> dict[str, Path]:
    """Return the bundled profiles by name."""
    return {path.stem: path for path in sorted(room("profiles").glob("*.toml"))}


def bundled_rules() -> dict[tuple[str, str], Path]:
    """Return the bundled rule files by (product, edition)."""
    found = {}
    for path in sorted((room("profiles") / "rules").glob("*_*.toml")):
        product, _, edition = path.stem.rpartition("_")
        found[product, edition] = path
    return found


def requirements_file() -> Path:
    """Return the bundled requirement table."""
    return room("profiles") / "requirements" / "era.toml"


def bundled_stations() -> dict[str, Path]:
    """Return the bundled station files by name."""
    return {path.stem: path for path in sorted((room("fixtures") / "stations").glob("*.toml"))}


def load_object(dotted: str, place: str) -> Any:
    """Return the object that ``package.module:Name`` names.

    Raises:
        UsageError: no such module or name; ``place`` says where it was written.
    """
    module_name, _, attribute = dotted.partition(":")
    if not attribute:
        raise UsageError(Fault(place, f"expected 'package.module:Name', found {dotted!r}"))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(Fault(place, f"cannot import {module_name!r}: {error}")) from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise UsageError(Fault(place, f"{module_name!r} has no {attribute!r}")) from None
