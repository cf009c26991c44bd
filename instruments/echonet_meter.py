"""A low-voltage smart meter (route B) that speaks ECHONET Lite, class 0x0288: the receiving point.

Read for this file:

- MRA: the Machine Readable Appendix of the ECHONET Lite device objects, Release R, class 0x0288;
- pychonet 2.8.2, ``LowVoltageSmartElectricEnergyMeter``: the units of E1, the values that mean "no data", the
  layout of EA and EB (year, month, day, hour, minute, second, then the counter).

Sign: the meter counts what is bought as positive (E7, E0) and what is sold in E3; here export is positive.
Energies are counters times the unit of E1 times the coefficient of D3 (1 where the meter has none). A unit of
0.1 kWh makes steps of 0.2 kW in a 30-minute mean: control is judged by E7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.drivers.base import ReadingValue
from bench.drivers.descriptors import Exchange, Quantity, Reading
from bench.drivers.echonet import EchonetInstrument, number
from bench.errors import WrongReply

__all__ = ["EchonetMeter"]

_COEFFICIENT, _UNIT = 0xD3, 0xE1
_UNITS_KWH = {
    0x00: 1.0,
    0x01: 0.1,
    0x02: 0.01,
    0x03: 0.001,
    0x04: 0.0001,
    0x0A: 10.0,
    0x0B: 100.0,
    0x0C: 1000.0,
    0x0D: 10000.0,
}
_LARGEST_COEFFICIENT = 999_999  # six digits; 0 would make every counter 0
_STAMP_BYTES = 7


class EchonetMeter(EchonetInstrument):
    """A smart meter. It can only be read."""

    CLASS = 0x0288
    LENGTHS = {0xE7: 4, 0xE8: 4, 0xE0: 4, 0xE3: 4, 0xE1: 1, 0xEA: 11, 0xEB: 11}  # noqa: RUF012

    power_kw = Reading("E7", unit="kW", scale=-0.001, doc="Measure the power, export positive.", page="E7")
    current_a = Reading("E8", unit="A", scale=0.1, doc="Measure the current of phase R.", page="E8")
    energy_charged_kwh = Reading("E0", unit="kWh", doc="Get the energy bought.", page="E0, E1, D3")
    energy_discharged_kwh = Reading("E3", unit="kWh", doc="Get the energy sold.", page="E3, E1, D3")
    half_hour_charged_kwh = Reading(
        "EA", unit="kWh", doc="Get the counter of energy bought at the last half hour.", page="EA"
    )
    half_hour_discharged_kwh = Reading(
        "EB", unit="kWh", doc="Get the counter of energy sold at the last half hour.", page="EB"
    )

    SAMPLED = (
        "power_kw",
        "energy_charged_kwh",
        "energy_discharged_kwh",
        "half_hour_charged_kwh",
        "half_hour_discharged_kwh",
    )
    EXAMPLES = (
        Exchange("Get E7", "000001F4", "power_kw", -0.5, page="MRA: E7 in W, positive when buying"),
        Exchange("Get E7", "FFFFFE0C", "power_kw", 0.5, page="MRA: E7 is negative when selling"),
        Exchange("Get E7", "7FFFFFFE", "power_kw", None, page="pychonet: 2147483646, no measurement"),
        Exchange("Get E0", "FFFFFFFE", "energy_charged_kwh", None, page="pychonet: 4294967294, none"),
        Exchange("Get E0", "000004D2", "energy_charged_kwh", 123.4, page="pychonet: E1 = 01 is 0.1 kWh"),
    )

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: what the meter has of the sampling set).

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        with self._stamp:
            self._discover()
        return super().read([name for name in self.SAMPLED if name in self.table] if names is None else names)

    def half_hour(self) -> tuple[str, float | None, float | None]:
        """Return the last half hour as the meter's clock writes it, with both counters in kWh.

        Raises:
            LinkDown, LinkTimeout, WrongReply
        """
        with self._stamp:
            self._discover()
        rows = [
            self.table[n] for n in ("half_hour_charged_kwh", "half_hour_discharged_kwh") if n in self.table
        ]
        told = self.get([0xEA, 0xEB, _UNIT, _COEFFICIENT])
        stamp = next((data for code in (0xEA, 0xEB) if (data := told.get(code)) is not None), None)
        values = {row.name: self._decode(row, told).value for row in rows}
        bought, sold = values.get("half_hour_charged_kwh"), values.get("half_hour_discharged_kwh")
        return (
            _stamp(stamp) if stamp is not None else "",
            bought if isinstance(bought, float) else None,
            sold if isinstance(sold, float) else None,
        )

    def _needs(self, row: Quantity[Any]) -> list[int]:
        code = super()._needs(row)[0]
        return [code] if code in (0xE7, 0xE8) else [code, _UNIT, _COEFFICIENT]

    def _decode(self, row: Quantity[Any], told: Mapping[int, bytes | None]) -> ReadingValue:
        code = self._chosen[row.name]
        data = told.get(code)
        if data is None:
            return ReadingValue(None, "missing")
        if code == 0xE7:
            return number(data, signed=True, scale=row.scale)
        if code == 0xE8:
            return number(data[:2], signed=True, scale=row.scale)
        unit = told.get(_UNIT)
        if unit is None or unit[0] not in _UNITS_KWH:
            raise WrongReply(
                f"{code:02X} is a counter, and its unit (E1) is {'missing' if unit is None else unit.hex()}"
            )
        told_times = told.get(_COEFFICIENT)
        times = 1 if told_times is None else int.from_bytes(told_times, "big")
        if not 1 <= times <= _LARGEST_COEFFICIENT:
            raise WrongReply(f"{code:02X} is a counter, and its coefficient (D3) is {times}")
        factor = _UNITS_KWH[unit[0]] * times
        return number(data[_STAMP_BYTES:] if code in (0xEA, 0xEB) else data, scale=factor)


def _stamp(data: bytes) -> str:
    """Return the first seven bytes as ``2026-04-01T12:30:00``; the meter tells no time zone."""
    year = int.from_bytes(data[:2], "big")
    month, day, hour, minute, second = data[2:_STAMP_BYTES]
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
