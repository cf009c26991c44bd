"""A run of a command-following product with known truth, independent of twins and estimators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.characterise.bounds import bounds
from bench.characterise.physics import ACCURACY, signal, slew
from bench.recording import Command, Recording

__all__ = ["Following"]

_RULES = bounds("tertiary2")


@dataclass
class Following:
    """A run of a command-following product; everything a test may want to bend."""

    delta_kw: float = 3.0
    baseline_s: float = _RULES["baseline_s"]
    response_s: float = _RULES["response_s"]
    duration_s: float = _RULES["duration_s"]
    interval_s: float = _RULES["interval_s"]
    return_s: float = 600.0
    band_ratio: float = _RULES["band_ratio"]
    levels: Sequence[tuple[float, float]] | None = None
    sample_s: float = 1.0
    delay_s: float = 0.5
    ramp_kw_per_s: float = 5.0
    gain: float = 1.0
    offset_kw: float = 0.0
    noise_kw: float = 0.002
    meter_gain: float = 1.0
    drops: Sequence[tuple[float, float, float]] = ()
    """(from_s, to_s, kW): what the device really gives then."""
    lost: Sequence[tuple[float, float]] = ()
    frozen: tuple[float, float] | None = None
    end_s: float | None = None
    load_kw: float = 0.0
    point: str = "device"
    facts: Mapping[str, Any] = field(default_factory=dict)
    accuracy: Mapping[str, float] = field(default_factory=lambda: dict(ACCURACY))
    foreign: bool = False
    seed: int = 1

    def sequence(self) -> list[tuple[float, float]]:
        """(t_s, kW) of the commands."""
        if self.levels is not None:
            return list(self.levels)
        t0 = self.baseline_s
        return [
            (0.0, 0.0),
            (t0, self.delta_kw),
            (t0 + self.response_s + self.duration_s + self.interval_s + 1.0, 0.0),
        ]

    def names(self) -> dict[str, float]:
        """What the profile's arithmetic knows."""
        return {
            "delta_kw": self.delta_kw,
            "rated_kw": 5.5,
            "interval_s": self.interval_s,
            "response_s": self.response_s,
            "duration_s": self.duration_s,
            "baseline_s": self.baseline_s,
            "band_ratio": self.band_ratio,
            "point_window_s": 1.0,
            "nominal_hz": 50.0,
            "nominal_v": 202.0,
        }

    def recording(self) -> Recording:
        """Build the recording."""
        rng = np.random.default_rng(self.seed)
        sequence = self.sequence()
        end = self.end_s if self.end_s is not None else sequence[-1][0] + self.return_s
        t_s = np.arange(0.0, end + 1e-9, self.sample_s)
        step = min(self.sample_s, 0.1)
        grid = np.arange(0.0, end + step, step)
        target = np.zeros_like(grid)
        for at, kw in sequence:
            target[grid >= at + self.delay_s - 1e-9] = self.gain * kw
        power = slew(target, self.ramp_kw_per_s * step)
        for low, high, kw in self.drops:
            power[(grid >= low) & (grid < high)] = kw
        value = self.meter_gain * (np.interp(t_s, grid, power) - self.load_kw) + self.offset_kw
        value = value + rng.normal(0.0, self.noise_kw, len(t_s)) if self.noise_kw else value
        for low, high in self.lost:
            value[(t_s >= low) & (t_s <= high)] = np.nan
        if self.frozen:
            inside = (t_s >= self.frozen[0]) & (t_s <= self.frozen[1])
            value[inside] = value[inside][0]
        channel = "meter.receiving_power_kw" if self.point == "receiving" else "meter.power_kw"
        hz = 50.0 + rng.normal(0.0, 0.001, len(t_s))
        commands = [
            Command(at, "power_set_kw", kw, "battery", planned_s=at) for at, kw in sequence if at <= end
        ]
        if not self.foreign:
            commands.append(Command(0.0, "frequency_hz", 50.0, "source", planned_s=0.0))
        return Recording(
            signals={
                channel: signal(t_s, value, "kW"),
                "meter.frequency_hz": signal(t_s, hz, "Hz"),
                "meter.voltage_v": signal(t_s, 202.0 + rng.normal(0.0, 0.05, len(t_s)), "V"),
                "battery.soc_pct": signal(t_s, np.linspace(90.0, 10.0, len(t_s)), "%"),
            },
            commands=tuple(sorted(commands, key=lambda item: item.t_s)),
            phases=(),
            facts={"point": self.point, "delta_kw": self.delta_kw, "rated_kw": 5.5, **self.facts},
            accuracy=self.accuracy,
            foreign=self.foreign,
        )
