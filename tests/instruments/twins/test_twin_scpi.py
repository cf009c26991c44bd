"""The SCPI parser, and both dialects over a raw socket."""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import Iterator

import pytest
import pyvisa

from bench.clock import VirtualClock
from instruments.twins.scpi import Call, Command, Dialect
from tests.instruments.twins.worlds import QUIET, host

pytestmark = pytest.mark.wire


class Plain(Dialect):
    """A small tree to try the header rules on."""

    identity = "MAKER,MODEL,SIM1,1"

    def __init__(self) -> None:
        self.seen: list[tuple[str, tuple[str, ...], tuple[int, ...]]] = []

        def note(name: str) -> Command:
            return Command(
                name,
                lambda call: self.seen.append((name, call.args, call.numbers)),
                lambda call: ask(name, call),
            )

        def ask(name: str, call: Call) -> str:
            return f"{name}{list(call.numbers)}{list(call.args)}"

        super().__init__(
            [
                note("[:SOURce]:VOLTage[:LEVel]"),
                note(":VOLTage:RANGe"),
                note(":ITEM#:VALue"),
                note(":ITEM#:UNIT"),
            ]
        )


@pytest.mark.parametrize(
    "line",
    [
        "VOLT 5",
        ":VOLT 5",
        "volt:lev 5",
        "SOURce:VOLTage:LEVel 5",
        ":sour:volt 5",
        "  VOLT   5  ",
        "VOLT 5;",
        ";VOLT 5",
    ],
)
def test_one_header_in_many_spellings(line: str) -> None:
    plain = Plain()
    assert plain.handle(line) is None
    assert plain.seen == [("[:SOURce]:VOLTage[:LEVel]", ("5",), ())]
    assert not plain.errors


@pytest.mark.parametrize(
    "line", ["VOLTA 5", "SOUR 5", "VOL 5", "ITEM1 5", "VOLT:LEV:X 5", "X:VOLT 5", "*FOO", ":", "ITEM0X:VAL 1"]
)
def test_unknown_headers_go_into_the_queue(line: str) -> None:
    plain = Plain()
    assert plain.handle(line) is None
    assert plain.next_error() == '-113,"Undefined header"'
    assert plain.next_error() == '0,"No error"'
    assert plain.seen == []


def test_a_compound_goes_on_where_the_last_header_left_off() -> None:
    plain = Plain()
    assert plain.handle("ITEM2:VAL 1;UNIT 2;*CLS;VAL?;:VOLT:RANG 3;:ITEM:UNIT?") == (
        ":ITEM#:VALue[2][];:ITEM#:UNIT[1][]"
    )
    assert plain.seen == [
        (":ITEM#:VALue", ("1",), (2,)),
        (":ITEM#:UNIT", ("2",), (2,)),
        (":VOLTage:RANGe", ("3",), ()),
    ]


def test_an_error_ends_the_line_and_keeps_the_answers_before_it() -> None:
    plain = Plain()
    assert plain.handle("VOLT?;:FOO?;:VOLT 7") == "[:SOURce]:VOLTage[:LEVel][][]"
    assert plain.seen == []
    assert plain.handle("*ESR?") == "32"
    assert plain.handle("*ESR?") == "0"


def test_separators_inside_quotation_marks_are_text() -> None:
    plain = Plain()
    plain.handle('VOLT "a;b,c",d')
    assert plain.seen[0][1] == ('"a;b,c"', "d")


def test_the_error_queue_overflows_as_the_standard_says() -> None:
    plain = Plain()
    for _ in range(40):
        plain.handle("FOO")
    found = [plain.next_error() for _ in range(17)]
    assert found[15] == '-350,"Queue overflow"'
    assert found[16] == '0,"No error"'


class Client:
    """A raw socket that speaks lines."""

    def __init__(self, resource: str) -> None:
        _, address, port, _ = resource.split("::")
        self.socket = socket.create_connection((address, int(port)), timeout=5)
        self.file = self.socket.makefile("rb")

    def write(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\n")

    def ask(self, line: str) -> str:
        self.write(line)
        return self.file.readline().decode("latin-1").removesuffix("\n")

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def clients(clock: VirtualClock) -> Iterator[tuple[Client, Client]]:
    twin = host(clock, link="tcp", meter=QUIET, battery={"mode": "standby"}, house={"load_kw": 1.0})
    resources = twin.start()
    source, meter = Client(resources["source"]), Client(resources["meter"])
    yield source, meter
    source.close()
    meter.close()
    twin.close()


def test_a_conversation_with_the_source(clients: tuple[Client, Client], clock: VirtualClock) -> None:
    source, _ = clients
    assert source.ask("*IDN?").startswith("KIKUSUI,PCR")
    assert source.ask("*IDN?").split(",")[2].startswith("SIM")
    assert [source.ask(query) for query in ("OUTP?", "VOLT?", "FREQ?")] == [
        "0",
        "+0.000000E+00",
        "+5.000000E+01",
    ]
    source.write("VOLT 202")
    source.write("FREQ 49.8")
    source.write("OUTP ON")
    assert source.ask("FREQ?;VOLT?;:OUTP?;*OPC?") == "+4.980000E+01;+2.020000E+02;1;1"
    clock.sleep_until(1.0)
    assert float(source.ask("MEAS:FREQ?")) == pytest.approx(49.8)
    assert float(source.ask("MEAS:VOLT:AC?")) == pytest.approx(202.0)
    assert float(source.ask("MEAS:POW:AC?")) == pytest.approx(1000.0)
    assert float(source.ask("MEAS:CURR:AC?")) == pytest.approx(1000.0 / 202.0, rel=1e-5)
    assert source.ask("SYST:ERR?") == '0,"No error"'


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("FREQ 600", -222),
        ("FREQ 39", -222),
        ("FREQ nan", -222),
        ("FREQ inf", -222),
        ("VOLT 400", -222),
        ("VOLT -1", -222),
        ("FREQ fifty", -104),
        ("FREQ", -109),
        ("FREQ 50,60", -108),
        ("FREQ 50,51,52", -222),
        ("OUTP MAYBE", -141),
        ("OUTP:COUP XY", -141),
        ("MEAS:POW 5", -113),
        ("FREQUENZ 50", -113),
        ("FREQ 50" + " " * 140, -223),
    ],
)
def test_the_source_refuses_and_says_so(clients: tuple[Client, Client], line: str, code: int) -> None:
    source, _ = clients
    source.write(line)
    assert int(source.ask("SYST:ERR?").split(",")[0]) == code
    assert source.ask("SYST:ERR?") == '0,"No error"'
    assert source.ask("FREQ?;VOLT?;:OUTP?") == "+5.000000E+01;+0.000000E+00;0"


def test_soft_limits_of_the_source(clients: tuple[Client, Client]) -> None:
    source, _ = clients
    source.write("FREQ 50,47.5,51.5")
    source.write("FREQ 52")
    assert source.ask("SYST:ERR?").startswith("-222")
    source.write("*RST")
    source.write("FREQ 52")
    assert source.ask("FREQ?") == "+5.200000E+01"
    source.write("VOLT:RANG 155")
    source.write("VOLT 202")
    assert source.ask("SYST:ERR?").startswith("-222")


def switch_on(source: Client, clock: VirtualClock) -> None:
    source.write("VOLT 202;:OUTP 1")
    assert source.ask("OUTP?") == "1"
    clock.sleep_until(clock.now_s() + 25.0)


def test_a_conversation_with_the_analyzer(clients: tuple[Client, Client], clock: VirtualClock) -> None:
    source, meter = clients
    assert meter.ask("*IDN?").startswith("YOKOGAWA,WT")
    switch_on(source, clock)
    assert meter.ask(":RATE?").startswith(":RATE ")
    assert meter.ask("RATE?").startswith(":RATE ")
    meter.write(":COMM:HEAD OFF;REM ON")
    assert float(meter.ask(":RATE?")) == 0.1
    meter.write(":NUM:FORM ASC;:NUM:NORM:NUM 8")
    for number, item in enumerate(["P,2", "U,1", "I,2", "FU,1", "S,2", "Q,2", "LAMBDA,2", "PHI,2"], 1):
        meter.write(f":NUM:NORM:ITEM{number} {item}")
    assert meter.ask(":NUM:NORM:ITEM7?") == "LAMB,2"
    values = [float(value) for value in meter.ask(":NUM:NORM:VAL?").split(",")]
    assert values == pytest.approx([-1000.0, 202.0, 1000 / 202, 50.0, 1000.0, 0.0, -1.0, 180.0], rel=1e-5)
    assert float(meter.ask(":NUM:NORM:VAL? 4")) == pytest.approx(50.0)
    assert meter.ask(":STAT:ERR?") == '0,"No error"'


def test_no_data_and_overflow(clients: tuple[Client, Client], clock: VirtualClock) -> None:
    source, meter = clients
    clock.sleep_until(1.0)
    meter.write(":COMM:HEAD OFF;:NUM:NORM:NUM 4;ITEM1 P,2;ITEM2 FU,1;ITEM3 NONE;ITEM4 U,1")
    assert meter.ask(":NUM:NORM:VAL?") == "0.00000E+00,NAN,NAN,0.00000E+00"
    switch_on(source, clock)
    meter.write(":INP:CURR:RANG:ELEM2 2")
    assert meter.ask(":NUM:NORM:VAL?").split(",")[0] == "INF"
    meter.write(":INP:CURR:RANG:ELEM2 5")
    assert float(meter.ask(":NUM:NORM:VAL?").split(",")[0]) == pytest.approx(-1000.0)
    meter.write(":INP:VOLT:RANG 100")
    assert meter.ask(":NUM:NORM:VAL?").split(",")[3] == "INF"
    meter.write(":INP:VOLT:AUTO ON")
    assert float(meter.ask(":NUM:NORM:VAL?").split(",")[3]) == pytest.approx(202.0)


def test_the_float_format(clients: tuple[Client, Client], clock: VirtualClock) -> None:
    source, meter = clients
    switch_on(source, clock)
    meter.write(":NUM:FORM FLO;:NUM:NORM:NUM 3;ITEM1 FU,1;ITEM2 NONE;ITEM3 U,1")
    meter.write(":NUM:NORM:VAL?")
    head = meter.file.read(6)
    assert head == b"#40012"
    frequency, nothing, voltage = struct.unpack(">3f", meter.file.read(12))
    assert meter.file.read(1) == b"\n"
    assert (frequency, voltage) == (pytest.approx(50.0), pytest.approx(202.0, rel=1e-6))
    assert struct.pack(">f", nothing) == bytes.fromhex("7E951BEE")


@pytest.mark.parametrize("rate", ["50MS", "0.05", "123MS", "fast", "0", "-1", "1E9"])
def test_a_rate_it_does_not_have_is_refused_and_the_old_one_stays(
    clients: tuple[Client, Client], rate: str
) -> None:
    _, meter = clients
    meter.write(f":COMM:HEAD OFF;:RATE {rate}")
    assert not meter.ask(":STAT:ERR?").startswith("0,")
    assert float(meter.ask(":RATE?")) == 0.1


@pytest.mark.parametrize(
    ("rate", "rate_s"), [("100MS", 0.1), ("0.25", 0.25), ("500MS", 0.5), ("1S", 1.0), ("20", 20.0)]
)
def test_slower_rates_are_taken(
    clients: tuple[Client, Client], clock: VirtualClock, rate: str, rate_s: float
) -> None:
    source, meter = clients
    switch_on(source, clock)
    meter.write(f":COMM:HEAD OFF;:RATE {rate}")
    assert meter.ask(":STAT:ERR?") == '0,"No error"'
    assert float(meter.ask(":RATE?")) == rate_s
    meter.write(":NUM:NORM:NUM 1;ITEM1 FU,1")
    start_s = math.ceil(clock.now_s() / 20.0) * 20.0 + 20.0
    clock.sleep_until(start_s)
    source.write("FREQ 49.5")
    source.ask("*OPC?")
    clock.sleep_until(start_s + 0.999 * rate_s)
    assert float(meter.ask(":NUM:VAL?")) == pytest.approx(50.0)
    clock.sleep_until(start_s + rate_s)
    assert float(meter.ask(":NUM:VAL?")) == pytest.approx(49.5)


def test_integration(clients: tuple[Client, Client], clock: VirtualClock) -> None:
    source, meter = clients
    switch_on(source, clock)
    meter.write(":COMM:HEAD OFF;:NUM:NORM:NUM 4;ITEM1 WH,2;ITEM2 WP,2;ITEM3 WM,2;ITEM4 TIME")
    assert meter.ask(":NUM:NORM:VAL?") == "NAN,NAN,NAN,NAN"
    start_s = clock.now_s()
    meter.write(":INTEG:STAR")
    assert meter.ask(":INTEG:STAT?") == "START"
    clock.sleep_until(start_s + 1800.0)
    values = [float(value) for value in meter.ask(":NUM:NORM:VAL?").split(",")]
    assert values == pytest.approx([-500.0, 0.0, -500.0, 1800.0], rel=1e-4)
    assert meter.ask(":INTEG:STOP;STAT?") == "STOP"
    clock.sleep_until(start_s + 3600.0)
    assert float(meter.ask(":NUM:NORM:VAL? 1")) == pytest.approx(-500.0, rel=1e-4)


def test_several_clients_split_lines_and_carriage_returns(clients: tuple[Client, Client]) -> None:
    source, _ = clients
    _, port = source.socket.getpeername()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as other:
        other.sendall(b"VOLT 1")
        assert source.ask("VOLT?") == "+0.000000E+00"
        other.sendall(b"00\r\nVOLT?\r\n*OPC?\n")
        answer = b""
        while answer.count(b"\n") < 2:
            answer += other.recv(100)
    assert answer == b"+1.000000E+02\n1\n"
    assert source.ask("VOLT?") == "+1.000000E+02"


def test_a_flood_without_an_end_is_cut_off(clients: tuple[Client, Client]) -> None:
    source, _ = clients
    _, port = source.socket.getpeername()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as other, pytest.raises(OSError):  # noqa: PT012
        for _ in range(1000):
            other.sendall(b"x" * 65536)
        other.recv(1)
        other.sendall(b"x")
    assert source.ask("*OPC?") == "1"


def test_pyvisa_opens_it() -> None:
    twin = host(link="tcp")
    resource = twin.start()["source"]
    manager = pyvisa.ResourceManager("@py")
    session = manager.open_resource(resource, read_termination="\n", write_termination="\n", timeout=5000)
    assert isinstance(session, pyvisa.resources.MessageBasedResource)
    try:
        assert session.query("*IDN?").startswith("KIKUSUI")
        session.write("VOLT 202")
        assert session.query_ascii_values("VOLT?") == [202.0]
    finally:
        session.close()
        manager.close()
        twin.close()
