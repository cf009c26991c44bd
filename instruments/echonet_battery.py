"""A home battery, or a gateway that stands for one, that speaks ECHONET Lite (class 0x027D).

Read for this file:

- MRA: the Machine Readable Appendix of the ECHONET Lite device objects, Release R, class 0x027D: AA and AB
  are amounts in Wh and must be settable; EB and EC, the powers in W, are optional; C1 and C2 = 03 is
  "designated power"; DA is the setting of the mode, CF what the device does; one of E2, E3, E4 is there;
- pychonet 2.8.2, ``StorageBattery``: the codes of DA and CF, 32-bit D3 with charging positive, C8 and C9 as
  two powers in one property;
- the application interface rule that AA or AB is set before DA asks for charge or discharge.

Sign: ECHONET Lite counts charging as positive, the bench discharging; the row of D3 turns it.

A set-point is negotiated from the Set map. Where EB and EC are there, a power is EC (discharge) or EB
(charge) with C2 or C1 = 03, then DA = 43 or 42. Where they are not, it is an amount in AB or AA that lasts
``amount_hours`` at that power, and the device takes what power it likes: then the bench measures what comes
of it. Zero is DA = 44 (standby), since 0 W in EB and EC means "no setting" on some devices.

There is no property for frequency response, nor for a schedule. ``remote`` is standby until a power is set.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from bench.drivers.base import ReadingValue, Value
from bench.drivers.descriptors import Control, Exchange, Quantity, Reading
from bench.drivers.echonet import EchonetInstrument, EchonetOptions, number
from bench.drivers.instrument import rounded
from bench.errors import InstrumentRefused

__all__ = ["EchonetBattery"]

_FAULT_CODE, _CHARGEABLE, _DISCHARGEABLE = 0x89, 0xA4, 0xA5
_CHARGE_LIMITS, _DISCHARGE_LIMITS, _RATED_WH, _RATED_AH = 0xC8, 0xC9, 0xD0, 0xD1
_CHARGE_METHOD, _DISCHARGE_METHOD, _MODE = 0xC1, 0xC2, 0xDA
_CHARGE_WH, _DISCHARGE_WH, _CHARGE_W, _DISCHARGE_W = 0xAA, 0xAB, 0xEB, 0xEC
_DESIGNATED_POWER = b"\x03"
_CHARGE, _DISCHARGE, _STANDBY, _AUTO = b"\x42", b"\x43", b"\x44", b"\x46"
_WORDS = {_CHARGE: "charge", _DISCHARGE: "discharge", _STANDBY: "standby", _AUTO: "auto"}
_FAULT = 0x41
# in the order in which they are put back: how and how much before what to do
_SETTINGS = (0xC1, 0xC2, 0xA6, 0xA7, 0xAA, 0xAB, 0xEB, 0xEC, 0xDA)


class BatteryOptions(EchonetOptions):
    """Keys of the station table."""

    amount_hours: float = Field(
        default=4.0,
        gt=0,
        le=24,
        description="without EB and EC: how long an amount lasts at the power asked for",
    )


class EchonetBattery(EchonetInstrument):
    """A storage battery."""

    CLASS = 0x027D
    OPTIONS = BatteryOptions
    LENGTHS = {0xDA: 1, 0xCF: 1, 0xD3: 4, 0xEB: 4, 0xEC: 4, 0xAA: 4, 0xAB: 4, 0xE4: 1, 0x88: 1}  # noqa: RUF012
    REPEATABLE = frozenset((_CHARGE_METHOD, _DISCHARGE_METHOD, _CHARGE_W, _DISCHARGE_W, _MODE))

    power_kw = Reading(
        "D3", unit="kW", scale=-0.001, doc="Measure the AC power, discharge positive.", page="D3"
    )
    soc_pct = Reading("E4 E2 E3", unit="%", doc="Get the state of charge.", page="E4, E2, E3")
    soh_pct = Reading("E5", unit="%", doc="Get the state of health.", page="E5")
    capacity_kwh = Reading("D0 C7", unit="kWh", scale=0.001, doc="Get the rated energy.", page="D0, C7")
    usable_kwh = Reading(
        "A1", unit="kWh", scale=0.001, doc="Get the AC energy it can give in all.", page="A1"
    )
    energy_charged_kwh = Reading(
        "A8 D8", unit="kWh", scale=0.001, doc="Get the energy charged.", page="A8, D8"
    )
    energy_discharged_kwh = Reading(
        "A9 D6", unit="kWh", scale=0.001, doc="Get the energy discharged.", page="A9, D6"
    )
    rated_charge_kw = Reading("C8", unit="kW", scale=0.001, doc="Get the largest charging power.", page="C8")
    rated_discharge_kw = Reading("C9", unit="kW", scale=0.001, doc="Get the largest discharge.", page="C9")
    alarm = Reading("88", unit="1", doc="Get the fault code; 0 is none.", page="88, 89")
    mode_actual = Reading("CF", unit="mode", kind=str, doc="Get what it really does.", page="CF")
    reserve_pct = Control("A7", unit="%", low=0.0, high=100.0, doc="Control the reserve.", page="A7")
    mode = Control("DA", unit="mode", kind=str, doc="Control the mode of operation.", page="DA")
    power_set_kw = Control(
        "DA", unit="kW", resolution=0.001, doc="Control the set-point, discharge positive.", page="EB, EC, DA"
    )

    SAMPLED = (
        "power_kw",
        "soc_pct",
        "mode",
        "mode_actual",
        "power_set_kw",
        "energy_charged_kwh",
        "energy_discharged_kwh",
        "alarm",
    )
    ROUNDED = frozenset(("power_set_kw",))
    SAFE = {"mode": "standby", "power_set_kw": 0.0}  # noqa: RUF012  (a ClassVar of the base)
    EXAMPLES = (
        Exchange("Get D3", "00000BB8", "power_kw", -3.0, page="pychonet: D3 is positive when charging"),
        Exchange("Get D3", "FFFFF448", "power_kw", 3.0, page="pychonet: D3 is negative when discharging"),
        Exchange("Get DA", "43", "mode", "discharge", page="pychonet: 0x43 discharging"),
        Exchange("Get DA", "46", "mode", "auto", page="pychonet: 0x46 auto"),
        Exchange("Get A9", "000003E8", "energy_discharged_kwh", 1.0, page="MRA: A9 in 0.001 kWh"),
        Exchange("Get E4", "5A", "soc_pct", 90.0, page="MRA: E4 in %"),
    )

    _prior: dict[str, str] | None = None
    _held = False

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: what the device has of the sampling set) in one Get or a few.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        with self._stamp:
            self._discover()
        return super().read([name for name in self.SAMPLED if name in self.table] if names is None else names)

    def set(self, name: str, value: Value) -> Value | None:
        """Set one quantity and return the read-back.

        Raises:
            InstrumentRefused: out of range, refused, or acknowledged but not applied.
            LinkTimeout: no answer, and it does not read back.
        """
        with self._stamp:
            self._discover()
        return super().set(name, value)

    def do(self, sequence: str) -> None:
        """Carry out ``start`` or ``stop``; the class has no property for the others.

        ``start`` takes the device over in standby, its methods "designated power"; ``stop`` goes to standby
        and back to the mode, methods and amounts that were there before ``start`` (not known: to auto).

        Raises:
            InstrumentRefused: no such sequence, refused, or not applied.
        """
        with self._stamp:
            self._discover()
            if sequence == "start":
                if not self._held:
                    self._prior = None  # what it does now is what it goes back to
                    self.snapshot()
                self._held = True
                self._move(_MODE, _STANDBY)
                for code in (_CHARGE_METHOD, _DISCHARGE_METHOD):
                    if code in self.settable:
                        self._move(code, _DESIGNATED_POWER)
            elif sequence == "stop":
                self._move(_MODE, _STANDBY)
                self.restore(self._prior or {"DA": _AUTO.hex()})
            else:
                raise InstrumentRefused(f"{sequence}: ECHONET Lite class 027D has no property for it")

    def snapshot(self) -> dict[str, Any]:
        """Return DA, C1, C2, A6, A7, AA, AB, EB, EC as far as they can be read and put back, in hex."""
        with self._stamp:
            self._discover()
            told = self.get([code for code in _SETTINGS if code in self.settable])
            found = {f"{code:02X}": data.hex() for code, data in told.items() if data is not None}
            if self._prior is None:
                self._prior = dict(found)
            return found

    def restore(self, settings: Mapping[str, Any]) -> None:
        """Put the settings back, in standby while they change where the mode changes too, and prove it.

        Raises:
            InstrumentRefused: a setting was refused, or does not read back.
        """
        with self._stamp:
            self._held = False
            now = self.snapshot()
            wanted = {int(name, 16): bytes.fromhex(data) for name, data in settings.items()}
            changed = [
                code
                for code in _SETTINGS
                if code in wanted and now.get(f"{code:02X}") != settings[f"{code:02X}"]
            ]
            if _MODE in changed and len(changed) > 1:
                self._move(_MODE, _STANDBY)
            for code in changed:
                self._move(code, wanted[code])

    @property
    def takes_power(self) -> bool:
        """True where a power can be set in W; else only an amount in Wh."""
        return {_CHARGE_W, _DISCHARGE_W} <= self.settable

    def _choose(self) -> None:
        super()._choose()
        for name in ("reserve_pct", "mode", "power_set_kw"):
            if name in self.table and self._chosen[name] not in self.settable:
                info = self.table[name]
                self.table[name] = _readable(info)
        row = self.table.get("power_set_kw")
        if row is not None:
            told = self.get([_CHARGE_LIMITS, _DISCHARGE_LIMITS])
            charge_w, discharge_w = (_largest(told.get(c)) for c in (_CHARGE_LIMITS, _DISCHARGE_LIMITS))
            row = copy.copy(row)
            row.low = -charge_w / 1000.0 if charge_w else None
            row.high = discharge_w / 1000.0 if discharge_w else None
            self.table["power_set_kw"] = row

    def _needs(self, row: Quantity[Any]) -> list[int]:
        code = super()._needs(row)[0]
        if row.name == "power_set_kw":
            return [code, _CHARGE_W, _DISCHARGE_W] if self.takes_power else [code, _CHARGE_WH, _DISCHARGE_WH]
        more = {0xE2: [_RATED_WH], 0xE3: [_RATED_AH], 0x88: [_FAULT_CODE]}
        return [code, *more.get(code, [])]

    def _decode(self, row: Quantity[Any], told: Mapping[int, bytes | None]) -> ReadingValue:
        code = self._chosen[row.name]
        data = told.get(code)
        if data is None:
            return ReadingValue(None, "missing")
        if row.name in ("mode", "mode_actual"):
            word = _WORDS.get(data)
            return ReadingValue(word, "ok" if word else "missing")
        if row.name == "power_set_kw":
            return self._power_set(data, told)
        if row.name == "alarm":
            fault = told.get(_FAULT_CODE)
            return ReadingValue(
                float(int.from_bytes(fault or b"\1", "big") or 1) if data[0] == _FAULT else 0.0
            )
        if row.name in ("rated_charge_kw", "rated_discharge_kw"):
            return ReadingValue(_largest(data) * row.scale)
        if code in (0xE2, 0xE3):
            whole = told.get(_RATED_WH if code == 0xE2 else _RATED_AH)
            left, full = number(data).value, number(whole or b"").value
            if isinstance(left, float) and isinstance(full, float) and full > 0:
                return ReadingValue(100.0 * left / full)
            return ReadingValue(None, "missing")
        return number(data, signed=code == 0xD3, scale=row.scale)

    def _power_set(self, mode: bytes, told: Mapping[int, bytes | None]) -> ReadingValue:
        if mode not in (_CHARGE, _DISCHARGE):
            return ReadingValue(0.0)
        charging = mode == _CHARGE
        code = self._amount_or_power(charging)
        data = told.get(code)
        if data is None:
            return ReadingValue(None, "missing")
        value = number(data).value
        if not isinstance(value, float | int):
            return ReadingValue(None, "missing")
        power_kw = value / 1000.0 if self.takes_power else value / 1000.0 / self.options.amount_hours
        return ReadingValue(-power_kw if charging else power_kw)

    def _amount_or_power(self, charging: bool) -> int:
        if self.takes_power:
            return _CHARGE_W if charging else _DISCHARGE_W
        return _CHARGE_WH if charging else _DISCHARGE_WH

    def _send(self, row: Control[Any], value: Value) -> None:
        if row.name == "mode":
            self._change_mode(str(value))
        elif row.name == "power_set_kw":
            self._change_power(float(value))
        else:
            self.put(self._chosen[row.name], bytes((round(float(value)),)))

    def _confirm(self, row: Control[Any], wanted: Value) -> Value | None:
        if row.name == "mode" and wanted == "remote":
            return wanted  # every step of it was read back; it shows as standby, charge or discharge
        return super()._confirm(row, wanted)

    def _same(self, code: int, wanted: bytes, got: bytes) -> bool:
        if code not in (_CHARGE_W, _DISCHARGE_W):
            return super()._same(code, wanted, got)
        powers = [number(data).value for data in (wanted, got)]
        asked, taken = (None if not isinstance(p, float | int) else p / 1000.0 for p in powers)
        return asked is not None and taken is not None and rounded(asked, taken)

    def _change_mode(self, word: str) -> None:
        codes = {name: code for code, name in _WORDS.items()}
        if word == "remote":
            if self.get([_MODE]).get(_MODE) not in (_CHARGE, _DISCHARGE, _STANDBY):
                self._move(_MODE, _STANDBY)
        elif word in codes:
            self._move(_MODE, codes[word])
        else:
            raise InstrumentRefused(f"has no mode {word!r}; it has: remote {' '.join(codes)}")

    def _change_power(self, power_kw: float) -> None:
        """Set how, how much, and last of all what to do."""
        watts = round(abs(power_kw) * 1000.0)
        if watts == 0:
            self._move(_MODE, _STANDBY)
            return
        charging = power_kw < 0
        mode, method, amount = (
            (_CHARGE, _CHARGE_METHOD, _CHARGE_WH)
            if charging
            else (_DISCHARGE, _DISCHARGE_METHOD, _DISCHARGE_WH)
        )
        begins = self.get([_MODE]).get(_MODE) != mode
        if begins and method in self.settable:
            self._move(method, _DESIGNATED_POWER)
        if self.takes_power:
            if begins and amount in self.settable:
                self._move(amount, self._available(_CHARGEABLE if charging else _DISCHARGEABLE))
            self._move(self._amount_or_power(charging), watts.to_bytes(4, "big"))
        else:
            self._move(amount, round(watts * self.options.amount_hours).to_bytes(4, "big"))
        if begins:
            self._move(_MODE, mode)

    def _available(self, code: int) -> bytes:
        """Return what the battery can take or give now, in Wh; 0, "no setting", where it does not tell."""
        data = self.get([code]).get(code)
        return data if data is not None and len(data) == 4 and number(data).value is not None else bytes(4)

    def _move(self, code: int, data: bytes) -> None:
        """Set a property unless it is so already."""
        if self.get([code]).get(code) != data:
            self.put(code, data)


def _largest(data: bytes | None) -> float:
    """Return the larger of the two powers in W of C8 or C9 (0 where it tells none)."""
    if data is None or len(data) != 8:
        return 0.0
    powers = [number(data[:4]).value, number(data[4:]).value]
    return max((float(power) for power in powers if isinstance(power, float | int)), default=0.0)


def _readable(row: Quantity[Any]) -> Reading[Any]:
    made: Reading[Any] = Reading(row.query, unit=row.unit, doc=row.doc, page=row.page, kind=row.kind)
    made.name = row.name
    return made
