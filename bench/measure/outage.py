"""What a cut line does to a device's communication: does a second one take over, how soon is it back.

TR-1072 asks of a network of two lines; what one home has is reported, and no verdict rests on it. While the
line is cut power is commanded anew every second; the analyzer shows whether a command still arrives, the
device's report whether a new value does.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bench.measure.cuts import cut_spans
from bench.measure.series import Series
from bench.measure.uncertainty import noise_sd
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["outage_metrics", "restart_metric"]

_NOISE = 6.0
_LEAST_KW = 0.02
_AGAIN = 2.5  # a new value is the first of a row, not the last that was still on its way
_STEP_S = 1.0


def _first_of_a_row(series: Series, from_s: float, to_s: float, least_kw: float) -> float | None:
    """Return when ``series`` began to change again and again after ``from_s``; None: not before ``to_s``."""
    inside = series.between(from_s, to_s)
    if len(inside) < 2:
        return None
    moved = inside.t_s[1:][np.abs(np.diff(inside.value)) > least_kw]
    for first, second in pairwise(moved):
        if second - first <= _AGAIN * _STEP_S:
            return float(first)
    return None


def _metric(name: str, at_s: float | None, from_s: float, to_s: float, doubt_s: float, note: str) -> Metric:
    if at_s is None:
        return Metric(name=name, value=None, unit="s", scope=Scope(), state="not_applicable", note=note)
    late_s = at_s - from_s
    return Metric(
        name=name,
        value=late_s,
        unit="s",
        scope=Scope(),
        interval95=(max(late_s - doubt_s, 0.0), late_s),
        window=Window(from_s=from_s, to_s=min(at_s, to_s)),
        method="until commands arrive and reports are new again, less what each usually takes",
        note=note,
    )


def outage_metrics(
    recording: Recording, roles: tuple[str, ...], command_s: float = 0.0, report_s: float = 0.0
) -> list[Metric]:
    """Return ``failover_s`` (while the line was cut) and ``recovery_s`` (from its return) of the first cut.

    ``command_s`` and ``report_s`` are what a command and a report usually take: that is not the outage's.
    """
    cuts = [span for span in cut_spans(recording, ("lan_on",)) if np.isfinite(span[1])]
    if not cuts:
        note = "nothing at the station can cut the line ([instruments.site] has cuts)"
        return [_metric(name, None, 0.0, 0.0, 0.0, note) for name in ("failover_s", "recovery_s")]
    from_s, to_s = cuts[0]
    end_s = max((phase[2] for phase in recording.phases if phase[0] == "line_back"), default=to_s)
    power = Series.of(recording.signals.get("meter.power_kw"))
    still = power.between(from_s - 5.0, from_s)
    least_kw = max(_LEAST_KW, _NOISE * noise_sd(still.value) if len(still) > 2 else _LEAST_KW)
    reports = [
        Series.of(recording.signals[f"{role}.power_kw"])
        for role in roles
        if f"{role}.power_kw" in recording.signals
    ]

    def both(after_s: float, before_s: float) -> float | None:
        late = ((power, command_s), *((report, command_s + report_s) for report in reports[-1:]))
        times = [(_first_of_a_row(one, after_s, before_s, least_kw), usual_s) for one, usual_s in late]
        known = [max(time - usual_s, after_s) for time, usual_s in times if time is not None]
        return max(known) if len(known) == len(times) else None

    over_s, back_s = both(from_s, to_s), both(to_s, end_s)
    none = f"no second line took over in the {to_s - from_s:.0f} s in which the line was cut"
    found = [_metric("failover_s", over_s, from_s, to_s, _STEP_S, none if over_s is None else "")]
    never = f"no new report or no command in the {end_s - to_s:.0f} s after the line was back"
    found.append(_metric("recovery_s", back_s, to_s, end_s, _STEP_S, never if back_s is None else ""))
    return found


def restart_metric(recording: Recording, role: str) -> Metric | None:
    """Return how often the device's counters of energy began anew (再起動回数); None where it has none."""
    falls, told = 0, False
    for name in ("energy_charged_kwh", "energy_discharged_kwh"):
        signal = recording.signals.get(f"{role}.{name}")
        if signal is None:
            continue
        _, value = signal.good()
        told = told or len(value) > 1
        falls = max(falls, int(np.sum(np.diff(value) < -1e-6)))
    if not told:
        return None
    return Metric(
        name="restart_count",
        value=float(falls),
        unit="1",
        uncertainty=0.0,
        scope=Scope(),
        method=f"how often a counter of energy of {role} fell, as after a restart",
    )
