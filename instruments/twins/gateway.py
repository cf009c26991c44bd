"""The gateway between an aggregator and the battery: it relays commands late and reports at intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace

from instruments.twins.config import GatewayTwin
from instruments.twins.faults import FaultSet
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
        return self._world.gateway_on and self._world.lan_on

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

    def _relay(self, t_s: float, power_set_kw: float | None, mode: str | None) -> None:
        if not self._linked:
            return  # what was on its way is lost
        battery = self._world.battery
        settings = battery.settings
        if mode is not None:
            settings = replace(
                settings,
                set_enabled=mode in ("remote", "charge", "discharge", "standby"),
                frequency_enabled=mode == "frequency_response",
            )
        if power_set_kw is not None:
            settings = replace(settings, power_set_kw=power_set_kw)
        battery.command(t_s, settings)
