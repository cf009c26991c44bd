"""What a step looked like beside its delay and response: steady value, time to 90 %, settling, overshoot.

Information only. Power is smoothed by a local parabola, which keeps a peak where a running mean would cut it.
The largest of many noisy values is above the truth: what noise adds where the smoothed power is near its
peak is taken off (metrology 3.1), and what the averaging window took from the peak is put back.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d  # not scipy.signal.savgol_filter: that import is half of every start

from bench.measure.series import Series
from bench.measure.step.data import StepData
from bench.measure.steps import FrequencyStep
from bench.measure.uncertainty import expanded, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["shape_metrics"]

FloatArray = NDArray[np.float64]
_SMOOTH_S = 0.4
_SPARSE_S = 0.15
_NEAR = 2.0
_NINETY = 0.9
_NAMES = (("overshoot_ratio", "1"), ("settling_s", "s"), ("t90_s", "s"), ("steady_kw", "kW"))


def _expected_maximum(count: float) -> float:
    """Return how far the largest of ``count`` normal deviates lies above 0 on average (Blom's formula)."""
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25)) if count > 1.0 else 0.0


def _parabola(count: int, interval_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the weights that fit a parabola to ``count`` values: of its middle, of its second derivative.

    The filter of Savitzky and Golay (1964); the weights are those of ``scipy.signal.savgol_coeffs``.
    """
    places = np.arange(count) - (count - 1) / 2.0
    weights = np.linalg.pinv(np.vander(places, 3, increasing=True))
    return weights[0], 2.0 * weights[2] / interval_s**2


def shape_metrics(
    recording: Recording, step: FrequencyStep, onset_s: float, data: StepData, power: Series, window_s: float,
    band_ratio: float,
) -> list[Metric]:  # fmt: skip
    """Return the metrics of one step that was answered; not applicable where readings are too sparse or few.

    Args:
        recording: for the meter's accuracy and the point.
        step: which step.
        onset_s: when it came.
        data: what was found around it.
        power: of the analyzer.
        window_s: its averaging window.
        band_ratio: half width of the band of settling, over the change of power.
    """
    scope = Scope(point=recording.point, step=step.step, direction=step.direction)
    window = Window(from_s=onset_s, to_s=data.end_s)
    part = power.between(onset_s, data.end_s)
    count = max(3, round(_SMOOTH_S / power.interval_s) // 2 * 2 + 1)
    if power.interval_s > _SPARSE_S or len(part) < 4 * count or data.gapped(power) or data.moving:
        note = "too few readings, or power had not settled, to see a peak"
        return [
            Metric(name=name, value=None, unit=unit, scope=scope, state="not_applicable", note=note)
            for name, unit in _NAMES
        ]
    level = step.sign * part.value - data.base_kw
    level = np.r_[np.full(count, 0.0), level]
    middle, bend = _parabola(count, power.interval_s)
    smooth = correlate1d(level, middle, mode="nearest")[count:]
    bent = correlate1d(level, bend, mode="nearest")[count:]
    t_s = part.t_s - onset_s - window_s / 2.0
    noise = data.noise_kw * math.sqrt(float(np.sum(middle**2)))
    tail = level[-max(2, len(part) // 4) :]
    steady = float(tail.mean())
    u_steady = data.noise_kw / math.sqrt(len(tail))
    peak = int(np.argmax(smooth))
    independent = count / 2.0
    reach = noise * (_NEAR + _expected_maximum(len(smooth) / independent))
    near = float(np.sum(smooth > smooth[peak] - reach))
    added = noise * _expected_maximum(near / independent)
    curved = max(-float(bent[peak]), 0.0)
    lost = curved * (window_s**2 + power.interval_s**2) / 24.0
    over = max(float(smooth[peak]) - steady - added + lost, 0.0) / steady
    parts = {"noise": math.hypot(noise, u_steady) / steady, "window": lost / steady / 2.0}
    outside = np.flatnonzero(np.abs(smooth - steady) > band_ratio * steady)
    settled = float(t_s[outside[-1]]) + power.interval_s if len(outside) else 0.0
    above = np.flatnonzero(smooth >= _NINETY * steady)
    ninety = int(above[0]) if len(above) else len(smooth) - 1
    before, after = (float(smooth[max(ninety - k, 0)]) for k in (1, 0))
    share = (after - _NINETY * steady) / (after - before) if after > before else 0.0
    reached = float(t_s[ninety]) - share * power.interval_s
    reading = {"reading": power.interval_s / math.sqrt(3.0), "window": window_s / math.sqrt(12.0)}
    meter = power_u_kw(recording, steady)
    found = (
        (over, parts, "largest smoothed power over the steady one, less what noise adds, over the change"),
        (max(settled, 0.0), reading, f"smoothed power last outside ± {100 * band_ratio:g} % of the change"),
        (max(reached, 0.0), reading, "smoothed power first at 90 % of the change, from the step on"),
        (steady, {"noise": u_steady, "meter": meter}, "mean of the last quarter, less power before the step"),
    )
    return [
        Metric(
            name=name, value=value, unit=unit, uncertainty=expanded(budget), scope=scope, window=window,
            method=method, components=budget,
        )
        for (name, unit), (value, budget, method) in zip(_NAMES, found, strict=True)
    ]  # fmt: skip
