"""How power follows a signal that never rests: the lag by correlation, and the band once that is taken out.

The lag is where the correlation of power with the delayed signal is largest. The signal is a staircase of
``every_s``, which on average comes half a step late by itself: that half is taken off.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.measure.command.commands import SIGNAL_PHASE
from bench.measure.command.scaling import scale_metrics
from bench.measure.options import Options
from bench.measure.points import Point, points_at, stay, worst
from bench.measure.series import Series
from bench.measure.uncertainty import expanded
from bench.measure.zero import zero_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "lag_of", "lfc"]

OPTIONS = frozenset({"interval_s", "response_s", "delay_s", "band_ratio", "delta_kw", "point_window_s"})
FloatArray = NDArray[np.float64]
_FEWEST = 30
_RELATED = 0.7


def _correlation(
    power: Series, at_s: FloatArray, sent_s: FloatArray, sent_kw: FloatArray, lag_s: float
) -> float:
    """Return the correlation of the samples at ``at_s`` with the signal ``lag_s`` before."""
    signal = np.interp(at_s - lag_s, sent_s, sent_kw)
    value = power.value
    if float(signal.std()) < 1e-12 or float(value.std()) < 1e-12:
        return 0.0
    return float(np.corrcoef(signal, value)[0, 1])


def lag_of(
    power: Series, sent_s: FloatArray, sent_kw: FloatArray, most_s: float, step_s: float
) -> tuple[float, float]:
    """Return the lag with the largest correlation, from 0 to ``most_s``, and that correlation.

    Coarse steps first, then a parabola through the three best; the signal is taken as straight between its
    values.
    """
    lags = np.arange(0.0, most_s + step_s, step_s)
    found = np.array([_correlation(power, power.t_s, sent_s, sent_kw, float(lag)) for lag in lags])
    best = int(np.argmax(found))
    if best in (0, len(lags) - 1):
        return float(lags[best]), float(found[best])
    left, here, right = found[best - 1 : best + 2]
    bend = left - 2.0 * here + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(lags[best]) + float(np.clip(shift, -0.5, 0.5)) * step_s, float(here)


def _rests_kept(sent_s: FloatArray, sent_kw: FloatArray, every_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the signal with its value again at the end of each rest: it is straight only between changes."""
    resting = np.flatnonzero(np.diff(sent_s) > 1.5 * every_s)
    again_s = sent_s[resting + 1] - every_s
    return np.insert(sent_s, resting + 1, again_s), np.insert(sent_kw, resting + 1, sent_kw[resting])


def _delay(
    power: Series,
    sent_s: FloatArray,
    sent_kw: FloatArray,
    every_s: float,
    most_s: float,
    clock_s: float,
    scope: Scope,
) -> Metric:
    step_s = max(every_s, power.interval_s) / 2.0
    lag_s, related = lag_of(power, sent_s, sent_kw, most_s, step_s)
    window = Window(from_s=float(sent_s[0]), to_s=float(power.t_s[-1]))
    method = (
        f"largest correlation of power with the signal sent every {every_s:g} s, up to {most_s:g} s of lag"
    )
    common = {"name": "delay_s", "unit": "s", "scope": scope, "window": window, "method": method}
    if related < _RELATED or lag_s >= most_s:
        note = f"power does not follow the signal: the largest correlation is {related:.2f}"
        against = lag_of(power, sent_s, -sent_kw, most_s, step_s)[1]
        if against > max(related, _RELATED):
            note += f"; it follows the signal with the sign turned ({against:.2f})"
        return Metric(**common, value=None, state="never", note=note)
    value = max(0.0, lag_s - every_s / 2.0)
    # within one step of the signal and one sample of the power nothing can be told apart
    slope = float(np.sqrt(np.mean(np.gradient(sent_kw, sent_s) ** 2)))
    signal = np.interp(power.t_s - lag_s, sent_s, sent_kw)
    gain, offset = np.polyfit(signal, power.value, 1)
    residual = float(np.std(power.value - gain * signal - offset))
    components = {
        "signal": every_s / math.sqrt(12.0),
        "sampling": power.interval_s / math.sqrt(12.0),
        "clock": clock_s / math.sqrt(3.0),
        "noise": residual / max(abs(float(gain)) * slope, 1e-12) / math.sqrt(len(power)),
    }
    return Metric(
        **common,
        value=value,
        uncertainty=expanded(components),
        note=f"correlation {related:.4f}",
        components=components,
    )


def _band(points: list[Point], band_kw: float, lag_s: float, scope: Scope) -> list[Metric]:
    ratios, point = stay(points, band_kw), worst(points)
    lost = sum(item.kw is None for item in points)
    found = [
        Metric(
            name="missing_judged_count", value=float(lost), unit="1", uncertainty=0.0, scope=scope,
            method=f"points of the signal without data, of {len(points)}",
        )
    ]  # fmt: skip
    if ratios is None or point is None:
        return found
    method = f"{len(points)} points of power against the signal {lag_s:.1f} s before"
    return [
        Metric(
            name="stay_ratio", value=ratios[0], unit="1", interval95=(ratios[1], ratios[2]), scope=scope,
            method=f"share inside ± {band_kw:.4g} kW of {method}",
            note=f"worst {point.deviation_kw:+.3f} kW at {point.t_s:.0f} s",
        ),
        Metric(
            name="band_deviation_kw",
            value=abs(point.deviation_kw),
            unit="kW",
            uncertainty=point.uncertainty_kw,
            scope=scope,
            window=Window(from_s=point.t_s, to_s=point.t_s),
            method=f"largest deviation of {method}",
            components=point.components,
        ),
        *found,
    ]  # fmt: skip


def _in_a_jump(point: Point, low_kw: float, high_kw: float, band_kw: float) -> Point:
    if point.kw is None or high_kw - low_kw <= band_kw:
        return point
    return replace(point, target_kw=float(np.clip(point.kw, low_kw, high_kw)))


def lfc(recording: Recording, options: Options) -> list[Metric]:
    """Measure delay and stay ratio over the phase "lfc" (二次①)."""
    scope = Scope(point=recording.point, phase=SIGNAL_PHASE)
    in_force = {  # of two at one instant the later one is in force
        command.t_s: float(command.value)
        for command in recording.commands
        if command.phase == SIGNAL_PHASE and command.quantity == "power_set_kw"
        and not isinstance(command.value, str | bool)
    }  # fmt: skip
    sent = sorted(in_force.items())
    power = Series.of(recording.power())
    span = next(((low, high) for name, low, high, _, _ in recording.phases if name == SIGNAL_PHASE), None)
    if span is None or len(sent) < _FEWEST or len(power) == 0:
        note = "no signal of load-frequency control in the recording"
        return [Metric(name="delay_s", value=None, unit="s", scope=scope, state="not_applicable", note=note)]
    sent_s, sent_kw = (np.array(column) for column in zip(*sent, strict=True))
    every_s = float(np.median(np.diff(sent_s)))
    sent_s, sent_kw = _rests_kept(sent_s, sent_kw, every_s)
    response_s = options.number("response_s")
    first_s = sent_s[0] + response_s  # what came before may still be on its way
    part = power.between(first_s, min(span[1], power.end_s))
    if len(part) < _FEWEST:
        note = "the record ended before the signal could be judged"
        return [Metric(name="delay_s", value=None, unit="s", scope=scope, state="missing", note=note)]
    quiet = [(low, high) for name, low, high, _, _ in recording.phases if name == "baseline"]
    zero, _ = zero_kw(recording, power, *(quiet[0] if quiet else (-math.inf, float(sent_s[0]))))
    most_s = min(response_s, max(2.0 * options.number("delay_s"), 4.0 * every_s))
    clock_s = recording.accuracy.get("time_s", 0.0)
    delay = _delay(part, sent_s, sent_kw, every_s, most_s, clock_s, scope)
    if delay.value is None:
        return [delay]
    interval_s = options.number("interval_s")
    lag_s = delay.value + every_s / 2.0
    at = np.arange(first_s + interval_s, part.t_s[-1] + 1e-6, interval_s)
    targets = np.interp(at - lag_s, sent_s, sent_kw)
    window_s = options.number("point_window_s", 1.0)
    points = [
        point
        for t_s, target in zip(at.tolist(), targets.tolist(), strict=True)
        for point in points_at(recording, power, [t_s], target, window_s, zero)
    ]
    band_kw = options.number("band_ratio") * options.number("delta_kw")
    # where the signal jumps by more than the band, what lies between before and after is on its way
    doubt_s = every_s / 2.0 + (delay.uncertainty or 0.0)
    near = np.array([np.interp(at - lag_s + off_s, sent_s, sent_kw) for off_s in (-doubt_s, 0.0, doubt_s)])
    ends = zip(points, near.min(axis=0).tolist(), near.max(axis=0).tolist(), strict=True)
    points = [_in_a_jump(point, low, high, band_kw) for point, low, high in ends]
    spans = [(point, point.target_kw, point.target_kw, band_kw) for point in points]
    return [delay, *_band(points, band_kw, lag_s, scope), *scale_metrics(spans, scope)]
