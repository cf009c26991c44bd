"""What the device's communication is worth: items, intervals, latency both ways, gaps and order."""

from __future__ import annotations

import numpy as np

from bench.measure.device.alarm import alarm_metrics
from bench.measure.device.cuts import FRESH_S, cut_spans
from bench.measure.device.execution import execution_metric
from bench.measure.device.items import item_metrics
from bench.measure.device.latency import Latency, command_latency, power_steps, report_latency, updates
from bench.measure.device.outage import outage_metrics, restart_metric
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.stale import LAG_S, new_readings, old_spans
from bench.model import Metric, Scope, Window
from bench.recording import Gap, Recording, Signal

__all__ = ["OPTIONS", "telemetry"]

OPTIONS = frozenset({"soc_moved_ratio"})
_ROLES = ("battery", "gateway")
_OFTEN = 2.0


def _nothing(name: str, unit: str, note: str, state: str = "not_applicable") -> Metric:
    return Metric(
        name=name, value=None, unit=unit, scope=Scope(), note=note,
        state="missing" if state == "missing" else "not_applicable",
    )  # fmt: skip


def _late(name: str, latencies: list[Latency], method: str) -> list[Metric]:
    """Return the largest of the latencies, and the median and the 95th percentile beside it."""
    if not latencies:
        return [_nothing(name, "s", "no step of power to time")]
    never = [one for one in latencies if one.late_s is None]
    known = [(one.late_s, one) for one in latencies if one.late_s is not None]
    if never:
        at_s = never[0].at_s
        return [
            Metric(
                name=name, value=None, unit="s", scope=Scope(), state="never", method=method,
                window=Window(from_s=at_s, to_s=at_s + never[0].most_s),
                note=f"{len(never)} of {len(latencies)} steps not before the next",
            )
        ]  # fmt: skip
    values = np.array([late_s for late_s, _ in known])
    worst_s, worst = max(known, key=lambda item: item[0])
    p50, p95 = (float(np.percentile(values, share)) for share in (50, 95))
    stem = name.removesuffix("_s")
    found = [
        Metric(
            name=name, value=worst_s, unit="s", interval95=(worst.least_s, worst.most_s), scope=Scope(),
            window=Window(from_s=worst.at_s, to_s=worst.at_s + worst_s), method=f"{method}; the largest",
            note=f"median {p50:.2f} s, 95 % {p95:.2f} s, of {len(values)} steps",
        )
    ]  # fmt: skip
    for share, value in (("p50", p50), ("p95", p95)):
        found.append(
            Metric(
                name=f"{stem}_{share}_s", value=value, unit="s", scope=Scope(), method=f"{method}; {share}"
            )
        )
    return found


def _interval(role: str, report: Series, recording: Recording) -> list[Metric]:
    """Return how often the report was new while power changed all the time, and its longest silence."""
    watch = [phase for phase in recording.phases if phase[0] == "watch"]
    if not watch or len(report) < 2:
        return []
    from_s, to_s = watch[0][1], watch[-1][2]
    changes_s = float(np.median([phase[2] - phase[1] for phase in watch]))
    found = updates(report, from_s, to_s, changes_s)
    if found is None:
        return []
    if found.count < 2:
        # nothing new, or once: the interval is longer than half of what was watched, nobody knows how long
        span: tuple[float, float | None] = (0.5 * found.watched_s, None)
        usual, note = found.watched_s, f"{found.count} new values in {found.watched_s:.0f} s"
    else:
        usual = found.usual_s
        # as fine as could be told: it may be much finer
        at_best = usual <= 1.05 * found.finest_s
        slack = 2.0 * report.interval_s / max(found.count - 1, 1)
        usual = min(usual, found.finest_s) if at_best else usual
        span = (0.0, found.finest_s) if at_best else (max(usual - slack, 0.0), usual + slack)
        note = f"{found.count} new values in {found.watched_s:.0f} s" + (
            "; as often as power changed, perhaps more often" if at_best else ""
        )
    window = Window(from_s=from_s, to_s=to_s)
    scope = Scope(phase="watch")
    method = f"mean distance of new values of {role}.power_kw"
    return [
        Metric(name="telemetry_interval_s", value=usual, unit="s", interval95=span, scope=scope,
               window=window, method=method, note=note),
        Metric(name="longest_silence_s", value=found.longest_s, unit="s", scope=scope, window=window,
               interval95=(max(found.longest_s - found.finest_s, 0.0), found.longest_s + report.interval_s),
               method=f"longest time without a new value of {role}.power_kw"),
    ]  # fmt: skip


def _link(role: str, signal: Signal, report: Series, recording: Recording) -> list[Metric]:
    """Return what got lost on the way: answers, the longest gap, duplicates and disorder, recovery.

    A stretch in which every reading is proved old is a gap too.
    """
    asked, missing = len(signal.t_s), int(np.sum(signal.quality == "missing"))
    gaps = [gap for gap in recording.gaps if gap.channel in (None, f"{role}.power_kw")]
    new = new_readings(recording, f"{role}.power_kw", report)
    cuts = cut_spans(recording)
    old = []
    for from_s, to_s in old_spans(report, new):
        if not any(cut_s <= from_s < back_s + FRESH_S for cut_s, back_s in cuts):
            cut_s = min((cut_s for cut_s, _ in cuts if cut_s > from_s), default=np.inf)
            # what was new until just before the cut belongs to it
            if cut_s > to_s or cut_s - from_s > LAG_S:
                old.append(Gap(from_s, min(to_s, cut_s), None, "old values"))
    gaps += old
    longest = max(gaps, key=lambda gap: gap.to_s - gap.from_s, default=None)
    steps = np.diff(signal.t_s)
    interval_s = float(np.median(steps)) if len(steps) else 0.0
    gap_s = 0.0 if longest is None else longest.to_s - longest.from_s
    kinds = [e.get("kind") for e in recording.events if e.get("role") == role]
    failed, unanswered = kinds.count("reading_failed"), kinds.count("set_unanswered")
    orders = f"; {unanswered} orders were not answered" if unanswered else ""
    mean_s = float(np.mean([gap.to_s - gap.from_s for gap in gaps])) if gaps else 0.0
    return [
        Metric(name="longest_gap_s", value=gap_s, unit="s", scope=Scope(),
               interval95=(max(gap_s - interval_s, 0.0), gap_s + interval_s if gap_s else 0.0),
               window=None if longest is None else Window(from_s=longest.from_s, to_s=longest.to_s),
               note=f"{role}: {len(gaps)} gaps, {len(old)} of old values; recovered after {mean_s:.2f} s"),
        Metric(name="answer_ratio", value=1.0 - missing / asked if asked else 0.0, unit="1", scope=Scope(),
               uncertainty=0.0, method=f"readings of {role} that were answered (機器応答率), of {asked}",
               note=f"{failed} readings failed (障害発生件数){orders}"),
        Metric(name="disorder_count", value=float(np.sum(steps <= 0.0)), unit="1", scope=Scope(),
               uncertainty=0.0, method=f"readings of {role} with the time of another, or out of order"),
    ]  # fmt: skip


def _soc(role: str, recording: Recording, power: Series, moved_ratio: float, every_s: float) -> Metric | None:
    """Return 1 where the state of charge stood still although energy moved; the report is new ``every_s``."""
    signal = recording.signals.get(f"{role}.soc_pct")
    capacity_kwh = recording.facts.get("capacity_kwh")
    if signal is None or not isinstance(capacity_kwh, int | float):
        return None
    t_s, value = signal.good()
    if len(value) < 2:
        return None
    if t_s[-1] - t_s[0] < _OFTEN * every_s:
        return _nothing("soc_still_count", "1", "the report is new too seldom to show it in this time")
    part = power.between(float(t_s[0]), float(t_s[-1]))
    energy_kwh = float(np.sum(part.value)) * power.interval_s / 3600.0
    if abs(energy_kwh) < moved_ratio * float(capacity_kwh):
        note = f"only {energy_kwh:.3f} kWh moved"
        return _nothing("soc_still_count", "1", note)
    fell = float(value[0] - value[-1])
    return Metric(
        name="soc_still_count",
        value=float(fell * energy_kwh <= 0.0),
        unit="1",
        uncertainty=0.0,
        scope=Scope(),
        method="1 where the state of charge did not move with the energy",
        note=f"{role}.soc_pct fell by {fell:.2f} % while {energy_kwh:.3f} kWh were discharged",
    )


def telemetry(recording: Recording, options: Options) -> list[Metric]:
    """Measure the communication of every device role that was read."""
    power = Series.of(recording.signals.get("meter.power_kw"))
    steps = power_steps(recording.commands, _ROLES)
    metrics = item_metrics(recording)
    # they are counted from the earliest instant at which a command may have come
    doubt_s = {c.earliest_s: c.t_s - c.earliest_s for c in recording.commands if c.quantity == "power_set_kw"}
    latencies = [
        one.if_later(doubt_s.get(one.at_s, 0.0))
        for step in steps
        if (one := command_latency(power, step)) is not None
    ]
    metrics += _late("command_latency_s", latencies, "from a command to the first movement of power")
    known = [one.most_s for one in latencies if one.late_s is not None]
    metrics.append(execution_metric(recording, max(known, default=np.inf)))
    every_s: dict[str, float] = {}
    for role in _ROLES:
        signal = recording.signals.get(f"{role}.power_kw")
        if signal is None:
            continue
        # a report that stands still is what is looked for: nothing may be taken out as frozen
        t_s, value = signal.good()
        report = Series(t_s, value, np.sort(signal.t_s))
        intervals = _interval(role, report, recording)
        usual = next((m for m in intervals if m.name == "telemetry_interval_s"), None)
        every_s[role] = 0.0 if usual is None else usual.value or 0.0
        metrics += intervals
        metrics += _link(role, signal, report, recording)
        late = [one for step in steps if (one := report_latency(power, report, step)) is not None]
        metrics += _late("report_latency_s", late, f"from the analyzer's power to {role}.power_kw, half way")
        restarts = restart_metric(recording, role)
        metrics += [restarts] if restarts is not None else []
        ends = (0.0, 0.0) if usual is None else usual.interval95 or (0.0, every_s[role])
        at_most_s = np.inf if ends[1] is None else ends[1]
        soc = _soc(role, recording, power, options.number("soc_moved_ratio"), at_most_s)
        metrics += [soc] if soc is not None else []
    soon_s, back_s = (options.number(name, 0.0) for name in ("latency_system_s", "recovery_s"))
    metrics += alarm_metrics(recording, _ROLES, every_s, soon_s)
    median = {m.name: m.value or 0.0 for m in metrics if m.name.endswith("_p50_s")}
    late_s = (median.get("command_latency_p50_s", 0.0), median.get("report_latency_p50_s", 0.0))
    slowest_s = max(every_s.values(), default=0.0)
    return metrics + outage_metrics(recording, _ROLES, *late_s, every_s=slowest_s, allowed_s=back_s)
