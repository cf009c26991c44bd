"""The SunSpec map of one device: found once, then read in a few blocks and written point by point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.drivers.modbus import ReadLimit
from bench.drivers.sunspec_layout import Point, decode, encode, layout
from bench.errors import InstrumentBusy, InstrumentRefused, ReadRefused, WrongInstrument, WrongReply
from bench.links.base import ModbusLink

__all__ = ["SunSpecMap"]

_MARK = [0x5375, 0x6E53]  # "SunS"
_BASES = (40000, 0, 50000)  # SunSpec Device Information Model Specification V1.1, "Base register address"
_END = 0xFFFF
_MODELS_AT_MOST = 64
_LONGEST_MODEL = 4096
# Registers of the same map that are cheaper to read along than to ask for apart: between the values of model
# 701 and their scale factors lie 88.
_BRIDGE = 90

# blocks to read as (address, count), and where in them each point lies: name, type, block, offset, size
_Plan = tuple[list[tuple[int, int]], list[tuple[str, str, int, int, int]]]


class SunSpecMap:
    """Finds the base address, scans the models, and keeps the places of the points.

    A scale factor is read with the value that it belongs to. The specification calls it static; inverters are
    known that move it with the size of the value, and say so in their manuals.
    """

    def __init__(self, link: ModbusLink, longest_read: int) -> None:
        self._link = link
        self._limit = ReadLimit(longest_read, _BRIDGE)
        self._points: dict[str, tuple[int, Point]] = {}
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._asked: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.models: dict[int, int] = {}
        """Address of each model's ID register; the first of several of one number."""

    def scan(self) -> None:
        """Find the map.

        Raises:
            WrongInstrument: no SunSpec device.
            WrongReply: a chain of models without an end.
            LinkDown, LinkTimeout
        """
        address = self._find_base() + len(_MARK)
        self.models, self._points, self._plans, self._asked = {}, {}, {}, {}
        for _ in range(_MODELS_AT_MOST):
            model, length = self._link.read("holding", address, 2)
            if model == _END:
                return
            if length == 0 or length > _LONGEST_MODEL:
                raise WrongReply(f"model {model} at {address} has an impossible length of {length}")
            if model not in self.models:
                self.models[model] = address
                self._add(model, address, length)
            address += 2 + length
        raise WrongReply(f"more than {_MODELS_AT_MOST} models without an end mark")

    def _find_base(self) -> int:
        for base in _BASES:
            try:
                if self._link.read("holding", base, 2) == _MARK:
                    return base
            except InstrumentBusy:
                raise  # it may well be there
            except InstrumentRefused:
                continue  # nothing is defined there: look at the next place
        raise WrongInstrument(f"no SunSpec mark at {', '.join(map(str, _BASES))}")

    def _add(self, model: int, address: int, length: int) -> None:
        def count(name: str, offset: int) -> int:
            value = decode("uint16", self._link.read("holding", address + offset, 1))
            if not isinstance(value, int) or value > _LONGEST_MODEL:
                raise WrongReply(f"{model}.{name} is {value}: cannot tell how often its group occurs")
            return value

        for point in layout(model, count).values():
            if point.offset + point.size <= 2 + length:  # an older, shorter edition lacks the rest
                self._points[point.name] = (address + point.offset, point)

    def has(self, name: str) -> bool:
        """Tell whether the device's map has a place for this point (it may still be "not implemented")."""
        return name in self._points

    def place(self, name: str) -> tuple[int, Point]:
        """Return a point and its address.

        Raises:
            InstrumentRefused: the device has no such point.
        """
        try:
            return self._points[name]
        except KeyError:
            model = name.partition(".")[0]
            raise InstrumentRefused(f"has no {name} (SunSpec model {model})") from None

    def raw(self, names: Sequence[str]) -> dict[str, int | float | str | None]:
        """Read points without scale, in as few blocks as their places allow; None is "not implemented".

        Raises:
            InstrumentRefused, WrongReply, LinkDown, LinkTimeout
        """
        key = tuple(names)
        while True:
            plan = self._plans.get(key)
            if plan is None:
                plan = self._plans[key] = self._plan(key)
            spans, cuts = plan
            try:
                blocks_read = [self._link.read("holding", start, length) for start, length in spans]
            except ReadRefused:
                tried = max(length for _, length in spans)
                shorter = self._limit.shorten(tried, max(size for *_, size in cuts))
                self._plans.clear()
                if not shorter:
                    raise
                continue
            return {
                name: decode(kind, blocks_read[block][offset : offset + size])
                for name, kind, block, offset, size in cuts
            }

    def _plan(self, names: Sequence[str]) -> _Plan:
        """Return which blocks to read, and where in them each point lies."""
        wanted = {name: self.place(name) for name in names}
        spans = self._limit.blocks([(address, point.size) for address, point in wanted.values()])
        cuts = []
        for name, (address, point) in wanted.items():
            block = next(i for i, (start, length) in enumerate(spans) if start <= address < start + length)
            cuts.append((name, point.type, block, address - spans[block][0], point.size))
        return spans, cuts

    def read(self, names: Sequence[str]) -> dict[str, float | str | None]:
        """Read points in their units (W, Wh, Hz, %); None is "not implemented".

        Raises:
            WrongReply: a value whose scale factor is missing, named by its point.
            InstrumentRefused, LinkDown, LinkTimeout
        """
        key = tuple(names)
        asked = self._asked.get(key)
        if asked is None:
            asked = tuple(dict.fromkeys([*names, *filter(None, map(self._factor_place, names))]))
            self._asked[key] = asked
        told = self.raw(asked)
        found: dict[str, float | str | None] = {}
        for name in names:
            value = told[name]
            found[name] = (
                value if value is None or isinstance(value, str) else self._scaled(name, value, told)
            )
        return found

    def _scaled(self, name: str, value: float, told: Mapping[str, int | float | str | None]) -> float:
        factor = self._factor(name, told)
        if factor is None:
            point = self.place(name)[1]
            raise WrongReply(f"{name} has a value, but its scale factor {point.scale_factor} is missing")
        return value * 10.0**factor if factor >= 0 else value / 10.0**-factor

    def factor(self, name: str) -> int | None:
        """Return the power of ten of a point (0 where it needs none); None where the device leaves it out.

        Raises:
            WrongReply: a power outside -10 to 10.
            InstrumentRefused, LinkDown, LinkTimeout
        """
        place = self._factor_place(name)
        return self._factor(name, self.raw([place]) if place else {})

    def _factor_place(self, name: str) -> str | None:
        """Return the point that holds a point's scale factor; None where it needs or has none."""
        point = self.place(name)[1]
        place = f"{point.model}.{point.scale_factor}"
        return place if isinstance(point.scale_factor, str) and self.has(place) else None

    def _factor(self, name: str, told: Mapping[str, int | float | str | None]) -> int | None:
        point = self.place(name)[1]
        factor: int | float | str | None = 0
        if isinstance(point.scale_factor, int):
            factor = point.scale_factor
        elif point.scale_factor is not None:
            factor = told.get(f"{point.model}.{point.scale_factor}")
        if factor is not None and (not isinstance(factor, int) or abs(factor) > 10):
            raise WrongReply(f"the scale factor of {name} is {factor}")
        return factor

    def registers(self, name: str, value: float, *, raw: bool = False) -> tuple[int, list[int]]:
        """Return the address and the registers that set a point to ``value``.

        Raises:
            InstrumentRefused: no such point, no scale factor, or a value that does not fit.
        """
        address, point = self.place(name)
        factor = 0 if raw else self.factor(name)
        if factor is None:
            raise InstrumentRefused(f"{name} cannot be set: its scale factor {point.scale_factor} is missing")
        try:
            return address, encode(point.type, value / 10.0**factor if factor >= 0 else value * 10.0**-factor)
        except ValueError as error:
            raise InstrumentRefused(f"{name}: {error}") from None
