"""What the SunSpec driver sets, and how it gives the device back, against a server over TCP."""

from __future__ import annotations

import pytest
from pymodbus.constants import ExcCodes

from bench.clock import VirtualClock
from bench.errors import (
    InstrumentRefused,
    LimitTripped,
)
from tests.instruments.conftest import Make

pytestmark = pytest.mark.wire


def test_a_set_point_without_its_enable_is_named_and_nothing_is_written(make: Make) -> None:
    _, driver = make({704: {"WSetEna": None}})
    before = driver.snapshot()
    with pytest.raises(InstrumentRefused, match=r"battery: 704\.WSetEna is not implemented"):
        driver.do("start")
    assert driver.snapshot() == before


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
