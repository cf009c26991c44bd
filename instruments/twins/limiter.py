"""What holds the export of the house down: a fixed cap of the battery, its own function, or the gateway."""

from __future__ import annotations

import math
from dataclasses import dataclass

from instruments.twins.config import BatteryTwin

__all__ = ["Limiter"]


@dataclass(frozen=True)
class Limiter:
    """The way and the limit in force.

    ``fixed`` bounds the set-point of the battery; ``own`` and ``gateway`` bound its power by the net load of
    the house as they last felt it, each after its own delay.
    """

    config: BatteryTwin
    way: str = "off"
    limit_kw: float = 0.0

    def delay_s(self, gateway_delay_s: float) -> float:
        """Return how late a change of the house is felt."""
        return gateway_delay_s if self.way == "gateway" else self.config.export_delay_s

    def set_point_kw(self) -> float:
        """Return the most that may be asked of the battery."""
        return max(self.limit_kw, 0.0) if self.way == "fixed" else math.inf

    def most_kw(self, felt_net_load_kw: float, *, never: bool) -> float:
        """Return the most that the battery may give beside the net load it feels.

        ``never`` is the fault of a battery that keeps its house from exporting whatever it was told.
        """
        if not never and self.way not in ("own", "gateway"):
            return math.inf
        limit_kw = 0.0 if never else self.limit_kw / self.config.export_scale_ratio
        return max(felt_net_load_kw + limit_kw - self.config.export_margin_kw, 0.0)
