"""A battery (or its inverter) that speaks SunSpec over Modbus TCP, RTU or TLS.

Read for this file:

- the SunSpec Alliance's model definitions 1, 701, 702, 704, 711, 713, 802;
- DER: SunSpec DER Information Model Specification V1.2.1, as quoted in ``balloobbot/franklinwh-modbus``,
  ``docs/SUNSPEC2_700_SERIES_GUIDE_2.md``: a set-point acts only while its enable is 1; values are written
  first and the enable last; a device may take a second to show what was written;
- PICS: the register images in the tests of ``sunspec/pysunspec2``.

Signs: 701.W and 704.WSet are positive when the device feeds the grid, so discharge is positive as here.

Modes, in SunSpec's own terms:

====================  ==========================================================================
``remote``            704.WSetEna on: the device follows 704.WSet (in watts)
``frequency_response``  711.Ena on: the device answers to frequency by itself
``auto``              neither: the device does what it was installed for
``standby``           ``remote`` with a set-point of 0 W
``charge``            ``remote`` with the rated charging power (702), negative
``discharge``         ``remote`` with the rated discharging power (702)
====================  ==========================================================================

The last three can be set; on reading they show as ``remote``, since SunSpec does not tell them apart.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from bench.drivers.base import Identity, ReadingValue, Value
from bench.drivers.descriptors import Control, Exchange, Quantity, Reading
from bench.drivers.modbus import ModbusInstrument
from bench.drivers.setting import Setting
from bench.drivers.sunspec_map import SunSpecMap
from bench.errors import InstrumentRefused, LimitTripped, WrongInstrument

__all__ = ["SunSpec"]

_ENABLE, _UNIT, _WATTS, _PERCENT = "704.WSetEna", "704.WSetMod", "704.WSet", "704.WSetPct"
_DROOP = "711.Ena"
_IN_WATTS = 1
# in the order in which they are put back; the enables come last
_SETTINGS = (_UNIT, _WATTS, _PERCENT, "802.SocRsvMax", "802.SoCRsvMin", _DROOP, _ENABLE)
_FOLLOWED = (_UNIT, _WATTS, _DROOP, _ENABLE)
_SHOWN_AS = {"standby": "remote", "charge": "remote", "discharge": "remote"}
_MODES = ("auto", "remote", "frequency_response", "standby", "charge", "discharge")


class SunSpec(ModbusInstrument):
    """A battery. ``query`` of a row names its point, or points in order of preference."""

    power_kw = Reading(
        "701.W", unit="kW", scale=0.001, doc="Measure the AC power, discharge positive.", page="model 701"
    )
    frequency_hz = Reading("701.Hz", unit="Hz", doc="Measure the frequency it sees.", page="model 701")
    energy_discharged_kwh = Reading(
        "701.TotWhInj", unit="kWh", scale=0.001, doc="Get the energy fed to the grid.", page="model 701"
    )
    energy_charged_kwh = Reading(
        "701.TotWhAbs", unit="kWh", scale=0.001, doc="Get the energy drawn from the grid.", page="model 701"
    )
    alarm = Reading("701.Alrm", unit="1", doc="Get the alarm bits; 0 is none.", page="model 701")
    soc_pct = Reading("713.SoC 802.SoC", unit="%", doc="Get the state of charge.", page="models 713, 802")
    soh_pct = Reading("713.SoH 802.SoH", unit="%", doc="Get the state of health.", page="models 713, 802")
    capacity_kwh = Reading(
        "713.WHRtg 802.WHRtg", unit="kWh", scale=0.001, doc="Get the rated energy.", page="models 713, 802"
    )
    dod_pct = Reading("802.DoD", unit="%", doc="Get the depth of discharge.", page="model 802")
    rated_kw = Reading("702.WMaxRtg", unit="kW", scale=0.001, doc="Get the rated power.", page="model 702")
    rated_charge_kw = Reading(
        "702.WChaRteMaxRtg", unit="kW", scale=0.001, doc="Get the rated charging power.", page="model 702"
    )
    rated_discharge_kw = Reading(
        "702.WDisChaRteMaxRtg", unit="kW", scale=0.001, doc="Get the rated discharge.", page="model 702"
    )
    reversion_s = Reading(
        "704.WSetRvrtTms", unit="s", doc="Get how long it keeps a set-point (0: for ever).", page="model 704"
    )
    power_set_kw = Control(
        _WATTS, unit="kW", scale=0.001, doc="Control the set-point, discharge positive.", page="model 704"
    )
    reserve_pct = Control(
        "802.SoCRsvMin", unit="%", low=0.0, high=100.0, doc="Control the reserve.", page="model 802"
    )
    mode = Control(
        f"{_ENABLE} {_DROOP}", unit="mode", kind=str, doc="Control the mode of operation.", page="704, 711"
    )

    SAMPLED = (
        "power_kw",
        "frequency_hz",
        "soc_pct",
        "mode",
        "power_set_kw",
        "energy_charged_kwh",
        "energy_discharged_kwh",
        "alarm",
    )
    ROUNDED = frozenset(("power_set_kw",))
    SAFE = {"mode": "remote", "power_set_kw": 0.0}  # noqa: RUF012  (a ClassVar of the base)

    EXAMPLES = (
        Exchange(
            "write 704.WSet", "0000 1388", "power_set_kw", 5.0, page="DER guide section 5, 5000 W export"
        ),
        Exchange(
            "write 704.WSet", "ffff f448", "power_set_kw", -3.0, page="DER guide section 6, 3000 W import"
        ),
        Exchange(
            "read 1.SN",
            "736e 2d31 3233 3435 3637 3839 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000",
            "identity",
            "sn-123456789",
            page="PICS test_modbus_client.py",
        ),
    )

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.map = SunSpecMap(self.link, self.options.longest_read)
        self._scanned_at = -1
        self._points: dict[str, str] = {}
        self._prior: dict[str, Any] | None = None
        self._taken: dict[str, Any] | None = None

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: what the device has of the sampling set) in one block or a few.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        with self._stamp:
            self._discover()
            wanted = [name for name in self.SAMPLED if name in self.table] if names is None else names
        return super().read(wanted)

    def set(self, name: str, value: Value) -> Value | None:
        """Set one quantity and return the read-back.

        Raises:
            InstrumentRefused: out of range, refused, not applied, or without effect in this mode.
        """
        with self._stamp:
            self._discover()
        return super().set(name, value)

    def do(self, sequence: str) -> None:
        """Carry out ``start stop frequency_response_on frequency_response_off``.

        ``start`` takes the device over at 0 W with its own frequency response off; ``stop`` goes to 0 W
        and back to the mode that ``start`` found, with the set-point where that mode follows one (without a
        start, to the mode that :meth:`snapshot` found). SunSpec has no return of its own to the mode before:
        as a gateway must, the driver remembers it.

        Raises:
            InstrumentRefused: no such sequence, no such model, or not applied.
        """
        with self._stamp:
            self._discover()
            if sequence == "start":
                if self._taken is None:
                    self._taken = self._settings()
                self._take_over(0.0)
            elif sequence == "stop":
                self._write(_WATTS, 0.0)
                self._give_back()
            elif sequence == "frequency_response_on":
                self.set("mode", "frequency_response")
            elif sequence == "frequency_response_off":
                self._let_go(_DROOP)
            else:
                raise InstrumentRefused(f"has no sequence {sequence!r}")

    def snapshot(self) -> dict[str, Any]:
        """Return the raw values of the settings that a run may change, by point."""
        with self._stamp:
            self._discover()
            found = self._settings()
            if self._prior is None:
                self._prior = dict(found)
            return found

    def _settings(self) -> dict[str, Any]:
        present = [name for name in _SETTINGS if self.map.has(name)]
        return {name: raw for name, raw in self.map.raw(present).items() if raw is not None}

    def _give_back(self) -> None:
        """Go to what ``start`` found: modes always, the set-point where it was followed."""
        taken, self._taken = self._taken, None
        if taken is None:
            self._let_go(_ENABLE)
        elif taken.get(_ENABLE) == 1:
            self.restore({name: raw for name, raw in taken.items() if name in _FOLLOWED})
        else:
            self.restore({name: raw for name, raw in taken.items() if name in (_ENABLE, _DROOP)})

    def restore(self, settings: Mapping[str, Any]) -> None:
        """Put the settings back, the set-point disabled while it changes, and prove it.

        Raises:
            InstrumentRefused: a setting does not read back.
        """
        with self._stamp:
            self._discover()
            now = self.map.raw([name for name in _SETTINGS if name in settings])
            changed = [name for name, raw in now.items() if raw != settings[name]]
            if now.get(_ENABLE) == 1 and {_ENABLE, _UNIT} & set(changed):
                # an old set-point must not act, however briefly, while the others are put back
                self._write(_ENABLE, 0, raw=True)
                changed = [name for name in changed if name != _ENABLE]
                changed += [_ENABLE] if settings.get(_ENABLE, 1) == 1 else []
            for name in sorted(changed, key=_SETTINGS.index):
                self._write(name, settings[name], raw=True)
            self._taken = None

    def _discover(self) -> None:
        """Scan the device once per connection, and keep the rows that it has."""
        if self._scanned_at == self.link.generation:
            return
        self.map.scan()
        self.table, self._points = {}, {}
        for name, row in self.TABLE.items():
            choices = [point for point in row.query.split() if self.map.has(point)]
            if name == "mode":
                if choices:
                    self.table[name] = row
            elif choices:
                raw = self.map.raw(choices)
                self._points[name] = next((c for c in choices if raw[c] is not None), choices[0])
                self.table[name] = row
        self._scanned_at = self.link.generation
        if "power_set_kw" in self.table:
            self._bound_set_point()

    def _bound_set_point(self) -> None:
        row = copy.copy(self.table["power_set_kw"])
        charge_kw, discharge_kw = self._rated_kw("rated_charge_kw"), self._rated_kw("rated_discharge_kw")
        row.low = None if charge_kw is None else -charge_kw
        row.high = discharge_kw
        self.table["power_set_kw"] = row
        factor = self.map.factor(_WATTS)
        if factor is not None:
            resolution = {**self.capabilities.resolution, "power_set_kw": row.scale * 10.0**factor}
            self.capabilities = dataclasses.replace(self.capabilities, resolution=resolution)

    def _rated_kw(self, name: str) -> float | None:
        """Return the rating in one direction, else the rating in both, else None."""
        for row in (self.table.get(name), self.table.get("rated_kw")):
            if row is not None:
                value = self._fetch(row).value
                if isinstance(value, float):
                    return round(value, 9)
        return None

    def _ask_identity(self) -> Identity:
        self._scanned_at = -1
        self._discover()
        if not {701, 704, 711} & self.map.models.keys():
            models = ", ".join(map(str, self.map.models))
            raise WrongInstrument(f"has SunSpec models {models}, none of 701, 704, 711: describe it in a map")
        names = ("1.Mn", "1.Md", "1.SN", "1.Vr")
        common = self.map.read([name for name in names if self.map.has(name)])
        return Identity(*(str(common.get(name) or "") for name in names))

    def _fetch_all(self, rows: Sequence[Quantity[Any]]) -> dict[str, ReadingValue]:
        values = self._points_of(rows)
        if self._scanned_at != self.link.generation:
            # reconnected on the way: what stands at these addresses may be something else now
            self._discover()
            values = self._points_of([self._row(row.name) for row in rows])
        found = {}
        for row in rows:
            if row.name == "mode":
                found[row.name] = ReadingValue(_mode(values.get(_ENABLE), values.get(_DROOP)))
                continue
            value = values[self._points[row.name]]
            if isinstance(value, float):
                found[row.name] = ReadingValue(value * row.scale)
            else:
                found[row.name] = ReadingValue(value, "ok" if value is not None else "missing")
        return found

    def _points_of(self, rows: Sequence[Quantity[Any]]) -> dict[str, float | str | None]:
        points = [self._points[row.name] for row in rows if row.name in self._points]
        if any(row.name == "mode" for row in rows):
            points += [point for point in (_ENABLE, _DROOP) if self.map.has(point)]
        return self.map.read(points)

    def _send(self, row: Control[Any], value: Value) -> None:
        if row.name == "mode":
            self._change_mode(str(value))
        else:
            self._put(self._points[row.name], float(value) / row.scale)

    def _confirm(self, row: Control[Any], wanted: Value) -> Value | None:
        if row.name == "mode":
            got = self._fetch(row).value
            if got != _SHOWN_AS.get(str(wanted), wanted):
                raise InstrumentRefused(f"mode was set to {wanted} and reads back {got}: not applied")
            return wanted
        got_back = super()._confirm(row, wanted)
        if row.name == "power_set_kw":
            acting = self.map.raw([name for name in (_ENABLE, _UNIT) if self.map.has(name)])
            if acting.get(_ENABLE) == 0 or acting.get(_UNIT) not in (_IN_WATTS, None):
                raise InstrumentRefused(
                    f"power_set_kw = {wanted} is stored but not followed "
                    f"({_ENABLE} = {acting.get(_ENABLE)}, {_UNIT} = {acting.get(_UNIT)}): start it first"
                )
        return got_back

    def _change_mode(self, word: str) -> None:
        if word not in _MODES:
            raise InstrumentRefused(f"has no mode {word!r}; it has: {' '.join(_MODES)}")
        if word == "auto":
            self._switch(_ENABLE, on=False)
            self._switch(_DROOP, on=False)
        elif word == "frequency_response":
            self._switch(_DROOP, on=True)
            self._switch(_ENABLE, on=False)
        elif word == "remote":
            self._take_over(None)
        else:
            self._take_over(self._mode_kw(word))

    def _mode_kw(self, word: str) -> float:
        if word == "standby":
            return 0.0
        rated_kw = self._rated_kw("rated_charge_kw" if word == "charge" else "rated_discharge_kw")
        if rated_kw is None:
            raise InstrumentRefused(f"mode {word}: the device does not tell its rating (model 702)")
        power_kw = -rated_kw if word == "charge" else rated_kw
        low, high = self.setting.limits.power_kw
        if not low <= power_kw <= high:
            raise LimitTripped(f"mode {word} is {power_kw:g} kW, outside the limits {low:g} to {high:g} kW")
        return power_kw

    def _take_over(self, power_kw: float | None) -> None:
        """Follow the set-point in watts: the value first, the enable last, then the droop off.

        With None, a set-point that is already followed stays; one that is not becomes 0.
        """
        acting = self.map.raw([name for name in (_ENABLE, _UNIT) if self.map.has(name)])
        if acting.get(_ENABLE) is None:
            raise InstrumentRefused(f"{_ENABLE} is not implemented: no set-point can be made to act")
        follows = acting.get(_ENABLE) == 1 and acting.get(_UNIT) in (_IN_WATTS, None)
        if power_kw is not None or not follows:
            self._write(_WATTS, (power_kw or 0.0) * 1000.0)
        if acting.get(_UNIT) is not None:
            self._switch(_UNIT, on=True)
        self._switch(_ENABLE, on=True)
        self._switch(_DROOP, on=False)

    def _let_go(self, switch: str) -> None:
        """Put back the mode of before the run; where none was found, turn ``switch`` off."""
        before = {name: raw for name, raw in (self._prior or {}).items() if name in (_ENABLE, _DROOP)}
        if before:
            self.restore(before)
        else:
            self._switch(switch, on=False)

    def _switch(self, name: str, *, on: bool) -> None:
        if on or self.map.has(name):
            self._write(name, int(on), raw=True)

    def _put(self, name: str, value: float, *, raw: bool = False) -> None:
        address, registers = self.map.registers(name, value, raw=raw)
        self.write_registers("holding", address, registers)

    def _write(self, name: str, value: float, *, raw: bool = False) -> None:
        """Write a point and have it read back, at the latest after ``confirm_s``.

        Raises:
            InstrumentRefused: no such point, refused, or not applied.
        """
        self._put(name, value, raw=raw)
        _, wanted = self.map.registers(name, value, raw=raw)
        clock = self.setting.clock
        deadline_s = clock.now_s() + self._confirm_s
        while True:
            address, point = self.map.place(name)
            if self.link.read("holding", address, point.size) == wanted:
                return
            if clock.now_s() >= deadline_s:
                got = self.map.raw([name])[name]
                raise InstrumentRefused(
                    f"{name} was set to {value:g} and reads back {got} (raw): not applied"
                )
            clock.sleep_until(min(deadline_s, clock.now_s() + 0.1))


def _mode(enable: object, droop: object) -> str:
    """Return the canonical word for the two enables; a droop that is on shows first."""
    if droop == 1:
        return "frequency_response"
    return "remote" if enable == 1 else "auto"
