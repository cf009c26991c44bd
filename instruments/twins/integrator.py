"""The analyzer's energy integration: watt hours since it was started, refreshed with each window."""

from __future__ import annotations

from instruments.twins.analyzer import Analyzer
from instruments.twins.world import World

__all__ = ["Integrator"]

_SECONDS = 3600.0


class Integrator:
    """``WH`` is the net energy, ``WP`` the positive and ``WM`` the negative part, ``TIME`` seconds."""

    def __init__(self, world: World, analyzer: Analyzer) -> None:
        self._world, self._analyzer = world, analyzer
        self.state = "RESET"
        self._from: tuple[float, list[tuple[float, float]]] | None = None
        self._held: tuple[float, list[tuple[float, float]]] | None = None

    def _totals(self, t_s: float) -> tuple[float, list[tuple[float, float]]]:
        traces = (self._world.device_kw, self._world.receiving_kw)
        return t_s, [(trace.integral(t_s), trace.positive_integral(t_s)) for trace in traces]

    def start(self) -> None:
        """Begin now; a stopped integration begins anew."""
        self._from, self._held, self.state = self._totals(self._world.now_s), None, "START"

    def stop(self) -> None:
        """Hold the values."""
        if self.state == "START":
            self._held, self.state = self._totals(self._world.now_s), "STOP"

    def reset(self) -> None:
        """Forget the values."""
        self._from, self._held, self.state = None, None, "RESET"

    def value(self, function: str, index: int) -> float | None:
        """Return one integrated value of the element ``index``; None before the integration is started."""
        if self._from is None:
            return None
        begin_s, begin = self._from
        window_end_s = min(self._analyzer.window(self._world.now_s).to_s, self._world.now_s)
        end_s, end = self._held or self._totals(max(begin_s, window_end_s))
        if function == "TIME":
            return end_s - begin_s
        net = end[index][0] - begin[index][0]
        positive = end[index][1] - begin[index][1]
        kws = {"WH": net, "WP": positive, "WM": net - positive}[function]
        return kws * self._analyzer.config.gain_ratio * 1000.0 / _SECONDS
