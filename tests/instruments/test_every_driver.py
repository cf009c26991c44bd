"""One walk over every quantity of every driver, and one conversation for every example of a manual."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

import instruments
from bench.clock import VirtualClock
from bench.drivers.analyzer import AnalyzerInstrument
from bench.drivers.descriptors import Control, Exchange
from bench.drivers.instrument import Instrument
from bench.drivers.scpi import ScpiInstrument
from instruments.hioki_pw3335 import HiokiPw3335
from instruments.hioki_pw3390 import HiokiPw3390
from instruments.sunspec import SunSpec
from instruments.yokogawa_wt import YokogawaWt
from instruments.zes_lmg670 import ZesLmg670
from tests.bench.links.wire_peers import scpi_peer
from tests.instruments.bench_setting import setting, socket_resource
from tests.instruments.sunspec_server import SunSpecServer

UNITS = {"kW", "Hz", "V", "A", "%", "kWh", "mode", "1", "s"}
SUFFIX = {"_kw": "kW", "_hz": "Hz", "_v": "V", "_a": "A", "_pct": "%", "_kwh": "kWh"}


def drivers() -> list[type[Instrument]]:
    """Return every driver class of the room, in the order of its files."""
    found: list[type[Instrument]] = []
    for path in sorted(Path(instruments.__file__).parent.glob("[a-z]*.py")):
        module = importlib.import_module(f"instruments.{path.stem}")
        classes = [thing for thing in vars(module).values() if isinstance(thing, type)]
        found += [c for c in classes if issubclass(c, Instrument) and c.__module__ == module.__name__]
    return found


DRIVERS = drivers()
ROWS = [(driver, name) for driver in DRIVERS for name in driver.TABLE]
EXAMPLES = [(driver, example) for driver in DRIVERS for example in driver.EXAMPLES]


def test_there_is_something_to_walk() -> None:
    named = {
        "KikusuiPcr",
        "YokogawaWt",
        "SunSpec",
        "HiokiPw3335",
        "HiokiPw3390",
        "ZesLmg670",
        "AmetekMx",
        "Chroma61800",
    }
    assert named <= {driver.__name__ for driver in DRIVERS}


@pytest.mark.parametrize(("driver", "name"), ROWS, ids=[f"{d.__name__}.{n}" for d, n in ROWS])
def test_every_quantity(driver: type[Instrument], name: str) -> None:
    row = driver.TABLE[name]
    assert re.match(r"(Control|Measure|Get|Set) .+\.$", row.doc), "a docstring begins with its verb"
    assert (row.doc.split()[0] in ("Control", "Set")) == isinstance(row, Control)
    assert row.unit in UNITS
    for suffix, unit in SUFFIX.items():
        if name.endswith(suffix):
            assert row.unit == unit
    assert row.page, "the place where the command was read"
    if row.low is not None and row.high is not None:
        assert row.low < row.high
    assert row.scale != 0


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_a_driver_names_it_has(driver: type[Instrument]) -> None:
    assert driver.__doc__
    for name in (*driver.SAMPLED, *driver.SAFE, *driver.RESTORED):
        assert name in driver.TABLE
    for name in (*driver.SAFE, *driver.RESTORED):
        assert isinstance(driver.TABLE[name], Control)
    assert driver.OPTIONS.model_config["extra"] == "forbid"
    assert driver.EXAMPLES
    assert all(example.page for example in driver.EXAMPLES)


def same_command(sent: str, shown: str) -> bool:
    """Compare two commands: the same header, and the same number whatever its digits."""
    header, _, argument = sent.rpartition(" ")
    shown_header, _, shown_argument = shown.rpartition(" ")
    if shown_argument.isalpha():
        return (header, argument.upper()) == (shown_header, shown_argument.upper())
    return header == shown_header and float(argument) == float(shown_argument)


@pytest.mark.wire
@pytest.mark.parametrize(
    ("driver", "example"),
    [(d, e) for d, e in EXAMPLES if issubclass(d, ScpiInstrument)],
    ids=[f"{d.__name__} {e.sent} -> {e.reply}" for d, e in EXAMPLES if issubclass(d, ScpiInstrument)],
)
def test_a_conversation_of_the_manual(driver: type[ScpiInstrument], example: Exchange) -> None:
    """The instrument says what the manual says it says; our driver must make of it what the manual means."""
    heard: list[str] = []

    def answer(command: str) -> bytes | None:
        heard.append(command)
        if command == driver.ERROR_QUERY == "*ESR?" and example.sent != command:
            return b"0\n"
        if example.reply is None and command.endswith("?"):
            if command == driver.ERROR_QUERY:
                return b'0,"No error"\n'
            if isinstance(example.value, bool):
                return b"%d\n" % example.value
            return f"{float(example.value):+.5E}\n".encode()
        if command == example.sent and "? " in command:
            return (example.reply or "").encode() + b"\n"
        shown = abbreviated(example.sent)
        if command.endswith("?") and abbreviated(command) == shown:
            # an error queue that has told its error is empty
            told = heard.count(command) > 1 and example.quantity == "error"
            nothing = b"0\n" if driver.ERROR_QUERY == "*ESR?" else b'0,"No error"\n'
            return nothing if told else (example.reply or "").encode() + b"\n"
        return None

    with scpi_peer(answer) as peer:
        instrument = driver(
            setting("source", socket_resource(peer.port), clock=VirtualClock(), timeout_s=0.5)
        )
        try:
            if example.reply is None:
                instrument.set(example.quantity, example.value)
                assert any(same_command(command, example.sent) for command in heard if command[-1] != "?")
            else:
                assert understood(instrument, example) == pytest.approx(example.value)
        finally:
            instrument.close()


def abbreviated(command: str) -> str:
    """Return a command in SCPI's short form: four letters a node, three where the fourth is a vowel."""
    return ":".join(re.sub(r"^([A-Z]{3})[AEIOU][A-Z]*|^([A-Z]{4})[A-Z]*", r"\1\2", node) for node in
                    command.upper().removesuffix("?").split(":")) + "?"  # fmt: skip


def understood(instrument: ScpiInstrument, example: Exchange) -> Any:
    if example.quantity == "identity":
        return instrument.identify().firmware
    if example.quantity == "error":
        return instrument.errors()
    if isinstance(instrument, HiokiPw3390) and example.quantity == "range":
        return instrument.ask_range_v(1)
    if isinstance(instrument, HiokiPw3335):
        texts, _ = instrument.ask_items(example.sent.partition(" ")[2].split(","))
        readings = [instrument._number(text) for text in texts]
        return [reading.value if reading.value is not None else reading.quality for reading in readings]
    if isinstance(instrument, ZesLmg670) and example.quantity == "cycle":
        return instrument.cycle_s()
    if isinstance(instrument, AnalyzerInstrument):
        if isinstance(instrument, YokogawaWt) and example.quantity == "rate":
            return instrument.ask_rate_s()
        if isinstance(instrument, YokogawaWt) and example.quantity == "ranges":
            return instrument.ask_ranges("VOLT")
        readings = instrument.ask_values(len(example.value))
        return [reading.value if reading.value is not None else reading.quality for reading in readings]
    return getattr(instrument, example.quantity)


@pytest.mark.wire
@pytest.mark.parametrize("example", SunSpec.EXAMPLES, ids=lambda example: f"{example.sent} {example.value}")
def test_registers_that_others_have_shown(example: Exchange) -> None:
    server = SunSpecServer()
    driver = SunSpec(setting("battery", f"TCP::127.0.0.1::{server.port}", clock=VirtualClock()))
    registers = [int(word, 16) for word in (example.reply or "").split()]
    verb, _, point = example.sent.rpartition(" ")
    try:
        if verb == "write":
            driver.do("start")
            driver.set(example.quantity, example.value)
            assert server.writes[-1] == (point, registers)
        else:
            server.put(point, *registers)
            assert driver.identify().serial == example.value
    finally:
        driver.close()
        server.close()
