"""When the battery looks at the frequency: fixed instants, with a phase of its own."""

from __future__ import annotations

import math

from instruments.twins.noise import uniform

__all__ = ["Sampling"]


class Sampling:
    """Instants ``phase + k * interval``; the phase comes from the seed."""

    def __init__(self, interval_s: float, seed: int) -> None:
        self.interval_s = interval_s
        self.phase_s = interval_s * uniform(seed, "battery.sampling", 0)

    def instant_s(self, k: int) -> float:
        """Return the ``k``-th instant."""
        return self.phase_s + k * self.interval_s

    def after(self, t_s: float) -> int:
        """Return the number of the first instant later than ``t_s``."""
        k = math.floor((t_s - self.phase_s) / self.interval_s)
        while self.instant_s(k) > t_s:
            k -= 1
        while self.instant_s(k) <= t_s:
            k += 1
        return k
