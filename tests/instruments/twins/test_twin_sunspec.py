"""The battery as a stranger's SunSpec client meets it: pysunspec2 over TCP."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP
from sunspec2.modbus.modbus import ModbusClientException

from bench.clock import VirtualClock
from instruments.twins.host import TwinHost
from tests.instruments.twins.worlds import host

pytestmark = pytest.mark.wire


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def twin(clock: VirtualClock, request: pytest.FixtureRequest) -> Iterator[TwinHost]:
    made = host(clock, link="tcp", **getattr(request, "param", {}))
    yield made
    made.close()


@pytest.fixture
def resources(twin: TwinHost) -> dict[str, str]:
    started = twin.start()
    source = twin.endpoints["source"]
    source.handle("VOLT 202;:OUTP 1")  # type: ignore[union-attr]  # the source is a SCPI port
    return started


@pytest.fixture
def device(resources: dict[str, str]) -> Iterator[Any]:
    _, address, port = resources["battery"].split("::")
    client = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=address, ipport=int(port), timeout=5)
    client.scan()
    yield client
    client.close()


@pytest.fixture
def modbus(resources: dict[str, str]) -> Iterator[ModbusTcpClient]:
    _, address, port = resources["battery"].split("::")
    client = ModbusTcpClient(address, port=int(port), timeout=5, retries=0)
    assert client.connect()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
    yield client
    client.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped


def measured(device: Any) -> Any:
    model = device.models[701][0]
    model.read()
    return model


def put(device: Any, model: int, **values: float) -> None:
    points = device.models[model][0].points
    for name, value in values.items():
        points[name].read()
        points[name].cvalue = value
        points[name].write()


def test_scan_finds_the_models(device: Any) -> None:
    assert [model.model_id for model in device.model_list] == [1, 701, 702, 704, 711, 713, 802]
    assert [model.error_info for model in device.model_list] == [""] * 7
    common = device.models[1][0]
    common.read()
    assert common.SN.value == "SIM-12345"
    assert common.Md.value == "B5"


def test_ratings_settings_and_state(device: Any) -> None:
    for number in (702, 711, 713, 802):
        device.models[number][0].read()
    rating, droop, storage, bank = (device.models[number][0] for number in (702, 711, 713, 802))
    assert (rating.WMaxRtg.cvalue, rating.WChaRteMaxRtg.cvalue, rating.WDisChaRteMaxRtg.cvalue) == (
        5500,
        5500,
        5500,
    )
    assert rating.VNomRtg.cvalue == 202.0
    control = droop.Ctl[0]
    assert (control.DbOf.cvalue, control.DbUf.cvalue, control.KOf.cvalue, control.KUf.cvalue) == (
        0.005,
        0.005,
        0.04,
        0.04,
    )
    assert control.RspTms.cvalue == pytest.approx(0.3 * math.log(10), abs=0.001)
    assert (storage.WHRtg.cvalue, storage.SoC.cvalue, storage.SoH.cvalue) == (15000, 90.0, 100.0)
    assert storage.WHAvail.cvalue == 13500
    assert (bank.SoC.cvalue, bank.SoCMin.cvalue, bank.LocRemCtl.value) == (90.0, 10.0, 0)
    assert bank.DoD.cvalue == pytest.approx(10.0)


def test_points_it_does_not_have_are_left_unimplemented(device: Any) -> None:
    model = measured(device)
    for name in ("TmpAmb", "WL1", "LNV", "ThrotPct", "TotWhInjL1"):
        assert model.points[name].value is None
    control = device.models[704][0]
    control.read()
    assert control.WMaxLimPct.value is None
    assert control.VarSetEna.value is None


@pytest.mark.parametrize("twin", [{"battery": {"soc_pct": 50.0}}], indirect=True)
def test_a_set_point_discharges_and_charges(device: Any, clock: VirtualClock) -> None:
    put(device, 704, WSet=3000)
    clock.sleep_until(20.0)
    assert measured(device).W.cvalue == 500  # not enabled: self-consumption goes on
    put(device, 704, WSetEna=1)
    clock.sleep_until(40.0)
    model = measured(device)
    assert (model.W.cvalue, model.VA.cvalue, model.PF.cvalue) == (3000, 3000, 1.0)
    assert model.A.cvalue == pytest.approx(3000 / 202, abs=0.01)
    assert model.LLV.cvalue == pytest.approx(202.0)
    put(device, 704, WSet=-2000)
    clock.sleep_until(60.0)
    assert measured(device).W.cvalue == -2000
    clock.sleep_until(60.0 + 3600.0)
    model = measured(device)
    assert model.TotWhAbs.cvalue == pytest.approx(2000, abs=20)
    assert model.TotWhInj.cvalue == pytest.approx(20, abs=5)
    put(device, 704, WSetEna=0)
    clock.sleep_until(3700.0)
    assert measured(device).W.cvalue == 500


def test_a_set_point_in_percent(device: Any, clock: VirtualClock) -> None:
    put(device, 704, WSetMod=0, WSetPct=-50.0, WSetEna=1)
    clock.sleep_until(20.0)
    assert measured(device).W.cvalue == -2750
    put(device, 704, WSet=1000)  # waits until the mode is watts
    clock.sleep_until(40.0)
    assert measured(device).W.cvalue == -2750
    put(device, 704, WSetMod=1)
    clock.sleep_until(60.0)
    assert measured(device).W.cvalue == 1000


def test_its_droop_can_be_set_and_switched(device: Any, clock: VirtualClock, twin: TwinHost) -> None:
    droop = device.models[711][0]
    droop.read()
    droop.Ctl[0].KUf.cvalue = 0.02
    droop.Ctl[0].DbUf.cvalue = 0.01
    droop.Ctl[0].write()
    put(device, 711, Ena=1)
    clock.sleep_until(10.0)
    twin.endpoints["source"].handle("FREQ 49.8")  # type: ignore[union-attr]  # the source is a SCPI port
    clock.sleep_until(30.0)
    model = measured(device)
    assert model.W.cvalue == round(5500 * 0.19 / (0.02 * 50))
    assert model.Hz.cvalue == pytest.approx(49.8)
    twin.endpoints["source"].handle("FREQ 50.2")  # type: ignore[union-attr]  # the source is a SCPI port
    clock.sleep_until(50.0)
    assert measured(device).W.cvalue == -round(5500 * 0.195 / (0.04 * 50))


def test_pmin_bounds_charging(device: Any, clock: VirtualClock, twin: TwinHost) -> None:
    droop = device.models[711][0]
    droop.read()
    droop.Ctl[0].PMin.cvalue = -2
    droop.Ctl[0].write()
    put(device, 711, Ena=1)
    twin.endpoints["source"].handle("FREQ 50.2")  # type: ignore[union-attr]  # the source is a SCPI port
    clock.sleep_until(20.0)
    assert measured(device).W.cvalue == -110


def test_disconnecting_stops_it(device: Any, clock: VirtualClock) -> None:
    put(device, 704, WSet=3000, WSetEna=1)
    put(device, 802, SetOp=2)
    clock.sleep_until(20.0)
    assert measured(device).W.cvalue == 0
    put(device, 802, SetOp=1)
    clock.sleep_until(40.0)
    assert measured(device).W.cvalue == 3000


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (704, "WSet", 5501),
        (704, "WSet", -5501),
        (704, "WSetPct", 101.0),
        (704, "WSetEna", 2),
        (711, "Ena", 7),
        (802, "SetOp", 3),
    ],
)
def test_values_it_does_not_take_change_nothing(device: Any, model: int, name: str, value: float) -> None:
    point = device.models[model][0].points[name]
    point.read()
    before = point.value
    with pytest.raises(ModbusClientException, match="exception: 3"):
        put(device, model, **{name: value})
    point.read()
    assert point.value == before


def exception(answer: Any) -> int:
    assert answer.isError()
    return int(answer.exception_code)


def test_addresses_it_does_not_have(modbus: ModbusTcpClient, twin: TwinHost) -> None:
    first, count = twin.endpoints["battery"].span  # type: ignore[union-attr]  # the battery is a Modbus port
    assert exception(modbus.read_holding_registers(first - 1, count=1)) == 2
    assert exception(modbus.read_holding_registers(first + count - 1, count=2)) == 2
    assert modbus.read_holding_registers(first + count - 2, count=2).registers == [0xFFFF, 0]
    assert modbus.read_holding_registers(first, count=2).registers == [0x5375, 0x6E53]
    assert exception(modbus.write_register(first, 1)) == 2  # read only
    assert exception(modbus.read_input_registers(first, count=2)) == 1
    assert exception(modbus.read_coils(first, count=2)) == 1
    assert exception(modbus.write_registers(first + 2, [1] * 60)) == 2
    assert modbus.read_holding_registers(first, count=2, device_id=9).isError()


def test_half_of_a_wide_point_is_not_written(modbus: ModbusTcpClient, device: Any) -> None:
    model = device.models[704][0]
    offset = 0
    for name, point in model.points.items():
        if name == "WSet":
            break
        offset += int(point.len)
    address = int(model.model_addr) + offset
    assert exception(modbus.write_register(address, 0)) == 2
    assert exception(modbus.write_register(address + 1, 100)) == 2
    assert exception(modbus.write_registers(address, [0x8000, 0])) == 3  # "not implemented" is no value
    assert not modbus.write_registers(address, [0, 1500]).isError()
    model.WSet.read()
    assert model.WSet.cvalue == 1500


@pytest.mark.parametrize("twin", [{"battery": {"faults": ["refuses"]}}], indirect=True)
def test_a_device_that_refuses(device: Any) -> None:
    with pytest.raises(ModbusClientException, match="exception: 3"):
        put(device, 704, WSet=1000)


@pytest.mark.parametrize("twin", [{"battery": {"gain_ratio": 8.0}}], indirect=True)
def test_power_beyond_sixteen_bits_is_scaled(device: Any, clock: VirtualClock) -> None:
    put(device, 704, WSet=5000, WSetEna=1)
    clock.sleep_until(60.0)
    assert measured(device).W.cvalue == 40000
