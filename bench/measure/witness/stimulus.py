"""Whether the terminals got what was asked: frequency and voltage against the set-points, edges left out.

A stimulus out of its tube makes a run invalid: it is the bench's fault, never the battery's.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.steps import asked_frequency
from bench.measure.uncertainty import expanded, frequency_u_hz, noise_sd
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "stimulus"]

FloatArray = NDArray[np.float64]
OPTIONS = frozenset({"edge_s", "nominal_v"})
_EDGE_S = 0.5
_MEAN_S = 1.0
_FEWEST = 5
_VOLTAGE_EDGE_S = 2.0
_EDGE_HZ = 0.05
_EDGE_SHARE = 0.1
_COARSE_EDGE_S = 0.3
_LOST = 1.5


def _live_from(recording: Recording) -> float:
    on = [c.t_s for c in recording.commands if c.role == "source" and c.quantity == "output" and c.value]
    return min(on, default=-math.inf)


def _settled(
    measured: Series, asked: Series, edge_s: float, live_s: float, ahead_s: float = 0.0
) -> tuple[FloatArray, FloatArray, NDArray[np.int_]]:
    """Return times, errors and dwell numbers of the samples that lie in a dwell, clear of its edges.

    ``ahead_s`` is how long before the next command a sample may already be part of it.
    """
    dwell = np.searchsorted(asked.t_s, measured.t_s, side="right") - 1
    start = np.where(dwell >= 0, asked.t_s[np.maximum(dwell, 0)], np.inf)
    keep = (dwell >= 0) & (measured.t_s > start + edge_s) & (measured.t_s > live_s + _VOLTAGE_EDGE_S + edge_s)
    # a sample stamped at the next command may already be part of it
    following = np.append(asked.t_s, np.inf)[np.clip(dwell + 1, 0, len(asked.t_s))]
    keep &= measured.t_s < following - ahead_s
    return measured.t_s[keep], measured.value[keep] - asked.value[dwell[keep]], dwell[keep]


def _worst_mean(
    t_s: FloatArray, error: FloatArray, dwell: NDArray[np.int_], count: int
) -> tuple[float, float, int] | None:
    """Return the running mean of ``count`` samples within a dwell farthest from zero, its end, its index."""
    if len(error) < count:
        return None
    total = np.cumsum(np.r_[0.0, error])
    mean = (total[count:] - total[:-count]) / count
    whole = dwell[count - 1 :] == dwell[: len(dwell) - count + 1]
    if not bool(whole.any()):
        return None
    size = np.where(whole, np.abs(mean), -1.0)
    index = int(np.argmax(size))
    return float(mean[index]), float(t_s[index + count - 1]), index


def _nothing(name: str, unit: str, note: str, state: str = "not_applicable") -> Metric:
    return Metric(
        name=name, value=None, unit=unit, scope=Scope(), note=note,
        state="missing" if state == "missing" else "not_applicable",
    )  # fmt: skip


def _frequency(recording: Recording, options: Options) -> list[Metric]:
    asked = asked_frequency(recording)
    measured = Series.of(recording.signals.get("meter.frequency_hz"))
    if len(asked) == 0:
        return [_nothing("stimulus_error_hz", "Hz", "what the source was set to is not in the recording")]
    if len(measured) < 2:
        return [_nothing("stimulus_error_hz", "Hz", "the analyzer measured no frequency", "missing")]
    keep = np.r_[True, np.diff(asked.value) != 0.0]
    asked = Series(asked.t_s[keep], asked.value[keep], asked.t_s[keep])
    window = float(recording.facts.get("window_s") or measured.interval_s)
    edge = options.number("edge_s", _EDGE_S) + window + measured.interval_s
    told = not recording.foreign or "source.frequency_hz" in recording.signals
    if not told and not recording.facts.get("steps_judged", True):
        # levels found in the measured frequency are no witness against it, and a staircase is judged by what
        # was measured
        return [_nothing("stimulus_error_hz", "Hz", "what the source was set to is not in the recording")]
    # elsewhere a window may be stamped at its start and the source's log have a clock of its own; and a step
    # found in the measured frequency lies anywhere in its edge
    ahead = edge if recording.foreign else 0.0
    t_s, error, dwell = _settled(measured, asked, edge, _live_from(recording), ahead)
    count = max(_FEWEST, round(_MEAN_S / measured.interval_s))
    found = _worst_mean(t_s, error, dwell, count)
    if found is None:
        return [_nothing("stimulus_error_hz", "Hz", "no dwell of the set frequency is long enough to judge")]
    worst, at_s, index = found
    noise = noise_sd(error[index : index + count]) / math.sqrt(count)
    components = {"noise": noise, "meter": frequency_u_hz(recording)}
    span = f"{count} samples"
    steady = {
        int(number): float(error[dwell == number].mean())
        for number in np.unique(dwell)
        if int((dwell == number).sum()) >= count
    }
    farthest = max(steady.values(), key=abs, default=worst)
    # the largest of so many means of noise is no error of the source
    means = max(len(error) / count, 1.0)
    allowed = math.sqrt(2.0 * math.log(means)) * noise_sd(error) / math.sqrt(count)
    size = max(abs(worst) - allowed, abs(steady.get(int(dwell[index]), 0.0)))
    return [
        Metric(
            name="stimulus_error_hz",
            value=size,
            unit="Hz",
            uncertainty=expanded(components),
            scope=Scope(),
            window=Window(from_s=at_s - count * measured.interval_s, to_s=at_s),
            method=f"worst mean of {span} of measured less set frequency, {edge:.2g} s of edge left out; "
            f"less {1e3 * allowed:.2g} mHz that the noise of so many means reaches anyway",
            note=f"{worst:+.4f} Hz at {at_s:.1f} s",
            components=components,
        ),
        Metric(
            name="stimulus_mean_error_hz",
            value=abs(farthest),
            unit="Hz",
            uncertainty=expanded({"meter": frequency_u_hz(recording)}),
            scope=Scope(),
            method=f"worst mean over a whole dwell, {len(steady)} dwells",
            note=f"{farthest:+.4f} Hz",
            components={"meter": frequency_u_hz(recording)},
        ),
    ]


def _voltage_u_ratio(recording: Recording, voltage_v: float) -> float:
    """Return the meter's standard uncertainty over the reading; one of power where voltage has none."""
    accuracy = recording.accuracy
    reading = accuracy.get("voltage_reading_pct", accuracy.get("power_reading_pct", 0.0))
    range_v = accuracy.get("voltage_range_pct", 0.0) * accuracy.get("voltage_range_v", 0.0)
    return (reading + range_v / max(abs(voltage_v), 1e-9)) / 100.0 / math.sqrt(3.0)


def _edges(recording: Recording) -> Metric:
    """Return the longest time that the terminals took to come to a new set-point."""
    name = "stimulus_edge_s"
    asked = asked_frequency(recording)
    measured = Series.of(recording.signals.get("meter.frequency_hz"))
    if len(asked) < 2 or len(measured) < 2:
        return _nothing(name, "s", "no step of the set frequency, or none measured")
    window = float(recording.facts.get("window_s") or measured.interval_s)
    longest: tuple[float, float, float] | None = None
    for before, after, at_s, end_s in zip(
        asked.value, asked.value[1:], asked.t_s[1:], [*asked.t_s[2:], measured.end_s], strict=False
    ):
        step = float(after - before)
        part = measured.between(float(at_s), float(end_s))
        if abs(step) < _EDGE_HZ or len(part) < _FEWEST:
            continue
        off = np.abs(part.value - after) > _EDGE_SHARE * abs(step)
        # the settled end decides what belongs to the edge; what happens later is the dwell's affair
        settled = np.flatnonzero(~off)
        last = float(part.t_s[settled[0]]) if len(settled) else float(part.t_s[-1])
        before_s = measured.t_s[max(int(np.searchsorted(measured.t_s, last)) - 1, 0)]
        if last - before_s > _LOST * measured.interval_s:
            continue  # rows are lost where the edge is: nobody saw how long it took
        took = max(last - float(at_s) - window, 0.0)
        if longest is None or took > longest[0]:
            longest = took, float(at_s), last
    if longest is None:
        return _nothing(name, "s", "no step of the set frequency is large enough to judge")
    # the set-point and the window that shows it are each seen up to one reading late
    components = {"window": window / math.sqrt(12.0), "reading": measured.interval_s / math.sqrt(12.0)}
    if expanded(components) > _COARSE_EDGE_S:
        return _nothing(name, "s", f"readings every {measured.interval_s:g} s cannot show an edge")
    return Metric(
        name=name,
        value=longest[0],
        unit="s",
        uncertainty=expanded(components),
        scope=Scope(),
        window=Window(from_s=longest[1], to_s=longest[2]),
        method=f"longest time from a set frequency until within {100 * _EDGE_SHARE:.0f} % of the step, less "
        "the window of the meter",
        note=f"step at {longest[1]:.1f} s",
        components=components,
    )


def _voltage(recording: Recording, options: Options) -> list[Metric]:
    name = "stimulus_error_v_ratio"
    sent = sorted(
        (c.t_s, float(c.value))
        for c in recording.commands
        if c.role == "source" and c.quantity == "voltage_v" and not isinstance(c.value, str | bool)
    )
    measured = Series.of(recording.signals.get("meter.voltage_v"))
    if len(measured) < 2:
        return [_nothing(name, "1", "the analyzer measured no voltage")]
    nominal = options.get("nominal_v")
    if not sent and (nominal is None or recording.foreign):
        return [_nothing(name, "1", "what voltage was asked for is not in the recording")]
    if not sent:
        sent = [(-math.inf, float(nominal or 1.0))]
    t_s, value = np.array(sent).T
    asked = Series(t_s, value, t_s)
    edge = _VOLTAGE_EDGE_S + measured.interval_s
    at, error, dwell = _settled(measured, asked, edge, _live_from(recording))
    ratio = error / value[dwell] if len(error) else error
    count = max(_FEWEST, round(_MEAN_S / measured.interval_s))
    found = _worst_mean(at, ratio, dwell, count)
    if found is None:
        return [_nothing(name, "1", "the voltage was measured too short to judge")]
    worst, at_s, index = found
    components = {
        "noise": noise_sd(ratio[index : index + count]) / math.sqrt(count),
        "meter": _voltage_u_ratio(recording, float(value[dwell[index]])),
    }
    return [
        Metric(
            name=name,
            value=abs(worst),
            unit="1",
            uncertainty=expanded(components),
            scope=Scope(),
            window=Window(from_s=at_s - count * measured.interval_s, to_s=at_s),
            method=f"worst mean of {count} samples of measured less asked voltage, over the asked",
            note=f"{100 * worst:+.2f} % at {at_s:.1f} s",
            components=components,
        )
    ]


def stimulus(recording: Recording, options: Options) -> list[Metric]:
    """Compare measured frequency and voltage with what was asked for."""
    return [*_frequency(recording, options), _edges(recording), *_voltage(recording, options)]
