"""Bring the battery to the state of charge that the next run needs: a run of its own, never judged.

It goes through the same executor as a test, so the same limits guard it, and leaves a folder of its own. It
waits on what the battery itself reads as its state of charge; without that reading nothing is done.
"""

from __future__ import annotations

import math
from dataclasses import replace

from bench.campaign import SPARE_RATIO, charge_window, recharge_kw, recharge_s
from bench.config.load import Overrides
from bench.errors import InstrumentError
from bench.prepare import Prepared, prepare
from bench.rooms import room
from bench.station import OpenStation
from bench.timeline import Until

__all__ = ["PROFILE", "conditioning_for", "read_reserve_pct", "read_soc_pct"]

PROFILE = "recharge"
_SHORTEST_S = 60.0


def read_soc_pct(station: OpenStation) -> float | None:
    """Return the state of charge as the battery reads it; None where it cannot be read."""
    return _told(station, "soc_pct")


def read_reserve_pct(station: OpenStation) -> float | None:
    """Return below which charge the battery says it does not discharge; None where it does not tell."""
    return _told(station, "reserve_pct")


def _told(station: OpenStation, name: str) -> float | None:
    for role in ("battery", "gateway"):
        driver = station.drivers.get(role)
        if driver is None or name not in driver.quantities():
            continue
        try:
            value = driver.read([name])[name].value
        except InstrumentError:
            continue  # the run that follows meets the same instrument and says what is wrong with it
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def conditioning_for(
    plan: Prepared, soc_pct: float | None, reserve_pct: float | None = None
) -> Prepared | None:
    """Return the recharge that ``plan`` needs from ``soc_pct``; None where it needs none or cannot have one.

    Raises:
        UsageError: the recharge itself does not fit the station.
    """
    window = charge_window(plan, reserve_pct)
    station = plan.station.station
    if soc_pct is None or "battery" not in station.instruments or window.holds(soc_pct):
        return None
    target_pct = window.target_pct
    charge = target_pct > soc_pct
    power_kw = recharge_kw(station, charge=charge)
    if not power_kw or abs(target_pct - soc_pct) < 1.0:
        return None
    longest_s = max(_SHORTEST_S, recharge_s(station, soc_pct, target_pct) * SPARE_RATIO)
    overrides = Overrides(
        station=plan.overrides.station,
        profile={
            "power_kw": round(power_kw, 3),
            "duration_s": float(math.ceil(longest_s)),
            "target_soc_pct": round(target_pct, 1),
        },
    )
    path = room("profiles") / "conditioning" / f"{PROFILE}.toml"
    found = prepare(str(path), plan.station, overrides, edition=None, delta_kw=abs(power_kw), point="device")
    bound = {"at_least" if charge else "at_most": round(target_pct, 1)}
    return replace(found, timeline=replace(found.timeline, until=Until("battery", "soc_pct", **bound)))
