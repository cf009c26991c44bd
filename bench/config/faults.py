"""pydantic's complaints as faults with an address: ``lab.toml: instruments.meter.device_point: ...``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from bench.config.shape import known_keys, nearest_text
from bench.errors import Fault

__all__ = ["dotted", "place", "pydantic_faults", "shown"]

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_LONGEST_SHOWN = 60
_NOTHING = object()


def dotted(path: Sequence[str | int]) -> str:
    """Return ``timeline[0].set."source.frequency_hz"`` for the path of keys and places in lists."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            bare = key if _BARE.match(key) else shown(key).replace("'", '"')
            text += f".{bare}" if text else bare
    return text


def place(file: str, path: Sequence[str | int], overridden: Mapping[str, Any] | None = None) -> str:
    """Return where ``path`` was written: in ``file``, or in the ``--set`` that put it there."""
    address = dotted(path)
    for key in overridden or ():
        if address == key or address.startswith((f"{key}.", f"{key}[")):
            return f"--set {address}"
    return f"{file}: {address}" if address else file


def shown(value: Any) -> str:
    """Return ``value`` as one short printable line."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an int of thousands of digits cannot be printed
        text = type(value).__name__
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _address(location: Sequence[str | int], data: Any, *, missing: bool) -> tuple[str | int, ...]:
    """Return the part of pydantic's location that exists in ``data``; it names arms of unions in between."""
    path: list[str | int] = []
    node: Any = data
    for index, part in enumerate(location):
        inside = _child(node, part)
        if inside is not _NOTHING:
            node = inside
            path.append(part)
        elif missing and index == len(location) - 1:
            path.append(part)
    return tuple(path)


def _child(node: Any, part: str | int) -> Any:
    if isinstance(node, Mapping):
        return node.get(part, _NOTHING)
    if isinstance(node, list | tuple) and isinstance(part, int) and 0 <= part < len(node):
        return node[part]
    return _NOTHING


def _message(error: Mapping[str, Any], path: tuple[str | int, ...], model: type[BaseModel] | None) -> str:
    kind, text = error["type"], str(error["msg"]).removeprefix("Value error, ")
    if kind == "missing":
        return "is needed and missing"
    if kind == "extra_forbidden":
        known = known_keys(model, path[:-1]) if model is not None else ()
        return "unknown key" + (nearest_text(str(path[-1]), known) if path else "")
    if isinstance(error.get("input"), Mapping | list | tuple):
        return text
    return f"{text}, found {shown(error.get('input'))}"


def pydantic_faults(
    error: ValidationError,
    file: str,
    data: Any,
    *,
    model: type[BaseModel] | None = None,
    under: Sequence[str | int] = (),
    overridden: Mapping[str, Any] | None = None,
) -> list[Fault]:
    """Return one fault a place for everything that ``error`` complains of.

    ``data`` is what was validated; ``under`` its own address in the file; ``overridden`` the keys that
    ``--set`` changed, whose faults are then laid to the call and not to the file.
    """
    found: dict[str, list[str]] = {}
    for item in error.errors(include_url=False):
        path = _address(item["loc"], data, missing=item["type"] == "missing")
        where = place(file, (*under, *path), overridden)
        messages = found.setdefault(where, [])
        text = _message(item, path, model)
        if text not in messages:
            messages.append(text)
    return [Fault(where, " or ".join(messages)) for where, messages in found.items()]
