"""Where SunSpec points lie and how they read: offsets, types, scale factors, "not implemented".

The model definitions are the SunSpec Alliance's JSON files as the pysunspec2 package carries them; the
codec is our own, so that the package's client can check it.
"""

from __future__ import annotations

import importlib.resources
import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = ["Point", "decode", "encode", "layout"]

# SunSpec Device Information Model Specification V1.1, "Point types": format of the number, and the
# value that stands for "not implemented".
_INTEGERS: dict[str, tuple[str, int]] = {
    "int16": (">h", -0x8000),
    "sunssf": (">h", -0x8000),
    "uint16": (">H", 0xFFFF),
    "count": (">H", 0xFFFF),
    "enum16": (">H", 0xFFFF),
    "bitfield16": (">H", 0xFFFF),
    "pad": (">H", 0x8000),
    "acc16": (">H", 0),
    "int32": (">i", -0x80000000),
    "uint32": (">I", 0xFFFFFFFF),
    "enum32": (">I", 0xFFFFFFFF),
    "bitfield32": (">I", 0xFFFFFFFF),
    "acc32": (">I", 0),
    "ipaddr": (">I", 0),
    "int64": (">q", -0x8000000000000000),
    "uint64": (">Q", 0xFFFFFFFFFFFFFFFF),
    "bitfield64": (">Q", 0xFFFFFFFFFFFFFFFF),
    "acc64": (">Q", 0),
}
_FLOATS = {"float32": ">f", "float64": ">d"}


@dataclass(frozen=True)
class Point:
    """One point: ``offset`` and ``size`` in registers from the model's own start (its ID is offset 0)."""

    model: int
    path: str
    type: str
    offset: int
    size: int
    scale_factor: str | int | None
    writable: bool

    @property
    def name(self) -> str:
        """``704.WSet`` or ``711.Ctl[0].DbOf``."""
        return f"{self.model}.{self.path}"


@cache
def _definition(model: int) -> Mapping[str, Any] | None:
    source = importlib.resources.files("sunspec2") / "models" / "json" / f"model_{model}.json"
    if not source.is_file():
        return None
    definition: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return definition


def layout(model: int, count: Callable[[str, int], int]) -> dict[str, Point]:
    """Return the points of ``model`` by path; empty for a model nobody has published.

    ``count(name, offset)`` returns how often a repeating group occurs: the value of the point ``name``,
    which lies at ``offset``.
    """
    definition = _definition(model)
    points: dict[str, Point] = {}
    if definition is not None:
        _lay(model, definition["group"], "", 0, points, count)
    return points


def _lay(
    model: int,
    group: Mapping[str, Any],
    prefix: str,
    offset: int,
    points: dict[str, Point],
    count: Callable[[str, int], int],
) -> int:
    """Add the points of ``group`` from ``offset`` on; return the offset after it."""
    for entry in group.get("points", ()):
        size = int(entry.get("size", 1))
        path = prefix + entry["name"]
        points[path] = Point(
            model, path, entry["type"], offset, size, entry.get("sf"), entry.get("access") == "RW"
        )
        offset += size
    for inner in group.get("groups", ()):
        times = inner.get("count", 1)
        if isinstance(times, str):
            times = count(times, points[times].offset)
        repeating = "count" in inner
        for index in range(int(times)):
            name = f"{inner['name']}[{index}]" if repeating else inner["name"]
            offset = _lay(model, inner, f"{prefix}{name}.", offset, points, count)
    return offset


def decode(kind: str, registers: list[int]) -> int | float | str | None:
    """Return the raw value of a point; None where it is not implemented."""
    data = struct.pack(f">{len(registers)}H", *registers)
    if kind in _INTEGERS:
        form, absent = _INTEGERS[kind]
        integer: int = struct.unpack(form, data)[0]
        return None if integer == absent else integer
    if kind in _FLOATS:
        number: float = struct.unpack(_FLOATS[kind], data)[0]
        return number if math.isfinite(number) else None
    if kind == "string":
        return data.split(b"\0", 1)[0].decode("utf-8", errors="replace").strip() or None
    return None


def encode(kind: str, value: float) -> list[int]:
    """Return the registers of a raw value.

    Raises:
        ValueError: it does not fit the type, or is what stands for "not implemented".
    """
    try:
        if kind in _FLOATS:
            data = struct.pack(_FLOATS[kind], value)
        else:
            form, absent = _INTEGERS[kind]
            if round(value) == absent and not kind.startswith("acc"):
                raise ValueError(f"{value} stands for 'not implemented' in {kind}")
            data = struct.pack(form, round(value))
    except (struct.error, KeyError, OverflowError) as error:
        raise ValueError(f"{value} does not fit {kind}") from error
    return list(struct.unpack(f">{len(data) // 2}H", data))
