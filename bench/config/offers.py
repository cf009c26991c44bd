"""What a station has beyond source, meter and battery, as numbers that a profile's arithmetic can name.

A block of a profile with ``repeat = "site_load"`` is left out where nothing at the station moves the load.
"""

from __future__ import annotations

from bench.config.station import Station

__all__ = ["CONTROLLER", "MODES", "OFFERS", "SITE_PARTS", "offers"]

SITE_PARTS = ("load", "pv", "fixed", "own", "gateway", "cuts", "alarm")
"""What ``[instruments.site] has`` may name: the house load, generation, ways of limiting, cuts, alarm."""
CONTROLLER = "controller"
"""In a profile: the role gateway where the station has one, else the battery."""
MODES = ("auto", "charge", "discharge", "standby")
OFFERS = (
    "has_gateway",
    "has_site",
    "has_schedule",
    *(f"has_mode_{mode}" for mode in MODES),
    *(f"site_{part}" for part in SITE_PARTS),
)


def offers(station: Station) -> dict[str, float]:
    """Return every name of ``OFFERS`` with 1 where the station file says that it is there, else 0."""
    site = station.instruments.get("site")
    given = site.options().get("has", ()) if site is not None else ()
    has = set(given) if isinstance(given, list | tuple) else set()
    modes = MODES if station.device.modes is None else station.device.modes
    found = {
        "has_gateway": "gateway" in station.instruments,
        "has_site": site is not None,
        "has_schedule": bool(station.device.takes_schedule),
        **{f"has_mode_{mode}": mode in modes for mode in MODES},
        **{f"site_{part}": part in has for part in SITE_PARTS},
    }
    return {name: float(there) for name, there in found.items()}
