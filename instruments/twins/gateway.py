"""The gateway between an aggregator and the battery: it relays commands late and reports at intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from instruments.twins.config import GatewayTwin
from instruments.twins.faults import FaultSet
from instruments.twins.takeover import Takeover
from instruments.twins.world import World

__all__ = ["Gateway", "Telemetry"]


_LATE_S = 30.0
_UNEVEN_S, _COPY_S, _GAP_S = 1.5, 3.0, 1.5  # of the faults reorders, executes_twice, drops


@dataclass(frozen=True)
class Telemetry:
    """What the gateway last heard from the battery, and when."""

    t_s: float
    power_kw: float
    frequency_hz: float | None
    soc_pct: float
    discharged_kwh: float
    charged_kwh: float
    mode: str
    alarm: int


class Gateway:
    """Relays ``mode`` and ``power_set_kw`` after its own delay; polls the battery at fixed instants."""

    def __init__(self, config: GatewayTwin, world: World) -> None:
        self.config = config
        self.faults = FaultSet("gateway", config.faults)
        self._world = world
        self.power_set_kw = world.battery.settings.power_set_kw
        self.mode = world.battery.settings.mode
        self.telemetry = self._look(0.0)
        self._poll_number = 0
        self._takeover = Takeover(world)
        self._was_linked, self._cuts, self._second_line, self._restarting = True, 0, False, False
        self._sent, self._sent_s = 0, -math.inf
        self.hangs = False
        world.switched = self._switched
        self._await_poll()

    def _look(self, t_s: float) -> Telemetry:
        battery = self._world.battery
        return Telemetry(
            t_s,
            battery.power_kw.value(t_s),
            battery.measured_hz(t_s),
            battery.store.soc_pct(t_s),
            battery.store.discharged_kwh(t_s),
            battery.store.charged_kwh(t_s),
            battery.settings.mode,
            self._world.contact.alarm(t_s),
        )

    @property
    def _linked(self) -> bool:
        """True where the gateway runs and has a line to the battery."""
        return not self._restarting and self._has_line

    @property
    def _has_line(self) -> bool:
        return self._world.gateway_on and (self._world.lan_on or self._second_line)

    @property
    def answers(self) -> bool:
        """True where its own interface answers."""
        return self._world.gateway_on and not self.hangs

    def _await_poll(self) -> None:
        self._poll_number += 1
        self._world.agenda.at(self._poll_number * self.config.telemetry_interval_s, self._poll)

    def _poll(self, t_s: float) -> None:
        if not self.faults.active("silent", t_s) and self._linked:
            self.telemetry = self._look(t_s)
        self._await_poll()

    def command(self, *, power_set_kw: float | None = None, mode: str | None = None) -> None:
        """Take a command now and pass it on ``command_delay_s`` later."""
        now_s = self._world.now_s
        if power_set_kw is not None and power_set_kw != self.power_set_kw:
            self.power_set_kw = power_set_kw
            self._world.watch(now_s, "gateway", "power_set_kw", power_set_kw)
        if mode is not None and mode != self.mode:
            self.mode = mode
            self._world.watch(now_s, "gateway", "mode", mode)
        if self.faults.active("not_applied", now_s) or (power_set_kw is not None and self._loses(now_s)):
            return
        due_s = now_s + self.config.command_delay_s
        due_s += _LATE_S if self.faults.active("late_relay", now_s) else 0.0
        times = [due_s] if power_set_kw is None else self._times(now_s, due_s)
        for at_s in times:
            self._world.agenda.at(at_s, lambda t_s: self._relay(t_s, power_set_kw, mode))

    def _loses(self, now_s: float) -> bool:
        """Tell whether a set-point that comes now is lost: it follows another too soon."""
        gap_s = _GAP_S if self.faults.active("drops", now_s) else self.config.least_gap_s
        soon = now_s - self._sent_s < gap_s
        self._sent_s = now_s
        return soon

    def _times(self, now_s: float, due_s: float) -> list[float]:
        """Return when a set-point that is due at ``due_s`` is passed on, and perhaps once more."""
        self._sent += 1
        uneven_s = _UNEVEN_S if self.faults.active("reorders", now_s) else self.config.uneven_s
        copy_s = _COPY_S if self.faults.active("executes_twice", now_s) else self.config.copy_s
        due_s += uneven_s * (self._sent % 2)
        return [due_s] if copy_s is None else [due_s, due_s + copy_s]

    def schedule(self, power_kw: float, duration_s: float) -> None:
        """Take a schedule of one stretch that begins now, and pass it on."""

        def end(t_s: float) -> None:
            self._takeover.end(t_s)
            self._adopt()

        self.command(mode="remote", power_set_kw=power_kw)
        self._world.agenda.at(self._world.now_s + self.config.command_delay_s + duration_s, end)

    def _relay(self, t_s: float, power_set_kw: float | None, mode: str | None) -> None:
        if not self._linked:
            return  # what was on its way is lost
        battery = self._world.battery
        if mode == "remote":
            self._takeover.begin()
        elif mode is not None:
            self._takeover.let_go()
        battery.command(t_s, battery.settings.told(mode, power_set_kw))

    def _switched(self, t_s: float) -> None:
        """Notice that its mains or its line to the battery went, or came back."""
        self._second_line = self._second_line and not self._world.lan_on
        if not self._has_line and self._was_linked:
            self.hangs = self.hangs or self.faults.active("hangs", t_s)
            self._restarting = self.config.recovery_s > 0.0 or self.faults.active("stays_down", t_s)
        elif self._restarting and self._has_line and not self.faults.active("stays_down", t_s):
            cut = self._cuts
            self._world.agenda.at(t_s + self.config.recovery_s, lambda at_s: self._restarted(at_s, cut))
        linked = self._linked
        if linked == self._was_linked:
            return
        self._was_linked = linked
        if not linked:
            self._cuts = cut = self._cuts + 1
            self._world.agenda.at(t_s + self._valid_s(), lambda at_s: self._lapse(at_s, cut))
            if self.config.failover_s is not None and not self._world.lan_on:
                self._world.agenda.at(t_s + self.config.failover_s, lambda at_s: self._fail_over(at_s, cut))
        elif self.faults.active("resends", t_s):
            self._relay(t_s, self.power_set_kw, self.mode)
        else:
            self._adopt()

    def _restarted(self, t_s: float, cut: int) -> None:
        if cut == self._cuts and self._has_line:
            self._restarting = False
            self._switched(t_s)

    def _valid_s(self) -> float:
        """Return how long the last command acts now that nobody renews it."""
        config = self._world.battery.config
        line_s = config.watchdog_s if config.line_watchdog_s is None else config.line_watchdog_s
        return line_s if self._world.gateway_on else config.watchdog_s

    def _fail_over(self, t_s: float, cut: int) -> None:
        if cut == self._cuts and not self._world.lan_on:
            self._second_line, self._restarting = True, False
            self._switched(t_s)

    def _lapse(self, t_s: float, cut: int) -> None:
        """Nobody has renewed the command for as long as it is valid: the battery's own watchdog ends it."""
        if cut == self._cuts and not self._linked:
            self._takeover.end(t_s)

    def _adopt(self) -> None:
        """Take the battery's word for what is in force: a command that lapsed is not sent again."""
        if self._linked:
            self.mode, self.power_set_kw = (
                self._world.battery.settings.mode,
                self._world.battery.settings.power_set_kw,
            )
