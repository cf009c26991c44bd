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

from collections.abc import Mapping

from instruments.twins.front import Front
from instruments.twins.word_map import WordMap
from instruments.twins.world import World

__all__ = ["GatewayMap"]

_MODES = ("auto", "remote", "frequency_response", "charge", "discharge", "standby")
_SERIAL = "SIM000004"


class GatewayMap(WordMap):
    """What a gateway tells and takes."""

    SETTABLE = 5

    def __init__(self, world: World, gateway: Front, serial: str = _SERIAL) -> None:
        super().__init__(serial)
        self._world, self._gateway = world, gateway
        self._schedule = {2: 0, 3: 0}

    def _take(self, new: Mapping[int, int]) -> int | None:
        """Relay a mode, a set-point or both; keep a schedule, and begin it."""
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

    def _words(self) -> Mapping[int, int]:
        heard, gateway = self._gateway.telemetry, self._gateway
        battery = self._world.battery
        config = battery.config
        words = {
            0: _MODES.index(gateway.mode),
            1: round(1000.0 * gateway.power_set_kw) % 0x10000,
            **self._schedule,
            16: round(100.0 * heard.soc_pct),
            17: min(round(1000.0 * (heard.frequency_hz or 0.0)), 0xFFFF),
            18: heard.alarm,
            20: round(100.0 * config.capacity_kwh),
            21: 10000,
            22: round(config.capacity_kwh * (config.soc_max_pct - config.soc_min_pct)),
            23: round(100.0 * battery.settings.reserve_pct),
        }
        for at, value in (
            (10, heard.power_kw),
            (12, heard.charged_kwh),
            (14, heard.discharged_kwh),
            (30, heard.t_s),
        ):
            raw = round(1000.0 * value) % 0x100000000
            words[at], words[at + 1] = raw >> 16, raw & 0xFFFF
        return words


def _signed(word: int) -> int:
    return word - 0x10000 if word >= 0x8000 else word
