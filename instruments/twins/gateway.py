"""The gateway between an aggregator and the battery: it relays commands late and reports at intervals."""

from __future__ import annotations

from dataclasses import dataclass

from instruments.twins.config import GatewayTwin
from instruments.twins.faults import FaultSet
from instruments.twins.takeover import Takeover
from instruments.twins.world import World

__all__ = ["Gateway", "Telemetry"]


_LATE_S = 30.0


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
        self._was_linked, self._cuts, self._second_line = True, 0, False
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
        )

    @property
    def _linked(self) -> bool:
        """True where the gateway has its mains and its line to the battery."""
        return self._world.gateway_on and (self._world.lan_on or self._second_line)

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
        late_s = _LATE_S if self.faults.active("late_relay", now_s) else 0.0
        if not self.faults.active("not_applied", now_s):
            self._world.agenda.at(
                now_s + self.config.command_delay_s + late_s, lambda t_s: self._relay(t_s, power_set_kw, mode)
            )

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
        linked = self._linked
        if linked == self._was_linked:
            return
        self._was_linked = linked
        if not linked:
            self._cuts = cut = self._cuts + 1
            self._world.agenda.at(
                t_s + self._world.battery.config.watchdog_s, lambda at_s: self._lapse(at_s, cut)
            )
            if self.config.failover_s is not None and not self._world.lan_on:
                self._world.agenda.at(t_s + self.config.failover_s, lambda at_s: self._fail_over(at_s, cut))
        elif self.faults.active("resends", t_s):
            self._relay(t_s, self.power_set_kw, self.mode)
        else:
            self._adopt()

    def _fail_over(self, t_s: float, cut: int) -> None:
        if cut == self._cuts and not self._world.lan_on:
            self._second_line = True
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
