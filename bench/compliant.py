"""Devices drawn at random that comply with room to spare: none of them may FAIL."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.detect import Seen, observe

__all__ = ["Drawn", "draw", "trial"]


@dataclass(frozen=True)
class Drawn:
    """One device: its profile, the overrides that make it, and how its run ended."""

    number: int
    profile: str
    overrides: tuple[str, ...]
    seen: Seen


def draw(number: int, seed: int) -> list[str]:
    """Return the overrides of the ``number``-th device: every parameter at least two U inside its limit.

    The bounds leave out what would come near a limit of a product: 2 s of delay, 10 s of response, a band of
    10 %, a droop of 5 %, a sampling interval of 0.1 s, the hold. Declared is what the device does.
    """
    chance = random.Random(f"{seed}/{number}")  # noqa: S311  (a draw that can be repeated, not a secret)

    def between(low: float, high: float, digits: int = 4) -> float:
        return round(chance.uniform(low, high), digits)

    gain = between(0.94, 1.06)
    droop = between(2.5, 4.6 * min(gain, 1.0))
    dead_band = between(0.0, 0.008)
    values = {
        "twin.seed": chance.randrange(1, 10**6),
        "twin.battery.delay_s": between(0.05, 1.7),
        "twin.battery.time_constant_s": between(0.05, 1.5),
        "twin.battery.ramp_kw_per_s": between(0.5, 20.0),
        "twin.battery.droop_pct": droop,
        "device.declared_droop_pct": droop,
        "twin.battery.dead_band_hz": dead_band,
        "device.declared_dead_band_hz": dead_band,
        "twin.battery.frequency_offset_hz": between(-0.002, 0.002),
        "twin.battery.measurement_interval_s": between(0.01, 0.035),
        "twin.battery.command_delay_s": between(0.0, 20.0),
        "twin.battery.gain_ratio": gain,
        "twin.battery.efficiency_ratio": between(0.9, 1.0),
        "twin.battery.soc_pct": between(88.0, 95.0, 1),
        "twin.meter.noise_kw": between(0.0005, 0.004),
        "twin.meter.noise_hz": between(0.0002, 0.0015),
        "twin.house.load_kw": between(0.0, 1.5),
    }
    return [f"{key}={value}" for key, value in values.items()]


def trial(
    count: int,
    profiles: Sequence[str],
    *,
    seed: int = 1,
    first: int = 0,
    station: str = "twin",
    told: Callable[[Drawn], None] = lambda drawn: None,
) -> list[Drawn]:
    """Run ``count`` devices, each in the next of ``profiles``."""
    found = []
    for number in range(first, first + count):
        overrides = draw(number, seed)
        profile = profiles[number % len(profiles)]
        found.append(Drawn(number, profile, tuple(overrides), observe(profile, overrides, station=station)))
        told(found[-1])
    return found
