"""Energy and power per slot (コマ): what was delivered against what was asked for.

The deviation is taken over what was asked; in a slot of zero over the largest slot of the run, since a
share of nothing has no meaning.
"""

from __future__ import annotations

from bench.measure.command.dwell import dwells, zero_before
from bench.measure.command.follow import mean_over
from bench.measure.command.scaling import scale_metrics
from bench.measure.options import Options
from bench.measure.points import Point
from bench.measure.series import Series
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "slots"]

OPTIONS = frozenset({"slot_s"})
_TINY_KW = 1e-6
_SHARE = 0.05
_PHASES = ("slot", "idle")


def _kind(kw: float) -> str:
    return "idle" if abs(kw) < _TINY_KW else "discharge" if kw > 0 else "charge"


def _metrics(point: Point, span_s: float, full_kw: float, scope: Scope, how: str) -> list[Metric]:
    """Return energy and power of one slot, and their deviation in share and in kWh."""
    hours = span_s / 3600.0
    window = Window(from_s=point.t_s - span_s, to_s=point.t_s)
    about = f"asked {point.target_kw * hours:+.3f} kWh, {point.target_kw:+.3f} kW"
    if point.kw is None:
        return [
            Metric(name=name, value=None, unit="1", scope=scope, state="missing", window=window, note=about)
            for name in ("slot_energy_error_ratio", "slot_power_error_ratio")
        ]
    size_kw = abs(point.target_kw) if abs(point.target_kw) > _TINY_KW else full_kw
    u_kw, deviation_kw = point.uncertainty_kw, point.deviation_kw
    method = f"mean of the analyzer's power over the slot; {how}"

    def metric(name: str, value: float, unit: str, scale: float, note: str) -> Metric:
        return Metric(
            name=name, value=value, unit=unit, uncertainty=u_kw * scale, scope=scope, window=window,
            method=method, note=note, components={k: u * scale for k, u in point.components.items()},
        )  # fmt: skip

    return [
        metric("slot_energy_kwh", point.kw * hours, "kWh", hours, about),
        metric("slot_power_kw", point.kw, "kW", 1.0, about),
        metric("slot_energy_deviation_kwh", abs(deviation_kw) * hours, "kWh", hours,
               f"{deviation_kw * hours:+.3f} kWh; {about}"),
        metric("slot_power_deviation_kw", abs(deviation_kw), "kW", 1.0, f"{deviation_kw:+.3f} kW; {about}"),
        metric("slot_energy_error_ratio", abs(deviation_kw) / size_kw, "1", 1.0 / size_kw,
               f"{deviation_kw * hours:+.3f} kWh; {about}"),
        metric("slot_power_error_ratio", abs(deviation_kw) / size_kw, "1", 1.0 / size_kw,
               f"{deviation_kw:+.3f} kW; {about}"),
    ]  # fmt: skip


def slots(recording: Recording, options: Options) -> list[Metric]:
    """Measure every slot of ``slot_s``: energy, mean power, and how far both are from what was asked.

    The scope's phase says whether it was a slot of ``discharge``, ``charge`` or ``idle``.
    """
    slot_s, tolerance = options.number("slot_s"), options.number("tolerance_ratio", 0.0)
    power = Series.of(recording.power())
    every = dwells(recording, power.end_s, slot_s) if len(power) else []
    first = next((dwell.from_s for dwell in every if abs(dwell.kw) > _TINY_KW), None)
    here = Scope(point=recording.point)
    if first is None:
        note = f"no command of power, or no power at the {recording.point} point, in the recording"
        return [
            Metric(name=name, value=None, unit="1", scope=here, state="not_applicable", note=note)
            for name in ("slot_energy_error_ratio", "slot_power_error_ratio")
        ]  # fmt: skip
    zero, how = zero_before(recording, power, first)
    full_kw = max(abs(dwell.kw) for dwell in every)
    found: list[Metric] = []
    lost = asked = 0
    for dwell in every:
        whole = not dwell.cut and abs(dwell.to_s - dwell.from_s - slot_s) <= _SHARE * slot_s
        in_run = dwell.phase in _PHASES if dwell.phase is not None else dwell.from_s >= first - 1e-3
        if not whole or not in_run:
            continue
        point = mean_over(recording, power, dwell, zero)
        asked, lost = asked + 1, lost + (point.kw is None)
        way = "up" if dwell.kw > _TINY_KW else "down" if dwell.kw < -_TINY_KW else None
        scope = Scope(point=recording.point, phase=_kind(dwell.kw), step=asked, direction=way)
        found += _metrics(point, dwell.to_s - dwell.from_s, full_kw, scope, how)
        band_kw = tolerance * (abs(dwell.kw) if abs(dwell.kw) > _TINY_KW else full_kw)
        found += scale_metrics([(point, dwell.kw, dwell.kw, band_kw)], scope) if tolerance else []
    missing = Metric(
        name="missing_judged_count", value=float(lost), unit="1", uncertainty=0.0,
        scope=here, method=f"slots of {slot_s:g} s without data, of {asked}",
    )  # fmt: skip
    return [*found, missing] if asked else found
