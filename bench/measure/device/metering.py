"""The device's own energy counters against the analyzer: level by level, and in a long standby.

    error = (counted - true) / true,   true = mean power of the analyzer x time between the two readings

The counter is read twice inside a stretch of constant power, so a constant age of its value cancels. Its
resolution enters as a triangular distribution (two readings, each rounded; JCGM 100, 4.3.9).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.stale import new_readings
from bench.measure.uncertainty import expanded, mean_and_u, noise_sd, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "metering"]

_CLASSES = ("n1", "n2", "n3", "n5", "n6", "n7")
OPTIONS = frozenset({"settle_s", "instant_interval_s", *_CLASSES})
_FINEST_KWH = 0.001
_SLOW = 1.6  # of the reading interval, or of the time of one count: slower has an interval of its own
Phase = tuple[str, float, float, int | None, str | None]
_COUNTERS = {"up": "energy_discharged_kwh", "down": "energy_charged_kwh"}
_NAMES = {
    "meter_error_pct": "%",
    "meter_class_pct": "%",
    "reference_pct": "%",
    "meter_creep_kwh": "kWh",
    "instant_error_pct": "%",
    "instant_missing_count": "1",
}


@dataclass(frozen=True)
class _Device:
    """The device's own values, from whichever role has them."""

    role: str
    power: Series
    power_asked: bool
    counters: dict[str, Series]


def _device(recording: Recording) -> _Device | None:
    for role in ("battery", "gateway"):
        counters = {
            way: Series.of(recording.signals.get(f"{role}.{name}"), as_told=True)
            for way, name in _COUNTERS.items()
        }
        if all(len(series) > 1 for series in counters.values()):
            power = recording.signals.get(f"{role}.power_kw")
            asked = power is not None and len(power.t_s) > 0
            return _Device(role, Series.of(power, as_told=True), asked, counters)
    return None


def _resolution_kwh(counter: Series) -> float:
    steps = np.diff(counter.value)
    moved = steps[steps > _FINEST_KWH / 10.0]
    return float(max(moved.min(), _FINEST_KWH)) if len(moved) else _FINEST_KWH


def _span(counter: Series, from_s: float, to_s: float) -> tuple[float, float, float] | None:
    """Return the first and last reading's times and what was counted between them."""
    inside = counter.between(from_s, to_s)
    if len(inside) < 2:
        return None
    return float(inside.t_s[0]), float(inside.t_s[-1]), float(inside.value[-1] - inside.value[0])


def _steady_span(
    counter: Series, from_s: float, to_s: float, power_kw: float
) -> tuple[float, float, float, float] | None:
    """Return two times, what was counted between them, and how well (s) they are known; None: too few.

    A counter that is new at an interval of its own, longer than its resolution explains, is old by a part of
    it at any other moment: then the times are those of its first and its last change.
    """
    inside = counter.between(from_s, to_s)
    plain = _span(counter, from_s, to_s)
    changes = np.flatnonzero(np.diff(inside.value) != 0.0) + 1 if plain is not None else np.empty(0, int)
    if plain is None:
        return None
    expected_s = 3600.0 * _resolution_kwh(counter) / max(abs(power_kw), 1e-9) if len(changes) else 0.0
    usual_s = float(np.median(np.diff(inside.t_s[changes]))) if len(changes) > 1 else to_s - from_s
    # the resolution is the smallest step seen: where every step is large, that is the interval's doing
    fine_s = 3600.0 * _FINEST_KWH / max(abs(power_kw), 1e-9)
    if usual_s <= _SLOW * max(inside.interval_s, min(expected_s, fine_s)):
        return *plain, 0.0
    if len(changes) < 2:
        return None
    first, last = int(changes[0]), int(changes[-1])
    counted = float(inside.value[last] - inside.value[first])
    return float(inside.t_s[first]), float(inside.t_s[last]), counted, inside.interval_s


def _age_s(counter: Series, before_s: float) -> float:
    """Return how old a value of the counter may be, by how far apart its changes were before ``before_s``."""
    inside = counter.between(-math.inf, before_s)
    times = inside.t_s[np.flatnonzero(np.diff(inside.value) != 0.0) + 1]
    if len(times) < 2:
        return 0.0
    usual_s = float(np.median(np.diff(times)))
    return usual_s + inside.interval_s if usual_s > _SLOW * inside.interval_s else 0.0


def _point(
    recording: Recording, meter: Series, device: _Device, phase: Phase, settle_s: float
) -> tuple[Metric, float] | None:
    """Return the error of one level, and the uncertainty of the reference alone (% of reading)."""
    _, from_s, to_s, step, direction = phase
    way = "down" if direction == "down" else "up"
    counter = device.counters[way]
    usual = meter.between(from_s + settle_s, to_s).value
    if len(usual) < 5:
        return None
    span = _steady_span(counter, from_s + settle_s, to_s, float(usual.mean()))
    if span is None:
        return None
    begin_s, end_s, counted_kwh, timing_s = span
    values = meter.between(begin_s, end_s).value
    if len(values) < 5:
        return None
    mean_kw, noise_kw = mean_and_u(values)
    true_kwh = abs(mean_kw) * (end_s - begin_s) / 3600.0
    sign = -1.0 if way == "down" else 1.0
    if true_kwh <= 0.0 or sign * mean_kw <= 0.0:
        note = f"asked to {'charge' if way == 'down' else 'discharge'}, it gave {mean_kw:.3f} kW"
        scope = Scope(point="device", step=step, direction=way)
        return _nothing("meter_error_pct", note, "missing", scope), 0.0
    components = {
        "meter": 100.0 * power_u_kw(recording, mean_kw) / abs(mean_kw),
        "noise": 100.0 * noise_kw / abs(mean_kw),
        "counter": 100.0 * _FINEST_KWH / math.sqrt(6.0) / true_kwh
        if timing_s
        else 100.0 * _resolution_kwh(counter) / math.sqrt(6.0) / true_kwh,
        "timing": 100.0 * timing_s / math.sqrt(6.0) / (end_s - begin_s),
    }
    metric = Metric(
        name="meter_error_pct",
        value=100.0 * (counted_kwh - true_kwh) / true_kwh,
        unit="%",
        uncertainty=expanded(components),
        scope=Scope(point="device", step=step, direction=way),
        window=Window(from_s=begin_s, to_s=end_s),
        method=f"{device.role}.{_COUNTERS[way]} against the analyzer over {true_kwh:.3f} kWh",
        note=f"at {abs(mean_kw):.3f} kW, {'charging' if way == 'down' else 'discharging'}",
        components=components,
    )
    return metric, 2.0 * components["meter"]


def _nothing(name: str, note: str, state: str = "not_applicable", scope: Scope | None = None) -> Metric:
    return Metric(
        name=name, value=None, unit=_NAMES[name], scope=scope or Scope(point="device"), note=note,
        state="missing" if state == "missing" else "not_applicable",
    )  # fmt: skip


def _class(options: Options, points: list[Metric]) -> Metric:
    """Return the tolerance of the narrowest class that every point keeps with its uncertainty."""
    if not points or any(point.value is None for point in points):
        return _nothing("meter_class_pct", "not every point could be measured", "missing")
    worst = max(abs(point.value or 0.0) + (point.uncertainty or 0.0) for point in points)
    for name in _CLASSES:
        tolerance = options.number(name)
        if worst <= tolerance:
            note = f"class {name}; the worst point with its uncertainty needs {worst:.2f} %"
            return Metric(
                name="meter_class_pct", value=tolerance, unit="%", uncertainty=0.0,
                scope=Scope(point="device"), note=note,
            )  # fmt: skip
    return _nothing("meter_class_pct", f"no class: the worst point with its uncertainty needs {worst:.2f} %")


def _creep(device: _Device, meter: Series, recording: Recording, settle_s: float) -> Metric:
    for name, from_s, to_s, _, _ in recording.phases:
        if name != "creep":
            continue
        begin = {way: from_s + settle_s + _age_s(counter, from_s) for way, counter in device.counters.items()}
        spans = {way: _span(counter, begin[way], to_s) for way, counter in device.counters.items()}
        known = {way: span for way, span in spans.items() if span is not None}
        if len(known) < len(spans):
            return _nothing("meter_creep_kwh", "the counters were not read in the standby", "missing")
        way, (begin_s, end_s, counted_kwh) = max(known.items(), key=lambda item: abs(item[1][2]))
        values = meter.between(begin_s, end_s).value
        if len(values) < 2:
            return _nothing("meter_creep_kwh", "the analyzer measured nothing in the standby", "missing")
        hours, mean_kw = (end_s - begin_s) / 3600.0, float(values.mean())
        # the windows follow one another: what power did in between is no noise of its mean
        noise_kw = noise_sd(values) / math.sqrt(len(values))
        components = {"meter": power_u_kw(recording, mean_kw), "noise": noise_kw}
        sign = -1.0 if way == "down" else 1.0
        # where the analyzer sees no power none flows; where it does, counting it is right
        flowed = counted_kwh != 0.0 and sign * mean_kw > expanded(components)
        return Metric(
            name="meter_creep_kwh",
            value=max(abs(counted_kwh) - (sign * mean_kw * hours if flowed else 0.0), 0.0),
            unit="kWh",
            uncertainty=expanded(components) * hours if flowed else 0.0,
            scope=Scope(point="device", phase="creep"),
            window=Window(from_s=begin_s, to_s=end_s),
            method=f"change of {device.role}.{_COUNTERS[way]} in {end_s - begin_s:.0f} s of standby"
            + (", less what flowed" if flowed else ""),
            note=f"the analyzer measured {1000.0 * mean_kw:+.2f} W on average",
            components={name: part * hours for name, part in components.items()} if flowed else {},
        )
    return _nothing("meter_creep_kwh", "there was no standby")


def _instant(recording: Recording, meter: Series, device: _Device, options: Options) -> list[Metric]:
    """Compare single readings of the device's power with the analyzer at the product's interval."""
    interval_s, settle_s = options.number("instant_interval_s"), options.number("settle_s")
    asked = missing = 0
    worst: Metric | None = None
    new = new_readings(recording, f"{device.role}.power_kw", device.power)
    for name, from_s, to_s, step, direction in recording.phases:
        if name != "point":
            continue
        for end_s in np.arange(from_s + settle_s + interval_s, to_s + 1e-9, interval_s).tolist():
            asked += 1
            own = device.power.between(end_s - interval_s, end_s)
            if len(own) == 0:
                missing += 1
                continue
            low, high = np.searchsorted(device.power.t_s, [end_s - interval_s, end_s], side="right")
            missing += int(not new[low:high].any())
            # the analyzer's readings before and after: where power moved, the device may have seen either
            at_s, told_kw = float(own.t_s[-1]), float(own.value[-1])
            true = meter.between(at_s - meter.interval_s - 1e-6, at_s + meter.interval_s + 1e-6).value
            if len(true) == 0 or float(np.abs(true).min()) < 1e-3:
                continue
            kw = float(true[np.argmin(np.abs(true - told_kw))])
            inside = float(true.min()) <= told_kw <= float(true.max())
            error = 0.0 if inside else 100.0 * abs(told_kw - kw) / abs(kw)
            if worst is None or error > (worst.value or 0.0):
                noise_kw = noise_sd(meter.between(from_s + settle_s, to_s).value)
                components = {
                    "meter": 100.0 * power_u_kw(recording, kw) / abs(kw),
                    "noise": 100.0 * noise_kw / abs(kw),
                }
                worst = Metric(
                    name="instant_error_pct",
                    value=error,
                    unit="%",
                    uncertainty=expanded(components),
                    scope=Scope(point="device", step=step, direction="down" if direction == "down" else "up"),
                    window=Window(from_s=end_s - interval_s, to_s=end_s),
                    method=f"{device.role}.power_kw every {interval_s:g} s against the analyzer, the worst",
                    note=f"at {kw:.3f} kW",
                    components=components,
                )
    if not asked or not device.power_asked:
        why = "the device does not tell its power" if asked else "no level was held"
        return [_nothing(name, why) for name in ("instant_error_pct", "instant_missing_count")]
    count = Metric(
        name="instant_missing_count", value=float(missing), unit="1", uncertainty=0.0,
        scope=Scope(point="device"),
        method=f"intervals of {interval_s:g} s without a value that may be new, of {asked}",
    )  # fmt: skip
    return [worst or _nothing("instant_error_pct", "no power to compare", "missing"), count]


def metering(recording: Recording, options: Options) -> list[Metric]:
    """Measure the error of the built-in meter at every ``point`` phase, and its creep in ``creep``."""
    meter = Series.of(recording.signals.get("meter.power_kw"))
    device = _device(recording)
    if device is None or len(meter) < 2:
        why = "the device tells no energy counters" if device is None else "no power at the device point"
        return [_nothing(name, why) for name in _NAMES]
    settle_s = options.number("settle_s")
    found, references, asked = [], [], 0
    for phase in recording.phases:
        if phase[0] == "point":
            asked += 1
            measured = _point(recording, meter, device, phase, settle_s)
            if measured is not None:
                found.append(measured[0])
                references.append(measured[1])
    metrics = [*found, _class(options, found if len(found) == asked else [])]
    if references:
        metrics.append(
            Metric(
                name="reference_pct",
                value=max(references),
                unit="%",
                uncertainty=0.0,
                scope=Scope(point="device"),
                method="expanded uncertainty of the analyzer at its worst point",
            )
        )
    metrics += [_creep(device, meter, recording, settle_s), *_instant(recording, meter, device, options)]
    metrics.append(
        Metric(
            name="meter_missing_count",
            value=float(asked - len(found)),
            unit="1",
            uncertainty=0.0,
            scope=Scope(point="device"),
            method=f"levels without enough data, of {asked}",
        )
    )
    return metrics
