"""The rows of a driver's table: what is read, what is set, in which unit and range, on which page.

A driver reads like a page of the manual::

    class AcmeEl100(ScpiInstrument):
        \"\"\"Sinks a set current, up to 40 A and 60 V.\"\"\"

        MAKER, MODEL = "ACME", "EL1"
        current_set_a = Control("CURR?", "CURR {:.3f}", unit="A", low=0.0, high=40.0,
                                doc="Control the current that is drawn.", page="41")
        voltage_v = Reading("MEAS:VOLT?", unit="V", doc="Measure the voltage.", page="57")

        SAMPLED = ("voltage_v",)
        SAFE = {"current_set_a": 0.0}
        EXAMPLES = (Exchange("MEAS:VOLT?", "12.034", "voltage_v", 12.034, page="57"),)

Every ``doc`` begins with Control, Measure, Get or Set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, overload

from typing_extensions import TypeVar

from bench.drivers.base import QuantityInfo, ReadingValue, Value
from bench.errors import InstrumentRefused

__all__ = ["Control", "Exchange", "Quantity", "Reading"]

V = TypeVar("V", bound=float | str, default=float)


class _Owner(Protocol):
    def read(self, names: list[str]) -> dict[str, ReadingValue]: ...

    def set(self, name: str, value: Value) -> Value | None: ...


@dataclass(frozen=True)
class Exchange:
    """What a manual or a public driver shows on the wire, and what the driver must make of it.

    ``reply`` is None for a command. ``quantity`` is a canonical name, or one of ``identity``, ``error``
    and what else the driver says it understands. Never taken from a twin.
    """

    sent: str
    reply: str | None
    quantity: str
    value: Any
    page: str


class Quantity(Generic[V]):
    """One row: ``query`` is the question that reads it (or the name of a point, for SunSpec).

    ``scale`` turns the instrument's unit and sign into ours; it is applied here and nowhere else.
    ``resolution`` is the finest set-point step in our unit, None where no source tells it.
    """

    settable = False

    def __init__(
        self,
        query: str,
        *,
        unit: str,
        doc: str,
        page: str = "",
        kind: type[V] = float,  # type: ignore[assignment]  # the default of V is float
        scale: float = 1.0,
        low: float | None = None,
        high: float | None = None,
        resolution: float | None = None,
    ) -> None:
        self.name = ""
        self.query = query
        self.unit = unit
        self.doc = doc
        self.page = page
        self.kind = kind
        self.scale = scale
        self.low = low
        self.high = high
        self.resolution = resolution

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: _Owner, owner: type) -> V | None: ...
    def __get__(self, instance: _Owner | None, owner: type) -> Self | V | None:
        """Read the quantity; None where the instrument has no data."""
        if instance is None:
            return self
        value = instance.read([self.name])[self.name].value
        return None if value is None else self.kind(value)

    def __set__(self, instance: _Owner, value: V) -> None:
        """Refuse: without this, an assignment would silently hide the meter behind a number."""
        raise AttributeError(f"{self.name} can only be read")

    def info(self) -> QuantityInfo:
        """Return what the engine asks about this quantity."""
        return QuantityInfo(
            name=self.name,
            unit=self.unit,
            readable=bool(self.query),
            settable=self.settable,
            low=self.low,
            high=self.high,
            doc=self.doc,
            page=self.page,
        )


class Reading(Quantity[V]):
    """A quantity that can only be read."""


class Control(Quantity[V]):
    """A quantity that can be set, checked, and read back. Out of range is refused, never clipped.

    ``command`` is a format with one place: ``"FREQ {:.3f}"``; it may be empty where the driver's base
    writes by ``query`` (SunSpec points).
    """

    settable = True

    def __init__(
        self,
        query: str,
        command: str = "",
        *,
        unit: str,
        doc: str,
        page: str = "",
        kind: type[V] = float,  # type: ignore[assignment]  # the default of V is float
        scale: float = 1.0,
        low: float | None = None,
        high: float | None = None,
        resolution: float | None = None,
    ) -> None:
        super().__init__(
            query,
            unit=unit,
            doc=doc,
            page=page,
            kind=kind,
            scale=scale,
            low=low,
            high=high,
            resolution=resolution,
        )
        self.command = command

    def __set__(self, instance: _Owner, value: V) -> None:
        """Set, check, read back.

        Raises:
            InstrumentRefused: out of range, refused, or read back differently.
        """
        instance.set(self.name, value)

    def check(self, value: Value) -> Value:
        """Return ``value`` in the type of this quantity.

        Raises:
            InstrumentRefused: wrong type, not finite, or out of range.
        """
        if self.kind is bool:
            if value not in (0, 1):
                raise InstrumentRefused(f"{self.name}: expected true or false, got {value!r}")
            return bool(value)
        if self.kind is str:
            if not isinstance(value, str):
                raise InstrumentRefused(f"{self.name}: expected a word, got {value!r}")
            return value
        if isinstance(value, bool | str) or not math.isfinite(value):
            raise InstrumentRefused(f"{self.name}: expected a finite number, got {value!r}")
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if not low <= value <= high:
            raise InstrumentRefused(f"{self.name} = {value:g} {self.unit} is outside {low:g} to {high:g}")
        return float(value)
