"""The limits of the station file: every set-point before it is sent, every reading while the output is on.

A trip is about people and the device, not about the verdict. Software is slow and may fail: it
supplements the hard-wired protection.
"""

from __future__ import annotations

import math

from bench.config.station import Limits
from bench.errors import LimitTripped

__all__ = ["TRIP_S", "TRIP_SAMPLES", "Guard", "Watch"]

# A single sample may be a torn frame or a range change of the analyzer. An excess counts when three samples
# in a row show it, or two that lie half a second or more apart: at most 0.2 s at 0.1 s sampling, one interval
# of a slow channel.
TRIP_SAMPLES = 3
TRIP_S = 0.5

_OF_SET_POINT = {
    "frequency_hz": "frequency_hz",
    "voltage_v": "voltage_v",
    "power_set_kw": "power_kw",
    "power_kw": "power_kw",
}
_OF_READING = ("frequency_hz", "voltage_v", "power_kw")
_NO_ALARM = ("", "0", "none", "ok", "no", "normal")


class Watch:
    """One watched channel and how long it has been outside."""

    __slots__ = ("channel", "count", "high", "low", "since_s")

    def __init__(self, channel: str, low: float, high: float) -> None:
        self.channel = channel
        self.low = low
        self.high = high
        self.count = 0
        self.since_s = 0.0

    def outside(self, value: float, t_s: float) -> None:
        """Count one reading outside.

        Raises:
            LimitTripped: it was not the first.
        """
        if self.count == 0:
            self.since_s = t_s
        self.count += 1
        if self.count >= TRIP_SAMPLES or (self.count >= 2 and t_s - self.since_s >= TRIP_S):
            raise LimitTripped(f"{self.says(value)} ({self.count} readings since t = {self.since_s:.3f} s)")

    def says(self, value: float) -> str:
        """Return the sentence for a value outside."""
        return f"{self.channel} = {value:g} is outside [{self.low:g}, {self.high:g}]"


class Guard:
    """Knows the limits, and whether the output is on (readings are checked only then)."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.energised = False

    def refuse_set_point(self, role: str, quantity: str, value: float | str | bool) -> str | None:
        """Return why the set-point must not be sent, None when it may."""
        if isinstance(value, (str, bool)):
            return None
        if not math.isfinite(value):
            return f"{role}.{quantity} = {value} is not a number"
        key = _OF_SET_POINT.get(quantity)
        if key is None:
            return None
        low, high = getattr(self.limits, key)
        if low <= value <= high:
            return None
        return f"{role}.{quantity} = {value:g} is outside limits.{key} [{low:g}, {high:g}]"

    def watches(self, role: str) -> dict[str, Watch]:
        """Return what is watched of ``role``, by quantity. The receiving point has no limits of its own."""
        if role == "receiving_meter":
            return {}
        return {name: Watch(f"{role}.{name}", *getattr(self.limits, name)) for name in _OF_READING}

    @staticmethod
    def alarm(value: float | str | None) -> bool:
        """Tell whether the ``alarm`` of a device means that there is one."""
        if isinstance(value, str):
            return value.strip().lower() not in _NO_ALARM
        return value is not None and value != 0
