"""The state of charge as a witness: which way energy went, and whether it is the energy that was measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.measure.options import Options
from bench.measure.series import Series
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["energy_balance", "meter_sign_is_right"]

FloatArray = NDArray[np.float64]
_FEWEST = 5
_SECONDS = 3600.0
_SURE_STEPS = 3.0


def _parts(recording: Recording, meter: Series) -> tuple[FloatArray, FloatArray, FloatArray, float] | None:
    """Return times, discharged energy (kWh), fall of the charge (%), and one step of the latter."""
    charge = recording.signals.get("battery.soc_pct")
    if charge is None or len(meter) < _FEWEST:
        return None
    t_s, soc = charge.good()
    inside = (t_s >= meter.t_s[0]) & (t_s <= meter.t_s[-1])
    t_s, soc = t_s[inside], soc[inside]
    if len(t_s) < _FEWEST:
        return None
    width = np.diff(meter.t_s)
    total = np.r_[0.0, np.cumsum(width * (meter.value[1:] + meter.value[:-1]) / 2.0)] / _SECONDS
    energy = np.interp(t_s, meter.t_s, total)
    levels = np.unique(np.round(soc, 9))
    step = float(np.min(np.diff(levels))) if len(levels) > 1 else 0.0
    return t_s, energy - energy[0], soc[0] - soc, step


def meter_sign_is_right(recording: Recording, meter: Series) -> bool | None:
    """Say whether the charge fell when the analyzer says that energy was given; None where it cannot tell."""
    parts = _parts(recording, meter)
    if parts is None:
        return None
    _, energy, fall, step = parts
    if step == 0.0 or float(np.ptp(fall)) < _SURE_STEPS * step:
        return None
    together = float(((energy - energy.mean()) * (fall - fall.mean())).sum())
    size = float(energy.std() * fall.std()) * len(fall)
    if size == 0.0 or abs(together) < 0.5 * size:
        return None
    return together > 0.0


def energy_balance(recording: Recording, meter: Series, options: Options) -> Metric:
    """Return by how many of its own steps the charge moved otherwise than the energy that was measured.

    What a battery loses is its own affair: a discharge may take up to ``1 / efficiency_ratio`` of what was
    given out of it, and a charge bring as little as ``efficiency_ratio`` in. A step is the finest
    difference the device ever showed, and never finer than a thousandth of the capacity.
    """
    name = "energy_balance_steps"
    parts = _parts(recording, meter)
    capacity = options.get("capacity_kwh")
    if parts is None or not capacity:
        note = "no state of charge in the recording" if parts is None else "the capacity is not known"
        return Metric(name=name, value=None, unit="1", scope=Scope(), state="not_applicable", note=note)
    t_s, energy, fall, step = parts
    step = max(step, 0.1)
    worst = options.number("efficiency_ratio")
    moved = np.diff(energy, prepend=0.0)
    given, taken = np.cumsum(np.maximum(moved, 0.0)), np.cumsum(np.maximum(-moved, 0.0))
    least = 100.0 / capacity * (given - taken)
    most = 100.0 / capacity * (given / worst - taken * worst)
    outside = np.maximum(np.maximum(least - fall, fall - most), 0.0) / step
    at = int(np.argmax(outside))
    return Metric(
        name=name,
        value=float(outside[at]),
        unit="1",
        uncertainty=0.0,
        scope=Scope(),
        window=Window(from_s=float(t_s[0]), to_s=float(t_s[at])),
        method=f"fall of the charge outside what the measured energy makes of {capacity:g} kWh with losses "
        f"of up to {100 * (1 - worst):.0f} % each way, in steps of {step:.2g} %",
        note=f"measured {energy[at]:+.3f} kWh; the charge fell by {fall[at]:.2f} %"
        if outside[at] > 0
        else "",
    )
