"""Whether the device's own one-second record of frequency is complete."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.measure.series import Series
from bench.measure.stale import new_readings
from bench.measure.steps import FrequencyStep
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["record_metric"]

_RATHER = 1.5


def record_metric(recording: Recording, steps: Sequence[FrequencyStep], interval_s: float) -> Metric:
    """Return how many intervals of the record have no value, from the first step to the end of the last.

    A value that is proved old is none. The record is the device's frequency (battery or gateway) as the bench
    read it; a record that is
    sparser than the rule's interval cannot show completeness and is not applicable.
    """
    scope = Scope(point=recording.point)
    for channel in ("gateway.frequency_hz", "battery.frequency_hz"):
        signal = recording.signals.get(channel)
        if signal is None or len(signal.t_s) < 2:
            continue
        asked = float(np.median(np.diff(np.sort(signal.t_s))))
        if asked > _RATHER * interval_s:
            note = f"{channel} was read every {asked:.3g} s only"
            return Metric(
                name="record_missing_count",
                value=None,
                unit="1",
                scope=scope,
                state="not_applicable",
                note=note,
            )
        series = Series.of(signal)
        new_s = series.t_s[new_readings(recording, channel, series)]
        from_s, to_s = steps[0].at_s, min(steps[-1].end_s, series.end_s)
        edges = np.arange(from_s, to_s + 1e-9, interval_s)
        # half an interval of grace: a reading a little late is not a missing one
        found = np.searchsorted(new_s, edges[1:] + interval_s / 2.0) - np.searchsorted(
            new_s, edges[:-1] - interval_s / 2.0
        )
        missing = int((found == 0).sum())
        return Metric(
            name="record_missing_count",
            value=float(missing),
            unit="1",
            interval95=(float(missing), float(missing)),
            scope=scope,
            window=Window(from_s=from_s, to_s=to_s),
            method=f"intervals of {interval_s:g} s without a value of {channel} that may be new",
        )
    note = "no record of the device's own frequency in the recording"
    return Metric(
        name="record_missing_count", value=None, unit="1", scope=scope, state="not_applicable", note=note
    )
