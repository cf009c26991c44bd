"""The site controller's driver against the twin's house, over a real wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.clock import VirtualClock
from bench.config.station import Device, StationHead
from bench.errors import InstrumentRefused
from instruments.site_modbus import SiteModbus
from instruments.twins.host import TwinHost
from tests.instruments.bench_setting import setting

HEAD = StationHead(name="t", nominal_hz=50.0)
DEVICE = Device(maker="m", model="b", serial="SIM-1", rated_kw=5.5, capacity_kwh=15.0)


@pytest.fixture
def host() -> Iterator[TwinHost]:
    clock = VirtualClock()
    twin = TwinHost({"seed": 1}, HEAD, DEVICE, clock, roles=["source", "meter", "battery", "site"])
    yield twin
    twin.close()


def opened(host: TwinHost, *has: str) -> SiteModbus:
    resource = host.start()["site"]
    return SiteModbus(setting("site", resource, clock=VirtualClock(), has=list(has)))


@pytest.mark.wire
def test_load_generation_and_limiter_reach_the_house(host: TwinHost) -> None:
    driver = opened(host, "load", "pv", "own", "gateway")
    try:
        assert driver.identify().simulated
        before = driver.snapshot()
        assert before == pytest.approx({"limiter": "off", "export_limit_kw": 0, "load_kw": 0.5, "pv_kw": 0})
        assert driver.set("load_kw", 2.0) == pytest.approx(2.0)
        assert driver.set("pv_kw", 6.25) == pytest.approx(6.25)
        assert driver.set("export_limit_kw", 9.5) == pytest.approx(9.5)
        assert driver.set("limiter", "gateway") == "gateway"
        assert host.world.house.net_load_kw(0.0) == pytest.approx(2.0 - 6.25)
        limiter = host.world.battery.limiter
        assert (limiter.way, limiter.limit_kw) == ("gateway", 9.5)
        driver.restore(before)
        assert driver.snapshot() == pytest.approx(before)
    finally:
        driver.close()


@pytest.mark.wire
def test_a_site_has_only_what_its_table_says(host: TwinHost) -> None:
    driver = opened(host, "load", "fixed")
    try:
        assert set(driver.quantities()) == {"load_kw", "export_limit_kw", "limiter"}
        assert driver.safe_values() == {}
        assert set(driver.read()) == {"load_kw"}
        with pytest.raises(InstrumentRefused, match="no quantity 'pv_kw'"):
            driver.set("pv_kw", 1.0)
        with pytest.raises(InstrumentRefused, match="no way 'own'; the site has: off, fixed"):
            driver.set("limiter", "own")
        with pytest.raises(InstrumentRefused, match="outside"):
            driver.set("load_kw", -1.0)
    finally:
        driver.close()


@pytest.mark.wire
def test_a_map_that_lies_elsewhere(host: TwinHost) -> None:
    resource = host.start()["site"]
    moved = {"load_kw": 1, "pv_kw": 0}
    driver = SiteModbus(setting("site", resource, clock=VirtualClock(), has=["load", "pv"], addresses=moved))
    try:
        driver.set("load_kw", 1.5)
        assert host.world.house.pv_kw(0.0) == pytest.approx(1.5)
    finally:
        driver.close()
    with pytest.raises(InstrumentRefused, match="no quantity 'heat'"):
        SiteModbus(setting("site", resource, has=["load"], addresses={"heat": 3}))
