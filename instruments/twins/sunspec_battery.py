"""The battery's dialect: a SunSpec device on Modbus, from register 40000.

How each canonical mode is expressed, so that a driver can be written from the SunSpec meaning alone:

==================== ==================== =============== ==========================================
mode                 704 ``WSetEna``      711 ``Ena``     power
==================== ==================== =============== ==========================================
auto                 0                    0               its own self-consumption control
remote               1                    0               704 ``WSet`` (``WSetMod`` 1) or ``WSetPct`` (0)
frequency_response   0 or 1               1               droop of 711, on top of the set-point if enabled
standby              1                    0               ``WSet`` = 0
charge               1                    0               ``WSet`` < 0
discharge            1                    0               ``WSet`` > 0
==================== ==================== =============== ==========================================

SunSpec has no register for the last three: they are ``remote`` with that sign of the set-point, and read back
as ``remote``.
Signs: 701 ``W`` is positive for generation, that is discharge, and 704 ``WSet`` uses the same sense.
702 ``WDisChaRteMaxRtg`` and ``WChaRteMaxRtg`` bound the set-point; a write beyond them gets exception 3.
802 ``LocRemCtl`` always says REMOTE and decides nothing; 802 ``SetOp`` 2 disconnects the battery (no power),
1 connects it. The model text gives no sign for 802 ``W`` and ``A``: here discharge is positive.
711: ``K`` is the per-unit frequency change for one per unit of the rated power (droop 4 % is 0.04), ``Db`` a
half width that is subtracted, ``RspTms`` the power stage's time to 90 % after its dead time, ``PMin`` the
lowest power of the response in percent of the rating.
802: ``SoCRsvMin`` is the state of charge that is kept back; the battery's own ``SoCMin`` stands below it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bench.config.station import Device
from bench.links.base import RegisterKind
from instruments.twins import sunspec_points as points
from instruments.twins.report import Refresh, reported
from instruments.twins.sunspec_image import BASE, Image, Point
from instruments.twins.sunspec_writes import RefusedError, read_settings
from instruments.twins.world import World

__all__ = ["ILLEGAL_ADDRESS", "ILLEGAL_FUNCTION", "ILLEGAL_VALUE", "SunSpecBattery"]

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, BUSY, NO_SUCH_UNIT = 1, 2, 3, 6, 11
_UNIT = 1
_READ_COUNT, _WRITE_COUNT = 125, 123
_REMEMBERED = 64  # stretches: hostile input must not fill the memory
_RESTART_KWH = 0.05
_HIGH_RATIO = 1.2


class SunSpecBattery:
    """Registers in, registers out. The wire and the lock are somebody else's."""

    def __init__(self, world: World, device: Device, nominal_v: float) -> None:
        self._world, self._battery = world, world.battery
        self._start_soc_pct = world.battery.config.soc_pct
        models = points.at_start(world.battery, device, nominal_v)
        if world.battery.faults.active("no_soh", world.now_s):
            for values in models.values():
                values.pop("SoH", None)
        self.image = Image(models)
        self._scale = {
            key: 10.0 ** (self.image.get(key[0], key[1]) or 0)
            for key in self.image.points
            if key[1].endswith("_SF")
        }
        self._live = dict(reported(world, self._live_points()))
        if world.battery.config.mode_return_s:
            self._live[704, "WSetEna"] = lambda: float(world.battery.shows_control(world.now_s))
        self._stretches: dict[tuple[int, int], list[tuple[tuple[int, str], Refresh]]] = {}

    @property
    def span(self) -> tuple[int, int]:
        """The first register and their number."""
        return BASE, len(self.image.registers)

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return registers as they are now, or a Modbus exception code."""
        if unit != _UNIT:
            return NO_SUCH_UNIT
        if self._battery.faults.active("busy", self._world.now_s):
            return BUSY
        if kind != "holding":
            return ILLEGAL_FUNCTION
        if not 1 <= count <= _READ_COUNT:
            return ILLEGAL_VALUE
        if not self.image.holds(address, count):
            return ILLEGAL_ADDRESS
        for (model, name), refresh in self._live_in(address, count):
            raw = refresh()
            self.image.set(model, name, None if raw is None else round(raw))
        return self.image.registers[address - BASE : address - BASE + count]

    def _live_in(self, address: int, count: int) -> list[tuple[tuple[int, str], Refresh]]:
        """Return what is measured in the stretch; a client asks for the same one again and again."""
        key = address, count
        if key not in self._stretches:
            if len(self._stretches) >= _REMEMBERED:
                self._stretches.clear()
            points_in = [(point.model, point.name) for point in self.image.between(address, count)]
            self._stretches[key] = [(point, self._live[point]) for point in points_in if point in self._live]
        return self._stretches[key]

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Apply a write as a whole, or refuse all of it with a Modbus exception code."""
        if unit != _UNIT:
            return NO_SUCH_UNIT
        if self._battery.faults.active("busy", self._world.now_s):
            return BUSY
        if kind != "holding":
            return ILLEGAL_FUNCTION
        count = len(values)
        if not 1 <= count <= _WRITE_COUNT:
            return ILLEGAL_VALUE
        touched = self.image.between(address, count)
        known = points.WRITABLE
        whole = all(p.address >= address and p.address + p.length <= address + count for p in touched)
        covered = sum(p.length for p in touched) == count
        if not (self.image.holds(address, count) and whole and covered):
            return ILLEGAL_ADDRESS
        if any(not p.writable or (p.model, p.name) not in known for p in touched):
            return ILLEGAL_ADDRESS
        return self._apply(touched, address, values)

    def _apply(self, touched: list[Point], address: int, values: Sequence[int]) -> int | None:
        new: dict[tuple[int, str], int] = {}
        for point in touched:
            raw = self.image.decode(point, values[point.address - address :][: point.length])
            if raw is None:
                return ILLEGAL_VALUE
            if raw != self.image.get(point.model, point.name):
                new[point.model, point.name] = raw
        now_s = self._world.now_s
        if any(point.model == 704 for point in touched) and self._battery.faults.active("refuses", now_s):
            return ILLEGAL_VALUE
        try:
            settings = read_settings(self._battery, self._value, {**self._set_points(), **new}, new)
        except RefusedError:
            return ILLEGAL_VALUE
        for (model, name), raw in new.items():
            self.image.set(model, name, raw)
        self._battery.command(now_s, settings)
        for key, raw in points.settings(self._battery.settings).items():
            self.image.set(*key, raw)  # a release that was ignored must read so
        return None

    def _set_points(self) -> dict[tuple[int, str], int]:
        names = ("WSetMod", "WSet", "WSetPct")
        return {(704, name): self.image.get(704, name) or 0 for name in names}

    def _value(self, model: int, name: str, raw: int) -> float:
        return raw * self._scale.get((model, points.SCALES.get((model, name), "")), 1.0)

    def _live_points(self) -> dict[tuple[int, str], Refresh]:
        """Return how each measured point is read, in raw units."""
        world, battery, store = self._world, self._battery, self._battery.store

        first: dict[str, float] = {}

        def power_w() -> float:
            power_kw = battery.config.meter_gain_ratio * battery.power_kw.value(world.now_s)
            said_kw = battery.config.report_gain_ratio * power_kw
            if battery.faults.active("reports_old", world.now_s):
                said_kw = first.setdefault("kw", power_kw)
            if battery.faults.active("reports_high", world.now_s):
                said_kw *= _HIGH_RATIO
            if battery.faults.active("reports_wrong_sign", world.now_s):
                said_kw = -said_kw
            return 1000.0 * said_kw

        def counted_kwh(true_kwh: float, *, creeps: bool) -> float:
            creep_kwh = battery.config.meter_creep_kw * world.now_s / 3600.0 if creeps else 0.0
            counted = battery.config.meter_gain_ratio * true_kwh + creep_kwh
            return counted % _RESTART_KWH if battery.faults.active("restarts", world.now_s) else counted

        def voltage_v() -> float:
            return world.source.voltage_v.value(world.now_s)

        def soc_pct() -> float:
            stuck = battery.faults.active("stuck_soc", world.now_s)
            if stuck:
                return self._start_soc_pct
            fast = battery.faults.active("fast_soc", world.now_s)
            moved = store.soc_pct(world.now_s) - self._start_soc_pct
            return min(max(self._start_soc_pct + moved * (2.0 if fast else 1.0), 0.0), 100.0)

        def charge_state() -> float:
            watts = power_w()
            if watts:
                return 3 if watts > 0 else 4
            return 2 if store.empty(world.now_s) else 5 if store.full(world.now_s) else 6

        def bank_state() -> float:
            if not battery.settings.connected:
                return 1
            return 5 if store.empty(world.now_s) or store.full(world.now_s) else 3

        def live() -> bool:
            return world.source.live(world.now_s)

        def told(fault: str, read: Callable[[], float]) -> Refresh:
            return lambda: None if battery.faults.active(fault, world.now_s) else read()

        values: dict[tuple[int, str], Refresh] = {
            (701, "St"): lambda: 1.0,
            (701, "InvSt"): lambda: (3 if power_w() else 7) if live() else 0,
            (701, "ConnSt"): lambda: float(live() and battery.settings.connected),
            (701, "W"): told("blank_power", power_w),
            (701, "VA"): lambda: abs(power_w()),
            (701, "Var"): lambda: 0.0,
            (701, "PF"): lambda: -1.0 if power_w() < 0 else 1.0,
            (701, "A"): lambda: abs(power_w()) / voltage_v() if live() else 0.0,
            (701, "LLV"): voltage_v,
            (701, "Alrm"): lambda: world.contact.alarm(world.now_s),
            (701, "Hz"): told("blank_frequency", lambda: battery.measured_hz(world.now_s) or 0.0),
            (701, "TotWhInj"): lambda: 1000.0 * counted_kwh(store.discharged_kwh(world.now_s), creeps=True),
            (701, "TotWhAbs"): lambda: 1000.0 * counted_kwh(store.charged_kwh(world.now_s), creeps=False),
            (713, "SoC"): soc_pct,
            (713, "WHAvail"): lambda: 10.0 * store.capacity_kwh * soc_pct(),
            (802, "SoC"): soc_pct,
            (802, "DoD"): lambda: 100.0 - soc_pct(),
            (802, "ChaSt"): charge_state,
            (802, "State"): bank_state,
            (802, "Hb"): lambda: math.floor(world.now_s) % 60000,
            (802, "V"): lambda: points.DC_V,
            (802, "W"): power_w,
            (802, "A"): lambda: power_w() / points.DC_V,
        }
        return {key: self._raw(key, read) for key, read in values.items()}

    def _raw(self, key: tuple[int, str], read: Refresh) -> Refresh:
        scale = self._scale.get((key[0], points.SCALES.get(key, "")), 1.0)

        def raw() -> float | None:
            value = read()
            return None if value is None else value / scale

        return raw
