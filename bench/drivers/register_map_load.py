"""Read a register map, and find everything that is wrong with it before any device is spoken to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from pydantic import ValidationError

from bench.config.faults import pydantic_faults
from bench.config.shape import nearest_text
from bench.config.text import parse_toml, read_text
from bench.drivers.register_map import MODES, SEQUENCES, UNITS, MapRow, RegisterMap
from bench.errors import Fault, InstrumentRefused, UsageError

__all__ = ["Order", "load_map", "parse_order"]

PRIOR = "prior"


@dataclass(frozen=True)
class Order:
    """One step of a sequence: ``quantity = value``; ``prior`` is what was before the control."""

    quantity: str
    value: float | str

    @property
    def register(self) -> int | None:
        """The holding register that is written raw (``register 40 = 2000``); None for a quantity."""
        word, _, number = self.quantity.partition(" ")
        return int(number) if word == "register" and number.strip().isdecimal() else None


def load_map(path: Path) -> RegisterMap:
    """Load the register map in ``path``.

    Raises:
        UsageError: everything that is wrong with it, with its place.
    """
    data = parse_toml(read_text(path), str(path))
    try:
        found = RegisterMap.model_validate(data)
    except ValidationError as error:
        raise UsageError(pydantic_faults(error, str(path), data, model=RegisterMap)) from None
    faults = [Fault(f"{path}: {where}", message) for where, message in _faults(found)]
    if faults:
        raise UsageError(faults)
    return found


def parse_order(text: str) -> Order:
    """Read ``quantity = value``.

    Raises:
        ValueError: it is not of this form.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name or not value:
        raise ValueError(f"expected 'quantity = value', found {text!r}")
    try:
        return Order(name, float(value))
    except ValueError:
        return Order(name, value.strip("'\""))


def _faults(found: RegisterMap) -> Iterator[tuple[str, str]]:
    for name, row in found.quantities.items():
        where = f"quantities.{name}"
        if name not in UNITS:
            hint = nearest_text(name, tuple(UNITS))
            yield where, f"unknown quantity{hint}; known: {', '.join(UNITS)}"
            continue
        yield from ((where, message) for message in _row_faults(name, row))
    yield from _overlaps(found)
    for name, steps in found.sequences.items():
        where = f"sequences.{name}"
        if name not in SEQUENCES:
            yield where, f"unknown sequence{nearest_text(name, SEQUENCES)}; known: {', '.join(SEQUENCES)}"
        for index, text in enumerate(steps):
            try:
                message = _order_fault(found, parse_order(text))
            except ValueError as error:
                message = str(error)
            if message:
                yield f"{where}[{index}]", message


def _row_faults(name: str, row: MapRow) -> Iterator[str]:
    unit = UNITS[name]
    if unit == "mode":
        if not row.codes:
            yield "codes is needed: the device's code for each mode"
        if row.scale is not None or row.offset:
            yield "a mode has codes, and neither scale nor offset"
        if row.type == "float32":
            yield "a mode's code is a whole number: float32 cannot hold one"
    elif row.codes is not None:
        yield "only mode has codes"
    elif unit != "1" and row.scale is None:
        yield f"scale is needed: what one count of the register is in {unit} (1.0 where it is 1 {unit})"
    seen: dict[int, str] = {}
    for word, code in (row.codes or {}).items():
        if word not in MODES:
            yield f"unknown mode {word!r}{nearest_text(word, MODES)}; known: {', '.join(MODES)}"
        if not row.fits(code):
            yield f"code {code} of {word} does not fit {row.type or row.kind}"
        if code in seen:
            yield f"{word} and {seen[code]} have the same code {code}: a reading could not tell them apart"
        seen.setdefault(code, word)
    for raw in row.missing:
        if not row.fits(raw):
            yield f"missing: {raw} does not fit {row.type or row.kind}"
    for word, limit in (("low", row.low), ("high", row.high)):
        if limit is not None and row.settable:
            try:
                row.at.encode(limit)
            except InstrumentRefused:
                yield f"{word} = {limit:g} {unit} does not fit {row.type} with this scale"


def _overlaps(found: RegisterMap) -> Iterator[tuple[str, str]]:
    """Yield quantities that share registers. Only two cases are sound: see the two conditions."""
    for (one, first), (other, second) in combinations(found.quantities.items(), 2):
        if first.kind != second.kind:
            continue
        if max(first.span[0], second.span[0]) >= min(first.span[1], second.span[1]):
            continue
        same = first.span == second.span
        # some devices answer a read of a command register with a measurement
        command_and_reading = same and {first.access, second.access} == {"r", "w"}
        same_reading = same and first.access == second.access == "r" and UNITS.get(one) == UNITS.get(other)
        if command_and_reading or (same_reading and first.at == second.at):
            continue
        what = "both write" if first.settable and second.settable else "share"
        low, high = max(first.span[0], second.span[0]), min(first.span[1], second.span[1]) - 1
        place = f"{low}" if low == high else f"{low} to {high}"
        yield f"quantities.{other}", f"{other} and {one} {what} {first.kind} {place}: registers overlap"


def _raw_fault(register: int, value: float | str) -> str:
    if register > 65535:
        return f"register {register} is beyond 65535"
    if isinstance(value, str) or not 0 <= value <= 65535 or value != int(value):
        return f"register {register} takes a whole number from 0 to 65535, found {value!r}"
    return ""


def _order_fault(found: RegisterMap, order: Order) -> str:
    if order.register is not None:
        return _raw_fault(order.register, order.value)
    row = found.quantities.get(order.quantity)
    if row is None:
        hint = nearest_text(order.quantity, tuple(found.quantities))
        return f"unknown quantity {order.quantity!r}{hint}; the map has: {', '.join(found.quantities)}"
    if not row.settable:
        return f"{order.quantity} cannot be written: its access is {row.access!r}"
    if order.value == PRIOR:
        return "" if row.readable else f"{order.quantity} cannot be read, so what was before is not known"
    if order.quantity == "mode":
        if order.value not in (row.codes or {}):
            return f"mode {order.value!r} has no code; codes has: {', '.join(row.codes or {})}"
        return ""
    if isinstance(order.value, str):
        return f"expected a number or 'prior', found {order.value!r}"
    low, high = row.low, row.high
    if (low is not None and order.value < low) or (high is not None and order.value > high):
        return f"{order.value:g} is outside low and high"
    try:
        row.at.encode(order.value)
    except InstrumentRefused as error:
        return str(error)
    return ""
