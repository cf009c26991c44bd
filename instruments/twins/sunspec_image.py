"""A SunSpec register image: layouts from the published model files, values packed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sunspec2.device import Model

__all__ = ["BASE", "Image", "Point"]

BASE = 40000
_END_MODEL = [0xFFFF, 0]
# type -> (registers, signed, value that says "not implemented")
_INTEGERS = {
    "int16": (1, True, 0x8000),
    "uint16": (1, False, 0xFFFF),
    "enum16": (1, False, 0xFFFF),
    "bitfield16": (1, False, 0xFFFF),
    "sunssf": (1, True, 0x8000),
    "pad": (1, True, 0x8000),
    "int32": (2, True, 0x80000000),
    "uint32": (2, False, 0xFFFFFFFF),
    "enum32": (2, False, 0xFFFFFFFF),
    "bitfield32": (2, False, 0xFFFFFFFF),
    "uint64": (4, False, 0xFFFFFFFFFFFFFFFF),
}


@dataclass(frozen=True)
class Point:
    """Where a point lies and how it is written. ``name`` of a grouped point is ``Group.Name``."""

    model: int
    name: str
    address: int
    length: int
    kind: str
    writable: bool


class Image:
    """Registers from ``BASE`` on: ``SunS``, the models in the order given, the end model.

    Args:
        models: raw point values by model id; what is not named stays unimplemented.
    """

    def __init__(self, models: Mapping[int, Mapping[str, Any]]) -> None:
        self.points: dict[tuple[int, str], Point] = {}
        self.registers: list[int] = [0x5375, 0x6E53]
        for model_id, values in models.items():
            model = Model(model_id, data=dict(values))
            if model.error_info:
                raise ValueError(f"SunSpec model {model_id}: {model.error_info}")
            start = BASE + len(self.registers)
            data = model.get_mb()
            words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
            words[1] = len(words) - 2
            self.registers.extend(words)
            for point in _walk(model_id, model, start, ""):
                self.points[model_id, point.name] = point
        self.registers.extend(_END_MODEL)
        self._by_address = sorted(self.points.values(), key=lambda point: point.address)

    def get(self, model: int, name: str) -> int | None:
        """Return the raw value of an integer point; None where it is not implemented."""
        point = self.points[model, name]
        at = point.address - BASE
        return self.decode(point, self.registers[at : at + point.length])

    def set(self, model: int, name: str, raw: int | None) -> None:
        """Put a raw value into an integer point, held to what it can carry; None is "not implemented"."""
        point = self.points[model, name]
        length, signed, none = _INTEGERS[point.kind]
        bits = 16 * length
        word = none
        if raw is not None:
            # The outermost value means "not implemented", so the one before it is the last that can be said.
            low, high = (1 - (1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 2)
            word = min(max(raw, low), high) % (1 << bits)
        at = point.address - BASE
        for index in range(at + length - 1, at - 1, -1):
            self.registers[index] = word & 0xFFFF
            word >>= 16

    def decode(self, point: Point, words: Sequence[int]) -> int | None:
        """Return the integer that ``words`` hold; None for "not implemented"."""
        _, signed, none = _INTEGERS[point.kind]
        data = b"".join(word.to_bytes(2, "big") for word in words)
        return None if int.from_bytes(data, "big") == none else int.from_bytes(data, "big", signed=signed)

    def between(self, address: int, count: int) -> list[Point]:
        """Return the points of which any register lies in the stretch."""
        end = address + count
        return [p for p in self._by_address if p.address < end and address < p.address + p.length]

    def holds(self, address: int, count: int) -> bool:
        """True where the whole stretch lies in the image."""
        return address >= BASE and address + count <= BASE + len(self.registers)


def _walk(model_id: int, group: Any, address: int, prefix: str) -> Iterator[Point]:
    """Yield the points of a group and of the groups in it, in the order of the registers."""
    for name, point in group.points.items():
        yield Point(
            model_id,
            prefix + name,
            address,
            int(point.len),
            point.pdef["type"],
            point.pdef.get("access") == "RW",
        )
        address += int(point.len)
    for name, inner in group.groups.items():
        for each in inner if isinstance(inner, list) else [inner]:
            yield from _walk(model_id, each, address, f"{prefix}{name}.")
            address += int(each.len)
