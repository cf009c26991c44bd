"""What the SunSpec driver reads from a server made of pysunspec2's models and pymodbus's server, over TCP."""

from __future__ import annotations

import copy

import pytest

from bench.clock import VirtualClock
from bench.doctor import _reversion
from bench.drivers.base import Driver
from bench.errors import (
    InstrumentRefused,
    LinkDown,
    UsageError,
    WrongInstrument,
    WrongReply,
)
from instruments.sunspec import SunSpec
from tests.bench.links.wire_peers import free_port, relay
from tests.instruments.bench_setting import setting
from tests.instruments.conftest import Make
from tests.instruments.sunspec_server import POINTS, SunSpecServer

pytestmark = pytest.mark.wire


def test_a_device_with_the_older_models_alone_is_the_wrong_one(make: Make) -> None:
    _, driver = make({701: None, 704: None, 711: None})
    with pytest.raises(WrongInstrument, match=r"battery: has SunSpec models 1, 702, .*none of 701, 704, 711"):
        driver.identify()


def test_identity_and_readings(make: Make) -> None:
    _, driver = make()
    assert isinstance(driver, Driver)
    identity = driver.identify()
    assert (identity.maker, identity.model, identity.serial) == ("Acme", "B5", "sn-123456789")
    values = {name: reading.value for name, reading in driver.read(list(driver.quantities())).items()}
    assert values == pytest.approx(
        {
            "power_kw": 1.234,
            "frequency_hz": 49.868,
            "energy_discharged_kwh": 1.5,
            "energy_charged_kwh": 2.5,
            "alarm": 0,
            "soc_pct": 90.5,
            "soh_pct": 99.0,
            "capacity_kwh": 15.0,
            "dod_pct": None,
            "rated_kw": 5.5,
            "rated_charge_kw": 5.0,
            "rated_discharge_kw": 5.5,
            "reversion_s": None,
            "power_set_kw": -3.0,
            "reserve_pct": 10.0,
            "mode": "frequency_response",
        }
    )


def test_charging_reads_negative(make: Make) -> None:
    server, driver = make()
    server.put("701.W", 0x10000 - 2500)
    assert driver.power_kw == pytest.approx(-2.5)


@pytest.mark.parametrize("base", [0, 40000, 50000])
def test_the_map_is_found_at_each_base(make: Make, base: int) -> None:
    _, driver = make(base=base)
    assert driver.soc_pct == 90.5


def test_a_sample_takes_two_reads(make: Make) -> None:
    server, driver = make()
    driver.read()
    server.reads.clear()
    readings = driver.read()
    assert len(server.reads) == 2
    assert len(readings) == 8


def test_unimplemented_is_missing_and_never_a_number(make: Make) -> None:
    server, driver = make({713: None})
    for name, words in {"701.W": [0x8000], "701.Hz": [0xFFFF] * 2, "701.TotWhInj": [0xFFFF] * 4}.items():
        server.put(name, *words)
    readings = driver.read(["power_kw", "frequency_hz", "energy_discharged_kwh", "dod_pct"])
    assert {(reading.value, reading.quality) for reading in readings.values()} == {(None, "missing")}


def test_a_missing_scale_factor_is_an_error_with_the_points_name(make: Make) -> None:
    _, driver = make({701: {"W_SF": None}})
    with pytest.raises(
        WrongReply, match=r"battery: 701\.W has a value, but its scale factor W_SF is missing"
    ):
        driver.read(["power_kw"])
    assert driver.frequency_hz == pytest.approx(49.868)


def test_a_scale_factor_that_moves_is_read_with_its_value(make: Make) -> None:
    server, driver = make()
    assert driver.read(["power_kw"])["power_kw"].value == 1.234
    server.put("701.W", 512)
    server.put("701.W_SF", 1)
    assert driver.read(["power_kw"])["power_kw"].value == 5.12
    server.put("704.WSet_SF", 1)
    driver.do("start")
    assert driver.set("power_set_kw", 2.0) == 2.0
    assert server.registers[server.places["704.WSet"] + 1] == 200


@pytest.mark.parametrize(("set_s", "warned"), [(60, True), (0, False), (None, False)])
def test_a_set_point_that_the_device_gives_up_is_told(make: Make, set_s: int | None, warned: bool) -> None:
    _, driver = make({704: {"WSetRvrtTms": set_s}})
    driver.identify()
    rows = list(_reversion("battery", driver))
    assert [row.status for row in rows] == ["warn"] * warned
    assert all("after 60 s" in row.text for row in rows)


def test_models_in_order_of_preference(make: Make) -> None:
    _, driver = make({713: None})
    assert driver.soc_pct == 90.0
    assert "capacity_kwh" in driver.quantities()
    _, driver = make({713: {"SoC": None}})
    assert driver.soc_pct == 90.0, "713 has the place, 802 the value"


def test_models_that_are_missing_are_not_offered(make: Make) -> None:
    _, driver = make({711: None, 802: None, 702: None})
    driver.identify()
    assert not {"reserve_pct", "dod_pct", "rated_kw"} & set(driver.quantities())
    assert driver.mode == "auto"
    with pytest.raises(InstrumentRefused, match=r"711\.Ena"):
        driver.do("frequency_response_on")


def test_no_sunspec_device(make: Make) -> None:
    server, driver = make()
    server.registers[0] = 0
    with pytest.raises(WrongInstrument, match="battery: no SunSpec mark at 40000, 0, 50000"):
        driver.identify()


def test_a_dead_port_and_a_wrong_address() -> None:
    driver = SunSpec(setting("battery", f"TCP::127.0.0.1::{free_port()}", timeout_s=0.2))
    with pytest.raises(LinkDown, match="battery: "):
        driver.identify()
    with pytest.raises(UsageError, match="expected TCP::host::port"):
        SunSpec(setting("battery", "127.0.0.1:502"))


def test_an_endless_map_is_refused(make: Make) -> None:
    server, driver = make()
    server.put("702.L", 0)
    with pytest.raises(WrongReply, match=r"model 702 .* impossible length of 0"):
        driver.identify()


@pytest.mark.parametrize("answers", [1, 2])
def test_a_device_that_hangs_up_after_a_few_answers_is_scanned_once(answers: int) -> None:
    server = SunSpecServer()
    with relay(server.port, hang_up_after=answers) as port:
        driver = SunSpec(setting("battery", f"TCP::127.0.0.1::{port}", clock=VirtualClock()))
        assert driver.identify().serial == "sn-123456789"
        assert driver.read()["power_kw"].value == 1.234
        asked = len(server.reads)
        for _ in range(3):
            driver.read()
        assert len(server.reads) - asked == 6, "three samples of two reads each, and no scan"
        driver.do("start")
        assert driver.set("power_set_kw", 2.0) == 2.0
        driver.close()
    server.close()


def test_a_device_that_came_back_with_another_map_is_scanned_again() -> None:
    first = SunSpecServer()
    driver = SunSpec(setting("battery", f"TCP::127.0.0.1::{first.port}", clock=VirtualClock()))
    assert driver.soc_pct == 90.5
    first.close()
    points = copy.deepcopy(POINTS)
    del points[702]
    points[713]["SoC"] = 505
    second = SunSpecServer(points, port=first.port)
    try:
        assert driver.soc_pct == 50.5
        assert driver.link.generation == 2
    finally:
        driver.close()
        second.close()


def test_our_driver_and_pysunspec2_read_the_same(make: Make) -> None:
    import sunspec2.modbus.client as client

    server, driver = make()
    theirs = client.SunSpecModbusClientDeviceTCP(
        slave_id=1, ipaddr="127.0.0.1", ipport=server.port, timeout=2
    )
    theirs.scan()
    try:
        for ours, model, point in [
            ("power_kw", 701, "W"),
            ("frequency_hz", 701, "Hz"),
            ("energy_charged_kwh", 701, "TotWhAbs"),
            ("soc_pct", 713, "SoC"),
            ("power_set_kw", 704, "WSet"),
            ("reserve_pct", 802, "SoCRsvMin"),
        ]:
            value = theirs.models[model][0].points[point].cvalue
            scale = driver.TABLE[ours].scale
            assert driver.read([ours])[ours].value == pytest.approx(value * scale), ours
    finally:
        theirs.disconnect()
