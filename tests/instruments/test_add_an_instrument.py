"""The worked example of the how-to page is a driver that works."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench.drivers.ac_source import AcSource
from bench.errors import InstrumentRefused
from bench.rooms import load_object
from tests.bench.links.wire_peers import scpi_peer
from tests.instruments.bench_setting import setting, socket_resource

pytestmark = pytest.mark.wire

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-an-instrument.md"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> type[AcSource]:
    block = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    assert block is not None
    module = ModuleType("example_gs")
    exec(compile(block[1], "example_gs.py", "exec"), vars(module))  # noqa: S102  (our own page)
    monkeypatch.setitem(sys.modules, "example_gs", module)
    found: type[AcSource] = load_object("example_gs:ExampleGs", "instruments.source.driver")
    return found


def test_the_example_makes_of_the_manual_what_the_manual_means(example: type[AcSource]) -> None:
    state = {"FREQ": "50", "VOLT": "+2.0200E+02", "OUTP": "0"}
    queue: list[str] = []

    def answer(line: str) -> bytes | None:
        header, _, value = line.strip().partition(" ")
        if header == "*IDN?":
            return b"EXAMPLE,GS100,123456,1.02\r\n"
        if header == "SYST:ERR?":
            return (queue.pop() if queue else '0,"No error"').encode() + b"\r\n"
        if header.endswith("?"):
            return state[header[:-1]].encode() + b"\r\n"
        if header not in state:
            queue.append('-113,"Undefined header"')
        elif header == "FREQ" and float(value) > 60:
            queue.append('-222,"Data out of range"')
        else:
            state[header] = {"ON": "1", "OFF": "0"}.get(value, value)
        return None

    options: dict[str, Any] = {"frequency_resolution_hz": 0.001, "sink_kw": 6.0}
    with scpi_peer(answer) as peer:
        driver = example(setting("source", socket_resource(peer.port), timeout_s=0.5, **options))
        assert driver.identify().firmware == "1.02"
        assert driver.set("frequency_hz", 49.801) == pytest.approx(49.801)
        assert driver.read(["voltage_v"])["voltage_v"].value == pytest.approx(202.0)
        assert driver.set("output", True) is True
        with pytest.raises(InstrumentRefused, match="-222"):
            driver.set("frequency_hz", 61.0)
        with pytest.raises(InstrumentRefused, match="outside 45 to 65"):
            driver.set("frequency_hz", 70.0)
        driver.close()
