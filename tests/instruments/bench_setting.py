"""A driver's setting for the tests: a station of one role, over the link that the test chooses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.clock import Clock, RealClock
from bench.config.station import Instrument, Limits, StationHead
from bench.drivers.setting import Setting
from bench.links.factory import LinkFactory
from bench.links.tap import Tap

LIMITS = Limits(frequency_hz=(47.5, 51.5), voltage_v=(180.0, 225.0), power_kw=(-7.0, 7.0))


def setting(
    role: str,
    resource: str,
    *,
    clock: Clock | None = None,
    endpoints: Mapping[str, object] | None = None,
    timeout_s: float = 1.0,
    limits: Limits = LIMITS,
    tap: Tap | None = None,
    **config: Any,
) -> Setting:
    """Return the setting of one driver; ``config`` are the keys of its station table."""
    clock = clock or RealClock()
    return Setting(
        role=role,
        config=Instrument.model_validate({"driver": "a.b:C", "resource": resource, **config}),
        resource=resource,
        station=StationHead(name="test", nominal_hz=50.0, timeout_s=timeout_s),
        limits=limits,
        links=LinkFactory(clock, endpoints=endpoints, tap=tap),
        clock=clock,
        folder=Path(),
    )


def socket_resource(port: int) -> str:
    """Return the VISA resource of a raw socket on loopback."""
    return f"TCPIP::127.0.0.1::{port}::SOCKET"
