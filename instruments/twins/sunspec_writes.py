"""What a write to the battery's SunSpec registers means for its settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from instruments.twins.battery import Battery
from instruments.twins.settings import Settings

__all__ = ["RefusedError", "read_settings"]

_Value = Callable[[int, str, int], float]
_SET_POINT = ((704, "WSetMod"), (704, "WSet"), (704, "WSetPct"))


class RefusedError(Exception):
    """The value is not one the device takes."""


def read_settings(
    battery: Battery, value: _Value, held: Mapping[tuple[int, str], int], new: Mapping[tuple[int, str], int]
) -> Settings:
    """Return the settings after the raw values ``new`` are written.

    Args:
        battery: whose settings change.
        value: turns a raw value of a point into physical units.
        held: what the registers of the set-point will hold.
        new: raw values that differ from what the registers hold now.

    Raises:
        RefusedError: a value is out of range.
    """
    settings = battery.settings
    for (model, name), raw in new.items():
        physical = value(model, name, raw)
        if model == 711:
            settings = _droop(settings, name, raw, physical)
        elif name == "WSetEna":
            settings = replace(settings, set_enabled=bool(_one_of(raw, (0, 1))))
        elif name == "SetOp":
            settings = replace(settings, connected=_one_of(raw, (1, 2)) == 1)
        elif name == "SoCRsvMin":
            if physical > 100:
                raise RefusedError(name)
            settings = replace(settings, reserve_pct=physical)
        elif model == 802:
            _one_of(raw, (0, 1) if name == "AlmRst" else (1, 2, 3))
    if any((model, name) in new for model, name in _SET_POINT):
        settings = replace(settings, power_set_kw=_set_point_kw(battery.config.rated_kw, value, held))
    return settings


def _set_point_kw(rated_kw: float, value: _Value, held: Mapping[tuple[int, str], int]) -> float:
    watts = _one_of(held[704, "WSetMod"], (0, 1)) == 1
    by_watts_kw = value(704, "WSet", held[704, "WSet"]) / 1000.0
    by_percent_kw = value(704, "WSetPct", held[704, "WSetPct"]) / 100.0 * rated_kw
    if max(abs(by_watts_kw), abs(by_percent_kw)) > rated_kw * (1 + 1e-9):
        raise RefusedError("set-point beyond the rating")
    return by_watts_kw if watts else by_percent_kw


def _droop(settings: Settings, name: str, raw: int, physical: float) -> Settings:
    if name == "Ena":
        return replace(settings, frequency_enabled=bool(_one_of(raw, (0, 1))))
    if name in ("Ctl.KOf", "Ctl.KUf"):
        if physical <= 0:
            raise RefusedError(name)
        if name == "Ctl.KOf":
            return replace(settings, droop_over_ratio=physical)
        return replace(settings, droop_under_ratio=physical)
    if name in ("Ctl.DbOf", "Ctl.DbUf"):
        if physical > 5:
            raise RefusedError(name)
        if name == "Ctl.DbOf":
            return replace(settings, dead_over_hz=physical)
        return replace(settings, dead_under_hz=physical)
    if name == "Ctl.RspTms":
        return replace(settings, time_constant_s=physical / math.log(10.0))
    if name == "Ctl.PMin":
        if not -100 <= physical <= 100:
            raise RefusedError(name)
        return replace(settings, low_pct=physical)
    _one_of(raw, (0, 1))
    return settings


def _one_of(raw: int, allowed: tuple[int, ...]) -> int:
    if raw not in allowed:
        raise RefusedError(str(raw))
    return raw
