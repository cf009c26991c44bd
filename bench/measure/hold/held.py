"""What the frequency holds have in common: when each began, and the power before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.measure.averaging import meter_channels
from bench.measure.options import Options
from bench.measure.rested import unrested
from bench.measure.series import Series
from bench.measure.settling import tail_of
from bench.measure.step.onset import rough_onset
from bench.measure.steps import FrequencyStep, frequency_steps
from bench.measure.uncertainty import mean_and_u
from bench.recording import Recording

__all__ = ["Held", "held"]

_BEFORE_S = 5.0


@dataclass(frozen=True)
class Held:
    """A hold: its step, the start ``at_s``, and the power before it with its standard uncertainty."""

    step: FrequencyStep
    at_s: float
    base_kw: float
    base_u_kw: float
    base_points_s: tuple[float, ...]
    restless: str = ""
    """Why the power before it is no level to count from."""


def held(recording: Recording, options: Options) -> tuple[list[Held], Series, Series]:
    """Return the holds, and the analyzer's power and frequency."""
    nominal, full = options.number("nominal_hz"), options.number("abnormal_hz")
    power, frequency, averaging = meter_channels(recording)
    found = []
    steps = frequency_steps(recording, nominal, full, options.number("response_s"))
    rough_s = [rough_onset(frequency, step, nominal, full) if len(frequency) else None for step in steps]
    starts = [step.at_s if at is None else at for step, at in zip(steps, rough_s, strict=True)]
    reasons = [""] * len(steps)
    if len(power):
        reasons = unrested(
            power, steps, starts, 2.0 * averaging.widths_s[-1],
            delta_kw=options.number("delta_kw"), response_s=options.number("response_s"),
        )  # fmt: skip
    for step, rough, restless in zip(steps, rough_s, reasons, strict=True):
        if not step.hold or len(power) == 0:
            continue
        at_s = (step.at_s if rough is None else rough) - averaging.widths_s[0] / 2.0
        until_s = at_s - averaging.widths_s[-1]
        rest_s = max(step.rest_s, float(power.t_s[0]) - power.interval_s)
        # the later half of the rest at most: what came before may still be settling
        from_s = max(until_s - _BEFORE_S, (rest_s + until_s) / 2.0)
        before = power.between(from_s, until_s).value
        base, base_u = mean_and_u(before) if len(before) else (0.0, 0.0)
        settling = tail_of(power, rest_s, until_s, options.number("delta_kw", 0.0))
        if settling is not None:
            base, base_u = settling.level_kw, settling.level_u_kw
        points = tuple(float(t_s) for t_s in np.arange(until_s, from_s, -1.0)[::-1])
        found.append(Held(step, at_s, base, base_u, points, restless))
    return found, power, frequency
