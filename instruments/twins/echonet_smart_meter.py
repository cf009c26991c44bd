"""The house's smart meter at the receiving point, ECHONET Lite class 0x0288 (route B).

Bought energy is positive in E7, as the class has it. The counters are in tenths of a kWh (E1 = 01), so that
the resolution trap of a real one is there. The world begins at midnight on 1 April 2026.
"""

from __future__ import annotations

from instruments.twins.echonet_node import MAKER, unique_id
from instruments.twins.world import World

__all__ = ["SmartMeter"]

_HALF_HOUR_S = 1800.0
_PER_KWH = 10  # E1 = 01: one count is 0.1 kWh
_NO_DATA = b"\x7f\xff\xff\xfe"


class SmartMeter:
    """One smart meter object."""

    code = 0x028801
    announced = frozenset({0x80, 0x88})
    settable = frozenset[int]()
    gettable = frozenset(
        {0x80, 0x81, 0x82, 0x83, 0x88, 0x8A, 0x8D, 0xD3, 0xD7, 0xE0, 0xE1, 0xE3, 0xE7, 0xE8, 0xEA, 0xEB}
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._half_hours = [(0.0, 0, 0)]
        world.agenda.at(_HALF_HOUR_S, self._half_hour)

    def put(self, code: int, data: bytes) -> bool:
        """Refuse: nothing can be set."""
        return False

    def get(self, code: int) -> bytes | None:
        """Return a property's data."""
        now_s = self._world.now_s
        live = self._world.source.live(now_s)
        if code == 0xE7:
            power_w = round(-1000.0 * self._world.receiving_kw.value(now_s))
            return power_w.to_bytes(4, "big", signed=True) if live else _NO_DATA
        if code == 0xE8:
            volts = self._world.source.voltage_v.value(now_s) if live else 0.0
            tenths = round(-10000.0 * self._world.receiving_kw.value(now_s) / volts) if volts else 0
            return tenths.to_bytes(2, "big", signed=True) + b"\x7f\xfe"
        if code in (0xE0, 0xE3):
            return self._counters(now_s)[0 if code == 0xE0 else 1].to_bytes(4, "big")
        if code in (0xEA, 0xEB):
            at_s, bought, sold = self._half_hours[-1]
            return _stamp(at_s) + (bought if code == 0xEA else sold).to_bytes(4, "big")
        return {
            0x80: b"\x30",
            0x81: b"\x00",
            0x82: b"\x00\x00\x52\x00",
            0x83: unique_id(3),
            0x88: b"\x42",
            0x8A: MAKER,
            0x8D: b"SIM000013".ljust(12, b"\0"),
            0xD3: b"\x00\x00\x00\x01",
            0xD7: b"\x06",
            0xE1: b"\x01",
        }.get(code)

    def _counters(self, t_s: float) -> tuple[int, int]:
        """Return what was bought and sold, in counts that are full."""
        trace = self._world.receiving_kw
        sold_kwh = trace.positive_integral(t_s) / 3600.0
        bought_kwh = max(sold_kwh - trace.integral(t_s) / 3600.0, 0.0)
        return int(_PER_KWH * bought_kwh + 1e-9), int(_PER_KWH * sold_kwh + 1e-9)

    def _half_hour(self, t_s: float) -> None:
        self._half_hours = [(t_s, *self._counters(t_s))]
        self._world.agenda.at(t_s + _HALF_HOUR_S, self._half_hour)


def _stamp(t_s: float) -> bytes:
    """Return the meter's date and time; its calendar knows April only, which lasts for any run."""
    minutes = int(t_s // 60)
    day, hour, minute = 1 + minutes // 1440, minutes // 60 % 24, minutes % 60
    return bytes((0x07, 0xEA, 4, day, hour, minute, 0))
