"""The driver that asks a person: on a pseudo terminal, as an operator sits at one; and with nobody there."""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from bench.clock import VirtualClock
from bench.config.load import load_station
from bench.errors import InstrumentError, InstrumentRefused, UsageError
from bench.rooms import room
from instruments.manual import Manual
from tests.bench.execute.small_world import STATION as STATION_TABLES
from tests.bench.execute.small_world import World
from tests.bench.execute.test_execute_virtual import events, play
from tests.bench.station_tables import station_tables
from tests.instruments.bench_setting import setting

STATION = (
    station_tables("by-hand", station='safe_order = ["source"]\n')
    + """\
[instruments.source]
driver = "instruments.manual:Manual"
resource = "operator"
maker = "Old"
model = "Variac 3"
sets = ["output", "voltage_v"]
"""
)


class Terminal:
    """An operator: types the answers in their order, one to each question."""

    def __init__(self, *answers: str) -> None:
        self.master, self.slave = pty.openpty()
        os.write(self.master, "".join(f"{answer}\n" for answer in answers).encode())

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.slave)
        os.close(self.master)


def manual(monkeypatch: pytest.MonkeyPatch, *answers: str, **options: object) -> Manual:
    """Return a driver whose operator types these answers."""
    terminal = Terminal(*answers)
    monkeypatch.setattr(sys, "stdin", os.fdopen(os.dup(terminal.slave), encoding="utf-8"))
    keys = {"model": "Variac 3", "operator": "Sato", "sets": ["output", "voltage_v"], "reads": ["current_a"]}
    return Manual(setting("source", "operator", clock=VirtualClock(), **{**keys, **options}))


def test_what_the_operator_sets_and_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = manual(monkeypatch, "SN-77", "202,0", "on", "3.25 A", "")
    assert driver.identify().serial == "SN-77"
    assert driver.set("voltage_v", 202.0) == 202.0
    assert driver.set("output", True) is True
    assert driver.read(["current_a"])["current_a"].value == 3.25
    assert driver.read(["current_a"])["current_a"].quality == "missing"
    acts = driver.take_acts()
    assert [act["answer"] for act in acts] == ["SN-77", "202,0", "on", "3.25 A", ""]
    assert {act["operator"] for act in acts} == {"Sato"}
    assert all(act["at"] and "question" in act for act in acts)
    assert driver.take_acts() == []


def test_what_was_not_done_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = manual(monkeypatch, "no", "190", "off")
    with pytest.raises(InstrumentRefused, match="Sato says that it was not done"):
        driver.set("voltage_v", 202.0)
    with pytest.raises(InstrumentRefused, match=r"set to 202.0 and Sato reads 190.0"):
        driver.set("voltage_v", 202.0)
    with pytest.raises(InstrumentRefused, match="Sato reads False"):
        driver.set("output", True)


def test_three_answers_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = manual(monkeypatch, "a lot", "nan", "much", "7")
    with pytest.raises(InstrumentError, match="no answer for voltage_v that can be understood"):
        driver.set("voltage_v", 202.0)
    assert driver.read(["current_a"])["current_a"].value == 7.0


def test_a_sampled_reading_is_asked_as_often_as_a_person_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = manual(monkeypatch, "1", "2", ask_every_s=60.0)
    clock = driver.setting.clock
    told = []
    for t_s in (0.0, 1.0, 59.0, 60.0, 61.0):
        clock.sleep_until(t_s)
        reading = driver.read()["current_a"]
        told.append((reading.value, reading.quality))
    assert told == [(1.0, "ok"), (1.0, "repeated"), (1.0, "repeated"), (2.0, "ok"), (2.0, "repeated")]


def test_without_a_terminal_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = manual(monkeypatch)
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        with pytest.raises(InstrumentError, match="no terminal to ask the operator on") as raised:
            driver.identify()
    os.close(write_end)
    assert raised.value.exit_code == 3


def test_who_answered_what_and_when_is_in_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The executor asks at its first reading, repeats the answer, and records it with the operator's name."""
    instruments = {
        **STATION_TABLES["instruments"],
        "receiving_meter": {"driver": "m:M", "resource": "operator"},
    }
    world = World(VirtualClock(), {**STATION_TABLES, "instruments": instruments})
    driver = manual(monkeypatch, "0.75", sets=[], reads=["current_a"])
    driver.setting = dataclasses.replace(driver.setting, clock=world.clock, role="receiving_meter")
    world.drivers["receiving_meter"] = driver
    result, run = play(tmp_path, world)
    assert result.execution == "done"
    (act,) = events(run, "operator")
    assert (act["role"], act["operator"], act["answer"]) == ("receiving_meter", "Sato", "0.75")
    assert "current_a" in act["question"]
    assert act["at"]
    assert set(run.recording.signals["receiving_meter.current_a"].value.tolist()) == {0.75}


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('sets = ["outputs"]', "unknown quantity 'outputs'"),
        ("", "must name a quantity"),
    ],
)
def test_a_wrong_table(tmp_path: Path, keys: str, says: str) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(STATION.replace('sets = ["output", "voltage_v"]', keys), encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        load_station(str(path))


def test_drready_at_a_terminal_and_without_one(tmp_path: Path) -> None:
    """The whole program: ``safe`` with an operator at a pseudo terminal, then with nobody."""
    path = tmp_path / "lab.toml"
    path.write_text(STATION.replace(', "voltage_v"', ""), encoding="utf-8")
    command = [sys.executable, "-m", "bench.cli", "safe", "--station", str(path), "--json"]
    where = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(room("bench").parent)}
    with Terminal("Sato", "SN-77", "off", "off", "off", "off") as terminal:
        done = subprocess.run(
            command, stdin=terminal.slave, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=where
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "verified"
    assert "Who answers for it?" in done.stderr
    assert "set output to off" in done.stderr
    alone = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=where
    )
    assert alone.returncode == 3
    assert "no terminal to ask the operator on" in alone.stdout
    assert "Traceback" not in alone.stderr
