"""The battery as physics: it samples the frequency, obeys commands late, moves its power stage."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from instruments.twins.agenda import Agenda
from instruments.twins.config import BatteryTwin
from instruments.twins.droop import Play
from instruments.twins.faults import FaultSet
from instruments.twins.house import House
from instruments.twins.limiter import Limiter
from instruments.twins.noise import uniform
from instruments.twins.sampling import Sampling
from instruments.twins.settings import Settings
from instruments.twins.source import Source
from instruments.twins.stage import respond
from instruments.twins.store import Store
from instruments.twins.trace import Piece, Trace

__all__ = ["Battery"]

_JITTER_S = 3.0
_SAG_AFTER_S, _SAG_RATIO = 120.0, 0.8
_BURST_S = 2.0
_LEAK_KW = 0.3
_SLOW_S = 8.0
_SATURATED_RATIO = 0.05
_FLOOR_FAULT_PCT = 10.0
_TRIP_AFTER_S = 240.0
_CRAWL_KW_PER_S = 0.001
_LATE_S = 2.5
_LOOK_S = 0.5
_DIP_FROM_S, _DIP_TO_S, _DIP_EVERY_S, _DIP_RATIO = 30.0, 40.0, 60.0, 0.7


class Battery:
    """Delivered power at the device point as a trace, and everything the device knows of itself.

    ``settings`` are what it has been told (its registers read so at once); what it acts on follows
    ``command_delay_s`` later. ``moved(t_s)`` is called when the planned power changes, ``told(quantity,
    value, t_s)`` when it is told something new.
    """

    def __init__(
        self,
        config: BatteryTwin,
        seed: int,
        agenda: Agenda,
        source: Source,
        house: House,
        gateway_export_delay_s: float = 0.0,
    ) -> None:
        self.config = config
        self.faults = FaultSet("battery", config.faults)
        self.sampling = Sampling(config.measurement_interval_s, seed)
        self.settings = Settings.at_start(config)
        self.power_kw = Trace(Piece(0.0, 0.0), signed=True)
        self.store = Store(config, self.power_kw)
        self.moved: Callable[[float], None] = lambda t_s: None
        self.told: Callable[[str, float | str, float], None] = lambda quantity, value, t_s: None
        self._seed, self._agenda, self._source, self._house = seed, agenda, source, house
        self._acting = self.settings
        self._play = Play()
        self._live = False
        self._droop_kw, self._droop_from, self._sample_due = 0.0, -1, False
        self._net_load_kw = self._felt_load_kw = house.net_load_kw(0.0)
        self.limiter = Limiter(config)
        self._gateway_export_delay_s = gateway_export_delay_s
        self._return_until_s = self._released_s = -1.0
        self._target_kw, self._life = 0.0, 0
        self._limit_s = self._woken_s = math.inf
        self._felt_hz, self._heat = 0.0, 0
        self._burst_until_s, self._sagging, self._tripped = -1.0, False, False
        self._dipping, self._orders = False, 0
        self._set_floor(0.0)

    # What others do to it

    def command(self, t_s: float, settings: Settings) -> None:
        """Take new settings; the power begins to change ``command_delay_s`` later."""
        old = self.settings
        if self.faults.active("stays_remote", t_s) and old.set_enabled:
            settings = replace(settings, set_enabled=True)
        if old.set_enabled and not settings.set_enabled and self.faults.active("forgets", t_s):
            settings = replace(settings, reserve_pct=0.0)
        if old.set_enabled and not settings.set_enabled:
            self._released_s = t_s
        self.settings = settings
        if settings.power_set_kw != old.power_set_kw:
            self.told("power_set_kw", settings.power_set_kw, t_s)
        if settings.mode != old.mode:
            self.told("mode", settings.mode, t_s)
        if settings != old and not self.faults.active("not_applied", t_s):
            self._agenda.at(t_s + self.config.command_delay_s, lambda at_s: self._obey(at_s, settings))

    def bus_changed(self, t_s: float) -> None:
        """Notice that the source was set anew: a dead bus stops the battery at once."""
        live = self._source.live(t_s)
        if live != self._live:
            self._live = live
            self._droop_kw, self._life = 0.0, self._life + 1
            self._play = Play()
            self._retarget(t_s)
        self._await_sample(t_s)

    def house_changed(self, t_s: float) -> None:
        """Notice another load or generation; self-consumption follows after the local delay."""
        net_load_kw = self._house.net_load_kw(t_s)
        self._agenda.at(t_s + self.config.delay_s, lambda at_s: self._cover(at_s, net_load_kw))
        felt_s = t_s + self.limiter.delay_s(self._gateway_export_delay_s)
        self._agenda.at(felt_s, lambda at_s: self._feel(at_s, net_load_kw))

    def limit_export(self, t_s: float, way: str, limit_kw: float) -> None:
        """Have the export held down from now on in another way, or at another limit."""
        self.limiter = Limiter(self.config, way, limit_kw)
        self._retarget(t_s)

    # What it knows of itself

    def shows_control(self, t_s: float) -> bool:
        """True where it says that it is under control: also for a while after it was let go."""
        late = 0.0 <= self._released_s <= t_s < self._released_s + self.config.mode_return_s
        return self.settings.set_enabled or late

    def measured_hz(self, t_s: float) -> float | None:
        """Return the frequency at its last sampling instant, as it reads it."""
        instant_s = self.sampling.instant_s(self._look(t_s, self.sampling.after(t_s) - 1, later=False))
        frequency_hz = self._source.frequency_hz(max(instant_s, 0.0))
        return None if frequency_hz is None else frequency_hz + self._offset_hz(t_s)

    def _offset_hz(self, t_s: float) -> float:
        wrong_hz = 0.03 if self.faults.active("frequency_offset", t_s) else 0.0
        return self.config.frequency_offset_hz + wrong_hz

    # Its own life, driven by the agenda

    def _await_sample(self, t_s: float) -> None:
        if not self._sample_due:
            self._sample_due = True
            k = self._look(t_s, self.sampling.after(t_s), later=True)
            self._agenda.at(self.sampling.instant_s(k), lambda at_s: self._sample(at_s, k))

    def _look(self, t_s: float, k: int, *, later: bool) -> int:
        """Return the sampling instant from ``k`` on (or before it) that a lazy device does not skip."""
        if not self.faults.active("slow_sampling", t_s):
            return k
        every = max(round(_LOOK_S / self.sampling.interval_s), 1)
        return -(-k // every) * every if later else k // every * every

    def _sample(self, t_s: float, k: int) -> None:
        self._sample_due = False
        frequency_hz = self._source.frequency_hz(t_s)
        if frequency_hz is None:
            return
        if self._source.deviation_hz.settled_at_s() > t_s:
            self._await_sample(t_s)  # otherwise the next samples would all say the same
        jitter_s = _JITTER_S * uniform(self._seed, "battery.jitter", k)
        delay_s = self.config.delay_s + (jitter_s if self.faults.active("jitter", t_s) else 0.0)
        delay_s += _LATE_S if self.faults.active("late_response", t_s) else 0.0
        deviation_hz = self._source.nominal_hz - (frequency_hz + self._offset_hz(t_s))
        hysteresis_hz = self.config.hysteresis_hz + (0.012 if self.faults.active("hysteretic", t_s) else 0.0)
        felt_hz = self._play.follow(deviation_hz, hysteresis_hz)
        life = self._life
        self._agenda.at(t_s + delay_s, lambda at_s: self._answer(at_s, k, life, felt_hz))

    def _answer(self, t_s: float, k: int, life: int, felt_hz: float) -> None:
        if life != self._life or k < self._droop_from:
            return  # the bus died in between, or a later sample was faster
        self._droop_from, self._felt_hz = k, felt_hz
        self._droop_kw = self._curve_kw(t_s, felt_hz)
        self._retarget(t_s)

    def _curve_kw(self, t_s: float, felt_hz: float) -> float:
        acting = self._acting
        if self.faults.active("soft_droop", t_s):
            acting = replace(
                acting,
                droop_under_ratio=1.6 * acting.droop_under_ratio,
                droop_over_ratio=1.6 * acting.droop_over_ratio,
            )
        if self.faults.active("soft_charging", t_s):
            acting = replace(acting, droop_over_ratio=1.6 * acting.droop_over_ratio)
        if self.faults.active("wide_dead_band", t_s):
            acting = replace(
                acting, dead_under_hz=acting.dead_under_hz + 0.02, dead_over_hz=acting.dead_over_hz + 0.02
            )
        curve = acting.curve(self.config.rated_kw, self._source.nominal_hz)
        return replace(curve, bend_per_hz=self.config.droop_bend_per_hz).power_kw(felt_hz)

    def _obey(self, t_s: float, settings: Settings) -> None:
        ends = settings.power_set_kw == 0.0 and self._acting.power_set_kw != 0.0
        if ends and self.faults.active("latched", t_s):
            settings = replace(settings, power_set_kw=self._acting.power_set_kw)
        released = self._acting.set_enabled and not settings.set_enabled
        if (ends or released) and self.faults.active("latched_at_end", t_s):
            settings = replace(settings, set_enabled=True, power_set_kw=self._acting.power_set_kw)
        elif (ends or released) and self.config.return_s:
            self._return_until_s = t_s + self.config.return_s
        elif settings.set_enabled and settings.power_set_kw != 0.0:
            self._return_until_s = -1.0  # a new command is obeyed at once
        if ends and self.faults.active("burst", t_s):
            self._burst_until_s = t_s + _BURST_S
            self._agenda.at(self._burst_until_s, self._retarget)
        self._acting = settings
        self._orders, self._dipping = self._orders + 1, False
        if self.faults.active("oscillates", t_s) and settings.power_set_kw != 0.0:
            self._await_dip(t_s + _DIP_FROM_S, self._orders)
        self._set_floor(t_s)
        self._droop_kw = self._curve_kw(t_s, self._felt_hz) if self._droop_from >= 0 else 0.0
        self._retarget(t_s)
        self._await_limit(t_s)

    def _cover(self, t_s: float, net_load_kw: float) -> None:
        self._net_load_kw = net_load_kw
        self._retarget(t_s)

    def _feel(self, t_s: float, net_load_kw: float) -> None:
        self._felt_load_kw = net_load_kw
        self._retarget(t_s)

    def reconsider(self, t_s: float) -> None:
        """Notice that a fault begins or ends."""
        self._set_floor(t_s)
        self._await_sample(t_s)
        self._retarget(t_s)
        self._await_limit(t_s)

    def _set_floor(self, t_s: float) -> None:
        floors_pct = [self.config.soc_min_pct, self._acting.reserve_pct]
        if self.faults.active("soc_floor", t_s):
            floors_pct.append(self.config.soc_pct - _FLOOR_FAULT_PCT)
        self.store.floor_kwh = self.store.capacity_kwh * max(floors_pct) / 100.0

    def _wanted_kw(self, t_s: float) -> float:
        acting, rated_kw, active = self._acting, self.config.rated_kw, self.faults.active
        wanted_kw = acting.power_set_kw if acting.set_enabled else 0.0
        if acting.frequency_enabled:
            wanted_kw += self._droop_kw
        elif not acting.set_enabled:
            wanted_kw = acting.own_kw(rated_kw, self._net_load_kw)
        wanted_kw = rated_kw if t_s < self._burst_until_s else min(wanted_kw, self.limiter.set_point_kw())
        low_kw = 0.0 if active("never_charges", t_s) else -rated_kw
        wanted_kw = min(max(wanted_kw, low_kw), rated_kw)
        if active("saturated", t_s):
            wanted_kw = min(max(wanted_kw, -_SATURATED_RATIO * rated_kw), _SATURATED_RATIO * rated_kw)
        if active("never_responds", t_s) or not acting.connected:
            wanted_kw = 0.0
        wanted_kw *= self.config.gain_ratio * (-1.0 if active("wrong_sign", t_s) else 1.0)
        wanted_kw *= 0.85 if active("gives_less", t_s) else 1.0
        wanted_kw *= 1.15 if active("gives_more", t_s) else 1.0
        wanted_kw *= _DIP_RATIO if self._dipping else 1.0
        return wanted_kw * (0.0 if self._tripped else _SAG_RATIO if self._sagging else 1.0)

    def _most_kw(self, t_s: float) -> float:
        """Return what the limiter of the export allows; a burst is what no limiter sees in time."""
        if t_s < self._burst_until_s:
            return math.inf
        never = self.faults.active("never_exports", t_s)
        leak_kw = _LEAK_KW if self.faults.active("leaks", t_s) else 0.0
        return self.limiter.most_kw(self._felt_load_kw, never=never) + leak_kw

    def _retarget(self, t_s: float) -> None:
        wanted_kw = self._wanted_kw(t_s) if self._live else 0.0
        target_kw = min(wanted_kw, self._most_kw(t_s))
        self._watch_heat(t_s, target_kw)
        if (target_kw > 0 and self.store.empty(t_s)) or (target_kw < 0 and self.store.full(t_s)):
            target_kw = 0.0
        now_kw = self.power_kw.value(t_s)
        if target_kw == self._target_kw and (self._live or now_kw == 0.0):
            return
        self._target_kw = target_kw
        tau_s = self._acting.time_constant_s + (_SLOW_S if self.faults.active("slow", t_s) else 0.0)
        ramp_kw_per_s = self.config.ramp_kw_per_s
        if self.faults.active("crawls", t_s):
            ramp_kw_per_s = min(ramp_kw_per_s, _CRAWL_KW_PER_S)
        if target_kw < min(wanted_kw, now_kw):
            tau_s, ramp_kw_per_s = self.config.export_time_constant_s, math.inf
        elif t_s < self._return_until_s:
            tau_s, ramp_kw_per_s = 0.0, abs(target_kw - now_kw) / (self._return_until_s - t_s)
        stage = respond(t_s, now_kw, target_kw, tau_s, ramp_kw_per_s)
        self.power_kw.plan(stage if self._live else [Piece(t_s, 0.0)])
        self._await_limit(t_s)
        self.moved(t_s)

    def _await_limit(self, t_s: float) -> None:
        """Be woken when the battery will be empty or full; never keep more than the earliest such date."""
        limit_s = self.store.next_limit_s(self.power_kw.from_on(t_s))
        self._limit_s = math.inf if limit_s is None else limit_s
        if self._limit_s < self._woken_s:
            self._woken_s = self._limit_s
            self._agenda.at(self._woken_s, self._check_limit)

    def _check_limit(self, t_s: float) -> None:
        if t_s < self._woken_s:
            return  # an older, later date took over
        self._woken_s = math.inf
        if t_s >= self._limit_s:
            self._retarget(t_s)
        if self._limit_s > t_s:
            self._await_limit(t_s)

    def _await_dip(self, t_s: float, order: int) -> None:
        def dip(at_s: float) -> None:
            if order == self._orders and self._acting.set_enabled:
                self._dipping = not self._dipping
                self._retarget(at_s)
                rest_s = _DIP_TO_S - _DIP_FROM_S
                self._await_dip(at_s + (rest_s if self._dipping else _DIP_EVERY_S - rest_s), order)

        self._agenda.at(t_s, dip)

    def _watch_heat(self, t_s: float, target_kw: float) -> None:
        if target_kw == 0.0:
            if not self._tripped or self._idle(t_s):
                self._sagging, self._tripped, self._heat = False, False, self._heat + 1
        elif self._target_kw == 0.0:
            self._heat = heat = self._heat + 1
            if self.faults.active("thermal_sag", t_s):
                self._agenda.at(t_s + _SAG_AFTER_S, lambda at_s: self._sag(at_s, heat))
            if self.faults.active("trips", t_s):
                self._agenda.at(t_s + _TRIP_AFTER_S, lambda at_s: self._trip(at_s, heat))

    def _idle(self, t_s: float) -> bool:
        """True where nothing would be asked of the power stage even if it had not tripped."""
        self._tripped = False
        wanted_kw = self._wanted_kw(t_s)
        self._tripped = True
        return wanted_kw == 0.0

    def _sag(self, t_s: float, heat: int) -> None:
        if heat == self._heat:
            self._sagging = True
            self._retarget(t_s)

    def _trip(self, t_s: float, heat: int) -> None:
        if heat == self._heat:
            self._tripped = True
            self._retarget(t_s)
