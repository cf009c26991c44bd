"""Whether everything that measures shows a small step as it was given: sign, element, wiring, units.

Four witnesses tell what the battery did: the command, the battery's own report, and the analyzer at the two
points. They are weighed against each other, the analyzer as one instrument: what most of them say is taken
for what happened, and each is then compared with that. So a wrong sign of the analyzer, of the battery's
report and of the command are told apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.measure.options import Options
from bench.measure.series import Series
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "commissioning"]

OPTIONS = frozenset[str]()
_LAST_SHARE = 1 / 3
_MOVED = 0.1
_AGREE = 0.3
_WEIGHT = {"command": 1.0, "report": 1.0, "device": 0.75, "receiving": 0.25}
_CHANNEL = {
    "device": "meter.power_kw",
    "receiving": "meter.receiving_power_kw",
    "report": "battery.power_kw",
}
_APART_RATIO = 0.5
"""The two points must differ by this share of the step with no power commanded, to be told apart."""
Way = Literal["up", "down"]


@dataclass(frozen=True)
class _Mean:
    value: float
    u: float


class _Windows:
    """Means over the settled end of each phase."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._spans: dict[tuple[str, int], tuple[float, float]] = {}
        for name, from_s, to_s, step, _ in recording.phases:
            begin_s = to_s - (to_s - from_s) * _LAST_SHARE
            self._spans[name, step or 1] = (begin_s, to_s)

    def span(self, phase: str, step: int = 1) -> Window | None:
        found = self._spans.get((phase, step))
        return None if found is None else Window(from_s=found[0], to_s=found[1])

    def mean(self, channel: str, phase: str, step: int = 1) -> _Mean | None:
        """Return the mean of a channel and its standard error; None without data."""
        span = self._spans.get((phase, step))
        if span is None:
            return None
        series = Series.of(self._recording.signals.get(channel))
        value = series.value[(series.t_s >= span[0]) & (series.t_s < span[1])]
        if len(value) == 0:
            return None
        spread = float(np.std(value, ddof=1)) if len(value) > 1 else 0.0
        return _Mean(float(np.mean(value)), spread / math.sqrt(len(value)))


def commissioning(recording: Recording, options: Options) -> list[Metric]:
    """Return the steps as each witness shows them, over what most say; frequency; voltage."""
    windows = _Windows(recording)
    step_kw = options.number("delta_kw")
    found: list[Metric] = []
    for way, phase, before in (("up", "discharge", 1), ("down", "charge", 2)):
        found += _powers(windows, way, phase, before, step_kw)  # type: ignore[arg-type]  # one of two words
    found.append(_exchanged(windows, step_kw))
    found += _frequency(windows, options.number("step_hz"), options.number("nominal_hz"))
    volts = windows.mean("meter.voltage_v", "zero", 3)
    found.append(_metric("voltage_ratio", volts, options.number("nominal_v"), windows.span("zero", 3)))
    return found


def _powers(windows: _Windows, way: Way, phase: str, before: int, step_kw: float) -> list[Metric]:
    asked_kw = step_kw if way == "up" else -step_kw
    seen: dict[str, _Mean] = {}
    for who, channel in _CHANNEL.items():
        after, zero = windows.mean(channel, phase), windows.mean(channel, "zero", before)
        if after is not None and zero is not None:
            move = after.value - zero.value
            seen[who] = _Mean(move / asked_kw, math.hypot(after.u, zero.u) / step_kw)
    scope, window = Scope(phase=phase, direction=way), windows.span(phase)
    what = _consensus({"command": 1.0, **{who: mean.value for who, mean in seen.items()}})
    moved = abs(what) >= _MOVED
    found = [
        Metric(
            name="battery_step_ratio",
            value=what,
            unit="1",
            uncertainty=2 * max((mean.u for mean in seen.values()), default=0.0),
            scope=scope,
            window=window,
            method="step on which most of command, report and analyzer agree, over the step commanded",
        )
        if seen
        else _missing("battery_step_ratio", scope, "neither the analyzer nor the battery tells the power")
    ]
    for who, channel in _CHANNEL.items():
        name = f"{who}_step_ratio"
        if who not in seen:
            found.append(_missing(name, scope, f"no data of {channel}", state="not_applicable"))
        elif not moved:
            note = "the battery did not move: nothing to compare"
            found.append(_missing(name, scope, note, state="not_applicable"))
        else:
            found.append(
                Metric(
                    name=name,
                    value=seen[who].value / what,
                    unit="1",
                    uncertainty=2 * seen[who].u / abs(what),
                    scope=scope,
                    window=window,
                    method=f"step of {channel} over the step on which most agree",
                )
            )
    return found


def _consensus(said: dict[str, float]) -> float:
    """Return what the heaviest group of agreeing witnesses says; in a tie the command's group."""
    best, best_weight = 1.0, 0.0
    for value in said.values():
        group = {
            who: other
            for who, other in said.items()
            if abs(other - value) <= _AGREE * max(1.0, abs(value), abs(other))
        }
        weight = sum(_WEIGHT[who] for who in group)
        if weight > best_weight + 1e-9:
            measured = [other for who, other in group.items() if who != "command"]
            best_weight = weight
            best = float(np.median(measured)) if measured else 1.0
    return best


def _exchanged(windows: _Windows, step_kw: float) -> Metric:
    """Return which element reads what the house draws, with no power commanded: 0 right, 1 exchanged."""
    name, scope, window = "elements_exchanged_ratio", Scope(phase="zero"), windows.span("zero", 2)
    device = windows.mean("meter.power_kw", "zero", 2)
    receiving = windows.mean("meter.receiving_power_kw", "zero", 2)
    report = windows.mean("battery.power_kw", "zero", 2)
    if device is None or receiving is None:
        return _missing(name, scope, "the analyzer has one point only", state="not_applicable")
    own_kw = report.value if report is not None else 0.0
    at_device, at_receiving = abs(device.value - own_kw), abs(receiving.value - own_kw)
    if at_device + at_receiving < _APART_RATIO * step_kw:
        note = "with no load in the house both points read the same"
        return _missing(name, scope, note)
    spread = 2 * math.hypot(device.u, receiving.u) / (at_device + at_receiving)
    return Metric(
        name=name,
        value=at_device / (at_device + at_receiving),
        unit="1",
        uncertainty=spread,
        scope=scope,
        window=window,
        method="share of the house's power that the device point shows while the battery is at zero",
    )


def _frequency(windows: _Windows, step_hz: float, nominal_hz: float) -> list[Metric]:
    channel = "meter.frequency_hz"
    up, down = windows.mean(channel, "frequency_up"), windows.mean(channel, "frequency_down")
    rest = windows.mean(channel, "zero", 3)
    move = None
    if up is not None and down is not None:
        move = _Mean(up.value - down.value, math.hypot(up.u, down.u))
    offset = None if rest is None else _Mean(rest.value - nominal_hz, rest.u)
    return [
        _metric("frequency_step_ratio", move, 2 * step_hz, windows.span("frequency_down")),
        _metric("analyzer_offset_hz", offset, 1.0, windows.span("zero", 3), unit="Hz"),
    ]


def _metric(name: str, mean: _Mean | None, over: float, window: Window | None, unit: str = "1") -> Metric:
    if mean is None:
        return _missing(name, Scope(), "the analyzer has no data of it", unit=unit)
    return Metric(
        name=name,
        value=mean.value / over,
        unit=unit,
        uncertainty=2 * mean.u / over,
        window=window,
        method="mean over the settled end of the phase, over what the source was set to",
    )


def _missing(
    name: str,
    scope: Scope,
    note: str,
    *,
    state: Literal["missing", "not_applicable"] = "missing",
    unit: str = "1",
) -> Metric:
    return Metric(name=name, value=None, unit=unit, scope=scope, state=state, note=note)
