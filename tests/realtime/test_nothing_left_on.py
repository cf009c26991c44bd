"""A run that is ended from outside, as the instruments see it: the output goes off, the record stays."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.record.load import load_run
from bench.record.stream import StreamReader
from tests.realtime.bench_process import (
    LONG,
    SHORT,
    Table,
    await_file,
    call,
    newest,
    read_json,
    start,
    table,
)
from tests.realtime.holding import wait_until

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(sys.platform == "win32", reason="a process is ended by POSIX signals here"),
]

OFF_S = 5.0  # includes the wait for the power to come down, and a busy machine
DEADLINE_S = 2.0  # station.watchdog_s


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    with table(tmp_path_factory.mktemp("table")) as served:
        yield served


def test_a_second_run_says_who_holds_the_station_and_sigint_ends_the_first(at: Table) -> None:
    first = start(at, *LONG)
    at.await_output(True, 30.0)
    second = call(at, "run", SHORT, "--station", at.station, "--out", "results", "--json")
    assert second.returncode == 3
    assert f"in use by process {first.pid} " in json.loads(second.stdout)["error"]
    assert "drready run primary" in second.stderr
    assert at.is_on()  # and has not disturbed the first
    first.send_signal(signal.SIGINT)
    at.await_output(False, OFF_S)
    told, _ = first.communicate(timeout=30)
    assert first.returncode == 3
    assert json.loads(told)["outcome"] == "ABORTED"
    info = read_json(newest(at) / "run.json")
    assert info["safe_state"]["state"] == "verified"
    assert all(one["settings_restored"] is not False for one in info["instruments"])
    assert not (newest(at) / "watchdog.json").exists()
    assert list((at.folder / "state" / "unfinished").glob("*.json")) == []


def test_sigterm_ends_in_the_safe_state(at: Table) -> None:
    run = start(at, *LONG)
    at.await_output(True, 30.0)
    run.send_signal(signal.SIGTERM)
    at.await_output(False, OFF_S)
    told, _ = run.communicate(timeout=30)
    assert (run.returncode, json.loads(told)["outcome"]) == (3, "ABORTED")
    assert read_json(newest(at) / "run.json")["reason"] == "stopped by SIGTERM"


def test_a_closed_terminal_ends_in_the_safe_state(at: Table) -> None:
    import pty

    ours, theirs = pty.openpty()
    run = start(at, *LONG, preexec_fn=lambda: _lead(theirs))
    os.close(theirs)
    at.await_output(True, 30.0)
    os.close(ours)
    at.await_output(False, OFF_S)
    run.communicate(timeout=30)
    assert run.returncode == 3
    assert read_json(newest(at) / "run.json")["reason"] == "stopped by SIGHUP"


def _lead(terminal: int) -> None:
    """Give the process that is about to begin a terminal of its own, with all that is written to it."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    os.dup2(terminal, 2)


def test_after_sigkill_the_watchdog_acts_the_record_is_kept_and_the_next_run_goes_on(at: Table) -> None:
    run = start(at, *LONG, start_new_session=True)
    at.await_output(True, 30.0)
    folder = newest(at)
    rows_seen = _await_rows(folder)
    os.killpg(run.pid, signal.SIGKILL)  # its whole group: the watchdog has one of its own
    at.await_output(False, OFF_S)
    run.communicate(timeout=30)
    await_file(folder / "watchdog.json")
    record = read_json(folder / "watchdog.json")
    assert record["silent_s"] + record["first_command_after_s"] < DEADLINE_S
    assert record["safe_state"]["state"] == "verified"
    assert record["settings_restored"]["battery"] == "ok"
    assert [line["value"] for line in at.seen() if line["quantity"] == "mode"][-1] == "auto"

    # the lock is stale, the mark is there; the next run proves that all is safe, and goes on
    after = call(at, "run", SHORT, "--station", at.station, "--out", "results", "--json")
    assert after.returncode == 0, after.stdout + after.stderr
    assert "had not ended; every instrument was read" in " ".join(read_json(newest(at) / "run.json")["notes"])
    assert at.outputs()[-3:] == [0, 1, 0]
    assert not (newest(at) / "watchdog.json").exists()

    # and has closed the one before, with every sample that was on the disk
    info = read_json(folder / "run.json")
    assert (info["outcome"], info["execution"]) == ("ABORTED", "aborted")
    assert "the watchdog left the station verified" in info["reason"]
    samples = load_run(folder).recording.signals
    assert sum(len(signal_.t_s) for signal_ in samples.values()) >= rows_seen > 0
    assert call(at, "verify", folder).returncode == 0


def _await_rows(folder: Path) -> int:
    """Wait until samples are on the disk; return how many."""
    rows: list[int] = [0]

    def there() -> bool:
        rows[0] = sum(batch.num_rows for batch in StreamReader(folder / "samples.arrow"))
        return rows[0] > 0

    wait_until(there)
    return rows[0]


def test_a_stopped_process_is_replaced_by_the_watchdog_and_finds_out_when_it_wakes(at: Table) -> None:
    run = start(at, *LONG)
    at.await_output(True, 30.0)
    folder = newest(at)
    run.send_signal(signal.SIGSTOP)
    at.await_output(False, DEADLINE_S + OFF_S)
    await_file(folder / "watchdog.json")
    record = read_json(folder / "watchdog.json")
    assert "no sign of life" in record["cause"]
    assert record["silent_s"] + record["first_command_after_s"] < DEADLINE_S
    run.send_signal(signal.SIGCONT)
    told, _ = run.communicate(timeout=30)
    assert run.returncode == 3
    # and not that the source is off, or that a connection broke, which comes of it
    reason = json.loads(told)["runs"][0]["reason"]
    assert reason.startswith("the watchdog has taken over: no sign of life for")
    assert read_json(folder / "run.json")["safe_state"]["state"] == "verified"
    assert [line["value"] for line in at.seen() if line["quantity"] == "mode"][-1] == "auto"
    assert not at.is_on()


def test_when_the_watchdog_dies_the_run_ends(at: Table) -> None:
    run = start(at, *LONG)
    at.await_output(True, 30.0)
    _kill_watchdog_of(run.pid)
    at.await_output(False, OFF_S)
    told, _ = run.communicate(timeout=30)
    assert run.returncode == 3
    assert "the watchdog is gone" in json.loads(told)["runs"][0]["reason"]


def _kill_watchdog_of(pid: int) -> None:
    """Kill the children of the process ``pid``: it has one, its watchdog."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    assert len(children) == 1
    os.kill(int(children[0]), signal.SIGKILL)


def test_an_output_left_on_is_refused_until_drready_safe(at: Table) -> None:
    run = start(at, *LONG)
    at.await_output(True, 30.0)
    folder = newest(at)
    run.send_signal(signal.SIGSTOP)
    _kill_watchdog_of(run.pid)
    run.kill()
    run.communicate(timeout=30)
    assert at.is_on()  # as after a power cut of the computer: nobody was left to act

    refused = call(at, "run", SHORT, "--station", at.station, "--out", "results")
    assert refused.returncode == 3
    assert "source.output reads 1.0, safe is False" in refused.stderr
    assert f"drready safe --station {at.station}" in refused.stderr
    assert at.is_on()  # it was only read

    assert call(at, "safe", "--station", at.station).returncode == 0
    assert not at.is_on()
    info = read_json(folder / "run.json")
    assert (info["outcome"], info["safe_state"]["state"]) == ("ABORTED", "unknown")
    assert call(at, "run", SHORT, "--station", at.station, "--out", "results").returncode == 0


def test_a_full_disk_ends_the_run_safely_with_what_it_has(at: Table) -> None:
    run = start(at, *LONG)
    at.await_output(True, 30.0)
    folder = newest(at)
    rows = _await_rows(folder)
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (4096, 4096))  # every file that is longer is full
    at.await_output(False, OFF_S)
    told, said = run.communicate(timeout=30)
    assert run.returncode == 3
    assert "Traceback" not in said
    assert Path(json.loads(told)["runs"][0]["folder"]) == folder
    assert "the safe state of the station is" not in said  # it was proved, if not written down
    call(at, "runs", "results")  # now that there is room again
    info = read_json(folder / "run.json")
    assert info["outcome"] in ("ABORTED", "ERROR")
    assert sum(len(one.t_s) for one in load_run(folder).recording.signals.values()) >= rows > 0


def test_an_interlock_that_opens_ends_the_run(at: Table) -> None:
    door = at.folder / "door"
    door.write_text("closed\n", encoding="ascii")
    text = at.station.read_text(encoding="utf-8")
    with_door = at.station.with_name("with_door.toml")
    with_door.write_text(f'{text}\n[interlock]\nfile = "door"\ninterval_s = 0.05\n', encoding="utf-8")
    run = start(Table(at.folder, at.process, with_door.name), *LONG)
    at.await_output(True, 30.0)
    door.write_text("open\n", encoding="ascii")
    at.await_output(False, OFF_S)
    told, _ = run.communicate(timeout=30)
    assert (run.returncode, json.loads(told)["outcome"]) == (3, "ABORTED")
    assert "the interlock opened" in json.loads(told)["runs"][0]["reason"]
    events = [json.loads(line) for line in (newest(at) / "events.jsonl").read_text("utf-8").splitlines()]
    tripped = next(event for event in events if event["kind"] == "tripped")
    assert tripped["reading"]["channel"] == "interlock"

    again = call(at, "run", SHORT, "--station", with_door, "--out", "results", "--json")
    assert again.returncode == 3
    assert "not safe to start: the interlock is open" in json.loads(again.stdout)["runs"][0]["reason"]
    assert not at.is_on()
