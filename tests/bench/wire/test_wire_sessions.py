"""A session recorded, served again, and put to the twin."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from bench.clock import RealClock
from bench.commission import commission
from bench.config.load import load_station
from bench.errors import NoRunFolder, UsageError
from bench.links.echonet_frame import GET, GET_RES, GET_SNA, SET_RES, SETC, SETC_SNA, Frame
from bench.links.tap import WireRecord
from bench.station import open_station
from bench.wire.check import check
from bench.wire.compare import compare
from bench.wire.exchanges import Exchange, read_session
from bench.wire.record import LACKING, WIRE, WireLog
from bench.wire.replay import Replay, replay
from bench.wire.script import Script
from bench.wire.serve_echonet import NodeScript

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over TCP with everything that was said."""
    out = tmp_path_factory.mktemp("wire")
    done = commission("twin", overrides=["profile.hold_s=3"], out=out, record_wire=True)
    assert done.folder is not None
    return done.folder


def test_every_exchange_is_kept_in_order_and_covered(recorded: Path) -> None:
    session = read_session(recorded)
    assert set(session.instruments) == {"source", "meter", "battery", "site"}
    assert session.instruments["battery"].protocol == "modbus"
    first = session.of("source")[0]
    assert (first.request, first.reply, first.end) == ("*IDN?", first.reply, "\n")
    assert first.reply is not None
    assert first.reply.startswith("KIKUSUI")
    sent = [one.request for one in session.of("source") if one.request.startswith("FREQ ")]
    assert {"FREQ 50.000", "FREQ 50.100", "FREQ 49.900"} <= set(sent)
    assert [one.t_s for one in session.exchanges] == sorted(one.t_s for one in session.exchanges)
    assert WIRE in (recorded / "SHA256SUMS").read_text(encoding="utf-8")
    values = [one for one in session.of("meter") if one.request == ":NUM:NORM:VAL?"]
    assert len(values) > 20
    assert all(one.reply for one in values)


def test_the_record_is_bounded_and_says_so(tmp_path: Path) -> None:
    log = WireLog(most_bytes=2000)
    log.begin(tmp_path, {"meter": {"driver": "d", "resource": "r"}})
    for number in range(100):
        log(WireRecord(number, "r", "out", f"VAL{number}?", role="meter"))
    log.end()
    lines = (tmp_path / WIRE).read_text(encoding="utf-8").splitlines()
    assert sum(map(len, lines)) < 2500
    assert "the record ends here" in json.loads(lines[-1])["text"]


def test_the_drivers_read_from_the_replay_what_they_read_then(recorded: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.toml"
    read: dict[str, object] = {}

    def look() -> None:
        loaded = load_station(str(again))
        assert loaded.station.simulated
        with open_station(loaded, clock=RealClock()) as station:
            for role in ("source", "battery"):
                read[role] = station.identities[role].serial
            read["soc"] = station.drivers["battery"].read(["soc_pct"])["soc_pct"].value
            read["set"] = station.drivers["source"].set("frequency_hz", 50.1)

    told: list[object] = []
    replay(
        recorded,
        write_station=again,
        ready=lambda served: told.append((set(served.ports), served.left_out)),
        wait=look,
    )
    assert told == [({"source", "meter", "battery", "site"}, [])]
    assert read == {
        "source": "SIM000001",
        "battery": "SIM-B5-0001",
        "soc": pytest.approx(90, abs=0.2),
        "set": 50.1,
    }


@pytest.fixture(scope="module")
def recorded_echonet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a battery that speaks ECHONET Lite, over UDP."""
    out = tmp_path_factory.mktemp("echonet")
    done = commission("twin-echonet", overrides=["profile.hold_s=3"], out=out, record_wire=True)
    assert done.folder is not None
    return done.folder


def test_echonet_lite_is_served_again_over_udp(recorded_echonet: Path, tmp_path: Path) -> None:
    session = read_session(recorded_echonet)
    roles = {role for role, one in session.instruments.items() if one.protocol == "echonet"}
    assert "battery" in roles
    again = tmp_path / "again.toml"
    read: dict[str, object] = {}

    def look() -> None:
        with open_station(load_station(str(again)), clock=RealClock()) as station:
            driver = station.drivers["battery"]
            read["serial"] = station.identities["battery"].serial
            read["soc"] = driver.read(["soc_pct"])["soc_pct"].value
            read["resource"] = station.resources["battery"].split("::")[1][:8]

    told: list[list[str]] = []
    replay(
        recorded_echonet, write_station=again, ready=lambda served: told.append(served.left_out), wait=look
    )
    assert told == [[]]
    assert read == {"serial": "SIM000011", "soc": pytest.approx(90, abs=1), "resource": "127.0.3."}


def test_a_recorded_node_answers_whoever_asks_and_refuses_what_it_never_said() -> None:
    def frame(tid: int, source: int, target: int, service: int, *properties: tuple[int, bytes]) -> bytes:
        return Frame(tid, source, target, service, properties).encode()

    told = [
        (frame(7, 0x05FF01, 0x027D01, GET, (0xE4, b""), (0xDA, b"")),
         frame(7, 0x027D01, 0x05FF01, GET_RES, (0xE4, b"\x5a"), (0xDA, b"\x44"))),
        (frame(8, 0x05FF01, 0x027D01, SETC, (0xDA, b"\x42")),
         frame(8, 0x027D01, 0x05FF01, SET_RES, (0xDA, b""))),
        (frame(9, 0x05FF01, 0x027D01, GET, (0xE4, b""), (0xDA, b"")),
         frame(9, 0x027D01, 0x05FF01, GET_RES, (0xE4, b"\x59"), (0xDA, b"\x42"))),
        (frame(10, 0x05FF01, 0x027D01, GET, (0xCF, b"")), None),
    ]  # fmt: skip
    node = NodeScript(
        [
            Exchange(t, "battery", q.hex(), a.hex() if a else None, silent=a is None)
            for t, (q, a) in enumerate(told)
        ]
    )

    def ask(service: int, *properties: tuple[int, bytes]) -> Frame | None:
        reply = node.answer(frame(0x1234, 0x0EF001, 0x027D01, service, *properties))
        return Frame.decode(reply) if reply is not None else None

    assert ask(GET, (0xDA, b"")) == Frame(0x1234, 0x027D01, 0x0EF001, GET_RES, ((0xDA, b"\x44"),)), (
        "put together"
    )
    assert ask(SETC, (0xDA, b"\x42")) == Frame(0x1234, 0x027D01, 0x0EF001, SET_RES, ((0xDA, b""),))
    found = ask(GET, (0xE4, b""), (0xDA, b""))
    assert found is not None
    assert dict(found.properties) == {0xE4: b"\x59", 0xDA: b"\x42"}
    assert ask(GET, (0xCF, b"")) is None, "it was silent then"
    refused = ask(GET, (0xE4, b""), (0xD3, b""))
    assert refused is not None
    assert (refused.service, refused.properties) == (GET_SNA, ((0xE4, b"\x59"), (0xD3, b"")))
    refused = ask(SETC, (0xAA, b"\x00"))
    assert refused is not None
    assert (refused.service, refused.properties) == (SETC_SNA, ((0xAA, b"\x00"),))
    assert node.script.unknown == {"62 of 027D01: E4 D3": 1, "61 of 027D01: AA=00": 1}


def test_an_echonet_session_is_put_to_the_twins_node(recorded_echonet: Path) -> None:
    session = read_session(recorded_echonet)
    found = check(session, load_station("twin-echonet"))
    assert [one for one in found.differences if one.role == "battery"] == []
    assert found.compared["battery"] > 10
    other = check(
        session, load_station("twin-echonet", {"twin.battery.soc_pct": 40, "twin.battery.capacity_kwh": 9})
    )
    assert {one.kind for one in other.differences if one.role == "battery"} == {"value"}
    poorer = check(session, load_station("twin-echonet", {"twin.battery.echonet": ["no_power_setting"]}))
    assert {one.kind for one in poorer.differences if one.role == "battery"} & {"answer", "fields", "value"}


@pytest.fixture
def served(recorded: Path) -> Iterator[Replay]:
    with Replay(read_session(recorded)) as found:
        yield found


def test_other_clients_are_answered_too(recorded: Path, served: Replay) -> None:
    session = read_session(recorded)
    with socket.create_connection(("127.0.0.1", served.servers["source"].port), timeout=5) as wire:
        wire.sendall(b"*IDN?\r\nNEVER:ASKED?\n*IDN?\n")
        lines = wire.makefile("rb")
        assert lines.readline() == lines.readline() == (session.of("source")[0].reply or "").encode() + b"\n"
    asked = next(one for one in session.of("battery") if one.request.startswith("read of"))
    count, address = int(asked.request.split()[2]), int(asked.request.split()[-1])
    with ModbusTcpClient("127.0.0.1", port=served.servers["battery"].port, timeout=5) as client:
        reply = client.read_holding_registers(address, count=count, device_id=1)
        assert " ".join(f"{word:04x}" for word in reply.registers) == asked.reply
        assert client.read_holding_registers(9, count=3, device_id=1).exception_code == 2
        assert client.read_coils(address, count=count, device_id=1).exception_code == 2
    assert served.unknown["source"] == {"NEVER:ASKED?": 1}
    assert "read of 3 holding at 9" in served.unknown["battery"]


def test_requests_are_matched_in_their_order() -> None:
    script = Script([Exchange(t, "m", "V?", str(t)) for t in (1, 2)] + [Exchange(3, "m", "W?", "w")])
    answers = [script.answer("V?"), script.answer("V?"), script.answer("W?"), script.answer("V?")]
    assert [one.reply if one else None for one in answers] == ["1", "2", "w", "2"]
    assert script.answer("X?") is None


def test_our_own_session_is_no_different_from_our_twin(recorded: Path) -> None:
    found = check(read_session(recorded), load_station("twin"))
    assert found.differences == []
    assert min(found.compared.values()) > 10


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"twin.meter.faults": ["header"]}, "header"),
        ({"twin.meter.gain_ratio": 0.001, "twin.meter.noise_kw": 0.0}, "units"),
    ],
)
def test_a_twin_that_answers_differently_is_told(
    recorded: Path, changed: dict[str, object], kind: str
) -> None:
    found = check(read_session(recorded), load_station("twin", changed))
    assert {(one.role, one.kind) for one in found.differences} == {("meter", kind)}


@pytest.mark.parametrize(
    ("recorded_reply", "twin_reply", "kinds"),
    [
        ("1.0E+00,2.0E+00", "1.1E+00,2.1E+00", set()),
        ("1.0E+00,2.0E+00", "1.0E+00,2.0E+00,3.0E+00", {"fields"}),
        ("1.0E+00;2.0E+00", "1.0E+00,2.0E+00", {"fields"}),
        ("1.000,2.0", "1.0E+00,2.0E+00", {"notation"}),
        ("NAN,2.0E+00", "1.0E+00,2.0E+00", set()),
        ("FREQ 50.0", "50.0", {"header"}),
        ("1000.0", "1.0", {"units"}),
        ("100.0", "50.0", {"value"}),
        (None, "50.0", {"answer"}),
    ],
)
def test_form_is_compared_and_noise_is_not(
    recorded_reply: str | None, twin_reply: str, kinds: set[str]
) -> None:
    pair = (
        Exchange(0, "meter", "V?", recorded_reply, silent=recorded_reply is None),
        Exchange(0, "meter", "V?", twin_reply),
    )
    assert {one.kind for one in compare("meter", "V?", [pair], 0.25)} == kinds


def test_terminators_and_registers_are_compared() -> None:
    ends = (Exchange(0, "m", "V?", "1", "\r\n"), Exchange(0, "m", "V?", "1", "\n"))
    assert [one.kind for one in compare("m", "V?", [ends], 0.25)] == ["terminator"]
    request = "read of 2 holding at 5"
    for other, kind in (("0001", "length"), ("exception 2", "answer"), ("0001 0003", "value")):
        pair = (Exchange(0, "b", request, "0001 0002"), Exchange(0, "b", request, other))
        assert [one.kind for one in compare("b", request, [pair], 0.25)] == [kind]


def test_a_real_station_is_never_asked(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "real.toml"
    text = Path(load_station("twin").path).read_text(encoding="utf-8").partition("\n[twin]")[0]
    path.write_text(text.replace("# resource", "resource"), encoding="utf-8")
    with pytest.raises(UsageError, match="twin"):
        check(read_session(recorded), load_station(str(path)))


def test_a_run_without_a_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoRunFolder, match="--record-wire"):
        read_session(tmp_path)
    (tmp_path / WIRE).write_text('{"wire": 1, "instruments": {}}\nnot json\n', encoding="utf-8")
    with pytest.raises(NoRunFolder, match=r"wire\.jsonl:2"):
        read_session(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a file that takes nothing is made of a pipe here")
def test_a_slow_disk_holds_up_no_exchange_and_what_is_lacking_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / WIRE)
    reader = os.open(tmp_path / WIRE, os.O_RDONLY | os.O_NONBLOCK)
    log = WireLog(most_waiting=100_000)
    log.begin(tmp_path, {"meter": {"driver": "d", "resource": "r"}}, aside=True)

    def say(first: int, last: int) -> None:
        for number in range(first, last):
            log(WireRecord(number, "r", "out", f"VAL{number}?", role="meter"))
            log(WireRecord(number, "r", "in", f"{number}", end="\n", role="meter"))

    say(0, 5000)  # far more than the pipe and the queue hold; nothing waits
    ended = threading.Thread(target=log.end)
    ended.start()
    content, more = b"", b"-"
    while more or ended.is_alive():  # to the end of the file: the writer has closed it
        with contextlib.suppress(BlockingIOError):
            more = os.read(reader, 65536)
            content += more
    ended.join()
    os.close(reader)
    (tmp_path / WIRE).unlink()
    (tmp_path / WIRE).write_bytes(content)
    lines = [json.loads(line) for line in content.splitlines()[1:]]
    told = [line["text"] for line in lines if line["direction"] == "event"]
    kept = len(lines) - len(told)
    assert 0 < kept < 10_000
    assert {text.partition(" ")[2] for text in told} == {f"messages {LACKING}: the disk was too slow"}
    # more than one where the queue had room again for a while
    assert sum(int(text.partition(" ")[0]) for text in told) == 10_000 - kept
    exchanges = read_session(tmp_path).of("meter")
    assert kept // 2 - len(told) <= len(exchanges) <= kept // 2  # a gap may part an answer from its question
    assert all(one.request == f"VAL{one.reply}?" for one in exchanges)


def test_an_answer_behind_a_gap_belongs_to_no_question_before_it(tmp_path: Path) -> None:
    rows = [
        {"t_s": 1, "role": "meter", "direction": "out", "text": "A?"},
        {"t_s": 2, "role": "", "direction": "event", "text": f"2 messages {LACKING}: the disk was too slow"},
        {"t_s": 3, "role": "meter", "direction": "in", "text": "of B"},
        {"t_s": 4, "role": "meter", "direction": "out", "text": "C?"},
        {"t_s": 5, "role": "meter", "direction": "in", "text": "of C"},
    ]
    head = {"wire": 1, "instruments": {"meter": {"driver": "d", "resource": "r"}}}
    (tmp_path / WIRE).write_text("\n".join(map(json.dumps, [head, *rows])) + "\n", encoding="utf-8")
    assert [(one.request, one.reply) for one in read_session(tmp_path).of("meter")] == [("C?", "of C")]
