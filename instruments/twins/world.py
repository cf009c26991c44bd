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
from instruments.twins.contact import Contact
from instruments.twins.house import House
from instruments.twins.source import Source
from instruments.twins.trace import Piece, Trace

__all__ = ["World"]

_HISTORY_S = 60.0  # three of the longest windows
_HISTORY_FAULTY_S = 500.0  # a sparse meter shows the last of twenty of them
_PIECES = 512
_LOOK_EVERY = 16
Watch = Callable[[float, str, str, float | str], None]


class World:
    """The bus of the source with everything on it.

    ``device_kw`` is the battery's power at the device point, ``receiving_kw`` what the whole house gives to
    the source at the receiving point; discharge and export are positive. ``watch(t_s, instrument, quantity,
    value)`` hears of every setting when its instrument receives it.
    """

    def __init__(self, config: TwinConfig, nominal_hz: float, folder: Path, watch: Watch) -> None:
        self.now_s = 0.0
        self._advances = 0
        self.agenda = Agenda()
        self.source = Source(config.source, nominal_hz)
        self.house = House(config.house, folder)
        self.battery = Battery(
            config.battery, config.seed, self.agenda, self.source, self.house, config.gateway.export_delay_s
        )
        self.contact = Contact(self.battery)
        self.gateway_on = self.lan_on = True
        self.switched: Callable[[float], None] | None = None  # the gateway's ear, where there is a gateway
        self.device_kw = self.battery.power_kw
        self.receiving_kw = Trace(Piece(0.0, 0.0), signed=True)
        self.watch = watch
        self.battery.moved = self._receive
        self.battery.told = lambda quantity, value, t_s: watch(t_s, "battery", quantity, value)
        old_s = _HISTORY_FAULTY_S if config.meter.faults else _HISTORY_S
        self._history_s = max(old_s, 2.0 * config.battery.measurement_interval_s)
        self._await_house(0.0)
        self._await_edges()
        self._beat(0.0)

    def begin_run(self) -> None:
        """Wake everybody anew at the edges of timed faults, now that their seconds count from elsewhere."""
        self._await_edges()
        if self.source.faults:
            self._source_reconsiders(self.now_s)
        if self.battery.faults:
            self.battery.reconsider(self.now_s)
        if self.house.faults:
            self._receive(self.now_s)

    def _await_edges(self) -> None:
        for faults, wake in (
            (self.source.faults, self._source_reconsiders),
            (self.battery.faults, self.battery.reconsider),
            (self.house.faults, self._receive),
        ):
            for edge_s in faults.edges_s():
                if edge_s >= self.now_s:
                    self.agenda.at(edge_s, wake)

    def _beat(self, t_s: float) -> None:
        """Let what a fault makes of the source move on; a sound source has no beat."""
        if self.source.restless:
            if t_s > 0.0:
                self._source_reconsiders(t_s)
            self.agenda.at(t_s + self.source.beat_s, self._beat)

    def advance_to(self, t_s: float) -> float:
        """Let everything happen up to ``t_s`` and return the time that is now."""
        if t_s > self.now_s:
            self.agenda.run_until(t_s)
            self.now_s = t_s
            self._advances += 1
            if not self._advances % _LOOK_EVERY and (
                max(map(len, (self.device_kw, self.receiving_kw, *self.source.traces))) > _PIECES
            ):
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
        back_s = self.source.falls_back_after_s(self.now_s)
        if back_s is not None:
            number = self.source.settings
            self.agenda.at(self.now_s + back_s, lambda t_s: self._fall_back(t_s, number))

    def _fall_back(self, t_s: float, number: int) -> None:
        if number == self.source.settings:
            self.source.fall_back(t_s)
            self.battery.bus_changed(t_s)

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

    def set_house(self, load_kw: float | None = None, pv_kw: float | None = None) -> None:
        """Set load and generation now."""
        if load_kw is None and pv_kw is None:
            return
        for quantity, value in (("load_kw", load_kw), ("pv_kw", pv_kw)):
            if value is not None:
                self.watch(self.now_s, "site", quantity, value)
        self.house.set(load_kw, pv_kw)
        self.battery.house_changed(self.now_s)
        self._receive(self.now_s)

    def switch(self, name: str, on: bool) -> None:
        """Switch the gateway's mains (``gateway_on``) or its line to the battery (``lan_on``) now."""
        if on != getattr(self, name):
            self.watch(self.now_s, "site", name, int(on))
            setattr(self, name, on)
            if self.switched is not None:
                self.switched(self.now_s)

    def touch(self, closed: bool) -> None:
        """Close or open the contact that raises a warning at the battery."""
        if closed != self.contact.closed:
            self.watch(self.now_s, "site", "alarm_on", int(closed))
            self.contact.switch(self.now_s, closed)

    def _source_reconsiders(self, t_s: float) -> None:
        self.source.reconsider(t_s)
        self.battery.bus_changed(t_s)

    def _bus_changed(self) -> None:
        self.battery.bus_changed(self.now_s)
        self._receive(self.now_s)

    def _receive(self, t_s: float) -> None:
        pieces = [Piece(t_s, 0.0)]
        if self.source.live(t_s):
            battery = pieces if self.house.bypassed(t_s) else self.device_kw.from_on(t_s)
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
