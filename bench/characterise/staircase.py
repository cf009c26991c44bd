"""Staircases of frequency with known truth, drawn sample by sample: no twin, no estimator of ours in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.characterise.bounds import bounds
from bench.characterise.physics import ACCURACY, signal
from bench.recording import Command, Recording

__all__ = ["Staircase", "droop_path", "fine_path"]

FloatArray = NDArray[np.float64]


def fine_path(step: float = 0.001) -> FloatArray:
    """Down, up, down: 1 mHz steps to ±25 mHz, 5 mHz ones to ±60 mHz."""
    side = np.r_[np.arange(1, 26) * step, 0.025 + 0.005 * np.arange(1, 8)]
    back = side[::-1][1:]
    return np.asarray(np.r_[0.0, -side, -back, 0.0, side, back, 0.0, -side, 0.0])


def droop_path() -> FloatArray:
    """Out and back on each side."""
    side = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.15, 0.1, 0.05, 0.02])
    return np.asarray(np.r_[0.0, -side, 0.0, side, 0.0])


@dataclass
class Staircase:
    """A device on a staircase; everything a test may want to bend."""

    path_hz: Sequence[float] | FloatArray = field(default_factory=fine_path)
    dwell_s: float = 20.0
    sample_s: float = 0.5
    nominal_hz: float = 50.0
    rated_kw: float = 5.5
    droop_pct: float = 4.0
    droop_over_pct: float | None = None
    dead_band_hz: float = 0.005
    hysteresis_hz: float = 0.0
    offset_hz: float = 0.0
    steps: bool = False
    bend: float = 0.0
    """Share by which the response at 0.2 Hz falls short of the line (quadratic in between)."""
    limit_kw: float | None = None
    delay_s: float = 0.5
    tau_s: float = 0.3
    noise_hz: float = 0.001
    noise_kw: float = 0.002
    meter_offset_hz: float = 0.0
    meter_gain: float = 1.0
    meter_offset_kw: float = 0.0
    gain: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    accuracy: Mapping[str, float] = field(default_factory=lambda: dict(ACCURACY))
    phases: bool = True
    foreign: bool = False
    seed: int = 1

    def curve_kw(self, felt_hz: FloatArray) -> FloatArray:
        """Power over the deviation that the device feels."""
        size = np.abs(felt_hz)
        beyond = np.where(size > self.dead_band_hz, size - (0.0 if self.steps else self.dead_band_hz), 0.0)
        droop = np.where(felt_hz < 0, self.droop_pct, self.droop_over_pct or self.droop_pct)
        power = (
            self.rated_kw / (droop / 100.0 * self.nominal_hz) * beyond * (1.0 - self.bend * beyond / 0.195)
        )
        limit = self.rated_kw if self.limit_kw is None else self.limit_kw
        return np.asarray(-np.sign(felt_hz) * np.minimum(power, limit) * self.gain)

    def names(self) -> dict[str, float]:
        """What the run knows."""
        rules = bounds("primary")
        return {
            "nominal_hz": self.nominal_hz,
            "rated_kw": self.rated_kw,
            "delta_kw": 0.5,
            "dead_band_hz": rules["dead_band_hz"],
            "droop_pct": rules["droop_pct"],
            "declared_droop_pct": 4.0,
            "declared_dead_band_hz": 0.005,
            "band_ratio": rules["band_ratio"],
            "point_window_s": rules["point_window_s"],
            "lag_s": 10.0,
        }

    def recording(self) -> Recording:
        """Draw it."""
        rng = np.random.default_rng(self.seed)
        path = np.asarray(self.path_hz, float)
        starts = np.arange(len(path)) * self.dwell_s
        felt = np.empty(len(path))
        state = path[0] + self.offset_hz
        for index, at in enumerate(path + self.offset_hz):
            state = min(max(state, at - self.hysteresis_hz), at + self.hysteresis_hz)
            felt[index] = state
        target = self.curve_kw(felt)
        t_s = np.arange(self.sample_s, len(path) * self.dwell_s + 1e-9, self.sample_s)
        level = np.clip(np.ceil(t_s / self.dwell_s - 1e-9).astype(int) - 1, 0, None)
        before = np.concatenate([[target[0]], target[:-1]])
        since = t_s - starts[level] - self.delay_s
        share = np.where(since > 0, 1.0 - np.exp(-np.maximum(since, 0.0) / self.tau_s), 0.0)
        power = before[level] + (target - before)[level] * share
        measured = self.meter_gain * power + self.meter_offset_kw + rng.normal(0, self.noise_kw, len(t_s))
        frequency = (
            self.nominal_hz + path[level] + self.meter_offset_hz + rng.normal(0, self.noise_hz, len(t_s))
        )
        commands = tuple(
            Command(t_s=float(at), quantity="frequency_hz", value=float(self.nominal_hz + hz), role="source")
            for at, hz in zip(starts, path, strict=True)
        )
        phases = tuple(("level", float(at), float(at + self.dwell_s), None, None) for at in starts)
        facts = {
            **self.names(),
            "directions": ["up", "down"],
            "point": "device",
            "window_s": 0.1,
            **self.facts,
        }
        return Recording(
            signals={
                "meter.power_kw": signal(t_s, measured, "kW"),
                "meter.frequency_hz": signal(t_s, frequency, "Hz"),
            },
            commands=() if self.foreign else commands,
            phases=phases if self.phases and not self.foreign else (),
            facts=facts,
            accuracy=self.accuracy,
            foreign=self.foreign,
        )
