"""Any Modbus device that a register map describes: a battery, a gateway or a meter, with no Python.

Read for this file: MODBUS Application Protocol Specification V1.1b3, sections 6.1 to 6.4 (the examples of the
read functions). What a register means is in the map alone (``map = "acme_b5.toml"`` beside the station file);
``docs/how-to/add-a-battery.md`` says how to write one.

What an order means where the map's ``[sequences]`` do not say it: ``start`` is ``mode = remote``, ``stop`` is
``power_set_kw = 0`` and ``mode = prior``, ``frequency_response_on`` is that mode and ``_off`` is
``mode = prior``, each as far as the map has the quantity and the code.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.config.station import Instrument as StationTable
from bench.drivers.base import Identity, ReadingValue, Value
from bench.drivers.descriptors import Control, Exchange, Quantity, Reading
from bench.drivers.modbus import ModbusInstrument, ReadLimit
from bench.drivers.register_map import UNITS, MapRow, RegisterMap
from bench.drivers.register_map_load import PRIOR, load_map, parse_order
from bench.drivers.registers import unpack
from bench.drivers.setting import Setting
from bench.errors import Fault, InstrumentRefused, ReadRefused, UsageError, WrongInstrument
from bench.links.base import RegisterKind

__all__ = ["ModbusMap"]

_DEFAULT_STEPS = {
    "start": ("mode = remote",),
    "stop": ("power_set_kw = 0", "mode = prior"),
    "frequency_response_on": ("mode = frequency_response",),
    "frequency_response_off": ("mode = prior",),
}


class ModbusMap(ModbusInstrument):
    """Reads and writes what the map names. The table is the map's, not the class's."""

    EXAMPLES = (
        Exchange("read holding 107 x 3", "022B 0000 0064", "raw", [555, 0, 100], page="6.3"),
        Exchange("read input 8 x 1", "000A", "raw", [10], page="6.4"),
        Exchange("write holding 1", "0003", "raw", [3], page="6.6"),
    )

    @classmethod
    def check_config(cls, config: StationTable, folder: Path, place: str) -> list[Fault]:
        """Return everything that is wrong with the map, before any device is spoken to."""
        if config.map is None:
            return [Fault(f"{place}.map", "is needed: the register map, a TOML file beside the station file")]
        try:
            load_map(folder / config.map)
        except UsageError as error:
            return list(error.faults)
        return []

    def __init__(self, setting: Setting) -> None:
        faults = self.check_config(setting.config, setting.folder, f"instruments.{setting.role}")
        if faults:
            raise UsageError(faults)
        super().__init__(setting)
        self.map: RegisterMap = load_map(setting.folder / str(setting.config.map))
        rows = self.map.quantities
        self.table = {name: _row(name, row, self.map.name) for name, row in rows.items()}
        self.capabilities = dataclasses.replace(
            self.capabilities,
            resolution={n: abs(r.scale) for n, r in rows.items() if r.settable and r.scale is not None},
            max_connections=self.map.max_connections,
        )
        self._words = {code: word for word, code in self.map.modes.items()}
        self._limit = ReadLimit(min(self.map.longest_read, self.options.longest_read), self.map.longest_gap)
        self._plans: dict[tuple[str, ...], list[tuple[RegisterKind, int, int]]] = {}
        self._prior: dict[str, Any] | None = None
        self._held = False

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: all that the map can read) in as few blocks as possible.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        readable = [name for name, row in self.map.quantities.items() if row.readable]
        return super().read(readable if names is None else names)

    def do(self, sequence: str) -> None:
        """Carry out a sequence of the map, or the default one.

        Raises:
            InstrumentRefused: the map has no such sequence, or a step was refused or not applied.
        """
        with self._stamp:
            steps = self.map.sequences.get(sequence)
            if steps is None:
                steps = self._default_steps(sequence)
            if sequence in ("start", "schedule") and not self._held:
                self._prior = None  # what it does now is what it goes back to
                self.snapshot()
            self._held = sequence == "start" or (self._held and sequence != "stop")
            for order in map(parse_order, steps):
                value: Any = order.value
                if order.register is not None:
                    self.write_registers("holding", order.register, [int(order.value)])
                    continue
                if value == PRIOR:
                    if self._prior is None or self._prior.get(order.quantity) is None:
                        raise InstrumentRefused(
                            f"{sequence}: {order.quantity} before the run is not known, so it stays"
                        )
                    value = self._prior[order.quantity]
                self._put_back(order.quantity, value)

    def _default_steps(self, sequence: str) -> tuple[str, ...]:
        steps = []
        for text in _DEFAULT_STEPS.get(sequence, ()):
            order = parse_order(text)
            row = self.map.quantities.get(order.quantity)
            known = order.quantity != "mode" or order.value == PRIOR or order.value in self.map.modes
            if row is not None and row.settable and known:
                steps.append(text)
        if not steps and sequence != "start":  # a device without a mode needs no start
            raise InstrumentRefused(f"{self.map.name} has no sequence {sequence!r}")
        return tuple(steps)

    def snapshot(self) -> dict[str, Any]:
        """Return every setting that can be read and written; a mode without a word by its code."""
        with self._stamp:
            rows = self.map.quantities
            names = [name for name, row in rows.items() if row.access == "rw"]
            readings = self._fetch_all([self._row(name) for name in names])
            found: dict[str, Any] = {name: reading.value for name, reading in readings.items()}
            if "mode" in found and found["mode"] is None:
                found["mode"] = self._raw(["mode"])["mode"]
            if self._prior is None:
                self._prior = dict(found)
            return found

    def restore(self, settings: Mapping[str, Any]) -> None:
        """Put back what changed: the mode before the set-point, so that an old one acts in no other mode.

        Raises:
            InstrumentRefused: a setting does not read back.
        """
        with self._stamp:
            self._held = False
            now = self.snapshot()
            order = sorted(settings, key=lambda name: {"mode": 1, "power_set_kw": 2}.get(name, 0))
            for name in order:
                if settings[name] is None or now.get(name) == settings[name]:
                    continue
                self._put_back(name, settings[name])
                row = self._row(name)
                if isinstance(row, Control) and isinstance(settings[name], str | float):
                    super()._confirm(row, settings[name])

    def safe_values(self) -> Mapping[str, Value]:
        """Return 0 kW in the mode that follows it, as far as the map has them."""
        modes, rows, values = self.map.modes, self.map.quantities, dict[str, Value]()
        settable = "mode" in rows and rows["mode"].settable
        sets_power = "power_set_kw" in rows and rows["power_set_kw"].settable
        if settable and "remote" in modes and sets_power:
            values["mode"] = "remote"
        elif settable and "standby" in modes:
            values["mode"] = "standby"
        if sets_power:
            values["power_set_kw"] = 0.0
        return values

    def write_registers(self, kind: RegisterKind, address: int, values: Sequence[int]) -> None:
        """Write, then wait as long as the map or the station file says that the device needs.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        super().write_registers(kind, address, values)
        longer_s = self.map.pause_after_write_s - self.options.pause_after_write_s
        if longer_s > 0:
            clock = self.setting.clock
            clock.sleep_until(clock.now_s() + longer_s)

    def _put_back(self, name: str, value: Any) -> None:
        """Set a value; a mode may be a code for which there is no word."""
        if name == "mode" and not isinstance(value, str):
            row = self.map.quantities[name]
            self.write_registers(row.kind, row.register_, row.at.encode(float(value)))
        else:
            self.set(name, value)

    def _ask_identity(self) -> Identity:
        """Read the texts of ``[identity]``, and every quantity once: a map of another device shows here."""
        texts: dict[str, str] = {}
        for name, place in self.map.identity.items():
            words = self.link.read(place.kind, place.register_, place.count)
            data = b"".join(word.to_bytes(2, "big") for word in words)
            texts[name] = data.split(b"\0", 1)[0].decode("utf-8", errors="replace").strip()
            if place.expect is not None and texts[name] != place.expect:
                raise WrongInstrument(f"{name} is {texts[name]!r}; {self.map.name} says {place.expect!r}")
        for quantity, row in self.map.quantities.items():
            if row.readable:
                try:
                    self._raw([quantity])
                except InstrumentRefused as error:
                    if "illegal" not in str(error):  # busy, or out of order: the map may well be right
                        raise
                    raise WrongInstrument(
                        f"does not fit the map of {self.map.name}: {quantity}: {error}"
                    ) from None
        return Identity(
            texts.get("maker", ""),
            texts.get("model", self.map.name),
            texts.get("serial", ""),
            texts.get("firmware", ""),
        )

    def _raw(self, names: Sequence[str]) -> dict[str, float]:
        """Read the raw numbers of ``names``."""
        rows = {name: self.map.quantities[name] for name in names}
        values = self._registers(rows)
        found = {}
        for name, row in rows.items():
            registers = [values[row.kind, i] for i in range(*row.span)]
            bit = row.type is None
            found[name] = float(registers[0]) if bit else unpack(row.at.type, registers, row.word_order)
        return found

    def _registers(self, rows: Mapping[str, MapRow]) -> dict[tuple[str, int], int]:
        """Read in as few blocks as the device serves; one that it refuses is asked for in shorter ones."""
        while True:
            plan = self._plan(rows)
            try:
                return {
                    (kind, start + offset): value
                    for kind, start, count in plan
                    for offset, value in enumerate(self.link.read(kind, start, count))
                }
            except ReadRefused:
                tried, needed = max(c for *_, c in plan), max(row.at.count for row in rows.values())
                shorter = self._limit.shorten(tried, needed)
                self._plans.clear()
                if not shorter:
                    raise

    def _plan(self, rows: Mapping[str, MapRow]) -> list[tuple[RegisterKind, int, int]]:
        key = tuple(rows)
        if key not in self._plans:
            self._plans[key] = []
            for kind in dict.fromkeys(row.kind for row in rows.values()):
                spans = [(row.span[0], row.at.count) for row in rows.values() if row.kind == kind]
                self._plans[key] += [(kind, start, count) for start, count in self._limit.blocks(spans)]
        return self._plans[key]

    def _fetch_all(self, rows: Sequence[Quantity[Any]]) -> dict[str, ReadingValue]:
        for row in rows:
            if not row.query:
                raise InstrumentRefused(f"{row.name} can only be written")
        return {name: self._value(name, raw) for name, raw in self._raw([row.name for row in rows]).items()}

    def _value(self, name: str, raw: float) -> ReadingValue:
        row = self.map.quantities[name]
        if not math.isfinite(raw) or raw in row.missing:
            return ReadingValue(None, "missing")
        if name == "mode":
            word = self._words.get(int(raw))
            return ReadingValue(word, "ok" if word is not None else "missing")
        return ReadingValue(raw * row.at.scale + row.offset)

    def _send(self, row: Control[Any], value: Value) -> None:
        place = self.map.quantities[row.name]
        if row.name == "mode":
            if value not in self.map.modes:
                raise InstrumentRefused(f"has no mode {value!r}; it has: {', '.join(self.map.modes)}")
            registers = place.at.encode(float(self.map.modes[str(value)]))
        else:
            registers = place.at.encode(float(value))
        self.write_registers(place.kind, place.register_, registers)

    def _confirm(self, row: Control[Any], wanted: Value) -> Value | None:
        """Return what the device reads; only where the map says ``confirm`` must it be what was set."""
        if self.map.quantities[row.name].confirm:
            return super()._confirm(row, wanted)
        return self._fetch(row).value


def _row(name: str, row: MapRow, page: str) -> Quantity[Any]:
    kind: type[Any] = str if name == "mode" else float
    what = name.replace("_", " ")
    place = f"{row.kind} {row.register_}"
    common: dict[str, Any] = {
        "unit": UNITS[name],
        "kind": kind,
        "page": page,
        "low": row.low,
        "high": row.high,
    }
    made: Quantity[Any]
    if row.settable:
        made = Control(place if row.readable else "", doc=f"Control {what}.", **common)
    else:
        made = Reading(place, doc=f"Get {what}.", **common)
    made.name = name
    return made
