"""What a simple dialect sees of a device: what it last heard, the mode and set-point it has, one command.

The gateway is one (late, and with old news); :class:`BatteryFront` is the battery itself, at once.
"""

from __future__ import annotations

from typing import Protocol

from instruments.twins.gateway import Telemetry
from instruments.twins.takeover import Takeover
from instruments.twins.world import World

__all__ = ["BatteryFront", "Front"]


class Front(Protocol):
    """A device that can be told a mode and a set-point."""

    @property
    def telemetry(self) -> Telemetry:
        """What it reports."""

    @property
    def mode(self) -> str:
        """The canonical mode it was told."""

    @property
    def power_set_kw(self) -> float:
        """The set-point it was told."""

    def command(self, *, power_set_kw: float | None = None, mode: str | None = None) -> None:
        """Take a command."""

    def schedule(self, power_kw: float, duration_s: float) -> None:
        """Take a schedule of one stretch that begins now."""


class BatteryFront:
    """The battery without a gateway before it."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def telemetry(self) -> Telemetry:
        """What it measures now."""
        battery, t_s = self._world.battery, self._world.now_s
        return Telemetry(
            t_s,
            battery.power_kw.value(t_s) * (-1.0 if battery.faults.active("reports_wrong_sign", t_s) else 1.0),
            battery.measured_hz(t_s),
            battery.config.soc_pct if battery.faults.active("stuck_soc", t_s) else battery.store.soc_pct(t_s),
            battery.store.discharged_kwh(t_s),
            battery.store.charged_kwh(t_s),
            battery.settings.mode,
            self._world.contact.alarm(t_s),
        )

    @property
    def mode(self) -> str:
        """The mode it has been told."""
        return self._world.battery.settings.mode

    @property
    def power_set_kw(self) -> float:
        """The set-point it has been told."""
        return self._world.battery.settings.power_set_kw

    def command(self, *, power_set_kw: float | None = None, mode: str | None = None) -> None:
        """Give the battery new settings now."""
        battery = self._world.battery
        battery.command(self._world.now_s, battery.settings.told(mode, power_set_kw))

    def schedule(self, power_kw: float, duration_s: float) -> None:
        """Have the battery begin a schedule of one stretch now."""
        takeover = Takeover(self._world)
        takeover.begin()
        self.command(mode="remote", power_set_kw=power_kw)
        self._world.agenda.at(self._world.now_s + duration_s, takeover.end)
