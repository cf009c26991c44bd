"""The interlock: closed lets a run go, open ends it, unreadable is open."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.clock import VirtualClock
from bench.config.station import Interlock
from bench.errors import LimitTripped, LinkDown
from bench.execute.interlock import InterlockKeeper, read_interlock

DOOR = Interlock(file="door")


class Coil:
    """A Modbus input that reads what it is told; a ModbusLink."""

    resource = "TCP::192.0.2.30::502"
    generation = 1

    def __init__(self, value: int | None) -> None:
        self.value = value

    def read(self, kind: str, address: int, count: int) -> list[int]:
        if self.value is None:
            raise LinkDown("nobody answers")
        return [self.value] * count

    def write(self, kind: str, address: int, values: object) -> None:
        raise AssertionError("an interlock is only read")

    def close(self) -> None:
        pass


@pytest.mark.parametrize("text", ["closed", "closed\n", "1", "1 since 12:00\n"])
def test_a_file_that_says_so_is_closed(tmp_path: Path, text: str):
    (tmp_path / "door").write_text(text, encoding="ascii")
    assert read_interlock(DOOR, tmp_path, None) == ""


@pytest.mark.parametrize("text", ["", "open", "0", "notclosed", "é", "10"])
def test_anything_else_is_open(tmp_path: Path, text: str):
    (tmp_path / "door").write_text(text, encoding="utf-8")
    assert "door says" in read_interlock(DOOR, tmp_path, None)


def test_a_file_that_is_not_there_is_open(tmp_path: Path):
    assert "cannot be read" in read_interlock(DOOR, tmp_path, None)


@pytest.mark.parametrize(
    ("closed", "value", "open_"), [(1, 1, False), (1, 0, True), (0, 0, False), (0, 1, True)]
)
def test_an_input_is_closed_at_its_declared_value(tmp_path: Path, closed: int, value: int, open_: bool):
    config = Interlock(resource="TCP::192.0.2.30::502", closed=closed)
    assert bool(read_interlock(config, tmp_path, Coil(value))) is open_


def test_an_input_that_does_not_answer_is_open(tmp_path: Path):
    config = Interlock(resource="TCP::192.0.2.30::502")
    assert read_interlock(config, tmp_path, Coil(None)) == "nobody answers"


def test_open_at_the_start_is_refused(tmp_path: Path):
    with pytest.raises(LimitTripped, match="not safe to start"):
        InterlockKeeper(DOOR, tmp_path, VirtualClock(), None).arm({})


def test_it_trips_after_two_readings_and_stays_tripped(tmp_path: Path):
    door = tmp_path / "door"
    door.write_text("closed", encoding="ascii")
    keeper = InterlockKeeper(DOOR.model_copy(update={"interval_s": 0.0}), tmp_path, VirtualClock(), None)
    keeper.arm({})
    keeper.look()
    door.write_text("open", encoding="ascii")
    keeper.look()  # once may be a bounce
    door.write_text("closed", encoding="ascii")
    keeper.look()
    door.write_text("open", encoding="ascii")
    keeper.look()
    with pytest.raises(LimitTripped, match="the interlock opened"):
        keeper.look()
    door.write_text("closed", encoding="ascii")
    with pytest.raises(LimitTripped):
        keeper.look()


@pytest.mark.parametrize("table", [{}, {"file": "door", "resource": "TCP::h::502"}])
def test_exactly_one_place_is_read(table: dict[str, str]):
    with pytest.raises(ValidationError, match="either file or resource"):
        Interlock(**table)
