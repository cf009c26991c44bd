"""The power analyzer as physics: exact means over windows of its own clock, with its own noise."""

from __future__ import annotations

import math
from typing import NamedTuple

from instruments.twins.config import MeterTwin
from instruments.twins.faults import FaultSet
from instruments.twins.noise import gaussian
from instruments.twins.trace import Trace
from instruments.twins.world import World

__all__ = ["Analyzer", "Element", "Window"]

_LATE_S = 1.0
_SPARSE_COUNT = 20
_FROZEN_AFTER_S = 60.0
_GAIN_ERROR_RATIO = 1.15
_SKEW_S = 7.03
_DRIFT = 1e-4


class Element(NamedTuple):
    """What one element measured; None is no data, infinity an overflow. Power has the sign of the wiring."""

    voltage_v: float | None
    current_a: float | None
    power_w: float | None
    frequency_hz: float | None


class Window(NamedTuple):
    """A stretch ``number * length - clock_offset`` of the world's clock."""

    number: int
    length_s: float
    from_s: float
    to_s: float


NO_DATA = Element(None, None, None, None)
OVERFLOW = Element(math.inf, math.inf, math.inf, math.inf)


class Analyzer:
    """Two elements: 1 at the device point, 2 at the receiving point; discharge and export positive."""

    def __init__(self, config: MeterTwin, seed: int, world: World) -> None:
        self.config = config
        self.faults = FaultSet("meter", config.faults)
        self.rate_s = config.update_s
        self._seed, self._world = seed, world
        self._seen: tuple[Window, tuple[Element, Element]] | None = None
        self._frozen: tuple[Element, Element] | None = None
        self.begin_run(0.0)

    def begin_run(self, clock_s: float) -> None:
        """Count the stretches of faults from ``clock_s`` on."""
        self.faults.begin(clock_s)
        self._frozen = None
        starts = [edge for edge in self.faults.edges_s() if self.faults.active("frozen", edge)]
        late_s = clock_s + _FROZEN_AFTER_S
        for start_s in starts or ([late_s] if self.faults.active("frozen", late_s) else []):
            self._world.agenda.at(max(start_s, self._world.now_s), self._freeze)

    def own_time_s(self, t_s: float) -> float:
        """Return what the analyzer's clock shows."""
        return t_s * self._pace(t_s) + self._ahead_s(t_s)

    def _pace(self, t_s: float) -> float:
        return 1.0 + _DRIFT if self.faults.active("drift", t_s) else 1.0

    def _ahead_s(self, t_s: float) -> float:
        return self.config.clock_offset_s + (_SKEW_S if self.faults.active("skew", t_s) else 0.0)

    def window(self, t_s: float) -> Window:
        """Return the last window published at ``t_s``."""
        late_s = _LATE_S if self.faults.active("late", t_s) else 0.0
        length_s, offset_s, pace = self.rate_s, self._ahead_s(t_s), self._pace(t_s)
        # A boundary that is a rounding error ahead has been reached.
        number = math.floor(((t_s - late_s) * pace + offset_s) / length_s + 1e-9) - 1
        if self.faults.active("sparse", t_s):
            number -= (number + 1) % _SPARSE_COUNT
        from_s = (number * length_s - offset_s) / pace
        to_s = ((number + 1) * length_s - offset_s) / pace
        return Window(number, length_s, from_s, to_s)

    def elements(self, t_s: float) -> tuple[Element, Element]:
        """Return what both elements show at ``t_s``, which must be now."""
        if self._frozen is not None and self.faults.active("frozen", t_s):
            return self._frozen
        window = self.window(t_s)
        if self._seen is None or self._seen[0] != window:
            self._seen = (window, self._measure(window))
        return self._seen[1]

    def _freeze(self, t_s: float) -> None:
        if not self.faults.active("frozen", t_s):
            return
        self._frozen = self._measure(self.window(t_s))

    def _measure(self, window: Window) -> tuple[Element, Element]:
        if window.from_s < 0.0 or self.faults.touches("nan", window.from_s, window.to_s):
            return NO_DATA, NO_DATA
        if self.faults.touches("inf", window.from_s, window.to_s):
            return OVERFLOW, OVERFLOW
        bus = self._bus(window)
        device = self._element(window, bus, self._world.device_kw, "device")
        receiving = self._element(window, bus, self._world.receiving_kw, "receiving")
        if self.faults.active("swapped", window.to_s):
            return receiving, device
        return device, receiving

    def _bus(self, window: Window) -> tuple[float, float | None]:
        """Return the voltage and the frequency that both elements see."""
        from_s, to_s = window.from_s, window.to_s
        source = self._world.source
        voltage_v = source.voltage_v.mean(from_s, to_s)
        if voltage_v > 0.0:
            voltage_v += self.config.noise_v * gaussian(self._seed, "meter.voltage", window.number)
        if source.energised.mean(from_s, to_s) <= 1.0 - 1e-6:
            return voltage_v, None
        noise_hz = self.config.noise_hz * gaussian(self._seed, "meter.frequency", window.number)
        return voltage_v, source.nominal_hz + source.deviation_hz.mean(from_s, to_s) + noise_hz

    def _element(
        self, window: Window, bus: tuple[float, float | None], power_kw: Trace, channel: str
    ) -> Element:
        voltage_v, frequency_hz = bus
        from_s, to_s = window.from_s, window.to_s
        gain_ratio = self.config.gain_ratio
        if self.faults.active("gain_error", to_s):
            gain_ratio *= _GAIN_ERROR_RATIO
        if self.faults.active("wrong_sign", to_s):
            gain_ratio = -gain_ratio
        mean_kw = gain_ratio * power_kw.mean(from_s, to_s)
        if frequency_hz is not None:
            mean_kw += self.config.noise_kw * gaussian(self._seed, f"meter.{channel}.power", window.number)
        power_w = 1000.0 * mean_kw
        current_a = abs(power_w) / voltage_v if voltage_v > 0 else 0.0
        return Element(voltage_v, current_a, power_w, frequency_hz)
