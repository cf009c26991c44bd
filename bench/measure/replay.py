"""Whether a recorded grid frequency was played as asked.

The asked course is averaged over the analyzer's window, shifted by the lag that fits best (latency of source
and analyzer together), and widened by a little jitter of that lag; what is left is the error.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bench.measure.averaging import meter_channels
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.steps import asked_frequency
from bench.measure.uncertainty import expanded, frequency_u_hz, noise_sd
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "replay"]

FloatArray = NDArray[np.float64]
OPTIONS: frozenset[str] = frozenset({"lag_low_s", "lag_high_s", "jitter_s"})
_LAG_LOW_S = -0.3
_LAG_HIGH_S = 1.5
_JITTER_S = 0.05
_FEWEST = 20
_SHIFTS = 9


class _Asked:
    """The asked frequency and its exact mean over a window."""

    def __init__(self, asked: Series, end_s: float) -> None:
        self._knots = np.append(asked.t_s, max(end_s, float(asked.t_s[-1])) + 10.0)
        steps = np.diff(self._knots) * (asked.value - asked.value[0])
        self._integral = np.concatenate([[0.0], np.cumsum(steps)])
        self._offset = float(asked.value[0])

    def mean(self, end_s: FloatArray, window_s: float) -> FloatArray:
        high = np.interp(end_s, self._knots, self._integral)
        low = np.interp(end_s - window_s, self._knots, self._integral)
        return np.asarray((high - low) / window_s + self._offset)


def _best_lag(asked: _Asked, measured: Series, window_s: float, low_s: float, high_s: float) -> float:
    lags = np.linspace(low_s, high_s, 37)
    for _ in range(3):
        errors = [
            float(np.mean((measured.value - asked.mean(measured.t_s - lag, window_s)) ** 2)) for lag in lags
        ]
        best = lags[int(np.argmin(errors))]
        step = float(lags[1] - lags[0])
        lags = np.linspace(max(best - step, low_s), min(best + step, high_s), 13)
    return float(best)


def replay(recording: Recording, options: Options) -> list[Metric]:
    """Compare the measured frequency with the asked course during the phase ``replay`` (or all of it)."""
    asked = asked_frequency(recording)
    _, frequency, averaging = meter_channels(recording)
    if len(frequency) == 0:
        frequency = Series.of(recording.signals.get("meter.frequency_hz"))
    names = ("replay_error_hz", "replay_rms_hz")
    if len(asked) < 2:
        note = "no course of asked frequency in the recording"
        return [Metric(name=name, value=None, unit="Hz", state="not_applicable", note=note) for name in names]
    spans = [(low, high) for name, low, high, _, _ in recording.phases if name == "replay"]
    from_s, to_s = spans[0] if spans else (float(asked.t_s[0]), float(asked.t_s[-1]))
    window = averaging.widths_s[0] if averaging.known else averaging.update_s
    low, high = options.number("lag_low_s", _LAG_LOW_S), options.number("lag_high_s", _LAG_HIGH_S)
    if recording.foreign:
        # somebody else's row tells what was set by then: since when, only within a row
        low -= frequency.interval_s
    part = frequency.between(from_s + window + high, to_s)
    if len(part) < _FEWEST:
        note = "the analyzer measured no frequency during the replay"
        return [Metric(name=name, value=None, unit="Hz", state="missing", note=note) for name in names]
    course = _Asked(asked, to_s)
    lag = _best_lag(course, part, window, low, high)
    jitter = options.number("jitter_s", _JITTER_S) + averaging.stamp_s
    if recording.foreign:
        jitter += frequency.interval_s / 2.0
    shifts = np.linspace(-jitter, jitter, _SHIFTS)
    near = np.array([course.mean(part.t_s - lag - float(shift), window) for shift in shifts])
    outside = np.maximum(np.maximum(near.min(axis=0) - part.value, part.value - near.max(axis=0)), 0.0)
    residual = part.value - near[_SHIFTS // 2]
    index = int(np.argmax(outside))
    noise = noise_sd(residual)
    components = {"noise": noise, "meter": frequency_u_hz(recording)}
    span = Window(from_s=from_s, to_s=to_s)
    method = (
        f"measured less asked frequency averaged over {window:.3g} s, lag {lag:.3f} s ± {jitter:.3g} s "
        f"taken out, {len(part)} samples"
    )
    rms = math.sqrt(float(np.mean(residual**2)))
    mean_parts = {"meter": frequency_u_hz(recording)}
    return [
        Metric(
            name="replay_error_hz",
            value=float(outside[index]),
            unit="Hz",
            uncertainty=expanded(components),
            scope=Scope(phase="replay"),
            window=span,
            method=f"largest {method}",
            note=f"largest at {float(part.t_s[index]):.1f} s",
            components=components,
        ),
        Metric(
            name="replay_rms_hz",
            value=rms,
            unit="Hz",
            uncertainty=expanded(mean_parts),
            scope=Scope(phase="replay"),
            window=span,
            method=f"root mean square of {method}",
            components=mean_parts,
        ),
        Metric(
            name="replay_lag_s",
            value=lag,
            unit="s",
            scope=Scope(phase="replay"),
            window=span,
            method="best lag",
        ),
    ]
