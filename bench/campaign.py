"""A campaign on paper: which order, where the battery must be recharged, how long, and what cannot fit.

Nothing here is a rule of the market: losses and the battery's own reserve are not declared in a station
file, so the margins below stand for them. Each run then starts in the middle of what it can bear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.config.station import Station
from bench.plan.estimate import FLOOR_PCT, LOSS_RATIO
from bench.prepare import Prepared

__all__ = ["CampaignPlan", "CampaignStep", "ChargeWindow", "charge_window", "plan_campaign", "recharge_kw"]

CEILING_PCT = 97.0  # a home battery slows down near full
POWER_RATIO = 0.9  # of what the limits allow: a limit is for the reading, which swings around its set-point
_ABOVE_RESERVE_PCT = 5.0  # a run starts this much above a reserve that the battery tells
SPARE_RATIO = 1.5  # a recharge may take this much longer than planned before it is given up


@dataclass(frozen=True)
class ChargeWindow:
    """The states of charge from which a run can be played to its end; ``fits`` false: there are none."""

    low_pct: float
    high_pct: float
    fits: bool
    floor_pct: float = FLOOR_PCT

    @property
    def target_pct(self) -> float:
        """The start that leaves equal room on both sides; the best compromise where nothing fits."""
        return min(CEILING_PCT, max(self.floor_pct, (self.low_pct + self.high_pct) / 2))

    def holds(self, soc_pct: float) -> bool:
        """Return whether the run may start here."""
        if not self.fits:
            return abs(soc_pct - self.target_pct) <= 1.0
        return self.low_pct <= soc_pct <= self.high_pct


@dataclass(frozen=True)
class CampaignStep:
    """One run, or the recharge before it, with the state of charge before and after (None: not known)."""

    profile: str
    kind: str
    duration_s: float
    soc_start_pct: float
    soc_end_pct: float
    discharged_kwh: float
    charged_kwh: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CampaignPlan:
    """The runs in their order, the steps with the recharges between them, and what speaks against it."""

    runs: tuple[Prepared, ...]
    steps: tuple[CampaignStep, ...]
    duration_s: float
    warnings: tuple[str, ...]


def charge_window(plan: Prepared, reserve_pct: float | None = None) -> ChargeWindow:
    """Return from which states of charge ``plan`` can be played, as the device's declaration has them.

    ``reserve_pct`` is what the battery itself says it keeps; unknown or small, the assumed one counts.
    """
    found = plan.estimate()
    floor = max(FLOOR_PCT, (reserve_pct or 0.0) + _ABOVE_RESERVE_PCT)
    capacity_kwh = plan.station.station.device.capacity_kwh
    low, high = 0.0, 100.0  # a run that takes nothing out may start empty, one that takes nothing in full
    if found.store_high_kwh > 0:
        low = floor + found.store_high_kwh / capacity_kwh * 100
    if found.store_low_kwh < 0:
        high = CEILING_PCT + found.store_low_kwh / capacity_kwh * 100
    return ChargeWindow(low, high, low <= high, floor)


def recharge_kw(station: Station, *, charge: bool) -> float:
    """Return the power of a recharge at the device point: rated, inside the limits and the source's sink."""
    low, high = station.limits.power_kw
    rated_kw = station.device.rated_kw
    if charge:
        return -min(rated_kw, max(0.0, -low) * POWER_RATIO)
    source = station.instruments.get("source")
    sink_kw = source.sink_kw if source is not None and source.sink_kw is not None else rated_kw
    return min(rated_kw, max(0.0, high) * POWER_RATIO, sink_kw * POWER_RATIO)


def recharge_s(station: Station, from_pct: float, to_pct: float) -> float:
    """Return how long a recharge takes with the assumed losses; infinite where no power is allowed."""
    power_kw = recharge_kw(station, charge=to_pct > from_pct)
    store_kwh = abs(to_pct - from_pct) / 100 * station.device.capacity_kwh
    terminal_kwh = store_kwh / LOSS_RATIO if power_kw < 0 else store_kwh * LOSS_RATIO
    return terminal_kwh / abs(power_kw) * 3600 if power_kw else float("inf")


def plan_campaign(
    plans: Sequence[Prepared], soc_pct: float | None = None, reserve_pct: float | None = None
) -> CampaignPlan:
    """Put ``plans`` in order and say where the battery must be recharged.

    Among the runs that the present charge can bear, the one that needs the fullest battery comes first; where
    none can, the one that needs the least recharge. ``soc_pct`` is the charge at the start; unknown, the best
    for the first run is taken. ``reserve_pct`` is as :func:`charge_window` takes it.
    """
    windows = {id(plan): charge_window(plan, reserve_pct) for plan in plans}
    left, order, steps = list(plans), [], []
    warnings = [_cannot_fit(plan, windows[id(plan)]) for plan in plans if not windows[id(plan)].fits]
    soc = soc_pct
    while left:
        if soc is None:
            soc = windows[id(max(left, key=lambda plan: windows[id(plan)].low_pct))].target_pct
        now = soc
        able = [plan for plan in left if windows[id(plan)].holds(now)]
        if able:
            chosen = max(able, key=lambda plan: windows[id(plan)].low_pct)
        else:
            chosen = min(left, key=lambda plan: abs(windows[id(plan)].target_pct - now))
            step = _recharge(chosen, now, windows[id(chosen)].target_pct)
            steps.append(step)
            soc = step.soc_end_pct
        step = _run(chosen, soc, reserve_pct)
        steps.append(step)
        soc = min(100.0, max(0.0, step.soc_end_pct))
        order.append(chosen)
        left.remove(chosen)
    return CampaignPlan(tuple(order), tuple(steps), sum(step.duration_s for step in steps), tuple(warnings))


def _recharge(plan: Prepared, from_pct: float, to_pct: float) -> CampaignStep:
    station = plan.station.station
    duration_s = recharge_s(station, from_pct, to_pct)
    power_kw = recharge_kw(station, charge=to_pct > from_pct)
    moved_kwh = abs(power_kw) * duration_s / 3600 if power_kw else 0.0
    return CampaignStep(
        profile=plan.loaded.profile.name,
        kind="recharge",
        duration_s=duration_s if power_kw else 0.0,
        soc_start_pct=from_pct,
        soc_end_pct=to_pct if power_kw else from_pct,
        discharged_kwh=moved_kwh if power_kw > 0 else 0.0,
        charged_kwh=moved_kwh if power_kw < 0 else 0.0,
        notes=() if power_kw else ("the limits of the station allow no power for it",),
    )


def _run(plan: Prepared, soc_pct: float, reserve_pct: float | None) -> CampaignStep:
    found = plan.estimate(soc_pct, reserve_pct)
    capacity_kwh = plan.station.station.device.capacity_kwh
    store_kwh = found.discharged_kwh / LOSS_RATIO - found.charged_kwh * LOSS_RATIO
    return CampaignStep(
        profile=plan.loaded.profile.name,
        kind="run",
        duration_s=found.duration_s,
        soc_start_pct=soc_pct,
        soc_end_pct=soc_pct - store_kwh / capacity_kwh * 100,
        discharged_kwh=found.discharged_kwh,
        charged_kwh=found.charged_kwh,
        notes=(*found.warnings, *plan.practice_reasons),
    )


def _cannot_fit(plan: Prepared, window: ChargeWindow) -> str:
    capacity_kwh = plan.station.station.device.capacity_kwh
    return (
        f"{plan.loaded.profile.name} cannot fit with reserve and losses: it moves "
        f"{plan.estimate().needed_kwh:.3g} kWh of {capacity_kwh:g} kWh, and would need a start above "
        f"{window.low_pct:.3g} % and below {window.high_pct:.3g} %; it is started at "
        f"{window.target_pct:.3g} %; a smaller --delta-kw would fit"
    )
