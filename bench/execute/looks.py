"""What a profile may have done to a device beside the device's own sequences: look at it, and write down.

``battery.settings`` records the settings that a run puts back; ``battery.inventory`` what can be read and
set. A sequence that ends in ``?`` may be refused: the refusal is recorded, and judged, not an error of the
bench (a device that does not let go of a control is what ``mode_restore`` looks for).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.drivers.base import Driver

__all__ = ["LOOKS", "MAY_BE_REFUSED"]

MAY_BE_REFUSED = "?"


def _settings(driver: Driver) -> dict[str, Any]:
    return {"settings": dict(driver.snapshot())}


def _inventory(driver: Driver) -> dict[str, Any]:
    """Return what has a value now, and what can be set; a name without a value is not offered."""
    known = driver.quantities()
    names = [name for name, info in known.items() if info.readable]
    readings = driver.read(names)
    return {
        "readable": [name for name in names if readings[name].value is not None],
        "settable": [name for name, info in known.items() if info.settable],
    }


LOOKS: Mapping[str, Callable[[Driver], dict[str, Any]]] = {"settings": _settings, "inventory": _inventory}
