"""A run of frequency steps and holds with known truth, independent of twins and estimators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.characterise.bounds import bounds
from bench.characterise.physics import (
    ACCURACY,
    GRID_S,
    lag,
    ramp,
    second_order,
    signal,
    window_means,
)
from bench.recording import Command, Recording

__all__ = ["Frequency"]

FloatArray = NDArray[np.float64]


@dataclass
class Frequency:
    """A run of frequency steps and holds. ``truth`` is filled in by :meth:`recording`."""

    nominal_hz: float = 50.0
    step_hz: float = 0.2
    rated_kw: float = 5.5
    droop_pct: float = 4.0
    dead_band_hz: float = 0.005
    declared_dead_band_hz: float = 0.005
    steps_count: int = 5
    step_s: float = 20.0
    rest_s: float = 20.0
    settle_s: float = 30.0
    hold_s: float = 340.0
    holds: bool = True
    dither_s: float = 0.2
    window_s: float = 0.1
    update_s: float | None = None
    poll_s: float | None = None
    declared: bool = True
    phase_s: float | None = None
    delay_s: float = 0.5
    interval_s: float = 0.0
    """The device's own sampling interval of frequency: its phase is drawn anew by the dithered steps."""
    jitter_s: float = 0.0
    plant: str = "lag"
    tau_s: float = 0.3
    ramp_s: float = 0.6
    omega: float = 6.0
    zeta: float = 0.6
    slew_hz_per_s: float | None = None
    follows: bool = False
    """Whether power follows a slow source on its way, or waits for the middle of it and goes."""
    gain: float = 1.0
    one_sided: str | None = None
    noise_ratio: float = 0.005
    noise_hz: float = 0.001
    offset_kw: float = 0.0
    source_offset_hz: float = 0.0
    drops: Sequence[tuple[float, float, float]] = ()
    lost: Sequence[tuple[float, float]] = ()
    delta_kw: float | None = None
    meter_gain: float = 1.0
    meter_offset_hz: float = 0.0
    channel_shift_s: float = 0.0
    accuracy: Mapping[str, float] = field(default_factory=lambda: dict(ACCURACY))
    phases_known: bool = True
    directions: Sequence[str] = ("up", "down")
    seed: int = 1
    truth: dict[str, Any] = field(default_factory=dict)

    @property
    def full_kw(self) -> float:
        """What a device with the declared droop delivers at the full step."""
        share = (self.step_hz - self.dead_band_hz) / (self.droop_pct / 100 * self.nominal_hz)
        return self.rated_kw * share

    def names(self) -> dict[str, float]:
        """What the profile's arithmetic knows."""
        rules = bounds("primary")
        return {
            "delta_kw": self.delta_kw or self.full_kw,
            "rated_kw": self.rated_kw,
            "nominal_hz": self.nominal_hz,
            "nominal_v": 202.0,
            "abnormal_hz": self.step_hz,
            "response_s": rules["response_s"],
            "duration_s": rules["duration_s"],
            "delay_s": rules["delay_s"],
            "band_ratio": rules["band_ratio"],
            "droop_pct": rules["droop_pct"],
            "point_window_s": rules["point_window_s"],
            "measurement_interval_s": rules["measurement_interval_s"],
            "record_interval_s": rules["record_interval_s"],
        }

    def _timeline(self, rng: np.random.Generator) -> tuple[list[Any], float]:
        at = self.settle_s
        phases: list[Any] = [("settle", 0.0, at, None, None)]

        def add(name: str, length: float, step: int | None, direction: str | None) -> None:
            nonlocal at
            phases.append((name, at, at + length, step, direction))
            at += length

        for number in range(1, self.steps_count + 1):
            for direction in self.directions:
                shift = rng.uniform(0.0, self.dither_s) if self.dither_s else 0.0
                name, low, high, step, way = phases[-1]
                phases[-1] = (name, low, high + shift, step, way)
                at += shift
                add("step", self.step_s, number, direction)
                add("rest", self.rest_s, number, direction)
        if self.holds:
            for direction in self.directions:
                add("hold", self.hold_s, None, direction)
                add("rest", self.rest_s, None, direction)
        return phases, at

    def recording(self) -> Recording:
        """Build the recording; realised delays go to ``truth['delay_s']`` in order of the edges."""
        rng = np.random.default_rng(self.seed)
        phases, end = self._timeline(rng)
        grid = np.arange(-2.0, end + 2.0, GRID_S)
        hz = np.full_like(grid, self.nominal_hz + self.source_offset_hz)
        demand = np.zeros_like(grid)
        delays: list[float] = []
        commands = [Command(0.0, "frequency_hz", self.nominal_hz, "source", phase="settle")]
        ramps: list[tuple[float, float, float]] = []
        rise = self.step_hz / self.slew_hz_per_s if self.slew_hz_per_s else 0.0
        for name, low, high, step, direction in phases:
            if name not in ("step", "hold"):
                continue
            sign = 1.0 if direction == "up" else -1.0
            for at, height in ((low, -sign * self.step_hz), (high, sign * self.step_hz)):
                commands.append(
                    Command(at, "frequency_hz", self.nominal_hz + (height if at == low else 0.0), "source",
                            phase=name, step=step, direction=direction)
                )  # fmt: skip
                # an abrupt step is a ramp over one cell, so that its instant is not rounded to the grid
                hz += ramp(grid, [(at, rise, height) if rise else (at - GRID_S / 2, GRID_S, height)])
                middle = at + rise / 2
                wait = 0.0
                if self.interval_s:
                    wait = float(np.ceil(middle / self.interval_s) * self.interval_s - middle)
                late = self.delay_s + wait + (rng.uniform(0, self.jitter_s) if self.jitter_s else 0.0)
                if at == low:
                    delays.append(late)
                gain = self.gain if self.one_sided in (None, direction) else 0.0
                kw = -np.sign(height) * self.full_kw * gain
                if self.follows and rise:
                    demand += kw * np.clip((grid - (at + late)) / rise, 0.0, 1.0)
                elif self.plant in ("ramp", "ramp_lag"):
                    ramps.append((middle + late, self.ramp_s, kw))
                else:
                    # the edge falls between grid points: its mean over the cell that ends at each of them
                    demand += kw * np.clip((grid - (middle + late)) / GRID_S, 0.0, 1.0)
        power = ramp(grid, ramps) if ramps else _plant(self, demand)
        if self.plant == "ramp_lag":
            power = lag(power, self.tau_s)
        power = power + self.offset_kw
        for low, high, kw in self.drops:
            power[(grid >= low) & (grid < high)] = kw
        update = self.update_s or self.window_s
        start = self.phase_s if self.phase_s is not None else float(rng.uniform(0.0, update))
        ends = np.arange(start, end, update)
        measured = self.meter_gain * window_means(grid, power, ends, self.window_s)
        seen = window_means(grid + self.channel_shift_s, hz, ends, self.window_s)
        measured = measured + rng.normal(0.0, self.noise_ratio * self.full_kw, len(ends))
        seen = seen + self.meter_offset_hz + rng.normal(0.0, self.noise_hz, len(ends))
        t_s = ends
        if self.poll_s:
            t_s = np.arange(0.0, end, self.poll_s)
            pick = np.searchsorted(ends, t_s, side="right") - 1
            t_s, pick = t_s[pick >= 0], pick[pick >= 0]
            measured, seen = measured[pick], seen[pick]
        for low, high in self.lost:
            gone = (t_s >= low) & (t_s <= high)
            measured[gone] = np.nan
            seen[gone] = np.nan
        self.truth = {"delay_s": delays, "full_kw": self.full_kw * self.gain, "droop_pct": self.droop_pct}
        facts = {
            **self.names(),
            "declared_dead_band_hz": self.declared_dead_band_hz,
            "dead_band_kind": "subtracted",
            "directions": list(self.directions),
            "point": "device",
        }
        if self.declared:
            facts["window_s"] = self.window_s
        return Recording(
            signals={
                "meter.power_kw": signal(t_s, measured, "kW"),
                "meter.frequency_hz": signal(t_s, seen, "Hz"),
                "meter.voltage_v": signal(t_s, np.full(len(t_s), 202.0), "V"),
            },
            commands=tuple(sorted(commands, key=lambda item: item.t_s)),
            phases=tuple(phases) if self.phases_known else (),
            facts=facts,
            accuracy=self.accuracy,
            foreign=not self.phases_known,
        )


def _plant(case: Frequency, demand: FloatArray) -> FloatArray:
    match case.plant:
        case "lag":
            return lag(demand, case.tau_s)
        case "second":
            return second_order(demand, case.omega, case.zeta)
        case "two_lag":
            first = lag(demand, case.tau_s)
            return lag((first + np.r_[first[0], first[:-1]]) / 2.0, 0.4 * case.tau_s)
        case "s":
            count = round(case.ramp_s / GRID_S)
            bell = 1.0 - np.cos(2.0 * np.pi * (np.arange(count) + 0.5) / count)
            return np.convolve(demand, bell / bell.sum())[: len(demand)]
        case "none":
            return np.zeros_like(demand)
    raise ValueError(case.plant)
