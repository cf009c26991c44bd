"""One electrical world for all instruments of a station: source, battery, house, both metering points.

It moves only forwards, from event to event; between events everything is known in closed form. So what it
says at a time does not depend on how often it was asked, and a quiet hour costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from instruments.twins.agenda import Agenda
from instruments.twins.battery import Battery
from instruments.twins.config import TwinConfig
from instruments.twins.house import House
from instruments.twins.source import Source
from instruments.twins.trace import Piece, Trace

__all__ = ["World"]

_HISTORY_S = 60.0  # three of the longest windows
_HISTORY_FAULTY_S = 500.0  # a sparse meter shows the last of twenty of them
_PIECES = 512
Watch = Callable[[float, str, str, float | str], None]


class World:
    """The bus of the source with everything on it.

    ``device_kw`` is the battery's power at the device point, ``receiving_kw`` what the whole house gives to
    the source at the receiving point; discharge and export are positive. ``watch(t_s, instrument, quantity,
    value)`` hears of every setting when its instrument receives it.
    """

    def __init__(self, config: TwinConfig, nominal_hz: float, folder: Path, watch: Watch) -> None:
        self.now_s = 0.0
        self.agenda = Agenda()
        self.source = Source(config.source, nominal_hz)
        self.house = House(config.house, folder)
        self.battery = Battery(config.battery, config.seed, self.agenda, self.source, self.house)
        self.device_kw = self.battery.power_kw
        self.receiving_kw = Trace(Piece(0.0, 0.0), signed=True)
        self.watch = watch
        self.battery.moved = self._receive
        self.battery.told = lambda quantity, value, t_s: watch(t_s, "battery", quantity, value)
        old_s = _HISTORY_FAULTY_S if config.meter.faults else _HISTORY_S
        self._history_s = max(old_s, 2.0 * config.battery.measurement_interval_s)
        self._await_house(0.0)
        for edge_s in self.source.faults.edges_s():
            self.agenda.at(edge_s, self._source_reconsiders)

    def advance_to(self, t_s: float) -> float:
        """Let everything happen up to ``t_s`` and return the time that is now."""
        if t_s > self.now_s:
            self.agenda.run_until(t_s)
            self.now_s = t_s
            if max(map(len, (self.device_kw, self.receiving_kw, *self.source.traces))) > _PIECES:
                self.forget(t_s - self._history_s)
        return self.now_s

    def forget(self, before_s: float) -> None:
        """Drop the history before ``before_s``."""
        self.source.forget(before_s)
        self.device_kw.forget(before_s)
        self.receiving_kw.forget(before_s)

    def set_frequency(self, frequency_hz: float) -> None:
        """Set the source now."""
        old_hz = self.source.set_hz
        self.source.set_frequency(self.now_s, frequency_hz)
        if self.source.set_hz != old_hz:
            self.watch(self.now_s, "source", "frequency_hz", self.source.set_hz)
        self.battery.bus_changed(self.now_s)

    def set_voltage(self, voltage_v: float) -> None:
        """Set the source now."""
        if voltage_v != self.source.set_v:
            self.watch(self.now_s, "source", "voltage_v", voltage_v)
        self.source.set_voltage(self.now_s, voltage_v)
        self._bus_changed()

    def set_output(self, on: bool) -> None:
        """Close or open the source's output now."""
        if on != self.source.output:
            self.watch(self.now_s, "source", "output", int(on))
        self.source.set_output(self.now_s, on)
        self._bus_changed()

    def _source_reconsiders(self, t_s: float) -> None:
        self.source.reconsider(t_s)
        self.battery.bus_changed(t_s)

    def _bus_changed(self) -> None:
        self.battery.bus_changed(self.now_s)
        self._receive(self.now_s)

    def _receive(self, t_s: float) -> None:
        pieces = [Piece(t_s, 0.0)]
        if self.source.live(t_s):
            battery = pieces if self.house.bypass else self.device_kw.from_on(t_s)
            net_load_kw = self.house.net_load_kw(t_s)
            pieces = [piece.raised(-net_load_kw) for piece in battery]
        self.receiving_kw.plan(pieces)

    def _await_house(self, t_s: float) -> None:
        next_s = self.house.next_change_s(t_s)
        if next_s is not None:
            self.agenda.at(next_s, self._house_changed)

    def _house_changed(self, t_s: float) -> None:
        self.battery.house_changed(t_s)
        self._receive(t_s)
        self._await_house(t_s)
