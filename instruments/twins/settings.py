"""What a battery has been told: the set-point, its own frequency response, and the mode these amount to."""

from __future__ import annotations

from dataclasses import dataclass

from instruments.twins.config import BatteryTwin
from instruments.twins.droop import Curve

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """Neither enabled: the battery runs by itself (self-consumption)."""

    set_enabled: bool
    power_set_kw: float
    frequency_enabled: bool
    dead_under_hz: float
    dead_over_hz: float
    droop_under_ratio: float
    droop_over_ratio: float
    low_pct: float
    time_constant_s: float
    reserve_pct: float
    connected: bool = True

    @property
    def mode(self) -> str:
        """The canonical mode. Charge, discharge and standby are ``remote`` with that set-point."""
        if self.frequency_enabled:
            return "frequency_response"
        return "remote" if self.set_enabled else "auto"

    def curve(self, rated_kw: float, nominal_hz: float) -> Curve:
        """Return the frequency response these settings ask for."""
        return Curve(
            rated_kw,
            nominal_hz,
            self.dead_under_hz,
            self.dead_over_hz,
            self.droop_under_ratio,
            self.droop_over_ratio,
            rated_kw * self.low_pct / 100.0,
        )

    @classmethod
    def at_start(cls, config: BatteryTwin) -> Settings:
        """Return the settings a battery wakes up with."""
        power_set_kw = {"charge": -config.rated_kw, "discharge": config.rated_kw}.get(config.mode, 0.0)
        return cls(
            set_enabled=config.mode in ("remote", "charge", "discharge", "standby"),
            power_set_kw=power_set_kw,
            frequency_enabled=config.mode == "frequency_response",
            dead_under_hz=config.dead_band_hz,
            dead_over_hz=config.dead_band_hz,
            droop_under_ratio=config.droop_pct / 100.0,
            droop_over_ratio=config.droop_pct / 100.0,
            low_pct=-100.0,
            time_constant_s=config.time_constant_s,
            reserve_pct=config.soc_min_pct,
        )
