"""The AC source as physics: what its terminals carry after each setting."""

from __future__ import annotations

import math

from instruments.twins.config import SourceTwin
from instruments.twins.faults import FaultSet
from instruments.twins.trace import Piece, Trace

__all__ = ["Source"]

_COARSE_HZ = 0.05
_FAULT_OFFSET_HZ = 0.03
_LOW_VOLTAGE_RATIO = 0.92
_WANDER_HZ, _WANDER_S = 0.015, 97.0
_SLOW_HZ_PER_S = 0.1
_DWELL_S = 8.0
_SAG_FROM_S, _SAG_TO_S, _SAG_EVERY_S = 30.0, 33.0, 60.0


class Source:
    """Frequency, voltage and output of the bus.

    ``deviation_hz`` (from nominal), ``voltage_v`` and ``energised`` (0 or 1) are traces of what the terminals
    carry; ``set_hz`` and ``set_v`` are what the instrument says it was set to.
    """

    def __init__(self, config: SourceTwin, nominal_hz: float) -> None:
        self._config = config
        self.faults = FaultSet("source", config.faults)
        self.nominal_hz = nominal_hz
        self.list_points = config.list_points
        self.set_hz = nominal_hz
        self.set_v = 0.0
        self.output = False
        self.settings = 0
        self._fallen = False
        self.deviation_hz = Trace(Piece(0.0, self._delivered_hz(0.0) - nominal_hz))
        self.voltage_v = Trace(Piece(0.0, 0.0))
        self.energised = Trace(Piece(0.0, 0.0))
        self.traces = (self.deviation_hz, self.voltage_v, self.energised)

    def set_frequency(self, t_s: float, frequency_hz: float) -> None:
        """Go to a frequency, rounded to what the instrument can set, at its slew rate."""
        steps = round(frequency_hz / self._config.resolution_hz)
        self.set_hz = round(steps * self._config.resolution_hz, 9)
        self.settings += 1
        self._fallen = False
        self._go(t_s)

    beat_s = 1.0

    @property
    def restless(self) -> bool:
        """True where a fault moves the terminals though nobody sets anything."""
        return self.faults.named("wanders") or self.faults.named("sag")

    def falls_back_after_s(self, t_s: float) -> float | None:
        """Return after how long the source will leave the frequency just set; None where it stays."""
        short = self.faults.active("short_dwell", t_s) and self.set_hz != self.nominal_hz
        return _DWELL_S if short else None

    def fall_back(self, t_s: float) -> None:
        """Go to nominal though something else is set."""
        self._fallen = True
        self._go(t_s)

    def reconsider(self, t_s: float) -> None:
        """Go where the settings lead now that a fault begins or ends."""
        self._go(t_s)
        self._power(t_s)

    def _go(self, t_s: float) -> None:
        if self.faults.active("stuck", t_s):
            return
        target = self._delivered_hz(t_s) - self.nominal_hz
        now = self.deviation_hz.value(t_s)
        slew = self._config.slew_hz_per_s
        if self.faults.active("slow_slew", t_s):
            slew = min(slew, _SLOW_HZ_PER_S)
        pieces = [Piece(t_s, target)]
        if math.isfinite(slew) and target != now:
            slope = math.copysign(slew, target - now)
            pieces = [Piece(t_s, now, slope=slope), Piece(t_s + abs(target - now) / slew, target)]
        self.deviation_hz.plan(pieces)

    def _delivered_hz(self, t_s: float) -> float:
        asked_hz = self.nominal_hz if self._fallen else self.set_hz
        if self.faults.active("coarse", t_s):
            asked_hz = round(asked_hz / _COARSE_HZ) * _COARSE_HZ
        wrong_hz = _FAULT_OFFSET_HZ if self.faults.active("offset", t_s) else 0.0
        if self.faults.active("wanders", t_s):
            wrong_hz += _WANDER_HZ * math.sin(2.0 * math.pi * t_s / _WANDER_S)
        return asked_hz + self._config.offset_hz + wrong_hz

    def set_voltage(self, t_s: float, voltage_v: float) -> None:
        """Go to a voltage at once."""
        self.set_v = voltage_v
        self._power(t_s)

    def set_output(self, t_s: float, on: bool) -> None:
        """Close or open the output."""
        self.output = on
        self._power(t_s)

    def _power(self, t_s: float) -> None:
        sags = self.faults.active("sag", t_s) and _SAG_FROM_S <= t_s % _SAG_EVERY_S < _SAG_TO_S
        lost = _LOW_VOLTAGE_RATIO if sags or self.faults.active("low_voltage", t_s) else 1.0
        voltage_v = self.set_v * lost if self.output else 0.0
        self.voltage_v.plan([Piece(t_s, voltage_v)])
        self.energised.plan([Piece(t_s, 1.0 if voltage_v > 0 else 0.0)])

    def live(self, t_s: float) -> bool:
        """True where the bus carries a voltage."""
        return self.energised.value(t_s) > 0.5

    def frequency_hz(self, t_s: float) -> float | None:
        """Return the frequency of the bus; None where it is dead."""
        return self.nominal_hz + self.deviation_hz.value(t_s) if self.live(t_s) else None

    def forget(self, before_s: float) -> None:
        """Drop the history before ``before_s``."""
        for trace in self.traces:
            trace.forget(before_s)
