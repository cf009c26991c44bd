"""Duration, energy and state of charge of a run, what cannot fit and why: on paper, as declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.config.profile import Profile
from bench.config.station import Device, Station
from bench.plan.energy import DroopLaw, PowerStep, asked_power, droop_law, span_kwh
from bench.timeline import PhaseSpan, Timeline

__all__ = ["FLOOR_PCT", "LOSS_RATIO", "Estimate", "PhaseEnergy", "estimate"]

LOSS_RATIO = 0.9  # what leaves the terminals over what leaves the store; where not declared, assumed
FLOOR_PCT = 15.0  # a home battery keeps a reserve
_AT_REST_RATIO = 0.01  # of the rating: standby, and the noise of an analyzer around 0
_CHARGED_PCT = 90.0  # from here on it starts with what is declared as usable


@dataclass(frozen=True)
class PhaseEnergy:
    """One phase with the energy that is asked of the battery in it (discharge positive)."""

    phase: PhaseSpan
    energy_kwh: float
    soc_end_pct: float


@dataclass(frozen=True)
class Estimate:
    """The run on paper. ``soc_assumed``: nobody has read the state of charge, the best start was taken.

    ``store_low_kwh`` and ``store_high_kwh`` are the least and the most energy taken out of the store since
    the start, with the assumed losses of every turn in and out.
    """

    duration_s: float
    discharged_kwh: float
    charged_kwh: float
    needed_kwh: float
    soc_start_pct: float
    soc_end_pct: float
    soc_assumed: bool
    phases: tuple[PhaseEnergy, ...]
    warnings: tuple[str, ...]
    store_low_kwh: float = 0.0
    store_high_kwh: float = 0.0


def _between(steps: list[PowerStep], from_s: float, to_s: float) -> float:
    """Return the energy taken out from ``from_s`` to ``to_s``."""
    return sum(
        step.power_kw * max(0.0, min(step.to_s, to_s) - max(step.from_s, from_s)) / 3600 for step in steps
    )


def _crossing(steps: list[PowerStep], room_kwh: float, sign: int) -> float | None:
    """Return when more than ``room_kwh`` has been taken out (``sign`` 1) or taken in (-1); None: never."""
    moved = 0.0
    for step in steps:
        more = sign * step.energy_kwh
        if more > 0 and moved + more > room_kwh + 1e-9:
            return step.from_s + (room_kwh - moved) / (sign * step.power_kw) * 3600
        moved += more
    return None


def _phase_at(timeline: Timeline, t_s: float) -> str:
    names = [phase.name for phase in timeline.phases if phase.from_s <= t_s <= phase.to_s]
    return names[0] if names else "the run"


def _warnings(
    timeline: Timeline,
    steps: list[PowerStep],
    device: Device,
    soc_start_pct: float,
    *,
    assumed: bool,
    reserve_pct: float | None,
) -> list[str]:
    capacity_kwh = device.capacity_kwh
    low, high = span_kwh(steps)
    held_kwh = min(capacity_kwh, max(0.0, capacity_kwh * soc_start_pct / 100))
    found: list[str] = []
    if high - low > capacity_kwh * (1 + 1e-9):
        found.append(
            f"the run moves {high - low:.3g} kWh, more than the declared capacity of {capacity_kwh:g} kWh"
        )
    for room_kwh, sign, what in ((held_kwh, 1, "empty"), (capacity_kwh - held_kwh, -1, "full")):
        at_s = _crossing(steps, room_kwh, sign)
        if at_s is not None:
            found.append(
                f"starting at {soc_start_pct:.3g} %, the battery would be {what} {at_s:.0f} s into the run "
                f"(phase {_phase_at(timeline, at_s)!r}), {timeline.end_s - at_s:.0f} s before its end"
            )
    # what is taken in between is not all there again
    high = span_kwh(steps, LOSS_RATIO)[1] * LOSS_RATIO
    return found or _reserve(high, device, soc_start_pct, assumed=assumed, reserve_pct=reserve_pct)


def _reserve(
    high_kwh: float, device: Device, soc_start_pct: float, *, assumed: bool, reserve_pct: float | None
) -> list[str]:
    """Say whether the energy can be given once reserve and losses are counted."""
    usable_kwh = device.usable_kwh
    # what the battery itself tells stands before what was declared of it: it will stop there
    most_kwh = device.capacity_kwh * max(soc_start_pct - (reserve_pct or 0.0), 0.0) / 100
    if reserve_pct is not None and high_kwh > 0.0 and most_kwh * (1 + 1e-9) < high_kwh:
        return [
            f"starting at {soc_start_pct:.3g} %, the battery will stop before the end: the run takes "
            f"{high_kwh:.3g} kWh, and above the reserve of {reserve_pct:.3g} % that it tells there are "
            f"{most_kwh:.3g} kWh"
        ]
    if usable_kwh is not None:
        lacks_pct = 0.0 if assumed else max(_CHARGED_PCT - soc_start_pct, 0.0)
        lacks_kwh = device.capacity_kwh * lacks_pct / 100 * LOSS_RATIO
        if high_kwh <= (usable_kwh - lacks_kwh) * (1 + 1e-9) or high_kwh == 0.0:
            return []
        if high_kwh <= usable_kwh:
            return [
                f"starting at {soc_start_pct:.3g} %, the battery may be empty before the end: the run takes "
                f"{high_kwh:.3g} kWh, and of the usable {usable_kwh:g} kWh about {lacks_kwh:.3g} kWh are "
                "lacking"
            ]
        return [
            f"the run takes {high_kwh:.3g} kWh, more than the declared usable energy of {usable_kwh:g} kWh"
        ]
    floor_pct = max(FLOOR_PCT, reserve_pct or 0.0)
    left_kwh = device.capacity_kwh * max(soc_start_pct - floor_pct, 0.0) / 100 * LOSS_RATIO
    if high_kwh <= left_kwh or high_kwh == 0.0:
        return []
    return [
        f"starting at {soc_start_pct:.3g} %, the battery may be empty before the end: the run takes "
        f"{high_kwh:.3g} kWh, and with a reserve of {floor_pct:.3g} % and "
        f"losses of {100 - 100 * LOSS_RATIO:g} % "
        f"(assumed; declare [device] usable_kwh) it can give {left_kwh:.3g} kWh"
    ]


def _out_of_reach(
    profile: Profile, device: Device, nominal_hz: float, names: Mapping[str, float], law: DroopLaw | None
) -> list[str]:
    """Say where the declared droop cannot give the ΔkW that is asked at the deviation of the profile."""
    judged = any(finding.metric == "band_deviation_kw" for finding in profile.findings)
    away_hz, asked_kw = names.get("abnormal_hz"), names.get("delta_kw")
    if law is None or not judged or away_hz is None or asked_kw is None or device.droop_base == "awarded":
        return []
    gives_kw = law(nominal_hz - away_hz)
    if gives_kw >= asked_kw * (1.0 - names.get("band_ratio", 0.0)):
        return []
    return [
        f"with the droop that is declared (else the rule's) the battery gives {gives_kw:.3g} kW at "
        f"{away_hz:g} Hz from nominal, and {asked_kw:.3g} kW are asked: choose --delta-kw"
    ]


def estimate(
    timeline: Timeline,
    profile: Profile,
    station: Station,
    names: Mapping[str, float],
    *,
    soc_pct: float | None = None,
    reserve_pct: float | None = None,
) -> Estimate:
    """Return energy, state of charge and duration of ``timeline``.

    The power is what is commanded; in profiles of kind "frequency" also what the declared droop (else the
    rule's) answers to the frequency. What it can give is warned of as declared (``usable_kwh``), else with
    an assumed reserve and losses.
    ``soc_pct`` is the state of charge at the start; unknown, the best start for this run is taken.
    ``reserve_pct`` is below which charge the battery itself says it does not discharge; None: it
    does not tell.
    """
    device = station.device
    law = None
    if profile.kind == "frequency":
        law = droop_law(device, station.station.nominal_hz, names.get("droop_pct"), names.get("dead_band_hz"))
    steps = asked_power(timeline, law, device.rated_kw)
    low, high = span_kwh(steps)
    store_low, store_high = span_kwh(steps, LOSS_RATIO)
    capacity_kwh = device.capacity_kwh
    if soc_pct is None:
        # full if the run takes out, empty if it takes in, and in between with equal room on both sides
        spare_kwh = capacity_kwh - (high - low)
        start = 100.0 if low == 0 else 0.0 if high == 0 else (high + spare_kwh / 2) / capacity_kwh * 100
        start = min(100.0, max(0.0, start))
    else:
        start = soc_pct
    phases = tuple(
        PhaseEnergy(
            phase,
            _between(steps, phase.from_s, phase.to_s),
            start - _between(steps, 0.0, phase.to_s) / capacity_kwh * 100,
        )
        for phase in timeline.phases
    )
    warnings = _warnings(timeline, steps, device, start, assumed=soc_pct is None, reserve_pct=reserve_pct)
    low_kw, high_kw = station.limits.power_kw
    if min(-low_kw, high_kw) < _AT_REST_RATIO * device.rated_kw:
        warnings.append(
            f"limits.power_kw is {low_kw:g} to {high_kw:g} kW: power at rest is never exactly 0 and would "
            "trip it"
        )
    most_kw, cap_kw = max((step.power_kw for step in steps), default=0.0), device.export_limit_kw
    judged = any(finding.metric == "export_peak_kw" for finding in profile.findings)
    if judged and cap_kw is not None and most_kw > cap_kw * (1 + 1e-9):
        warnings.append(
            f"the battery gives up to {most_kw:g} kW and {cap_kw:g} kW may be exported: a load of "
            f"{most_kw - cap_kw:.3g} kW has to stand behind the receiving point all the time, "
            "or a lower ΔkW is asked"
        )
    warnings += _out_of_reach(profile, device, station.station.nominal_hz, names, law)
    if law is None and profile.kind == "frequency":
        warnings.append("the energy is not known: no droop is declared")
    return Estimate(
        duration_s=timeline.end_s,
        discharged_kwh=sum(max(0.0, step.energy_kwh) for step in steps),
        charged_kwh=sum(max(0.0, -step.energy_kwh) for step in steps),
        needed_kwh=high - low,
        soc_start_pct=start,
        soc_end_pct=start - sum(step.energy_kwh for step in steps) / capacity_kwh * 100,
        soc_assumed=soc_pct is None,
        phases=phases,
        warnings=tuple(warnings),
        store_low_kwh=store_low,
        store_high_kwh=store_high,
    )
