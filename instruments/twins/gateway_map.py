"""The registers of a gateway, or of a battery, on Modbus: a small map of its own, as makers have.

Holding registers counted from 0, big endian, high word first. Discharge is positive.

======== ================== ========= ====== =====================================================
address  quantity           type      scale  access
======== ================== ========= ====== =====================================================
0        mode               uint16           rw: 0 auto, 1 remote, 2 frequency_response,
                                             3 charge, 4 discharge, 5 standby
1        power_set_kw       int16     0.001  rw (SIM in registers 90-95 says that this is a twin)
2, 3     schedule           int16,    0.001  rw: power in kW, uint16 length in s
4        schedule           uint16           rw: 1 begins it now; reads 0
10       power_kw           int32     0.001  r
12       energy_charged_kwh uint32    0.001  r
14       energy_discharged  uint32    0.001  r (kWh)
16       soc_pct            uint16    0.01   r
17       frequency_hz       uint16    0.001  r, 0 where there is none
18       alarm              uint16           r
20       capacity_kwh       uint16    0.01   r
21       soh_pct            uint16    0.01   r
22, 23   usable_kwh         uint16    0.01   r, then reserve_pct
30       telemetry time     uint32    0.001  r: seconds of the last poll of the battery
90-97    serial             string           r: starts with SIM
======== ================== ========= ====== =====================================================
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.links.base import RegisterKind
from instruments.twins.front import Front
from instruments.twins.world import World

__all__ = ["GatewayMap"]

_MODES = ("auto", "remote", "frequency_response", "charge", "discharge", "standby")
_COUNT = 100
_SERIAL = "SIM000004"
_SERIAL_AT = 90


class GatewayMap:
    """Registers in, registers out."""

    def __init__(self, world: World, gateway: Front, serial: str = _SERIAL) -> None:
        self._world, self._gateway, self._serial = world, gateway, serial
        self._schedule = {2: 0, 3: 0}

    @property
    def span(self) -> tuple[int, int]:
        """The first register and their number."""
        return 0, _COUNT

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return registers, or a Modbus exception code."""
        if unit != 1:
            return 11
        if kind != "holding":
            return 1
        if not 1 <= count <= 125:
            return 3
        if address < 0 or address + count > _COUNT:
            return 2
        return self._registers()[address : address + count]

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Relay a mode, a set-point or both; return a Modbus exception code, or None."""
        if unit != 1:
            return 11
        if kind != "holding":
            return 1
        if address < 0 or not 1 <= len(values) <= 5 - address:
            return 2
        new = dict(enumerate(values, start=address))
        mode = new.get(0)
        if mode is not None and mode >= len(_MODES):
            return 3
        power_set_kw = None
        if 1 in new:
            power_set_kw = _signed(new[1]) / 1000.0
            if abs(power_set_kw) > self._world.battery.config.rated_kw + 1e-9:
                return 3
        if mode is not None or power_set_kw is not None:
            self._gateway.command(power_set_kw=power_set_kw, mode=None if mode is None else _MODES[mode])
        for at in (2, 3):
            self._schedule[at] = new.get(at, self._schedule[at])
        if new.get(4) == 1:
            self._gateway.schedule(_signed(self._schedule[2]) / 1000.0, float(self._schedule[3]))
        return None

    def _registers(self) -> list[int]:
        heard, gateway = self._gateway.telemetry, self._gateway
        words = [0] * _COUNT
        words[0] = _MODES.index(gateway.mode)
        words[1] = round(1000.0 * gateway.power_set_kw) % 0x10000
        words[2], words[3] = self._schedule[2], self._schedule[3]
        for at, value in (
            (10, heard.power_kw),
            (12, heard.charged_kwh),
            (14, heard.discharged_kwh),
            (30, heard.t_s),
        ):
            raw = round(1000.0 * value) % 0x100000000
            words[at], words[at + 1] = raw >> 16, raw & 0xFFFF
        words[16] = round(100.0 * heard.soc_pct)
        words[18] = heard.alarm
        words[17] = min(round(1000.0 * (heard.frequency_hz or 0.0)), 0xFFFF)
        words[20] = round(100.0 * self._world.battery.config.capacity_kwh)
        words[21] = 10000
        config = self._world.battery.config
        words[22] = round(config.capacity_kwh * (config.soc_max_pct - config.soc_min_pct))
        words[23] = round(100.0 * self._world.battery.settings.reserve_pct)
        serial = self._serial.ljust(16, "\0").encode("ascii")
        words[_SERIAL_AT : _SERIAL_AT + 8] = [
            int.from_bytes(serial[i : i + 2], "big") for i in range(0, 16, 2)
        ]
        return words


def _signed(word: int) -> int:
    return word - 0x10000 if word >= 0x8000 else word
