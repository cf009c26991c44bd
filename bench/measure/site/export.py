"""The export of the house on the fastest samples: its peak, how long and how much over a limit.

Averages hide what a meter of the network sees: 200 W too much for three seconds are 0.2 Wh. So nothing here
is averaged; the peak is the highest single sample.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.site.spans import Stretch, excess, stretches
from bench.measure.uncertainty import expanded, mean_and_u, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "site_export"]

OPTIONS = frozenset({"cap_kw", "set_cap_kw", "zero_kw", "level_kw"})
_CHANNEL = "meter.receiving_power_kw"
_SETTLE_S = 10.0
_JUDGED = {
    "cap": ("export_peak_kw", "over_limit_s", "over_limit_kwh", "over_set_cap_s"),
    "zero": ("export_peak_kw", "over_limit_s", "over_limit_kwh", "over_level_s"),
    "never": ("export_peak_kw", "over_limit_s", "over_limit_kwh"),
    "allowed": ("export_deviation_kw",),
}


def _unit(name: str) -> str:
    return {"kw": "kW", "s": "s", "kwh": "kWh"}[name.rpartition("_")[2]]


def _nothing(
    kind: str, name: str, note: str, state: Literal["not_applicable", "missing"] = "not_applicable"
) -> Metric:
    scope = Scope(point="receiving", phase=kind)
    return Metric(name=name, value=None, unit=_unit(name), scope=scope, state=state, note=note)


def _peak(recording: Recording, stretch: Stretch) -> Metric:
    at = int(np.argmax(stretch.export_kw))
    value, at_s = float(stretch.export_kw[at]), float(stretch.t_s[at])
    components = {"meter": power_u_kw(recording, value)}
    return Metric(
        name="export_peak_kw",
        value=value,
        unit="kW",
        uncertainty=expanded(components),
        scope=Scope(point="receiving", phase=stretch.kind),
        window=Window(from_s=at_s - stretch.interval_s, to_s=at_s),
        method=f"highest of {len(stretch.t_s)} samples of {stretch.interval_s:.3g} s",
        note=f"{stretch.name}, at {at_s:.1f} s",
        components=components,
    )


def _over(recording: Recording, stretch: Stretch, name: str, limit_kw: float) -> Metric:
    found = excess(stretch, limit_kw, stretch.doubt_kw(recording, limit_kw))
    window = None
    if found.from_s is not None and found.to_s is not None:
        window = Window(from_s=found.from_s, to_s=found.to_s)
    return Metric(
        name=name,
        value=found.longest_s,
        unit="s",
        interval95=(found.least_s, found.most_s),
        scope=Scope(point="receiving", phase=stretch.kind),
        window=window,
        method=f"longest row of samples of {stretch.interval_s:.3g} s above {limit_kw:g} kW",
        note=stretch.name,
    )


def _energy(recording: Recording, stretch: Stretch, limit_kw: float) -> Metric:
    doubt_kw = stretch.doubt_kw(recording, limit_kw)
    found = excess(stretch, limit_kw, doubt_kw)
    doubt_kwh = doubt_kw * found.most_s / 3600.0
    return Metric(
        name="over_limit_kwh",
        value=found.energy_kwh,
        unit="kWh",
        uncertainty=doubt_kwh,
        scope=Scope(point="receiving", phase=stretch.kind),
        method=f"sum of all samples above {limit_kw:g} kW, less that limit",
        note=stretch.name,
    )


def _delivered(recording: Recording, power: Series) -> list[Metric]:
    """Return how far the export lies from the command less the house load, once it has settled."""
    found = []
    for name, from_s, to_s, _, _ in recording.phases:
        if name != "allowed":
            continue
        values = power.between(min(from_s + _SETTLE_S, to_s), to_s).value
        command = [c for c in recording.commands if c.quantity == "power_set_kw" and c.t_s <= to_s - 1.0]
        load = [c for c in recording.commands if c.quantity == "load_kw" and c.t_s <= from_s]
        pv = [c for c in recording.commands if c.quantity == "pv_kw" and c.t_s <= from_s]
        if len(values) < 5 or not command or not load:
            found.append(_nothing("allowed", "export_deviation_kw", "too little was measured", "missing"))
            continue
        wanted = float(command[-1].value) - float(load[-1].value) + (float(pv[-1].value) if pv else 0.0)
        mean, noise = mean_and_u(values)
        components = {"noise": noise, "meter": power_u_kw(recording, mean)}
        found.append(
            Metric(
                name="export_deviation_kw",
                value=abs(mean - wanted),
                unit="kW",
                uncertainty=expanded(components),
                scope=Scope(point="receiving", phase="allowed"),
                window=Window(from_s=from_s + _SETTLE_S, to_s=to_s),
                method="mean export against the command less the load that was set",
                note=f"exported {mean:.3f} kW, asked {wanted:.3f} kW",
                components=components,
            )
        )
    return found


def _judge(recording: Recording, options: Options, stretch: Stretch) -> list[Metric]:
    names = _JUDGED.get(stretch.kind, ())
    if not names or stretch.kind == "allowed":
        return []
    if len(stretch.t_s) == 0:
        return [_nothing(stretch.kind, name, "no sample was taken", "missing") for name in names]
    limit_kw = options.number("cap_kw") if stretch.kind == "cap" else options.number("zero_kw")
    found = [
        _peak(recording, stretch),
        _over(recording, stretch, "over_limit_s", limit_kw),
        _energy(recording, stretch, limit_kw),
    ]
    if stretch.kind == "cap":
        found.append(_over(recording, stretch, "over_set_cap_s", options.number("set_cap_kw")))
    if stretch.kind == "zero":
        found.append(_over(recording, stretch, "over_level_s", options.number("level_kw")))
    return found


def _why_not(recording: Recording) -> str:
    if _CHANNEL not in recording.signals:
        return "the export at the receiving point was not measured ([instruments.meter] receiving_point)"
    if not recording.facts.get("has_site"):
        return "the station has no role 'site': nothing moves the load, the generation or the limiter"
    return "the site does not offer this ([instruments.site] has)"


def site_export(recording: Recording, options: Options) -> list[Metric]:
    """Measure every ``cap_*``, ``zero_*``, ``never_*`` and ``allowed`` phase at the receiving point."""
    power = Series.of(recording.signals.get(_CHANNEL))
    found: list[Metric] = []
    lost = judged = 0
    if len(power) > 1:
        for stretch in stretches(recording, power):
            found += _judge(recording, options, stretch)
            if stretch.kind in _JUDGED:
                lost, judged = lost + stretch.lost_count, judged + len(stretch.t_s)
        found += _delivered(recording, power)
    there = {(metric.scope.phase, metric.name) for metric in found}
    why = _why_not(recording)
    for kind, names in _JUDGED.items():
        found += [_nothing(kind, name, why) for name in names if (kind, name) not in there]
    if judged:
        found.append(
            Metric(
                name="site_missing_count",
                value=float(lost),
                unit="1",
                uncertainty=0.0,
                scope=Scope(point="receiving"),
                method=f"samples that are missing in the judged stretches, beside {judged} that are there",
            )
        )
    return found
