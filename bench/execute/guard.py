"""The limits of the station file: every set-point before it is sent, every reading while the output is on.

A trip is about people and the device, not about the verdict. Software is slow and may fail: it
supplements the hard-wired protection.
"""

from __future__ import annotations

import math

from bench.config.station import Limits
from bench.execute.watch import TRIP_S, TRIP_SAMPLES, Unwatched, Watch

__all__ = ["TRIP_S", "TRIP_SAMPLES", "Guard", "Watch"]

_OF_SET_POINT = {
    "frequency_hz": "frequency_hz",
    "voltage_v": "voltage_v",
    "power_set_kw": "power_kw",
    "power_kw": "power_kw",
}
_OF_READING = ("frequency_hz", "voltage_v", "power_kw")
_NO_ALARM = ("", "0", "none", "ok", "no", "normal")


class Guard:
    """Knows the limits, and whether the output is on (readings are checked only then)."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.energised = False
        self.unwatched = Unwatched("power_kw", limits.unwatched_s)

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
        """Return what is watched of ``role``, by quantity. The receiving point has no limits of its own.

        The rate of change is watched where it is measured; what the source was set to jumps as it is told.
        """
        if role == "receiving_meter":
            return {}
        limits = self.limits
        return {
            name: Watch(
                f"{role}.{name}",
                *getattr(limits, name),
                per_s=getattr(limits, f"{name}_per_s") if role != "source" else None,
                no_data_s=limits.no_data_s if role == "meter" else math.inf,
            )
            for name in _OF_READING
        }

    @staticmethod
    def alarm(value: float | str | None) -> bool:
        """Tell whether the ``alarm`` of a device means that there is one."""
        if isinstance(value, str):
            return value.strip().lower() not in _NO_ALARM
        return value is not None and value != 0
