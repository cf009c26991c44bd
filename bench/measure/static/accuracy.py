"""The device's own measurement of frequency against the analyzer's, level by level.

Two errors: the mean of a level (what is constant), and the largest of a single settled reading (what jumps
counts too: each reading is a measurement). The reference is the analyzer's mean over the same time, never
the set-point of the source.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.measure.averaging import meter_channels
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.static.dwells import Dwell, dwells, settling
from bench.measure.uncertainty import expanded, frequency_u_hz
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "static_accuracy"]

FloatArray = NDArray[np.float64]
OPTIONS: frozenset[str] = frozenset()
_CHANNELS = ("battery.frequency_hz", "gateway.frequency_hz")
_NAMES = ("frequency_error_hz", "frequency_reading_error_hz")
_FEWEST = 3
_LATE_READINGS = 3.0
_FEW_CHANGES = 10
_CLEAR = 6.0
_ARRIVED = 0.1


def _device(recording: Recording) -> tuple[str, Series]:
    """Return the device's frequency; a constant reading is a reading, so nothing counts as frozen."""
    for channel in _CHANNELS:
        signal = recording.signals.get(channel)
        if signal is not None:
            t_s, value = signal.good()
            if len(t_s) >= _FEWEST:
                return channel, Series(t_s, value, np.sort(signal.t_s))
    return "", Series.of(None)


def _update_s(device: Series, spans: Sequence[Dwell]) -> float:
    """Return how often the device has something new: a log may repeat a reading row after row.

    Only readings that change within a level tell it: what stands still there may be a steady value.
    """
    changed = device.t_s[1:][np.diff(device.value) != 0.0]
    within = [changed[(changed > span.from_s) & (changed < span.to_s)] for span in spans]
    apart_s = np.concatenate([np.diff(times_s) for times_s in within]) if within else np.empty(0)
    if len(apart_s) < _FEW_CHANGES:
        return device.interval_s
    return max(device.interval_s, float(np.quantile(apart_s, 0.1)))


def _arrived_s(device: Series, span: Dwell) -> float:
    """Return until when the device still told the level before: a log may come late, which is no error."""
    half_s = 0.5 * (span.to_s - span.from_s)
    before = device.between(-math.inf, span.from_s).value[-1:]
    new = device.between(span.from_s + half_s, span.to_s).value
    part = device.between(span.from_s, span.from_s + half_s)
    if min(len(before), len(new), len(part)) == 0:
        return span.from_s
    change = abs(float(np.median(new)) - float(before[0]))
    if change <= _CLEAR * float(new.std()):
        return span.from_s
    # a reading between the two was taken while the frequency moved
    late = np.abs(part.value - np.median(new)) > _ARRIVED * change
    count = len(late) if late.all() else int(np.argmin(late))
    return float(part.t_s[count - 1]) if count else span.from_s


def _without(recording: Recording, note: str, state: str = "not_applicable") -> list[Metric]:
    return [
        Metric(name=name, value=None, unit="Hz", note=note,
               state="missing" if state == "missing" else "not_applicable")
        for name in _NAMES
    ]  # fmt: skip


def static_accuracy(recording: Recording, options: Options) -> list[Metric]:
    """Measure the largest error over all levels, with the level it was found at."""
    channel, device = _device(recording)
    _, frequency, averaging = meter_channels(recording)
    if not channel:
        return _without(recording, "no record of the device's own frequency in the recording")
    if len(frequency) < _FEWEST:
        return _without(recording, "the analyzer measured no frequency", "missing")
    spans = dwells(recording, frequency, averaging)
    lead_s = averaging.widths_s[-1] + frequency.interval_s + _LATE_READINGS * _update_s(device, spans)
    settle = settling(device, spans, lead_s)
    means: list[tuple[float, float, float, float, float]] = []
    readings: list[tuple[float, float, float]] = []
    lost = []
    for span in spans:
        from_s = max(span.from_s + settle.after_s, _arrived_s(device, span) + lead_s)
        own, reference = device.between(from_s, span.to_s - 1e-6), frequency.between(from_s, span.to_s - 1e-6)
        if len(own) < _FEWEST or len(reference) < _FEWEST:
            lost.append(span.from_s)
            continue
        hz = float(reference.value.mean())
        noise = math.hypot(
            float(reference.value.std(ddof=1)) / math.sqrt(len(reference)),
            float(own.value.std(ddof=1)) / math.sqrt(len(own)),
        )
        means.append((float(own.value.mean()) - hz, noise, hz, from_s, span.to_s))
        worst = int(np.argmax(np.abs(own.value - hz)))
        u_reference = float(reference.value.std(ddof=1)) / math.sqrt(len(reference))
        readings.append((float(own.value[worst]) - hz, u_reference, float(own.t_s[worst])))
    count = Metric(
        name="missing_judged_count", value=float(len(lost)), unit="1", uncertainty=0.0,
        method=f"levels without readings of {channel} or of the analyzer, of {len(spans)}",
    )  # fmt: skip
    if not means:
        return [*_without(recording, "no level of frequency with readings of the device", "missing"), count]
    error, noise, hz, from_s, to_s = max(means, key=lambda item: abs(item[0]))
    single, u_single, at_s = max(readings, key=lambda item: abs(item[0]))
    # the resolution of the reading is part of the error itself, not of what is known about it
    fixed = {"meter": frequency_u_hz(recording)}
    method = f"{channel} less the analyzer's frequency, {settle.after_s:.3g} s after each change by drift"
    return [
        Metric(
            name=_NAMES[0], value=abs(error), unit="Hz", uncertainty=expanded({"noise": noise, **fixed}),
            scope=Scope(), window=Window(from_s=from_s, to_s=to_s),
            method=f"largest mean over a level of {method}; {len(means)} levels",
            note=f"{error:+.4f} Hz at {hz:.3f} Hz", components={"noise": noise, **fixed},
        ),
        Metric(
            name=_NAMES[1], value=abs(single), unit="Hz", uncertainty=expanded({"noise": u_single, **fixed}),
            scope=Scope(), window=Window(from_s=at_s - device.interval_s, to_s=at_s),
            method=f"largest single reading of {method}", note=f"{single:+.4f} Hz at {at_s:.1f} s",
            components={"noise": u_single, **fixed},
            follows="error" if abs(error) > 0.5 * abs(single) else None,
        ),
        count,
    ]  # fmt: skip
