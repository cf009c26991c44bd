"""The energy in the battery: what power does to it, and when it will be empty or full."""

from __future__ import annotations

import math
from collections.abc import Sequence

from instruments.twins.config import BatteryTwin
from instruments.twins.trace import Piece, Trace

__all__ = ["Store"]

_SECONDS = 3600.0
_TINY_KWH = 1e-9  # a rounding error short of the limit is at the limit


class Store:
    """State of charge by integrating the delivered AC power.

    A kilowatt hour discharged takes ``1 / efficiency`` out; one charged brings ``efficiency`` in.
    """

    def __init__(self, config: BatteryTwin, power_kw: Trace) -> None:
        self._power_kw = power_kw
        self._efficiency = config.efficiency_ratio
        self.capacity_kwh = config.capacity_kwh
        self._start_kwh = config.capacity_kwh * config.soc_pct / 100.0
        self.floor_kwh = config.capacity_kwh * config.soc_min_pct / 100.0
        self.ceiling_kwh = config.capacity_kwh * config.soc_max_pct / 100.0

    def discharged_kwh(self, t_s: float) -> float:
        """Return the AC energy given since the start."""
        return self._power_kw.positive_integral(t_s) / _SECONDS

    def charged_kwh(self, t_s: float) -> float:
        """Return the AC energy taken since the start."""
        taken = self._power_kw.positive_integral(t_s) - self._power_kw.integral(t_s)
        return max(taken, 0.0) / _SECONDS

    def stored_kwh(self, t_s: float) -> float:
        """Return what is in the battery."""
        out_kwh = self.discharged_kwh(t_s) / self._efficiency
        return self._start_kwh - out_kwh + self.charged_kwh(t_s) * self._efficiency

    def soc_pct(self, t_s: float) -> float:
        """Return the state of charge."""
        return 100.0 * self.stored_kwh(t_s) / self.capacity_kwh

    def empty(self, t_s: float) -> bool:
        """True where nothing more may be taken out."""
        return self.stored_kwh(t_s) <= self.floor_kwh + _TINY_KWH

    def full(self, t_s: float) -> bool:
        """True where nothing more may be put in."""
        return self.stored_kwh(t_s) >= self.ceiling_kwh - _TINY_KWH

    def next_limit_s(self, pieces: Sequence[Piece]) -> float | None:
        """Return when power that follows ``pieces`` empties or fills the battery; None if it never does.

        The pieces begin now and keep one sign each. A limit already passed does not count again.
        """
        stored_kwh = self.stored_kwh(pieces[0].t_s)
        for index, piece in enumerate(pieces):
            last = index + 1 == len(pieces)
            length_s = math.inf if last else pieces[index + 1].t_s - piece.t_s
            mean_kw = piece.level if last else (piece.integral(length_s) / length_s if length_s else 0.0)
            rate = 1.0 / self._efficiency if mean_kw > 0 else self._efficiency
            limit_kwh = self.floor_kwh if mean_kw > 0 else self.ceiling_kwh
            wanted = (stored_kwh - limit_kwh) * _SECONDS / rate  # the integral at which the limit is met
            ahead = wanted > 0 if mean_kw > 0 else wanted < 0
            if mean_kw and ahead:
                if last:
                    return piece.t_s + wanted / piece.level
                if abs(piece.integral(length_s)) >= abs(wanted):
                    return piece.t_s + _reach(piece, wanted, length_s)
            if not last:
                stored_kwh -= piece.integral(length_s) * rate / _SECONDS
        return None


def _reach(piece: Piece, wanted: float, length_s: float) -> float:
    """Return when the integral of a piece of one sign comes to ``wanted``, by bisection to the last bit."""
    low_s, high_s = 0.0, length_s
    while True:
        middle_s = 0.5 * (low_s + high_s)
        if not low_s < middle_s < high_s:
            return high_s
        if abs(piece.integral(middle_s)) < abs(wanted):
            low_s = middle_s
        else:
            high_s = middle_s
