"""Whether the data is there: judged points and windows without data, and what looks wrong with the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from bench.measure.command.activation import Times, activations
from bench.measure.hold.frequency import hold_points_s
from bench.measure.hold.held import held
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.steps import frequency_steps
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "data"]

OPTIONS: frozenset[str] = frozenset()
_GAP = 3.5
_REPLAY_S = 1.0
_SIGN_SHARE = 0.05


def _lost_windows(power: Series, spans: Iterable[tuple[float, float]]) -> tuple[int, int, list[float]]:
    """Return how many spans are lost, how many were asked for, and where: lost is a span with a wide gap."""
    lost: list[float] = []
    asked = 0
    for low, high in spans:
        asked += 1
        inside = power.between(low, high).t_s
        marks = np.r_[low, inside, high]
        if float(np.max(np.diff(marks))) > _GAP * power.interval_s:
            lost.append(low)
    return len(lost), asked, lost


def _command_points(recording: Recording, options: Options, power: Series) -> tuple[int, int, list[float]]:
    found = activations(recording, power, Times.of(options))
    # the extra interval is not asked for by the rule: it is looked at, but not missed
    points = [point for item in found for point in [*item.baseline, *item.judged]]
    lost = [point.t_s for point in points if point.kw is None]
    return len(lost), len(points), lost


def _frequency_points(recording: Recording, options: Options, power: Series) -> tuple[int, int, list[float]]:
    nominal, full = options.number("nominal_hz"), options.number("abnormal_hz")
    response = options.number("response_s")
    steps = frequency_steps(recording, nominal, full, response)
    spans = [(step.at_s, min(step.at_s + response, step.end_s)) for step in steps]
    lost, asked, where = _lost_windows(power, spans)
    if options.get("duration_s") is None:
        return lost, asked, where
    holds, series, _ = held(recording, options)
    window = options.number("point_window_s", 1.0)
    for item in holds:
        times, wanted = hold_points_s(item, power.end_s, options)
        for t_s in times[:wanted]:
            asked += 1
            if len(series.last_window(t_s, window)) == 0:
                lost += 1
                where.append(t_s)
    return lost, asked, where


def _replay_points(recording: Recording) -> tuple[int, int, list[float]]:
    frequency = Series.of(recording.signals.get("meter.frequency_hz"))
    spans: list[tuple[float, float]] = []
    for name, low, high, _, _ in recording.phases:
        if name == "replay":
            edges = np.arange(low, high - _REPLAY_S + 1e-9, max(_REPLAY_S, 5.0 * frequency.interval_s))
            spans += [(float(a), float(b)) for a, b in pairwise(edges)]
    return (
        _lost_windows(frequency, spans) if len(frequency) else (len(spans), len(spans), [a for a, _ in spans])
    )


def _missing(recording: Recording, options: Options, power: Series) -> Metric:
    lost, asked = 0, 0
    where: list[float] = []
    commands = any(
        c.quantity == "power_set_kw" and not isinstance(c.value, str | bool) and abs(float(c.value)) > 1e-6
        for c in recording.commands
    ) or any(name.endswith(".power_set_kw") for name in recording.signals)
    parts = []
    if commands and options.get("interval_s") is not None:
        parts.append(_command_points(recording, options, power))
    stepped = recording.facts.get("steps_judged", True)  # elsewhere a staircase has steps nobody judges
    if stepped and options.get("nominal_hz") is not None and options.get("abnormal_hz") is not None:
        parts.append(_frequency_points(recording, options, power))
    parts.append(_replay_points(recording))
    for more, of, at in parts:
        lost, asked, where = lost + more, asked + of, where + at
    scope = Scope(point=recording.point)
    if len(power) == 0 and asked == 0:
        note = f"no power at the {recording.point} point"
        return Metric(
            name="missing_judged_count", value=None, unit="1", scope=scope, state="missing", note=note
        )
    if asked == 0:
        note = "no judged points or windows in the recording"
        return Metric(
            name="missing_judged_count", value=None, unit="1", scope=scope, state="not_applicable", note=note
        )
    shown = ", ".join(f"{t_s:.0f} s" for t_s in sorted(where)[:5])
    return Metric(
        name="missing_judged_count",
        value=float(lost),
        unit="1",
        uncertainty=0.0,
        scope=scope,
        window=Window(from_s=min(where), to_s=max(where)) if where else None,
        method=f"judged points and windows without data, of {asked}; nothing is interpolated",
        note=f"at {shown}{' ...' if len(where) > 5 else ''}" if where else "",
    )


def _count(name: str, channel: str, value: float, note: str = "", unit: str = "1") -> Metric:
    return Metric(
        name=name, value=value, unit=unit, scope=Scope(), method=f"{channel}, as information", note=note
    )


def _channel(recording: Recording, channel: str) -> list[Metric]:
    signal = recording.signals[channel]
    series = Series.of(signal)
    kind = "frequency" if channel.endswith("frequency_hz") else "power"
    # what was not read is stamped with when it was due, which is before the late reading that it followed
    taken = signal.t_s if recording.foreign else signal.t_s[signal.quality != "missing"]
    steps = np.diff(taken)
    gaps = np.diff(series.t_s)
    wide = gaps[gaps > _GAP * series.interval_s] if len(series) > 1 else gaps[:0]
    return [
        _count(f"{kind}_gap_count", channel, float(len(wide))),
        _count(f"{kind}_longest_gap_s", channel, float(wide.max()) if len(wide) else 0.0, unit="s"),
        _count(f"{kind}_missing_count", channel, float(np.sum(signal.quality == "missing"))),
        _count(f"{kind}_overflow_count", channel, float(np.sum(signal.quality == "overflow"))),
        _count(f"{kind}_duplicate_count", channel, float(np.sum(steps == 0.0))),
        _count(f"{kind}_out_of_order_count", channel, float(np.sum(steps < 0.0))),
        _count(f"{kind}_frozen_count", channel, float(series.frozen_count)),
    ]


def _sign(recording: Recording, power: Series, rated_kw: float) -> list[Metric]:
    device = Series.of(recording.signals.get("battery.power_kw"))
    if recording.point != "device" or len(device) < 2 or len(power) < 2:
        return []
    index = np.searchsorted(power.t_s, device.t_s, side="right") - 1
    near = (index >= 0) & (device.t_s - power.t_s[np.maximum(index, 0)] <= 2.0 * power.interval_s)
    meter, own = power.value[index[near]], device.value[near]
    strong = (np.abs(meter) > _SIGN_SHARE * rated_kw) & (np.abs(own) > _SIGN_SHARE * rated_kw)
    against = int(np.sum(meter[strong] * own[strong] < 0.0))
    energy = float((own * own).sum())
    metrics = [
        _count(
            "sign_disagreement_count",
            "meter.power_kw against battery.power_kw",
            float(against),
            f"of {int(strong.sum())} samples with power: meter and device disagree on the sign"
            if against
            else "",
        )
    ]
    if energy > 0.0 and bool(strong.any()):
        ratio = float((meter * own).sum()) / energy
        metrics.append(_count("meter_over_device_ratio", "meter.power_kw over battery.power_kw", ratio))
    return metrics


def data(recording: Recording, options: Options) -> list[Metric]:
    """Count judged points without data, and describe gaps, frozen stretches, duplicates and signs."""
    power = Series.of(recording.power())
    metrics = [_missing(recording, options, power)]
    name = "meter.receiving_power_kw" if recording.point == "receiving" else "meter.power_kw"
    for channel in (name, "meter.frequency_hz"):
        if channel in recording.signals:
            metrics += _channel(recording, channel)
    rated = options.get("rated_kw") or 0.0
    if math.isfinite(rated) and rated > 0.0:
        metrics += _sign(recording, power, rated)
    return metrics
