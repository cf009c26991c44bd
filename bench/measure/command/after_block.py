"""Beside the block of a command: the mode afterwards, and the export on the fastest samples.

Averages hide an excess of export: 200 W for three seconds are 0.2 Wh. So the peak is the highest sample,
less what the highest of so many samples of noise would read anyway.
"""

from __future__ import annotations

import math

import numpy as np

from bench.measure.command.commands import levels
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.uncertainty import power_u_kw, robust_noise_sd
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "after_block"]

OPTIONS = frozenset({"response_s"})
_ZERO_KW = 1e-6
_AROUND_S = 30.0
_RECEIVING = "meter.receiving_power_kw"


def _longest_s(power: Series, limit_kw: float) -> tuple[float, float, float]:
    """Return the longest stretch above ``limit_kw`` in seconds, and where it began and ended."""
    over = np.r_[False, power.value > limit_kw, False].astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(over) == 1), np.flatnonzero(np.diff(over) == -1) - 1
    if len(starts) == 0:
        return 0.0, 0.0, 0.0
    length = power.t_s[ends] - power.t_s[starts] + power.interval_s
    best = int(np.argmax(length))
    return float(length[best]), float(power.t_s[starts[best]]), float(power.t_s[ends[best]])


def _export(recording: Recording, options: Options) -> Metric:
    limit = options.get("export_limit_kw")
    receiving = Series.of(recording.signals.get(_RECEIVING))
    power = receiving if len(receiving) else Series.of(recording.signals.get("meter.power_kw"))
    scope = Scope(phase="export")
    if limit is None or len(power) == 0:
        note = "no export limit is declared" if limit is None else "no power in the recording"
        return Metric(
            name="export_peak_kw", value=None, unit="kW", scope=scope, state="not_applicable", note=note
        )
    at = int(np.argmax(power.value))
    peak, at_s = float(power.value[at]), float(power.t_s[at])
    around = power.between(at_s - _AROUND_S, at_s + _AROUND_S).value
    noise = robust_noise_sd(around)
    highest = noise * math.sqrt(2.0 * math.log(max(2, len(power))))
    meter = 2.0 * power_u_kw(recording, peak)
    length_s, from_s, to_s = _longest_s(power, limit)
    where = "receiving point" if len(receiving) else (
        "device point: nothing is known of a load, so the device's power stands for the export"
    )  # fmt: skip
    note = f"above {limit:g} kW for {length_s:.1f} s from {from_s:.1f} s on" if length_s else ""
    return Metric(
        name="export_peak_kw",
        value=peak,
        unit="kW",
        uncertainty=meter + 2.0 * noise,
        interval95=(peak - highest - 2.0 * noise - meter, peak + 2.0 * noise + meter),
        scope=scope,
        window=Window(from_s=from_s, to_s=to_s) if length_s else Window(from_s=at_s, to_s=at_s),
        method=f"highest of {len(power)} samples of {power.interval_s:.3g} s at the {where}",
        note=note,
        components={"meter": meter / 2.0, "noise": noise},
    )


def _mode(recording: Recording, options: Options) -> Metric:
    scope = Scope(phase="return")

    def cannot(note: str, missing: bool = False) -> Metric:
        return Metric(
            name="mode_differs_count", value=None, unit="1", scope=scope, note=note,
            state="missing" if missing else "not_applicable",
        )  # fmt: skip

    if not recording.foreign:
        return cannot("a run ends before the control is handed back; mode_restore judges that")
    mode = Series.of(recording.signals.get("battery.mode"))
    if len(mode) == 0:
        return cannot("no mode in the recording")
    found = levels(recording, mode.end_s)
    asked = [level for level in found if abs(level.kw) > _ZERO_KW]
    if not asked:
        return cannot("no command in the recording")
    first_s, end_s = asked[0].from_s, asked[-1].to_s
    if not asked[-1].closed:
        return cannot("the recording ends before the command does")
    names = {code: name for name, code in recording.mode_codes.items()}
    before = mode.value[mode.t_s < first_s]
    declared = recording.facts.get("prior_mode")
    if declared is None and len(before) == 0:
        return cannot("the mode before the command is neither recorded nor declared")
    prior = str(declared) if declared is not None else names.get(int(before[0]), str(int(before[0])))
    after = mode.between(end_s, math.inf)
    if len(after) == 0:
        return cannot("no mode after the end of the command")
    last = names.get(int(after.value[-1]), str(int(after.value[-1])))
    differs = last.strip().casefold() != prior.strip().casefold()
    seen_s = float(after.t_s[-1]) - end_s
    if differs and seen_s < options.number("response_s"):
        return cannot(f"still {last}, {seen_s:.0f} s after the end of the command: {prior} before it", True)
    return Metric(
        name="mode_differs_count",
        value=float(differs),
        unit="1",
        uncertainty=0.0,
        scope=scope,
        window=Window(from_s=end_s, to_s=float(after.t_s[-1])),
        method="last mode recorded after the end of the command against the mode before it",
        note=f"{last} after the command, {prior} before it",
    )


def after_block(recording: Recording, options: Options) -> list[Metric]:
    """Measure the peak of export and whether the mode came back."""
    return [_export(recording, options), _mode(recording, options)]
