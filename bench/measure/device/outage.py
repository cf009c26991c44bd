"""What a cut line does to a device's communication: does a second one take over, how soon is it back.

TR-1072 asks of a network of two lines; whether one home has them is reported, and no verdict rests on it.
That one line carries again once it is whole does count. While the line is cut, and after, power is commanded
anew every second; the analyzer shows whether a command arrives, the device's report whether a new value does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.measure.device.cuts import cut_spans
from bench.measure.series import Series
from bench.measure.uncertainty import noise_sd
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["outage_metrics", "restart_metric"]

_NOISE = 6.0
_LEAST_KW = 0.005
_AGAIN = 2.5  # times the usual distance: values that are new so soon after one another are a row
_STEP_S = 1.0
_REST_S = 3.0
_BEFORE = 12.0  # as many times the usual interval before the cut are looked at
_FAILOVER, _RECOVERY = "failover_s", "recovery_s"
_SELDOM = "only a report shows it, and that is new too seldom to tell within the"
_NO_CUTS = "nothing at the station can cut the line; a switch in it can ([instruments.site] has cuts)"


def _row_to_the_end(
    series: Series, from_s: float, to_s: float, least_kw: float, every_s: float = _STEP_S
) -> float | None:
    """Return since when ``series`` changed again and again until ``to_s``; None: not up to then.

    What was still on its way when the line was cut ends soon, and so does a device that goes to its own mode.
    """
    inside = series.between(from_s, to_s)
    if len(inside) < 2:
        return None
    moved = inside.t_s[1:][np.abs(np.diff(inside.value)) > least_kw]
    if len(moved) < 2 or to_s - moved[-1] > _AGAIN * every_s:
        return None
    first = int(np.r_[-1, np.flatnonzero(np.diff(moved) > _AGAIN * every_s)][-1]) + 1
    return float(moved[first]) if first < len(moved) - 1 else None


@dataclass(frozen=True)
class _Sign:
    """What shows that the line works: power that follows, or a report that is new; how late, how often."""

    series: Series
    usual_s: float
    every_s: float

    def since_s(self, from_s: float, to_s: float, least_kw: float) -> float | None:
        """Return from when on it showed that after ``from_s``; None: not before ``to_s``."""
        seen_s = _row_to_the_end(self.series, from_s, to_s, least_kw, self.every_s)
        return None if seen_s is None else max(seen_s - self.usual_s, from_s)

    def due_s(self, from_s: float) -> float:
        """Return by when two new values must have come if the line works from ``from_s`` on."""
        return from_s + self.usual_s + 2.0 * self.every_s


def _metric(name: str, at_s: float | None, from_s: float, to_s: float, doubt_s: float, note: str) -> Metric:
    if at_s is None:
        window = Window(from_s=from_s, to_s=to_s) if to_s > from_s else None
        never = window is not None and name == _RECOVERY
        return Metric(
            name=name, value=None, unit="s", scope=Scope(), note=note, window=window,
            state="never" if never else "not_applicable",
        )  # fmt: skip
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
    recording: Recording,
    roles: tuple[str, ...],
    command_s: float = 0.0,
    report_s: float = 0.0,
    every_s: float = _STEP_S,
    allowed_s: float = 0.0,
) -> list[Metric]:
    """Return ``failover_s`` (while the line was cut) and ``recovery_s`` (from its return) of the first cut.

    ``command_s`` and ``report_s`` are what a command and a report usually take: that is not the outage's.
    ``every_s`` is how often a report usually is new. What did not show before the cut that the line works
    (a report that is new too seldom, a battery that follows nothing) does not show after it that it does not;
    nor does a report whose next two are not due until ``allowed_s``, the time that a line may take, is over.
    """
    names = (_FAILOVER, _RECOVERY)
    cuts = [span for span in cut_spans(recording, ("lan_on",)) if np.isfinite(span[1])]
    if not cuts:
        return [_metric(name, None, 0.0, 0.0, 0.0, _NO_CUTS) for name in names]
    from_s, to_s = cuts[0]
    end_s = max((phase[2] for phase in recording.phases if phase[0] == "line_back"), default=to_s)
    power = Series.of(recording.signals.get("meter.power_kw"))
    rests = [
        power.between(phase[2] - _REST_S, phase[2]).value for phase in recording.phases if phase[0] == "step"
    ]
    least_kw = max(_LEAST_KW, *(_NOISE * noise_sd(rest) for rest in rests if len(rest) > 2), 0.0)
    every_s = max(every_s, _STEP_S)
    signs = [_Sign(power, command_s, _STEP_S)]
    for role in roles:
        if f"{role}.power_kw" in recording.signals:
            t_s, value = recording.signals[f"{role}.power_kw"].good()
            # the report of the last role alone: the gateway's where there is one beside the battery
            signs[1:] = [_Sign(Series(t_s, value, t_s), command_s + report_s, every_s)]
    alive = [
        one for one in signs if one.since_s(from_s - _BEFORE * one.every_s, from_s, least_kw) is not None
    ]
    if not alive:
        note = "before the line was cut power did not follow, nor was a report new often enough, to tell"
        return [_metric(name, None, 0.0, 0.0, 0.0, note) for name in names]

    gone = next((event for event in recording.events if event.get("kind") == "not_back"), None)

    def all_since(after_s: float, before_s: float, allowed_s: float = 0.0) -> tuple[bool, float | None]:
        """Return whether anything can show it by ``before_s``, and since when all that can do."""
        seen = [(one, one.since_s(after_s, before_s, least_kw)) for one in alive]
        due = [
            time for one, time in seen
            if time is not None or gone is not None or one.due_s(after_s + allowed_s) <= before_s
        ]  # fmt: skip
        known = [time for time in due if time is not None]
        return bool(due), max(known) if due and len(known) == len(due) else None

    (_, over_s), (shows, back_s) = all_since(from_s, to_s), all_since(to_s, end_s, allowed_s)
    doubt_s = max(one.every_s for one in alive)
    # one that went back to its own mode meanwhile has to be taken over again first
    starts_s = [e["t_s"] for e in recording.events if e.get("phase") == "line_back" and e.get("sequence")]
    back_doubt_s = doubt_s + (float(np.median(np.diff(starts_s))) if len(starts_s) > 1 else 0.0)
    none = f"no second line took over in the {to_s - from_s:.0f} s in which the line was cut"
    found = [_metric(_FAILOVER, over_s, from_s, to_s, doubt_s, none if over_s is None else "")]
    never = f"no new report or no command in the {end_s - to_s:.0f} s after the line was back"
    never += f"; the run ended there: {gone.get('error')}" if gone is not None else ""
    if not shows:
        return [*found, _metric(_RECOVERY, None, 0.0, 0.0, 0.0, f"{_SELDOM} {end_s - to_s:.0f} s watched")]
    found.append(_metric(_RECOVERY, back_s, to_s, end_s, back_doubt_s, never if back_s is None else ""))
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
