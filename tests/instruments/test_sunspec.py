"""The SunSpec driver against a server made of pysunspec2's models and pymodbus's server, over TCP."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymodbus.constants import ExcCodes

from bench.clock import VirtualClock
from bench.doctor import _reversion
from bench.drivers.base import Driver
from bench.errors import (
    InstrumentRefused,
    LimitTripped,
    LinkDown,
    UsageError,
    WrongInstrument,
    WrongReply,
)
from instruments.sunspec import SunSpec
from tests.bench.links.wire_peers import free_port, relay
from tests.instruments.bench_setting import setting
from tests.instruments.sunspec_server import POINTS, SunSpecServer

pytestmark = pytest.mark.wire

Make = Callable[..., tuple[SunSpecServer, SunSpec]]


@pytest.fixture
def make() -> Iterator[Make]:
    open_now: list[Any] = []

    def build(
        changes: dict[int, dict[str, Any] | None] | None = None, base: int = 40000, **config: Any
    ) -> tuple[SunSpecServer, SunSpec]:
        points = copy.deepcopy(POINTS)
        for model, values in (changes or {}).items():
            if values is None:
                del points[model]
            else:
                points[model] = {
                    k: v for k, v in {**points.get(model, {}), **values}.items() if v is not None
                }
        server = SunSpecServer(points, base)
        driver = SunSpec(setting("battery", f"TCP::127.0.0.1::{server.port}", clock=VirtualClock(), **config))
        open_now.extend((driver, server))
        return server, driver

    yield build
    for each in open_now:
        each.close()


def test_a_device_with_the_older_models_alone_is_the_wrong_one(make: Make) -> None:
    _, driver = make({701: None, 704: None, 711: None})
    with pytest.raises(WrongInstrument, match=r"battery: has SunSpec models 1, 702, .*none of 701, 704, 711"):
        driver.identify()


def test_a_set_point_without_its_enable_is_named_and_nothing_is_written(make: Make) -> None:
    _, driver = make({704: {"WSetEna": None}})
    before = driver.snapshot()
    with pytest.raises(InstrumentRefused, match=r"battery: 704\.WSetEna is not implemented"):
        driver.do("start")
    assert driver.snapshot() == before


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


def test_start_takes_over_at_zero_before_it_enables(make: Make) -> None:
    server, driver = make()
    driver.do("start")
    assert [name for name, _ in server.writes] == ["704.WSet", "704.WSetMod", "704.WSetEna", "711.Ena"]
    assert server.get("704.WSetEna") == 1
    assert server.get("711.Ena") == 0
    assert driver.power_set_kw == 0.0
    assert driver.mode == "remote"


@pytest.mark.parametrize(("power_kw", "words"), [(3.0, [0, 3000]), (-2.5, [0xFFFF, 0x10000 - 2500])])
def test_set_points_are_written_and_read_back(make: Make, power_kw: float, words: list[int]) -> None:
    server, driver = make()
    driver.do("start")
    server.writes.clear()
    assert driver.set("power_set_kw", power_kw) == pytest.approx(power_kw)
    assert server.writes == [("704.WSet", words)]


def test_a_set_point_that_is_not_followed_is_refused(make: Make) -> None:
    server, driver = make()
    with pytest.raises(InstrumentRefused, match=r"stored but not followed \(704.WSetEna = 0"):
        driver.set("power_set_kw", 1.0)
    driver.do("start")
    server.put("704.WSetMod", 0)
    with pytest.raises(InstrumentRefused, match=r"704.WSetMod = 0"):
        driver.set("power_set_kw", 1.0)


def test_the_ratings_bound_the_set_point(make: Make) -> None:
    server, driver = make()
    driver.do("start")
    server.writes.clear()
    assert driver.quantities()["power_set_kw"].low == -5.0
    for power_kw in (5.501, -5.001, float("nan")):
        with pytest.raises(InstrumentRefused, match="power_set_kw"):
            driver.set("power_set_kw", power_kw)
    assert server.writes == []
    assert driver.set("power_set_kw", 5.5) == 5.5
    assert driver.set("power_set_kw", -5.0) == -5.0


def test_resolution_comes_from_the_scale_factor(make: Make) -> None:
    _, driver = make({704: {"WSet_SF": 2, "WSet": 0}})
    driver.do("start")
    assert driver.capabilities.resolution["power_set_kw"] == pytest.approx(0.1)
    assert driver.set("power_set_kw", 2.5) == pytest.approx(2.5)


def test_acknowledged_but_not_applied_is_caught_after_the_time_it_may_take(make: Make) -> None:
    server, driver = make()
    driver.do("start")
    server.deaf = {"704.WSet"}
    with pytest.raises(InstrumentRefused, match=r"3.0 kW and reads back 0.0: not applied"):
        driver.set("power_set_kw", 3.0)
    assert driver.setting.clock.now_s() == pytest.approx(1.0)
    server.deaf = {"704.WSetEna"}
    with pytest.raises(InstrumentRefused, match=r"704\.WSetEna was set to 0 and reads back 1"):
        driver.set("mode", "auto")


@pytest.mark.parametrize(("taken_w", "refused"), [(1980, False), (1901, False), (2099, False), (1900, True)])
def test_a_power_that_is_rounded_to_the_devices_own_step_is_taken(
    make: Make, taken_w: int, refused: bool
) -> None:
    server, driver = make(confirm_s=0.2)
    driver.do("start")
    server.deaf = {"704.WSet"}
    server.put("704.WSet", 0, taken_w)
    if refused:
        with pytest.raises(InstrumentRefused, match="not applied"):
            driver.set("power_set_kw", 2.0)
    else:
        assert driver.set("power_set_kw", 2.0) == taken_w / 1000


def test_a_device_that_shows_a_write_later_is_waited_for(make: Make) -> None:
    server, driver = make()
    driver.do("start")
    server.deaf = {"704.WSet"}
    clock = driver.setting.clock
    assert isinstance(clock, VirtualClock)
    clock.call_at(0.45, lambda _: server.put("704.WSet", 0, 3000))
    assert driver.set("power_set_kw", 3.0) == 3.0
    assert clock.now_s() == pytest.approx(0.5)
    clock.call_at(0.95, lambda _: server.put("704.WSet", 0, 3050))
    assert driver.set("power_set_kw", 3.05) == pytest.approx(3.05), "what stood before is no step of its own"
    assert driver.set("power_set_kw", 3.08) == pytest.approx(3.05), "unless nothing else comes"
    assert clock.now_s() == pytest.approx(1.5)


def test_a_refusal_names_the_exception(make: Make) -> None:
    server, driver = make()
    driver.do("start")
    server.refuse = {"704.WSet": ExcCodes.DEVICE_BUSY}
    with pytest.raises(InstrumentRefused, match=r"battery: .*exception 6 \(device busy\)"):
        driver.set("power_set_kw", 3.0)


@pytest.mark.parametrize(
    ("mode", "enable", "droop", "watts", "shown"),
    [
        ("auto", 0, 0, -3000, "auto"),
        ("frequency_response", 0, 1, -3000, "frequency_response"),
        ("remote", 1, 0, 0, "remote"),
        ("standby", 1, 0, 0, "remote"),
        ("charge", 1, 0, -5000, "remote"),
        ("discharge", 1, 0, 5500, "remote"),
    ],
)
def test_modes(make: Make, mode: str, enable: int, droop: int, watts: int, shown: str) -> None:
    server, driver = make()
    assert driver.set("mode", mode) == mode
    assert (server.get("704.WSetEna"), server.get("711.Ena")) == (enable, droop)
    assert driver.power_set_kw == watts / 1000
    assert driver.mode == shown


def test_remote_keeps_a_set_point_that_is_followed(make: Make) -> None:
    _, driver = make()
    driver.do("start")
    driver.set("power_set_kw", 2.0)
    driver.set("mode", "remote")
    assert driver.power_set_kw == 2.0


def test_modes_outside_the_limits_or_unknown_are_refused(make: Make) -> None:
    server, driver = make({702: {"WChaRteMaxRtg": 900}})
    with pytest.raises(LimitTripped, match="-9 kW, outside the limits -7 to 7"):
        driver.set("mode", "charge")
    with pytest.raises(InstrumentRefused, match="no mode 'holiday'"):
        driver.set("mode", "holiday")
    assert server.writes == []


def test_safe_state_is_proved_by_reading(make: Make) -> None:
    server, driver = make({704: {"WSetEna": 1, "WSetMod": 1, "WSet": 2500}})
    for name, value in driver.safe_values().items():
        assert driver.set(name, value) == value
    assert (server.get("704.WSetEna"), server.get("711.Ena")) == (1, 0)
    assert driver.power_set_kw == 0.0


def test_restore_never_lets_an_old_set_point_act(make: Make) -> None:
    server, driver = make()
    before = driver.snapshot()
    driver.do("start")
    driver.set("power_set_kw", 3.0)
    driver.set("reserve_pct", 20.0)
    server.writes.clear()
    driver.restore(before)
    assert driver.snapshot() == before
    names = [name for name, _ in server.writes]
    assert names[0] == "704.WSetEna", "-3 kW from before the run must not act while it is put back"
    assert server.get("802.SoCRsvMin") == 100


def test_restore_of_a_percentage_set_point(make: Make) -> None:
    server, driver = make({704: {"WSetEna": 1, "WSetMod": 0, "WSetPct": 30}})
    before = driver.snapshot()
    driver.do("start")
    driver.restore(before)
    assert driver.snapshot() == before
    assert server.writes[-1] == ("704.WSetEna", [1])


def test_stop_goes_to_zero_and_to_the_mode_of_before(make: Make) -> None:
    server, driver = make()
    driver.snapshot()
    driver.do("start")
    driver.set("power_set_kw", 3.0)
    driver.do("stop")
    assert driver.mode == "frequency_response"
    assert driver.power_set_kw == 0.0
    assert server.get("704.WSetEna") == 0


def test_stop_goes_to_what_start_found(make: Make) -> None:
    _, driver = make()
    driver.do("start")
    driver.do("stop")
    assert driver.mode == "frequency_response"
    driver.set("mode", "charge")
    charging_kw = driver.power_set_kw
    driver.do("start")
    driver.set("power_set_kw", 2.0)
    driver.do("stop")
    assert driver.mode == "remote"
    assert driver.power_set_kw == charging_kw
    assert charging_kw is not None
    assert charging_kw < 0.0


def test_stop_without_a_start_lets_go(make: Make) -> None:
    _, driver = make()
    driver.set("mode", "remote")
    driver.do("stop")
    assert driver.mode == "auto"
    driver.do("frequency_response_on")
    assert driver.mode == "frequency_response"
    driver.do("frequency_response_off")
    assert driver.mode == "auto"
    with pytest.raises(InstrumentRefused, match="no sequence 'schedule'"):
        driver.do("schedule")


def test_restore_is_proved(make: Make) -> None:
    server, driver = make()
    before = driver.snapshot()
    driver.do("start")
    server.deaf = {"711.Ena"}
    with pytest.raises(InstrumentRefused, match=r"711\.Ena was set to 1 and reads back 0"):
        driver.restore(before)


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
