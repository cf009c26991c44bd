"""Droop from the steady power of the holds: on rated power, the declared dead band subtracted.

``droop = (|Δf| - dead band) / nominal · rated / |ΔP| · 100``. The line through the origin stands beside
it as information: it reads high on every compliant device with a dead band (metrology 1).
"""

from __future__ import annotations

import math

from bench.measure.hold.held import Held, held
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.uncertainty import expanded, frequency_u_hz, mean_and_u, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "hold_droop"]

OPTIONS = frozenset(
    {"response_s", "duration_s", "rated_kw", "delta_kw", "nominal_hz", "abnormal_hz", "dead_band_hz"}
)
_LATE_S = 120.0
_SATURATED = 0.98
_EARLY_S = 20.0
_FADED = 0.1


def _droop(
    name: str, numerator_hz: float, kw: float, base_kw: float, nominal_hz: float, parts: dict[str, float],
    scope: Scope, window: Window, method: str, note: str, follows: str | None, less_hz: float = 0.0,
) -> Metric:  # fmt: skip
    """Return a droop; ``less_hz`` is by how much the numerator may be smaller, nobody having said."""
    value = 100.0 * numerator_hz / nominal_hz * base_kw / kw
    components = {part: abs(value) * relative for part, relative in parts.items()}
    total = expanded(components)
    least = value * (1.0 - less_hz / numerator_hz) - total
    return Metric(
        name=name,
        value=value,
        unit="%",
        uncertainty=total,
        interval95=(least, value + total) if less_hz else None,
        scope=scope,
        window=window,
        method=method,
        note=note,
        follows=follows,
        components=components,
    )


def _one(
    recording: Recording, item: Held, power: Series, frequency: Series, options: Options
) -> list[Metric]:
    nominal, rated = options.number("nominal_hz"), options.number("rated_kw")
    response = options.number("response_s")
    declared = recording.facts.get("declared_dead_band_hz")
    subtract = recording.facts.get("dead_band_kind", "subtracted") != "step"
    dead_band = float(declared) if declared is not None and subtract else 0.0
    # what power does once the judged hold is over is neither droop nor anything else
    judged_s = item.at_s + response + options.number("duration_s", math.inf)
    end_s = min(item.step.end_s, power.end_s, judged_s)
    from_s = max(item.at_s + response, end_s - _LATE_S)
    late, hz = power.between(from_s, end_s).value, frequency.between(from_s, end_s).value
    # a hold has no phase of its own in the scope of a droop: it is one number per direction
    scope = Scope(point=recording.point, direction=item.step.direction)
    names = ("droop_pct", "droop_through_origin_pct")
    if len(late) < 3 or len(hz) < 3 or item.restless:
        note = item.restless or "no power or no frequency in the late part of the hold"
        return [
            Metric(name=name, value=None, unit="%", scope=scope, state="missing", note=note) for name in names
        ]
    window = Window(from_s=from_s, to_s=end_s)
    mean_kw, noise_kw = mean_and_u(late)
    mean_hz, noise_hz = mean_and_u(hz)
    kw = item.step.sign * (mean_kw - item.base_kw)
    deviation = -item.step.sign * (mean_hz - nominal)
    meter = power_u_kw(recording, mean_kw)
    doubt = math.sqrt(noise_kw**2 + item.base_u_kw**2 + meter**2)
    method = (
        f"steady power over the last {end_s - from_s:.0f} s of the hold at {deviation:+.4f} Hz of deviation, "
        f"rated power {rated:g} kW"
    )
    early = power.between(item.at_s + response, item.at_s + response + _EARLY_S).value
    first_kw = item.step.sign * (float(early.mean()) - item.base_kw) if len(early) else kw
    faded = abs(kw - first_kw) > _FADED * abs(first_kw) and first_kw > 3.0 * doubt
    follows = "hold" if faded else None
    if kw <= max(3.0 * doubt, 0.02 * options.number("delta_kw", rated * 0.01)) or deviation <= dead_band:
        note = "power never moved" if kw >= -3.0 * doubt else "power moved the wrong way: sign"
        note = (
            f"power was gone in the late part of the hold; it began with {first_kw:.3f} kW" if faded else note
        )
        return [
            Metric(name=name, value=None, unit="%", scope=scope, window=window, state="never", method=method,
                   note=note, follows=follows or "response")
            for name in names
        ]  # fmt: skip
    note = "at the rating: the droop may be smaller" if abs(mean_kw) >= _SATURATED * rated else ""
    if faded:
        note = f"power went from {first_kw:.3f} to {kw:.3f} kW during the hold"
    power_parts = {"noise": noise_kw / kw, "rest": item.base_u_kw / kw, "meter": meter / kw}

    def parts(over_hz: float) -> dict[str, float]:
        return {
            **power_parts,
            "frequency": frequency_u_hz(recording) / over_hz,
            "frequency_noise": noise_hz / over_hz,
        }

    over = deviation - dead_band
    # what the maker does not say is anything from none to the widest that the rule allows
    unknown = options.number("dead_band_hz", 0.0) if declared is None and subtract else 0.0
    how = f"dead band of {1e3 * dead_band:g} mHz subtracted as declared" if dead_band else (
        f"no dead band declared: none subtracted, the interval allows for {1e3 * unknown:g} mHz" if unknown
        else "no dead band subtracted"
    )  # fmt: skip
    found = [
        _droop(
            names[0], over, kw, rated, nominal, parts(over), scope, window, f"{method}; {how}", note,
            follows, unknown,
        ),
        _droop(
            names[1], deviation, kw, rated, nominal, parts(deviation), scope, window,
            f"{method}; line through the origin", note, follows,
        ),
    ]  # fmt: skip
    if recording.facts.get("droop_base") == "awarded":
        awarded = options.number("delta_kw")
        text = f"{method}; {how}; on the awarded {awarded:g} kW, as the maker declares it"
        found.append(
            _droop(
                "droop_awarded_pct",
                over,
                kw,
                awarded,
                nominal,
                parts(over),
                scope,
                window,
                text,
                note,
                follows,
            )
        )
    return found


def hold_droop(recording: Recording, options: Options) -> list[Metric]:
    """Measure the droop of each direction from its hold."""
    holds, power, frequency = held(recording, options)
    note = "" if holds else "no hold of the full frequency deviation in the recording"
    if not len(frequency):
        note = note or "the analyzer's frequency is not in the recording"
    if options.get("rated_kw") is None:
        note = note or "the rated power is not declared: a droop is a share of it"
    if note:
        return [
            Metric(name=name, value=None, unit="%", state="not_applicable", note=note,
                   scope=Scope(point=recording.point))
            for name in ("droop_pct", "droop_through_origin_pct")
        ]  # fmt: skip
    return [metric for item in holds for metric in _one(recording, item, power, frequency, options)]
