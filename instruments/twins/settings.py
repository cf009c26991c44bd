"""What a battery has been told: the set-point, its own frequency response, and the mode these amount to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from instruments.twins.config import BatteryTwin
from instruments.twins.droop import Curve

__all__ = ["OWN_MODES", "Settings"]

OWN_MODES = ("auto", "charge", "discharge", "standby")


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
    own_mode: str = "auto"

    @property
    def mode(self) -> str:
        """The canonical mode; what it does by itself where nobody has taken it over."""
        if self.frequency_enabled:
            return "frequency_response"
        return "remote" if self.set_enabled else self.own_mode

    def told(self, mode: str | None, power_set_kw: float | None) -> Settings:
        """Return the settings after a mode, a set-point or both."""
        found = self
        if mode is not None:
            found = replace(
                found,
                set_enabled=mode == "remote",
                frequency_enabled=mode == "frequency_response",
                own_mode=mode if mode in OWN_MODES else found.own_mode,
            )
        return found if power_set_kw is None else replace(found, power_set_kw=power_set_kw)

    def own_kw(self, rated_kw: float, net_load_kw: float) -> float:
        """Return the power of what it does by itself."""
        return {"charge": -rated_kw, "discharge": rated_kw, "standby": 0.0}.get(self.own_mode, net_load_kw)

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
            droop_over_ratio=(config.droop_over_pct or config.droop_pct) / 100.0,
            low_pct=-100.0,
            time_constant_s=config.time_constant_s,
            reserve_pct=config.soc_min_pct,
        )
