"""What a simple dialect sees of a device: what it last heard, the mode and set-point it has, one command.

The gateway is one (late, and with old news); :class:`BatteryFront` is the battery itself, at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from instruments.twins.gateway import Telemetry
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
        settings = battery.settings
        if mode is not None:
            settings = replace(
                settings,
                set_enabled=mode in ("remote", "charge", "discharge", "standby"),
                frequency_enabled=mode == "frequency_response",
            )
        if power_set_kw is not None:
            settings = replace(settings, power_set_kw=power_set_kw)
        battery.command(self._world.now_s, settings)
