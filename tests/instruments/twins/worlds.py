"""Simulated worlds for the tests: switched on, and told things without a dialect in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.clock import VirtualClock
from bench.config.station import Device, StationHead
from instruments.twins.config import read_twin
from instruments.twins.host import TwinHost
from instruments.twins.world import World

HEAD = StationHead(name="test", nominal_hz=50.0, nominal_v=202.0)
DEVICE = Device(maker="Maker", model="B5", serial="12345", rated_kw=5.5, capacity_kwh=15.0)
QUIET = {"noise_kw": 0.0, "noise_hz": 0.0, "noise_v": 0.0}


def world(*, on: bool = True, folder: Path | None = None, nominal_hz: float = 50.0, **twin: Any) -> World:
    """Return a world at time zero, its bus at 202 V and nominal frequency unless ``on`` is False."""
    made = World(read_twin(twin), nominal_hz, folder or Path(), lambda *_: None)
    if on:
        made.set_voltage(202.0)
        made.set_output(True)
    return made


def at(made: World, t_s: float) -> float:
    """Go on to ``t_s`` and return the battery's power in kW."""
    made.advance_to(t_s)
    return made.device_kw.value(t_s)


def step(made: World, t_s: float, frequency_hz: float) -> float:
    """Set the frequency at ``t_s``; return when the battery will see it."""
    made.advance_to(t_s)
    made.set_frequency(frequency_hz)
    sampling = made.battery.sampling
    return sampling.instant_s(sampling.after(t_s))


def order(made: World, t_s: float, **settings: Any) -> None:
    """Give the battery new settings at ``t_s``."""
    made.advance_to(t_s)
    made.battery.command(t_s, replace(made.battery.settings, **settings))


def host(
    clock: VirtualClock | None = None, *, roles: tuple[str, ...] = ("source", "meter", "battery"), **twin: Any
) -> TwinHost:
    """Return a twin station that is not started yet."""
    return TwinHost({"link": "direct", **twin}, HEAD, DEVICE, clock or VirtualClock(), roles=roles)
