"""What power is counted from: zero at the device point, the baseline at the receiving point."""

from __future__ import annotations

import math

from bench.measure.series import Series
from bench.measure.uncertainty import mean_and_u
from bench.recording import Recording

__all__ = ["zero_kw"]


def zero_kw(
    recording: Recording, power: Series, from_s: float, to_s: float
) -> tuple[tuple[float, float], str]:
    """Return the baseline with its standard uncertainty, in kW, and how it was found.

    At the receiving point the declared baseline, else the mean of ``power`` from ``from_s`` to ``to_s``;
    NaN where there is neither: then nothing can be counted.
    """
    if recording.point == "device":
        return (0.0, 0.0), "power at the device point against zero"
    declared = recording.facts.get("baseline_kw")
    if isinstance(declared, int | float) and not isinstance(declared, bool):
        return (float(declared), 0.0), "power at the receiving point less the declared baseline"
    values = power.between(from_s, to_s).value
    if len(values) == 0:
        return (math.nan, 0.0), "power at the receiving point; no baseline in the record nor declared"
    mean_kw, u_kw = mean_and_u(values)
    rounded_kw = recording.accuracy.get("power_resolution_kw", 0.0) / math.sqrt(12.0)
    return (
        mean_kw,
        math.hypot(u_kw, rounded_kw),
    ), "power at the receiving point less its mean over the baseline"
