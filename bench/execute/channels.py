"""The names of channels and their units."""

from __future__ import annotations

from bench.execute.ports import StationLike

__all__ = ["channel_units"]


def channel_units(station: StationLike) -> dict[str, str]:
    """Return the unit of every channel the station can record, by ``role.quantity``."""
    return {
        f"{role}.{name}": info.unit
        for role, driver in station.drivers.items()
        for name, info in driver.quantities().items()
        if info.readable
    }
