"""How much ΔkW is tested, and in which directions (contract section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.config.profile import Profile
from bench.config.station import Device, Station
from bench.errors import Fault, UsageError
from bench.plan.build import build_timeline
from bench.plan.energy import needed_kwh
from bench.plan.grid import GridRecording
from bench.timeline import Direction

__all__ = ["DeltaKw", "choose_delta_kw", "delta_faults", "judged_directions"]

STEP_KW = 0.1


@dataclass(frozen=True)
class DeltaKw:
    """The ΔkW to be tested, and how it was found."""

    value_kw: float
    why: str


def judged_directions(profile: Profile, device: Device) -> tuple[Direction, ...]:
    """Return the directions that are judged: both for frequency response, else as declared, else up."""
    if profile.directions == "both":
        return ("up", "down")
    return device.directions or ("up",)


LEAST_KW, MOST_KW = 1e-6, 1e9
"""No device is as small or as large; a share of less is no number any more."""


def delta_faults(delta_kw: float, device: Device, where: str) -> list[Fault]:
    """Return what is wrong with a ΔkW that somebody chose."""
    if not math.isfinite(delta_kw):
        return [Fault(where, f"must be a finite number of kW, is {delta_kw}")]
    if delta_kw <= 0:
        return [Fault(where, f"must be above zero, is {delta_kw:g} kW")]
    if not LEAST_KW <= delta_kw <= MOST_KW:
        return [Fault(where, f"{delta_kw:g} kW is no power of a device")]
    if delta_kw > device.rated_kw * (1 + 1e-9):
        return [Fault(where, f"{delta_kw:g} kW is above the device's rating, {device.rated_kw:g} kW")]
    return []


def _from_droop(names: Mapping[str, float], device: Device) -> DeltaKw:
    """ΔkW = rated × (abnormal deviation − dead band) / (droop × nominal), at most rated (contract 3)."""
    droop_pct, band_hz = device.declared_droop_pct, device.declared_dead_band_hz
    said = [word for word, value in (("droop", droop_pct), ("dead band", band_hz)) if value is None]
    try:
        droop_pct = names["droop_pct"] if droop_pct is None else droop_pct
        band_hz = names["dead_band_hz"] if band_hz is None else band_hz
        abnormal_hz, nominal_hz = names["abnormal_hz"], names["nominal_hz"]
    except KeyError as error:
        raise UsageError(
            Fault("--delta-kw", f"needed: the rules give no {error.args[0]} to compute it")
        ) from None
    value_kw = device.rated_kw * (abnormal_hz - band_hz) / (droop_pct / 100 * nominal_hz)
    if value_kw <= 0:
        raise UsageError(
            Fault("device.declared_dead_band_hz", f"{band_hz:g} Hz leaves no response at {abnormal_hz:g} Hz")
        )
    formula = (
        f"{device.rated_kw:g} kW × ({abnormal_hz:g} − {band_hz:g}) Hz / ({droop_pct:g} % × {nominal_hz:g} Hz)"
    )
    why = f"{formula} = {value_kw:.4g} kW"
    why += f"; the {' and the '.join(said)} of the rule, since none is declared" if said else ""
    if device.droop_base == "awarded":
        why += (
            "; the device's droop is declared on its award, so declare [device] delta_kw to test that award"
        )
    if value_kw > device.rated_kw:
        value_kw, why = device.rated_kw, f"{why}; at most rated: {device.rated_kw:g} kW"
    return DeltaKw(value_kw, why)


def _from_energy(
    profile: Profile,
    names: Mapping[str, float],
    device: Device,
    directions: Sequence[Direction],
    recording: GridRecording | None,
) -> DeltaKw:
    """The largest multiple of 0.1 kW, at most rated, whose run takes no more than the declared energy.

    That is ``[device] usable_kwh``, what it can give at its terminals, which is never more than the capacity;
    not declared, the capacity.
    The energy is that of the commands: a device that answers at once delivers from the command on.
    """

    def need_kwh(count: int) -> float:
        tried = {**names, "delta_kw": round(count * STEP_KW, 1)}
        return needed_kwh(build_timeline(profile, tried, directions, recording=recording))

    energy_kwh = min(device.capacity_kwh, device.usable_kwh or device.capacity_kwh)
    low, high = 0, math.floor(device.rated_kw / STEP_KW + 1e-6)
    most = high
    while low < high:
        middle = (low + high + 1) // 2
        if need_kwh(middle) <= energy_kwh * (1 + 1e-9):
            low = middle
        else:
            high = middle - 1
    if low == 0:
        raise UsageError(
            Fault(
                "--delta-kw",
                f"needed: {energy_kwh:g} kWh, {device.rated_kw:g} kW do not sustain {STEP_KW:g} kW "
                f"over {profile.name}",
            )
        )
    value_kw = round(low * STEP_KW, 1)
    why = f"the largest multiple of {STEP_KW:g} kW that {energy_kwh:g} kWh sustain over the run"
    why += f" ({need_kwh(low):.3g} kWh)" + (f", at most rated {device.rated_kw:g} kW" if low == most else "")
    return DeltaKw(value_kw, why)


def choose_delta_kw(
    profile: Profile,
    names: Mapping[str, float],
    station: Station,
    directions: Sequence[Direction],
    *,
    option: float | None = None,
    recording: GridRecording | None = None,
) -> DeltaKw:
    """Return the ΔkW: ``option`` (``--delta-kw``), else ``[device] delta_kw``, else computed.

    ``names`` is the namespace without ``delta_kw``.

    Raises:
        UsageError: above the rating, zero, negative or not finite; or nothing can be computed.
    """
    device = station.device
    for value, where, why in (
        (option, "--delta-kw", "as asked (--delta-kw)"),
        (device.delta_kw, "device.delta_kw", "as the station file declares ([device] delta_kw)"),
    ):
        if value is not None:
            faults = delta_faults(value, device, where)
            if faults:
                raise UsageError(faults)
            return DeltaKw(float(value), why)
    if profile.kind == "frequency":
        return _from_droop(names, device)
    return _from_energy(profile, names, device, directions, recording)
