"""Replies on the wire: SCPI, Modbus and ECHONET Lite drivers against instruments that say anything."""

from __future__ import annotations

import contextlib
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock import RealClock, VirtualClock
from bench.config.station import Device, StationHead
from bench.drivers.base import Driver
from bench.errors import BenchError, WrongReply
from bench.links.echonet_frame import Frame, decode_map, encode_map
from bench.links.modbus import PymodbusLink
from bench.links.visa import VisaLink
from bench.rooms import load_object, room
from instruments.twins.host import TwinHost
from tests.bench.links.wire_peers import modbus_peer, scpi_peer
from tests.fuzz.hostile import TEXT, cases, damaged, folder, survives
from tests.instruments.bench_setting import setting
from tests.instruments.scripted import ScriptedPcr, ScriptedWt
from tests.instruments.test_echonet_battery import BATTERY, SETTABLE
from tests.instruments.test_yokogawa_wt import VALUES as WT_VALUES

REPLY = TEXT | st.sampled_from(
    [
        "INF",
        "-INF",
        "NAN",
        "OVER",
        "9.91E+37",
        "1,2,3",
        "+1.0E+00",
        "KIKUSUI,PCR,1,1",
        "YOKOGAWA,WT1804E,1,1",
        ",,,",
    ]
)


def dice(data: st.DataObject) -> random.Random:
    """Return what is drawn once for a case: no search stands behind each word of a reply."""
    return random.Random(data.draw(st.integers(0, 2**32)))


class Lying:
    """A scripted instrument that now and then says something else, or nothing."""

    def __init__(self, inner: Any, data: st.DataObject, wrong: st.SearchStrategy[Any]) -> None:
        self._inner, self._random = inner, dice(data)
        self._wrong = data.draw(st.lists(wrong, min_size=1, max_size=5))

    def odd(self) -> bool:
        return self._random.random() < 0.25

    def pick(self) -> Any:
        return self._random.choice(self._wrong)

    def handle(self, line: str) -> str | None:
        reply = self._inner.handle(line)
        return self.pick() if reply is not None and self.odd() else reply

    def read(self, unit: int, kind: str, address: int, count: int) -> list[int] | int:
        if self.odd():
            words = self.pick()
            return words if isinstance(words, int) else (words * (count // len(words) + 1))[:count]
        return self._inner(address, count)

    def write(self, unit: int, kind: str, address: int, values: Any) -> int | None:
        return 4 if self.odd() else None


def use(driver: Driver) -> None:
    """Do with a driver what a run does; each act may fail with an error of the bench only."""

    def settable() -> list[str]:
        return [name for name, info in driver.quantities().items() if info.settable]

    acts: list[Callable[[], object]] = [
        driver.identify, lambda: driver.prepare(0.1), driver.snapshot, driver.read, driver.safe_values,
        *(lambda n=name: driver.set(n, driver.read([n])[n].value or 0.0) for name in settable()),
        lambda: driver.do("start"), lambda: driver.do("stop"), lambda: driver.restore(driver.snapshot()),
    ]  # fmt: skip
    for act in acts:
        with contextlib.suppress(BenchError):
            act()
    driver.close()


def make(dotted: str, role: str, endpoint: object, **config: Any) -> Driver:
    given_setting = setting(
        role, f"DIRECT::{role}", clock=VirtualClock(), endpoints={role: endpoint}, **config
    )
    driver: Driver = load_object(dotted, "test")(given_setting)
    return driver


@cases(60)
@given(data=st.data())
def test_scpi_source(data: st.DataObject) -> None:
    lying = Lying(ScriptedPcr(), data, REPLY)
    survives(
        "SCPI source",
        lambda: use(
            make("instruments.kikusui_pcr:KikusuiPcr", "source", lying, frequency_resolution_hz=0.001)
        ),
    )


@cases(60)
@given(data=st.data())
def test_scpi_analyzer(data: st.DataObject) -> None:
    lying = Lying(ScriptedWt(WT_VALUES), data, REPLY)
    survives(
        "SCPI analyzer",
        lambda: use(
            make("instruments.yokogawa_wt:YokogawaWt", "meter", lying, device_point=1, receiving_point=2)
        ),
    )


HEAD = StationHead(name="t", nominal_hz=50.0)
DEVICE = Device(maker="m", model="b", serial="SIM-1", rated_kw=5.5, capacity_kwh=15.0)
SOURCE = {"frequency_resolution_hz": 0.001, "sink_kw": 6.0, "slew_hz_per_s": 10.0}
DIALECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "keysight_ac6800": ("KeysightAc6800", SOURCE),
    "ametek_mx": ("AmetekMx", SOURCE),
    "chroma_61800": ("Chroma61800", SOURCE),
    "hioki_pw3335": ("HiokiPw3335", {"device_point": 1}),
    "hioki_pw3390": ("HiokiPw3390", {"device_point": 1, "receiving_point": 2}),
    "zes_lmg670": ("ZesLmg670", {"device_point": 1, "receiving_point": 2}),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@cases(8)
@given(data=st.data())
def test_every_other_scpi_dialect(dialect: str, data: st.DataObject) -> None:
    """The simulated instrument now and then answers what it never says; and is asked anything itself."""
    driver, config = DIALECTS[dialect]
    role = "source" if config is SOURCE else "meter"
    host = TwinHost({role: {"dialect": dialect}, "link": "direct"}, HEAD, DEVICE, VirtualClock())
    try:
        host.start()
        port: Any = host.endpoints[role]
        lying = Lying(port, data, REPLY)
        survives(
            f"SCPI {dialect}", lambda: use(make(f"instruments.{dialect}:{driver}", role, lying, **config))
        )
        for line in data.draw(st.lists(TEXT | st.sampled_from(["*IDN?;*IDN?", ":" * 500]), max_size=4)):
            survives(f"SCPI {dialect} asked", lambda line=line: port.handle(line))
    finally:
        host.close()


@cases(10)
@given(data=st.data())
def test_site_controller(data: st.DataObject) -> None:
    host = TwinHost({"link": "direct"}, HEAD, DEVICE, VirtualClock(), roles=["battery", "site"])
    try:
        host.start()
        port: Any = host.endpoints["site"]
        lying = Lying(lambda address, count: port.read(1, "holding", address, count), data, WORDS)
        has = ["load", "pv", "own", "gateway"]
        survives(
            "Modbus site", lambda: use(make("instruments.site_modbus:SiteModbus", "site", lying, has=has))
        )
    finally:
        host.close()


WORDS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=6) | st.integers(1, 255)


@cases(60)
@given(data=st.data())
def test_modbus_map(data: st.DataObject) -> None:
    rng = dice(data)
    lying = Lying(lambda address, count: [rng.randrange(0x10000) for _ in range(count)], data, WORDS)
    path = str(room("fixtures") / "maps" / "example_battery.toml")
    survives(
        "Modbus map",
        lambda: use(make("instruments.modbus_map:ModbusMap", "battery", lying, unit_id=1, map=path)),
    )


@cases(60)
@given(data=st.data())
def test_sunspec(data: st.DataObject) -> None:
    """A model map that lies: models that overlap, never end, or have no registers."""
    model = st.tuples(st.sampled_from([1, 701, 702, 704, 711, 713, 802, 0xFFFF, 0]), st.integers(0, 300))
    chain = data.draw(st.lists(model, max_size=10))
    rng = dice(data)
    words = [0x5375, 0x6E53]
    for number, length in chain:
        words += [number, length, *(rng.randrange(0x10000) for _ in range(length))]
    words += data.draw(st.sampled_from([[0xFFFF, 0], [], [1, 0xFFFF]]))

    def memory(address: int, count: int) -> list[int]:
        return [
            words[i] if 0 <= i < len(words) else 0 for i in range(address - 40000, address - 40000 + count)
        ]

    lying = Lying(memory, data, WORDS)
    survives("SunSpec", lambda: use(make("instruments.sunspec:SunSpec", "battery", lying)))


METER = {
    0x82: "00005200", 0x83: "fe" + "000077" + "00" * 12 + "2a", 0x88: "42", 0x8A: "000077", 0xD3: "00000001",
    0xD7: "06", 0xE1: "01", 0xE7: "000001f4", 0xE8: "00140000", 0xE0: "000004d2", 0xE3: "0000000a",
    0xEA: "07ea0b1c0c1e00000004d2", 0xEB: "07ea0b1c0c1e000000000a",
}  # fmt: skip


class EchonetNode:
    """Answers from a table; some of its frames are damaged."""

    def __init__(
        self, data: st.DataObject, instance: str = "027d01", table: dict[int, str] = BATTERY
    ) -> None:
        maps = {0x9D: [], 0x9E: SETTABLE, 0x9F: [*table, 0x9D, 0x9E, 0x9F]}
        self._known = {code: bytes.fromhex(text) for code, text in table.items()}
        self._known |= {code: encode_map(codes) for code, codes in maps.items()}
        self._instance = bytes.fromhex("01" + instance)
        self._random = dice(data)
        edt = st.binary(max_size=20)
        self._edts = data.draw(st.lists(edt, min_size=1, max_size=5))
        self._raw = data.draw(st.lists(st.binary(max_size=40), min_size=1, max_size=3))

    def answer(self, request: bytes) -> list[bytes]:
        asked = Frame.decode(request)
        odd = self._random.random()
        if odd < 0.1:
            return [self._random.choice(self._raw)]
        told = []
        for code, _ in asked.properties:
            known = self._known.get(code, b"")
            wrong = self._random.random() < 0.1
            told.append((code, self._random.choice(self._edts) if wrong or not known else known))
        if asked.target == 0x0EF001:
            told = [(code, self._instance) for code, _ in asked.properties]
        service = self._random.choice([0x72] * 9 + [0x52, 0x71, 0x51, 0x00])
        return [Frame(asked.tid, asked.target, asked.source, service, tuple(told)).encode()]


@cases(60)
@given(data=st.data())
def test_echonet_battery(data: st.DataObject) -> None:
    node = EchonetNode(data)
    survives("ECHONET Lite", lambda: use(make("instruments.echonet_battery:EchonetBattery", "battery", node)))


@cases(20)
@given(data=st.data())
def test_echonet_meter(data: st.DataObject) -> None:
    node = EchonetNode(data, "028801", METER)
    survives(
        "ECHONET meter", lambda: use(make("instruments.echonet_meter:EchonetMeter", "receiving_meter", node))
    )


@cases(150)
@given(st.binary(max_size=60), st.data())
def test_echonet_frames(raw: bytes, data: st.DataObject) -> None:
    whole = Frame(7, 0x027D01, 0x05FF01, 0x72, ((0xD3, b"\0\0\1\2"), (0x9F, b"\x02\x80\x81"))).encode()

    contents = (raw, damaged(data, whole))

    def call() -> None:
        for content in contents:
            for decode in (Frame.decode, decode_map):
                try:
                    found = decode(content)
                except WrongReply:
                    continue
                assert decode is decode_map or found.encode() == content  # type: ignore[union-attr]

    survives("ECHONET Lite frames", call)


@pytest.mark.wire
@cases(12)
@given(
    st.lists(
        st.binary(max_size=60) | TEXT.map(lambda t: t.encode("utf-8", "surrogatepass")),
        min_size=1,
        max_size=4,
    )
)
def test_bytes_on_a_scpi_socket(replies: list[bytes]) -> None:
    rest = list(replies)
    with scpi_peer(lambda command: (rest.pop(0) + b"\n") if rest else b"1\n") as peer:
        link = VisaLink(f"TCPIP::127.0.0.1::{peer.port}::SOCKET", RealClock(), timeout_s=0.05)
        try:
            for command in ("*IDN?", "MEAS?", "MEAS?"):
                survives("SCPI socket", lambda command=command: link.query(command))
        finally:
            link.close()


@pytest.mark.wire
@cases(12)
@given(data=st.data())
def test_bytes_on_a_modbus_socket(data: st.DataObject) -> None:
    rng = dice(data)
    raw = data.draw(st.lists(st.binary(max_size=40), min_size=1, max_size=3))

    def answer(request: bytes) -> bytes:
        good = request[:4] + struct.pack(">HBBB", 5, request[6], 3, 2) + b"\x00\x07"
        kind = rng.randrange(4)
        if kind == 0:
            return rng.choice(raw)
        if kind == 1:
            at = rng.randrange(len(good))
            return good[:at] + bytes([good[at] ^ (1 << rng.randrange(8))]) + good[at + 1 :]
        return good[: rng.randrange(1, len(good))] if kind == 2 else good

    with modbus_peer(answer) as peer:
        link = PymodbusLink(f"TCP::127.0.0.1::{peer.port}", RealClock(), unit_id=1, timeout_s=0.05)
        try:
            for address in range(3):
                survives("Modbus socket", lambda address=address: link.read("holding", address, 1))
        finally:
            link.close()


def test_a_map_that_climbs_out_of_its_folder_is_only_read() -> None:
    """A register map may lie anywhere the user says; loading it writes nothing."""
    with folder() as at:
        (at / "map.toml").write_text('name = "../../climbed"\n', encoding="utf-8")
        from bench.drivers.register_map_load import load_map

        survives("register map", lambda: load_map(Path(at / "map.toml")), at)
