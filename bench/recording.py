"""A recording as the estimators see it, whether it comes from our run folder or from somebody's CSV.

Power is positive when the battery discharges. Times are seconds of the recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Command", "Gap", "Recording", "Signal"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """A channel: ``t_s`` and ``value``, both of shape (n,), in order of arrival as recorded.

    ``value`` is NaN where there is no data; ``quality`` of shape (n,) says why: ``ok``, ``missing``
    (no reply or no data), ``overflow``, ``repeated`` (the instrument had nothing new), ``late``.
    """

    t_s: FloatArray
    value: FloatArray
    quality: NDArray[np.str_]
    unit: str

    def good(self) -> tuple[FloatArray, FloatArray]:
        """Return times and values of the samples that carry new data, sorted by time, repeats dropped."""
        keep = np.isfinite(self.value) & (self.quality != "repeated")
        t_s, value = self.t_s[keep], self.value[keep]
        order = np.argsort(t_s, kind="stable")
        t_s, value = t_s[order], value[order]
        first = np.ones(len(t_s), dtype=bool)
        first[1:] = np.diff(t_s) > 0
        return t_s[first], value[first]


@dataclass(frozen=True)
class Command:
    """A set-point as it was sent. ``t_s`` is when it was sent; ``read_back`` what the device then said.

    In somebody else's rows ``t_s`` is the first row that shows it and ``not_before_s`` the last one that
    does not: it came in between. Minus infinity: it was in force when the rows begin. One that nobody
    answered, and that was sent once more, came between the two.
    """

    t_s: float
    quantity: str
    value: float | str | bool
    role: str
    planned_s: float | None = None
    read_back: float | str | bool | None = None
    phase: str | None = None
    step: int | None = None
    direction: Literal["up", "down"] | None = None
    not_before_s: float | None = None

    @property
    def earliest_s(self) -> float:
        """The earliest instant at which it may have come."""
        return self.t_s if self.not_before_s is None else self.not_before_s


@dataclass(frozen=True)
class Gap:
    """A stretch without data of one channel, or of all when ``channel`` is None."""

    from_s: float
    to_s: float
    channel: str | None
    why: str


@dataclass(frozen=True)
class Recording:
    """Everything the estimators may look at.

    ``signals`` are keyed by channel: ``meter.power_kw``, ``meter.frequency_hz``, ``meter.voltage_v``,
    ``meter.receiving_power_kw``, ``source.frequency_hz``, ``battery.power_kw``, ``battery.soc_pct``,
    ``battery.mode`` (a code; names in ``mode_codes``)...
    ``phases`` are (name, from_s, to_s, step, direction); empty for foreign recordings.
    ``facts`` are the numbers and words of the run: rules and parameters by name (floats), and
    ``delta_kw rated_kw nominal_hz window_s capacity_kwh export_limit_kw declared_dead_band_hz
    declared_droop_pct dead_band_kind droop_base directions point prior_mode simulated``; a missing key is
    unknown. ``accuracy`` are the meter's limits of error: ``power_reading_pct power_range_kw
    power_range_pct frequency_hz time_s`` (half widths).
    """

    signals: Mapping[str, Signal]
    commands: tuple[Command, ...]
    phases: tuple[tuple[str, float, float, int | None, str | None], ...]
    facts: Mapping[str, Any]
    accuracy: Mapping[str, float]
    events: tuple[Mapping[str, Any], ...] = ()
    gaps: tuple[Gap, ...] = ()
    mode_codes: Mapping[str, int] = field(default_factory=dict)
    foreign: bool = False

    @property
    def point(self) -> Literal["device", "receiving"]:
        """The metering point that is judged."""
        return "receiving" if self.facts.get("point") == "receiving" else "device"

    def power(self) -> Signal | None:
        """The analyzer's power at the judged point."""
        name = "meter.receiving_power_kw" if self.point == "receiving" else "meter.power_kw"
        return self.signals.get(name)

    def number(self, name: str) -> float:
        """Return the fact ``name`` as a number.

        Raises:
            KeyError: the fact is unknown.
        """
        return float(self.facts[name])
