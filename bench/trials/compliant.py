"""Devices drawn at random that comply with room to spare: none of them may FAIL.

Each device is its own: size, droop, dead band, delays, ramps, and beside it another analyzer. Declared is
what it does. Every parameter stays at least two U inside every limit of the profile that it meets, U being
the expanded uncertainty that the bench states there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from bench.config.load import read_rules
from bench.rooms import bundled_rules
from bench.trials.detect import Seen, observe
from bench.trials.side_by_side import side_by_side

__all__ = ["Device", "Drawn", "draw", "trial"]

_PRODUCTS = ("secondary1", "secondary2", "tertiary1", "tertiary2", "tertiary2_partial", "tertiary2_repeat")
_FOLLOW_S = {"follow1": 60.0, "follow5": 300.0}
# by profile, where the limit of the profile asks for less than 20 s
_COMMAND_S: Mapping[str, float] = {"telemetry": 2.0, "mode_restore": 5.0, "reverse_flow": 2.0}
# U of a power in the band of a product, at the analyzer of the bundled stations: range and noise
_POWER_U_KW = 0.0075


@cache
def _abnormal_hz() -> float:
    """Return the deviation at which primary's award is due, from its rules."""
    return read_rules(bundled_rules()["primary", "2026"])[0].rules["abnormal_hz"].value


@dataclass(frozen=True)
class Device:
    """One device: the station it stands in, and the overrides that make it."""

    profile: str
    station: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def overrides(self) -> tuple[str, ...]:
        """The device as ``--set`` takes it."""
        return tuple(
            f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}"
            for key, value in self.values.items()
        )


@dataclass(frozen=True)
class Drawn:
    """One device and how its run ended."""

    number: int
    device: Device
    seen: Seen


class _Chance:
    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  (a draw that can be repeated, not a secret)

    def between(self, low: float, high: float, digits: int = 4) -> float:
        return round(self._random.uniform(low, high), digits)

    def one_of(self, *what: float) -> float:
        return self._random.choice(what)

    def happens(self, ratio: float) -> bool:
        return self._random.random() < ratio

    def sign(self) -> int:
        return self._random.choice((-1, 1))


def draw(number: int, seed: int, profile: str) -> Device:
    """Return the ``number``-th device, as it meets ``profile``."""
    chance = _Chance(f"{seed}/{number}")
    nominal_hz = chance.one_of(50.0, 60.0)
    rated_kw = chance.between(2.5, 6.5, 1)
    droop_pct = chance.between(0.8, 4.1, 2)
    dead_band_hz = chance.between(0.0, 0.0075)
    delta_kw = rated_kw * (_abnormal_hz() - dead_band_hz) / (droop_pct / 100.0 * nominal_hz)
    # The band of a tenth of ΔkW less two U is shared: between what is given too much or too little, and
    # between an offset and a hysteresis of the measurement, which take their part at the abnormal deviation.
    share = 0.9 * (0.1 - 2.0 * _POWER_U_KW / min(delta_kw, rated_kw))
    gain = 1.0 + chance.sign() * chance.between(0.0, 0.75 * share)
    left_hz = (share - abs(gain - 1.0)) * (_abnormal_hz() - dead_band_hz)
    offset_hz = chance.sign() * chance.between(0.0, 0.6 * left_hz)
    hysteresis_hz = chance.between(0.0, min(0.4 * left_hz, 0.009 - dead_band_hz), 5)
    both = profile in _PRODUCTS and chance.happens(0.25)
    # the longest product gives twice its rating an hour; both ways it starts from the middle
    hours = chance.between(8.0, 10.0) if both else chance.between(3.0, 5.0)
    time_constant_s = chance.between(0.05, 1.5)
    ramp_kw_per_s = rated_kw * chance.between(0.15, 4.0)
    command_delay_s = chance.between(0.0, _COMMAND_S.get(profile, 20.0))
    if profile in _FOLLOW_S:  # a mean over the interval is late by as much as the power
        gain = 1.0 + (gain - 1.0) / 2.0
        ramp_kw_per_s = max(ramp_kw_per_s, rated_kw)
        lag_s = time_constant_s / 2.0 + rated_kw / (2.0 * ramp_kw_per_s)
        time_constant_s /= 2.0
        most_s = _FOLLOW_S[profile] * (0.09 - abs(gain - 1.0)) - lag_s
        command_delay_s = chance.between(0.0, max(most_s, 0.0))
    values: dict[str, object] = {
        "twin.seed": int(chance.between(1, 10**6, 0)),
        "device.rated_kw": rated_kw,
        "device.capacity_kwh": round(rated_kw * hours, 1),
        "device.declared_droop_pct": droop_pct,
        "device.declared_dead_band_hz": dead_band_hz,
        "twin.battery.rated_kw": rated_kw,
        "twin.battery.capacity_kwh": round(rated_kw * hours, 1),
        "twin.battery.delay_s": chance.between(0.02, 1.8),
        "twin.battery.time_constant_s": round(time_constant_s, 4),
        "twin.battery.ramp_kw_per_s": round(ramp_kw_per_s, 3),
        "twin.battery.droop_pct": droop_pct,
        "twin.battery.dead_band_hz": dead_band_hz,
        "twin.battery.hysteresis_hz": hysteresis_hz,
        "twin.battery.frequency_offset_hz": round(offset_hz, 5),
        "twin.battery.measurement_interval_s": chance.between(0.01, 0.035),
        "twin.battery.command_delay_s": command_delay_s,
        "twin.battery.gain_ratio": round(gain, 4),
        "twin.battery.efficiency_ratio": chance.between(0.9, 1.0),
        "twin.battery.soc_pct": 50.0 if both else chance.between(88.0, 95.0, 1),
        "twin.meter.noise_kw": chance.between(0.0003, min(0.004, 0.01 * delta_kw)),
        "twin.meter.noise_hz": chance.between(0.0002, 0.0015),
        "twin.meter.update_s": chance.one_of(0.05, 0.1, 0.2),
        "twin.house.load_kw": chance.between(0.0, 1.5),
    }
    if profile == "reverse_flow":  # half a second of export is judged: to a window, which must be short
        values["twin.meter.update_s"] = 0.1
    if both:
        values["device.directions"] = ["up", "down"]
    if nominal_hz == 50.0 and chance.happens(0.1):
        values["station.area"] = "hokkaido"
    return Device(profile, "twin" if nominal_hz == 50.0 else "twin-60hz", values)


def trial(
    count: int,
    profiles: Sequence[str],
    *,
    seed: int = 1,
    first: int = 0,
    jobs: int = 1,
    told: Callable[[Drawn], None] = lambda drawn: None,
) -> list[Drawn]:
    """Run ``count`` devices, each in the next of ``profiles``; return them in order."""
    work = [
        (number, draw(number, seed, profiles[number % len(profiles)]))
        for number in range(first, first + count)
    ]
    found = []
    for drawn in side_by_side(_run, work, jobs):
        found.append(drawn)
        told(drawn)
    return sorted(found, key=lambda drawn: drawn.number)


def _run(work: tuple[int, Device]) -> Drawn:
    number, device = work
    return Drawn(number, device, observe(device.profile, device.overrides, station=device.station))
