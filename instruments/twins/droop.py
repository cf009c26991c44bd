"""The local frequency response: power over frequency, with dead band, hysteresis and a limit."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Curve", "Play"]


@dataclass(frozen=True)
class Curve:
    """Droop on rated power. Over and under frequency may differ, as SunSpec model 711 allows.

    ``droop_ratio`` is the per-unit frequency change that moves the output by the rated power; the dead
    band is subtracted: the response starts from zero at its edge.
    """

    rated_kw: float
    nominal_hz: float
    dead_under_hz: float
    dead_over_hz: float
    droop_under_ratio: float
    droop_over_ratio: float
    low_kw: float
    bend_per_hz: float = 0.0
    """How much steeper it gets per Hz beyond the dead band; 0 is a straight line."""

    def power_kw(self, deviation_hz: float) -> float:
        """Return the response to ``deviation_hz`` = nominal - frequency; discharge is positive."""
        if deviation_hz >= 0:
            beyond_hz = max(deviation_hz - self.dead_under_hz, 0.0)
            power_kw = self.rated_kw * self._bent(beyond_hz) / (self.droop_under_ratio * self.nominal_hz)
        else:
            beyond_hz = max(-deviation_hz - self.dead_over_hz, 0.0)
            power_kw = -self.rated_kw * self._bent(beyond_hz) / (self.droop_over_ratio * self.nominal_hz)
        return min(max(power_kw, self.low_kw), self.rated_kw)

    def _bent(self, beyond_hz: float) -> float:
        return beyond_hz * (1.0 + self.bend_per_hz * beyond_hz)


class Play:
    """Backlash: the output follows the input only once the slack is taken up.

    With half width ``h`` an edge at ``b`` is passed at ``b + h`` on the way out and at ``b - h`` on the
    way back, so half the horizontal gap between the branches is ``h``.
    """

    def __init__(self) -> None:
        self._output_hz = 0.0

    def follow(self, deviation_hz: float, half_width_hz: float) -> float:
        """Return the deviation with the slack taken out; the same input twice changes nothing."""
        low_hz, high_hz = deviation_hz - half_width_hz, deviation_hz + half_width_hz
        self._output_hz = min(max(self._output_hz, low_hz), high_hz)
        return self._output_hz
