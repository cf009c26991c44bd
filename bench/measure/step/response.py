"""Delay and response time of each frequency step, with their uncertainty budgets.

The delay is the dead time of the fitted response, counted from the step in the analyzer's own frequency
channel, so that no two clocks are compared. The judge takes the worst step; the mean stands beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from bench.measure.averaging import Averaging, meter_channels
from bench.measure.entry import without_lone
from bench.measure.options import Options
from bench.measure.rested import unrested
from bench.measure.series import Series
from bench.measure.step.data import StepData, step_data
from bench.measure.step.fit import StepFit, fit_steps
from bench.measure.step.interval import device_interval_metric
from bench.measure.step.metrics import StepResult, metrics_of
from bench.measure.step.onset import onsets, rough_onset
from bench.measure.step.record_log import record_metrics
from bench.measure.step.shape import shape_metrics
from bench.measure.steps import FrequencyStep, asked_frequency, frequency_steps
from bench.measure.uncertainty import power_u_kw
from bench.model import Metric, Scope
from bench.recording import Recording

__all__ = ["OPTIONS", "step_response"]

OPTIONS = frozenset(
    {"band_ratio", "response_s", "delta_kw", "nominal_hz", "abnormal_hz", "measurement_interval_s",
     "record_interval_s"}
)  # fmt: skip
_UNLIKELY = 0.02
_LONE = 0.1


@dataclass(frozen=True)
class _Start:
    """When each step came (s), its standard uncertainty, how that was found; how long the source took."""

    at_s: list[float]
    sd_s: list[float]
    how: str
    ramp_s: float = 0.0


def _starts(
    recording: Recording, frequency: Series, steps: list[FrequencyStep], width_s: float, options: Options
) -> tuple[_Start, float] | None:
    nominal, full = options.number("nominal_hz"), options.number("abnormal_hz")
    dead_band = recording.facts.get("declared_dead_band_hz") or 0.0
    if len(frequency):
        rough = [rough_onset(frequency, step, nominal, full) for step in steps]
        known = [at for at in rough if at is not None]
        if len(known) < len(steps):
            return None
        found = onsets(frequency, known, steps, width_s, full, float(dead_band))
        if found is None:
            return None
        how = "t0 where the measured frequency crossed half the step"
        if found.ramp_s:
            how = f"t0 where the measured frequency left the dead band, {found.ramp_s:.2g} s before its level"
        return _Start(found.at_s.tolist(), found.sd_s.tolist(), how, found.ramp_s), found.evidence
    # without a measured frequency the command is all there is: the window's alignment stays open
    asked = asked_frequency(recording)
    if len(asked) == 0:
        return None
    at = [float(asked.t_s[np.argmin(np.abs(asked.t_s - step.at_s))]) for step in steps]
    doubt = math.hypot(width_s / math.sqrt(3.0), 0.05)
    return _Start(at, [doubt] * len(at), "t0 from the command; no measured frequency"), 0.0


def _fit_direction(
    power: Series, steps: list[FrequencyStep], start: _Start, index: list[int], width_s: float,
    options: Options, recording: Recording, reasons: list[str],
) -> tuple[dict[int, StepData], StepFit | None, list[int]]:  # fmt: skip
    delta, band = options.number("delta_kw"), options.number("band_ratio")
    response = options.number("response_s")
    data = {
        i: step_data(
            power, steps[i], start.at_s[i], width_s, delta_kw=delta, band_ratio=band, response_s=response
        )
        for i in index
    }
    data = {i: replace(item, restless=reasons[i]) if reasons[i] else item for i, item in data.items()}
    usable = [
        i for i in index if data[i].moved == "yes" and data[i].edge is not None and not data[i].restless
    ]
    if not usable:
        return data, None, []
    noise = float(np.sqrt(np.mean([data[i].noise_kw ** 2 for i in usable])))
    gain_u = power_u_kw(recording, delta) / delta
    edges = [edge for i in usable if (edge := data[i].edge) is not None]
    fit = fit_steps(edges, noise, width_s, (1.0 - band) * delta, (1.0 + band) * delta, gain_u, start.ramp_s)
    return data, fit, usable if fit is not None else []


def _results(
    recording: Recording, power: Series, frequency: Series, averaging: Averaging, steps: list[FrequencyStep],
    options: Options,
) -> list[StepResult] | None:  # fmt: skip
    """Fit under every likely width of the window; return the steps with the widths in the uncertainty."""
    started = []
    for width in averaging.widths_s:
        found = _starts(recording, frequency, steps, width, options)
        if found is not None:
            started.append((width, *found))
    if not started:
        return None
    top = max(evidence for _, _, evidence in started)
    chance = np.array([math.exp(max(evidence - top, -50.0)) for _, _, evidence in started])
    chance = chance / chance.sum()
    kept = [(item, p) for item, p in zip(started, chance, strict=True) if p >= min(_UNLIKELY, chance.max())]
    delta, response = options.number("delta_kw"), options.number("response_s")
    reasons = {
        width: unrested(power, steps, start.at_s, width, delta_kw=delta, response_s=response)
        for (width, start, _), _ in kept
    }
    results: list[StepResult] = []
    for direction in ("up", "down"):
        index = [i for i, step in enumerate(steps) if step.direction == direction]
        if not index:
            continue
        tries = []
        for (width, start, _), p in kept:
            data, fit, usable = _fit_direction(
                power, steps, start, index, width, options, recording, reasons[width]
            )
            tries.append((width, start, data, fit, usable, p))
        results += [StepResult.of(steps[i], i, tries, averaging, recording) for i in index]
    return sorted(results, key=lambda item: item.step.at_s)


def step_response(recording: Recording, options: Options) -> list[Metric]:
    """Measure delay and response of every frequency step, the device's sampling interval, and its record."""
    nominal, full = options.number("nominal_hz"), options.number("abnormal_hz")
    response = options.number("response_s")
    scope = Scope(point=recording.point)
    steps = frequency_steps(recording, nominal, full, response)
    power, frequency, averaging = meter_channels(recording)
    power = without_lone(power, _LONE * options.number("delta_kw"))
    if not steps or len(power) == 0:
        note = (
            "no frequency step in the recording" if not steps else f"no power at the {recording.point} point"
        )
        return [
            Metric(name=name, value=None, unit="s", scope=scope, state="not_applicable", note=note)
            for name in ("delay_s", "response_s", "measurement_interval_s")
        ]
    stepped = [
        step for step in steps
        if len(frequency) == 0 or rough_onset(frequency, step, nominal, full) is not None
    ]  # fmt: skip
    lost = [step for step in steps if step not in stepped]
    results = _results(recording, power, frequency, averaging, stepped, options) if stepped else None
    if results is None:
        note = "the measured frequency shows no step: no start to count from"
        return [
            Metric(name=name, value=None, unit="s", scope=scope, state="missing", note=note)
            for name in ("delay_s", "response_s")
        ]
    metrics = [
        Metric(
            name=name, value=None, unit="s", state="missing", note="no step in the measured frequency",
            scope=Scope(point=recording.point, step=step.step, direction=step.direction),
        )
        for step in lost
        for name in ("delay_s", "response_s")
    ]  # fmt: skip
    metrics += metrics_of(recording, results, power, options)
    band = options.number("band_ratio")
    metrics += [
        metric
        for item in results
        if item.data.moved == "yes" and not item.data.restless
        for metric in shape_metrics(
            recording, item.step, item.onset_s, item.data, power, averaging.widths_s[-1], band
        )
    ]
    metrics.append(device_interval_metric(recording, results, options.number("measurement_interval_s")))
    metrics += record_metrics(recording, steps, options.number("record_interval_s"))
    return metrics
