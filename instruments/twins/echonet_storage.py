"""The battery (or the gateway before it) as an ECHONET Lite storage battery, class 0x027D.

Charging is positive in D3, as the class has it. DA = 43 discharges with EC (42 charges with EB) where C2 (C1)
is 03, else with all it can; an amount in AB or AA that is not zero ends it when it has flown. 44 is standby,
46 the battery's own control. There is no frequency response here: it cannot be switched on.

Behaviours that others have seen in real nodes, to be named in ``twin.battery.echonet``: see ``BEHAVIOURS``.
"""

from __future__ import annotations

from bench.config.station import Device
from instruments.twins.echonet_node import MAKER, unique_id
from instruments.twins.front import Front
from instruments.twins.world import World

__all__ = ["Storage"]

_RELEASE_R = b"\x00\x00\x52\x00"
_CHARGE, _DISCHARGE, _STANDBY, _AUTO = 0x42, 0x43, 0x44, 0x46
_LATE_S = 0.1
_CELL_V = 400.0
_SUPER = (0x80, 0x81, 0x82, 0x83, 0x88, 0x89, 0x8A, 0x8C, 0x8D, 0x97, 0x98)


class Storage:
    """One storage battery object.

    Args:
        front: what obeys and reports.
        role: for the serial number.
        behaviours: names of ``BEHAVIOURS`` in the twin's schema.
    """

    code = 0x027D01

    def __init__(
        self, world: World, front: Front, device: Device, role: str, behaviours: frozenset[str]
    ) -> None:
        self._world, self._front, self._device, self._role = world, front, device, role
        self._behaviours = behaviours
        rated_w = round(1000.0 * world.battery.config.rated_kw)
        self._rated_w, self._order = rated_w, 0
        self._raw = {0xC1: b"\x01", 0xC2: b"\x02", 0xA6: b"\x64", 0xA7: b"\x00"}
        self._raw |= {0xA7: bytes((round(world.battery.config.soc_min_pct),))}
        self._raw |= dict.fromkeys((0xAA, 0xAB, 0xEB, 0xEC), bytes(4))
        absent = {0xEB, 0xEC} if "no_power_setting" in behaviours else set()
        self.settable = frozenset({*self._raw, 0xDA} - absent)
        if "no_status" in behaviours:
            absent.add(0xCF)
        measured = {0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA8, 0xA9, 0xC7, 0xC8, 0xC9, 0xCF, 0xD0, 0xD1, 0xD2}
        measured |= {0xD3, 0xD4, 0xD5, 0xDB, 0xE2, 0xE4, 0xE5, 0xE6}
        self.gettable = frozenset({*_SUPER, *self._raw, 0xDA, *measured} - absent)
        self.announced = frozenset({0x80, 0x88, 0xC1, 0xC2, 0xAA, 0xAB, 0xCF, 0xDA} - absent)
        self._mode, self._seen = _AUTO, ("", 0.0)
        self._sync()

    def _sync(self) -> None:
        """Show what the device was told by others, or what it kept although it was told otherwise here."""
        now = (self._front.mode, self._front.power_set_kw)
        if now == self._seen:
            return
        self._seen = now
        mode, power_kw = now
        if mode in ("auto", "frequency_response"):
            self._mode = _AUTO
            return
        self._mode = _shown(power_kw)
        if self._mode != _STANDBY:
            self._raw[0xEC if power_kw > 0 else 0xEB] = _four(1000.0 * abs(power_kw))
            self._raw |= {0xC1: b"\x03", 0xC2: b"\x03"}

    def put(self, code: int, data: bytes) -> bool:
        """Take a setting; False where it is out of range, or this node refuses what it lists."""
        if code in (0xEB, 0xEC) and "refuses_listed" in self._behaviours:
            return False
        wanted = 1 if code in (0xC1, 0xC2, 0xA6, 0xA7, 0xDA) else 4
        value = int.from_bytes(data, "big")
        if len(data) != wanted or not self._allowed(code, value):
            return False
        if "ignores_set" in self._behaviours:
            return True
        late_s = _LATE_S if "late_change" in self._behaviours else 0.0
        if late_s:
            self._world.agenda.at(self._world.now_s + late_s, lambda t_s: self._apply(code, data))
        else:
            self._apply(code, data)
        return True

    def get(self, code: int) -> bytes | None:
        """Return a property's data."""
        self._sync()
        if code in self._raw:
            return self._raw[code]
        if code == 0xDA:
            return bytes((self._mode,))
        if code == 0xE5 and "mixed_sna" in self._behaviours:
            return None
        return self._fixed(code) or self._measured(code)

    def _allowed(self, code: int, value: int) -> bool:
        if code == 0xDA:
            return value in (_CHARGE, _DISCHARGE, _STANDBY, _AUTO)
        if code in (0xC1, 0xC2):
            return value in (1, 2, 3)
        if code in (0xA6, 0xA7):
            return value <= 100
        return value <= self._rated_w if code in (0xEB, 0xEC) else value <= 999_999_999

    def _apply(self, code: int, data: bytes) -> None:
        self._sync()
        if code == 0xDA:
            self._mode = data[0]
        else:
            self._raw[code] = data
        if code != 0xDA and self._mode not in (_CHARGE, _DISCHARGE):
            return
        self._order += 1
        mode = "auto" if self._mode == _AUTO else "remote"
        power_kw = self._front.power_set_kw if mode == "auto" else self._wanted_kw()
        self._command(mode, power_kw)

    def _command(self, mode: str, power_kw: float) -> None:
        self._seen = (mode, power_kw)
        self._front.command(mode=mode, power_set_kw=power_kw)

    def _wanted_kw(self) -> float:
        if self._mode == _STANDBY:
            return 0.0
        charging = self._mode == _CHARGE
        method, power, amount = (0xC1, 0xEB, 0xAA) if charging else (0xC2, 0xEC, 0xAB)
        watts = int.from_bytes(self._raw[power], "big") if self._raw[method] == b"\x03" else 0
        watts = watts or self._rated_w
        amount_wh = int.from_bytes(self._raw[amount], "big")
        if amount_wh:
            order = self._order
            self._world.agenda.at(
                self._world.now_s + 3600.0 * amount_wh / watts, lambda t_s: self._flown(order)
            )
        return (-watts if charging else watts) / 1000.0

    def _flown(self, order: int) -> None:
        if order == self._order:
            self._mode = _STANDBY
            self._command("remote", 0.0)

    def _fixed(self, code: int) -> bytes | None:
        config = self._world.battery.config
        capacity = _four(1000.0 * config.capacity_kwh)
        number = 2 if self._role == "gateway" else 1
        return {
            0x80: b"\x30",
            0x81: b"\x00",
            0x82: _RELEASE_R,
            0x83: unique_id(number),
            0x88: b"\x41" if self._front.telemetry.alarm else b"\x42",
            0x89: self._front.telemetry.alarm.to_bytes(2, "big"),
            0x8A: MAKER,
            0x8C: self._device.model.encode("ascii", "replace")[:12].ljust(12, b"\0"),
            0x8D: f"SIM00001{number}".encode().ljust(12, b"\0"),
            0x97: b"\x00\x00",
            0x98: bytes((0x07, 0xEA, 4, 1)),
            0xA0: capacity,
            0xA1: capacity,
            0xC7: capacity,
            0xC8: bytes(4) + _four(self._rated_w),
            0xC9: bytes(4) + _four(self._rated_w),
            0xD0: capacity,
            0xD1: (round(10000.0 * config.capacity_kwh / _CELL_V)).to_bytes(2, "big"),
            0xD2: round(_CELL_V).to_bytes(2, "big"),
            0xDB: b"\x00",
            0xE5: b"\x64",
            0xE6: b"\x04",
        }.get(code)

    def _measured(self, code: int) -> bytes | None:
        config, told = self._world.battery.config, self._front.telemetry
        stored_wh = 10.0 * config.capacity_kwh * told.soc_pct
        floor_wh = 10.0 * config.capacity_kwh * config.soc_min_pct
        top_wh = 10.0 * config.capacity_kwh * config.soc_max_pct
        values = {
            0xA2: top_wh - floor_wh,
            0xA3: top_wh - floor_wh,
            0xA4: max(top_wh - stored_wh, 0.0),
            0xA5: max(stored_wh - floor_wh, 0.0),
            0xA8: 1000.0 * told.charged_kwh,
            0xA9: 1000.0 * told.discharged_kwh,
            0xE2: stored_wh,
        }
        if code in values:
            return _four(values[code])
        if code == 0xD3:
            return round(-1000.0 * told.power_kw).to_bytes(4, "big", signed=True)
        if code == 0xD4:
            return round(-10000.0 * told.power_kw / _CELL_V).to_bytes(2, "big", signed=True)
        if code == 0xD5:
            return round(_CELL_V).to_bytes(2, "big")
        if code == 0xE4:
            return bytes((min(max(round(told.soc_pct), 0), 100),))
        if code == 0xCF:
            return bytes((_AUTO if self._mode == _AUTO else _shown(told.power_kw),))
        return None


def _four(value: float) -> bytes:
    return round(value).to_bytes(4, "big")


def _shown(power_kw: float) -> int:
    """Return what a battery does at this power; a few watts are standby."""
    return _STANDBY if abs(power_kw) < 0.005 else _DISCHARGE if power_kw > 0 else _CHARGE
