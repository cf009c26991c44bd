"""Whether the analyzer published as often as it says: readings alike in every channel are one reading."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.model import Metric, Scope
from bench.recording import Recording

__all__ = ["update_rate"]

_CHANNELS = ("meter.power_kw", "meter.frequency_hz", "meter.voltage_v")
_FEWEST = 50


def update_rate(recording: Recording) -> Metric:
    """Return the distance of two readings that differ, over what it should be (window or sampling).

    Power, frequency and voltage together: noise moves the last digit of at least one of them.
    """
    name = "update_ratio"

    def nothing(note: str) -> Metric:
        return Metric(name=name, value=None, unit="1", scope=Scope(), state="not_applicable", note=note)

    window_s = recording.facts.get("window_s")
    signals = [recording.signals[channel] for channel in _CHANNELS if channel in recording.signals]
    if recording.foreign or not isinstance(window_s, int | float) or len(signals) < len(_CHANNELS):
        return nothing("how often the analyzer should publish is not known, or not all of it was recorded")
    first = signals[0].t_s
    if len(first) < _FEWEST or any(not np.array_equal(one.t_s, first) for one in signals):
        return nothing("the channels of the analyzer were not read together")
    values = np.column_stack([one.value for one in signals])
    known: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
    both = known[1:] & known[:-1]
    if int(both.sum()) < _FEWEST:
        return nothing("too few readings")
    new = np.asarray((np.diff(values, axis=0) != 0.0).any(axis=1)) & both
    step_s = float(np.median(np.diff(first)))
    should_s = max(float(window_s), step_s)
    found_s = step_s * float(both.sum()) / max(int(new.sum()), 1)
    return Metric(
        name=name,
        value=found_s / should_s,
        unit="1",
        uncertainty=0.0,
        scope=Scope(),
        method=f"mean distance of readings that differ ({found_s:.3g} s) over {should_s:.3g} s",
        note=f"{int(both.sum() - new.sum())} of {int(both.sum())} readings repeat the one before",
    )
