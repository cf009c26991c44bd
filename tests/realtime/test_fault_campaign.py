"""A sample of the fault campaign, other steps and faults each time; and that its checks can fail."""

from __future__ import annotations

import dataclasses
import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from bench.clock import VirtualClock
from fixtures.faults.campaign import campaign, draw, read_rows
from fixtures.faults.cells import FAULTS, STEPS, Cell, cells, not_run
from fixtures.faults.checks import off_after_s, wrong
from fixtures.faults.frames import asked, cut, garbled, over_range, with_word
from fixtures.faults.page import page
from fixtures.faults.trial import Trial
from tests.bench.execute.small_runs import play
from tests.bench.execute.small_world import World
from tests.realtime.bench_process import environment

pytestmark = pytest.mark.realtime
ALWAYS = Cell(STEPS["set frequency"], FAULTS["instrument restarted"])
"""An interface that refuses at once and is back a second later: giving up at once leaves the output on."""


@pytest.mark.timeout(240)
def test_a_sample_of_the_matrix() -> None:
    seed = secrets.randbelow(10**6)
    wanted = [cell for cell in draw(3, seed) if not cell.fault.gateway]
    wanted += [ALWAYS] if not not_run(ALWAYS) and ALWAYS not in wanted else []
    print(f"drready faults campaign --seed {seed}: {', '.join(cell.name for cell in wanted)}")
    rows = campaign(wanted, seed=seed, jobs=len(wanted))
    assert {row["cell"] for row in rows} == {cell.name for cell in wanted}
    assert [row for row in rows if row["wrong"]] == [], f"seed {seed}"


def test_a_part_of_the_matrix_leaves_the_rows_of_the_rest(tmp_path: Path) -> None:
    page_of, rows_of = tmp_path / "頁.md", tmp_path / "頁.jsonl"
    others = [{"cell": name, "outcome": None, "off_s": 0.5, "ended": True, "wrong": []}
              for name in ("hold x SIGTERM", "preflight x split")]  # fmt: skip
    rows_of.write_text("".join(json.dumps(row) + "\n" for row in others), encoding="utf-8")
    words = ["faults", "campaign", "--step", "preflight", "--fault", "split", "--out", str(page_of)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", *words], capture_output=True, text=True, encoding="utf-8",
        env=environment(tmp_path), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.startswith("1 cells: 1 run, 0 failed")) == (0, True), done.stderr
    rows = read_rows(rows_of)
    assert rows["hold x SIGTERM"]["off_s"] == 0.5
    assert rows["preflight x split"]["utc"]  # it is new
    assert "180 cells: 2 run" in page_of.read_text(encoding="utf-8")


def test_the_matrix_is_whole_and_the_page_tells_what_was_not_run() -> None:
    assert len(cells()) == len(STEPS) * len(FAULTS) == 180
    text = page({}, 1)
    assert text.count("| not run") == len([cell for cell in cells() if not not_run(cell)])
    assert "180 cells: 0 run, 0 failed, 180 not run" in text


def test_a_draw_is_of_different_steps_and_faults() -> None:
    drawn = draw(9, 5)
    assert len({cell.step.name for cell in drawn}) == len({cell.fault.name for cell in drawn}) == 9
    assert drawn == draw(9, 5)
    assert drawn != draw(9, 6)


def trial(*outputs: tuple[float, int], **more: object) -> Trial:
    """A run that was ended by SIGTERM at t = 10 s, with no run folder to look at."""
    seen = [{"t_s": t_s, "quantity": "output", "value": value} for t_s, value in outputs]
    one = Trial(Cell(STEPS["hold"], FAULTS["SIGTERM"]), exit_code=3, fault_s=10.0, seen=seen)
    return dataclasses.replace(one, **more)  # type: ignore[arg-type]  # the caller names fields


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (trial((5, 1)), "the output is still on"),
        (trial((5, 1), (17, 0)), "output off 7.0 s after the fault"),
        (trial((5, 1), (11, 0)), "the safe state is not proved"),
        (trial(hung=True), "the run hung"),
        (trial(errors="Traceback (most recent call last)\nKeyError: 1"), "a traceback: KeyError: 1"),
        (trial(told={"outcome": "PASS"}), "the run is a PASS"),
        (trial(exit_code=0), "the run is a PASS"),
        (
            trial(
                seen=[{"t_s": 11, "quantity": "mode", "value": 1}], before={"mode": 0, "power_set_kw": 0.0}
            ),
            "the device was left with mode = 1, found with 0",
        ),
        (trial(folder=Path("gone")), "the run folder cannot be read"),
    ],
)
def test_each_check_can_fail(one: Trial, told: str) -> None:
    assert any(told in each for each in wrong(one)), wrong(one)


def test_a_step_of_the_wall_clock_must_be_told(tmp_path: Path) -> None:
    play(tmp_path, World(VirtualClock()))  # its run.json tells of none
    moved = "the wall clock moved by 3600 s, and run.json tells of 0.0 s"
    stepped = Cell(STEPS["hold"], FAULTS["clock forward"])
    assert moved in wrong(trial(folder=tmp_path, cell=stepped))
    assert moved not in wrong(trial(folder=tmp_path))


def test_a_run_that_never_switched_anything_on_has_nothing_wrong() -> None:
    assert wrong(trial()) == []
    assert off_after_s(trial()) is None
    assert off_after_s(trial((5, 1), (11.5, 0))) == pytest.approx(1.5)


def test_what_a_faulty_wire_knows_of_the_dialects() -> None:
    read = bytes.fromhex("0001 0000 0006 01 03 0010 0004")
    write = bytes.fromhex("0002 0000 000b 01 10 0001 0002 04 0007 0008")
    assert cut("modbus", read + write[:5]) == ([read], write[:5])
    assert cut("scpi", b"*IDN?\nFRE") == ([b"*IDN?\n"], b"FRE")
    assert [asked("modbus", read).reads(register) for register in (15, 16, 19, 20)] == [
        False,
        True,
        True,
        False,
    ]
    assert [asked("modbus", write).written(register) for register in (0, 1, 2, 3)] == [None, 7, 8, None]
    single = asked("modbus", bytes.fromhex("0003 0000 0006 01 06 0001 00ff"))
    assert (single.written(1), single.written(2)) == (255, None)
    reply = bytes.fromhex("0001 0000 0007 01 03 04 0001 0002")
    assert with_word(reply, 1, 9) == bytes.fromhex("0001 0000 0007 01 03 04 0001 0009")
    assert with_word(bytes.fromhex("0001 0000 0003 01 83 02"), 0, 9).hex() == "000100000003018302"
    assert over_range(b"1.0,2.0,3.0\n") == b"INF,INF,INF\n"
    assert garbled("scpi", b"12345\n", b"\nab") == b"?ab?a\n"
