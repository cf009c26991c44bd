"""Recorded conversations of others: read, put to the twin, and served again."""

from __future__ import annotations

import itertools
import json
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.load import load_station
from bench.errors import NoRunFolder, WrongReply
from bench.wire.check import check
from bench.wire.compare import compare
from bench.wire.exchanges import Exchange, read_session
from bench.wire.script import Script
from bench.wire.serve import ReplayServer
from bench.wire.serve_echonet import NodeScript
from tests.fuzz.hostile import NUMBER, TEXT, cases, folder, survives

REQUESTS = {
    "source": ["*IDN?", "MEAS:POW?", "OUTP 1", "FREQ 50", "島?"],
    "meter": ["*IDN?", ":NUM:VAL?", ":NUM:NORM:VAL? 1", ":RATE 1", ";;?"],
    "battery": [
        "read of 2 holding at 40000", "read of 1 nothing at 3", "read of 99999999 holding at 0",
        "read of 0 coil at 65535", "read of 1 holding at 99999999", "write of 0001 to holding at 40001",
        "write of fffff 1 to holding at 70000", "write of  to holding at 1", "write of 01 to nothing at 1",
    ],
    "gateway": [
        "1081000105ff01027d016201d300", "1081000105ff01027d0162ffd3", "1081000105ff010ef0016201d600",
        "10810001",
    ],
}  # fmt: skip
ROLES = tuple(REQUESTS)
REPLIES = [
    "1.0E+0", "NAN", "9.91E+37,1,2", "0001 0002", "zz", "exception 2", "exception 999", "exception x",
    "fffff", "1081000102 7d01", "1081000127d0105ff017201d30400000001", "島", "",
]  # fmt: skip
WORDS = st.sampled_from([*itertools.chain(*REQUESTS.values()), *REPLIES]) | TEXT
LINE = st.fixed_dictionaries(
    {"t_s": st.floats(0.0, 100.0) | NUMBER, "role": st.sampled_from(ROLES) | TEXT, "text": WORDS},
    optional={
        "direction": st.sampled_from(["out", "in", "event"]),
        "end": st.sampled_from(["\n", "\r\n", "島"]),
    },
)
PAIR = (
    st.sampled_from(ROLES)
    .flatmap(
        lambda role: st.tuples(
            st.floats(0.0, 100.0) | st.sampled_from([-1e9, 1e7, 1e15, 1e308]),
            st.just(role),
            st.sampled_from(REQUESTS[role]),
            st.sampled_from(REPLIES),
        )
    )
    .map(
        lambda one: [
            {"t_s": one[0], "role": one[1], "direction": "out", "text": one[2]},
            {"t_s": one[0], "role": one[1], "direction": "in", "text": one[3], "end": "\n"},
        ]
    )
)
HEAD = {
    "wire": 1,
    "instruments": {
        role: {"resource": "TCPIP::192.0.2.1::5025::SOCKET", "driver": "a.b:C"} for role in ROLES
    },
}


def written(at: Path, lines: list[object]) -> Path:
    text = "".join(json.dumps(line) + "\n" for line in [HEAD, *lines])
    (at / "wire.jsonl").write_text(text, encoding="utf-8")
    return at


@cases(20)
@given(st.lists(PAIR, min_size=1, max_size=8), st.lists(LINE, max_size=3))
def test_records_that_lie(pairs: list[list[object]], others: list[object]) -> None:
    with folder() as at:
        written(at, [line for pair in pairs for line in pair] + others)
        session = survives("wire record: read", lambda: read_session(at), at)
        if session is None:
            return
        for name in ("twin", "twin-echonet"):
            station = load_station(name, {"twin.link": "direct"})
            survives("wire record: check", lambda station=station: check(session, station), at)
        for role, one in session.instruments.items():
            exchanges = session.of(role)
            both = list(zip(exchanges, reversed(exchanges), strict=True))
            survives("wire record: compare", lambda role=role, both=both: compare(role, "x", both, 0.25))
            if one.protocol == "echonet":
                survives("wire record: node", lambda exchanges=exchanges: answered(exchanges))


def answered(exchanges: list[Exchange]) -> None:
    node = NodeScript(exchanges)
    for one in exchanges:
        try:
            node.answer(bytes.fromhex(one.request))
        except (WrongReply, ValueError):
            continue


@pytest.mark.parametrize(
    ("t_s", "asked"), [(1e15, "read of 1 holding at 40000"), (1.0, "read of 1 nothing at 3")]
)
def test_records_that_once_broke_the_comparison(tmp_path: Path, t_s: float, asked: str) -> None:
    """Times at which a clock no longer moves, and registers of no kind."""
    out = {"t_s": t_s, "role": "battery", "direction": "out", "text": asked}
    written(tmp_path, [out, {**out, "direction": "in", "text": "0001"}])
    station = load_station("twin", {"twin.link": "direct"})
    survives("wire record: check", lambda: check(read_session(tmp_path), station), tmp_path)
    if t_s < 1e8:
        assert check(read_session(tmp_path), station).compared == {"battery": 1}
    else:
        with pytest.raises(NoRunFolder, match=r"wire\.jsonl:2"):
            read_session(tmp_path)


@pytest.mark.wire
@pytest.mark.parametrize("reply", [*REPLIES, None])
def test_what_no_wire_can_send_is_silence(reply: str | None, capfd: pytest.CaptureFixture[str]) -> None:
    """The thread that serves a record ends the connection without a traceback, and serves the next one."""
    for modbus in (False, True):
        request = "read of 1 holding at 7" if modbus else "X?"
        asked = b"\0\1\0\0\0\6\1\3\0\7\0\1" if modbus else b"X?\n"
        script = Script([Exchange(0.0, "battery", request, reply), Exchange(1.0, "battery", request, "0002")])
        server = ReplayServer(script, modbus=modbus)
        try:
            for last in (False, True):
                with socket.create_connection(("127.0.0.1", server.port), timeout=5.0) as client:
                    client.sendall(asked)
                    client.shutdown(socket.SHUT_WR)
                    told = b"".join(iter(lambda client=client: client.recv(4096), b""))
                if last:
                    assert told.endswith(b"\x00\x02" if modbus else b"0002\n")
        finally:
            server.close()
    assert "Traceback" not in capfd.readouterr().err
