"""A contact at the battery that raises a harmless warning: its cabinet is said to be open."""

from __future__ import annotations

import math

from instruments.twins.battery import Battery

__all__ = ["CABINET_OPEN", "Contact"]

CABINET_OPEN = 1 << 5  # SunSpec model 701, Alrm: CABINET_OPEN
_OVER_TEMPERATURE = 1 << 7
_LATE_S = 8.0


class Contact:
    """What the battery says of it, and of an alarm that nobody provoked (fault ``alarmed``)."""

    def __init__(self, battery: Battery) -> None:
        self._battery = battery
        self.closed = False
        self._moved_s = -math.inf

    def switch(self, t_s: float, closed: bool) -> None:
        """Close or open it now."""
        self.closed, self._moved_s = closed, t_s

    def alarm(self, t_s: float) -> int:
        """Return the alarm code that the battery shows; 0 is none."""
        faults, late_s = self._battery.faults, self._battery.config.alarm_delay_s
        late_s += _LATE_S if faults.active("late_alarm", t_s) else 0.0
        told = self.closed if t_s - self._moved_s >= late_s else not self.closed and self._moved_s > -math.inf
        warning = CABINET_OPEN if told and not faults.active("no_alarm", t_s) else 0
        return warning | (_OVER_TEMPERATURE if faults.active("alarmed", t_s) else 0)
