"""A run whose process ended first: closed as ABORTED, with every sample that was written, and genuine."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, NoRunFolder, UsageError
from bench.host.locks import folder_held
from bench.host.process import me
from bench.model import Outcome
from bench.prepare import RunRequest
from bench.record.info import read_info, write_info
from bench.record.load import load_run
from bench.recover import needs_recovery, recover, recover_all, recover_quietly
from bench.run import run_campaign, score, verify
from tests.bench.record.run_folders import info, record

SHORT = Path(__file__).parents[1] / "realtime" / "short.toml"


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A folder as a killed process leaves it: 200 samples, 200 on the disk."""
    folder = tmp_path / "20260301T003015Z_primary_SIM"
    folder.mkdir()
    record(folder, close=False)
    return folder


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that went well, as a process leaves it that is killed while it judges."""
    out = tmp_path_factory.mktemp("out")
    request = RunRequest(profiles=[str(SHORT)], station="twin", overrides=['twin.link="direct"'], out=out)
    (result,) = run_campaign(request)
    assert result.outcome is Outcome.PASS
    assert result.folder is not None
    kept = read_info(result.folder)
    kept.process["pid"], kept.outcome = 2**22 + 1, None
    write_info(result.folder, kept)
    for name in ("verdict.json", "metrics.json", "report.html", "SHA256SUMS", "attestation.json"):
        (result.folder / name).unlink()
    return result.folder


@pytest.fixture
def done(passed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(passed, tmp_path / "done" / passed.name))


def test_every_sample_is_kept_and_the_folder_is_genuine(left: Path):
    assert needs_recovery(left)
    found = recover(left)
    assert (found.verdict.outcome, found.rows) == (Outcome.ABORTED, 200)
    run = load_run(left)
    assert run.info.execution == "aborted"
    assert run.info.safe_state.state == "unknown"
    assert "the process ended before the run did" in run.info.reason
    assert len(run.recording.signals["meter.power_kw"].t_s) == 100
    assert run.recording.mode_codes["島"] >= 100  # a word that came up while running
    assert run.recording.events[-1]["kind"] == "recovered"
    assert not (left / "samples.arrow").exists()
    assert (left / "report.html").is_file()
    assert verify(left) == []
    assert score(left).outcome is Outcome.ABORTED


def test_torn_ends_go_and_nothing_else(left: Path):
    for name, torn in (
        ("events.jsonl", b'{"kind": "gap", "t'),
        ("commands.csv", b"3.0,3.001,battery,po"),
        ("samples.arrow", b"\xff\xff\xff\xff\x10\x00"),
    ):
        with (left / name).open("ab") as file:
            file.write(torn)
    recover(left)
    run = load_run(left)
    assert len(run.recording.commands) == 3
    assert sum(len(one.t_s) for one in run.recording.signals.values()) == 200
    told = run.recording.events[-1]
    assert (told["events_cut_bytes"], told["commands_cut_bytes"], told["torn"]) == (18, 20, True)
    assert verify(left) == []


@pytest.mark.parametrize("missing", ["samples.arrow", "events.jsonl", "commands.csv", "all"])
def test_a_run_that_was_killed_while_its_files_were_made_is_closed_too(left: Path, missing: str):
    for name in ("samples.arrow", "events.jsonl", "commands.csv"):
        if missing in (name, "all"):
            (left / name).unlink()
    recover(left)
    assert read_info(left).outcome is Outcome.ABORTED
    load_run(left)
    assert verify(left) == []


def test_a_stream_that_has_not_even_a_beginning_is_no_data(left: Path):
    (left / "samples.arrow").write_bytes(b"\xff\xff\xff\xff")
    assert recover(left).rows == 0
    assert verify(left) == []


def test_what_the_watchdog_proved_stands_in_the_record(left: Path):
    told = {"cause": "the bench is gone", "safe_state": {"state": "verified", "steps": []}}
    (left / "watchdog.json").write_text(json.dumps(told), encoding="utf-8")
    recover(left)
    kept = read_info(left)
    assert kept.safe_state.state == "verified"
    assert "(the bench is gone); the watchdog left the station verified" in kept.reason


def test_half_a_surrogate_in_what_the_watchdog_left_is_written_as_its_escape(left: Path):
    told = {"cause": "gone \ud800", "safe_state": {"state": "verified", "steps": []}}
    (left / "watchdog.json").write_text(json.dumps(told), encoding="utf-8")
    recover(left)
    for name in ("run.json", "verdict.json"):
        assert "(gone " in json.loads((left / name).read_text(encoding="utf-8"))["reason"]
    assert "gone" in (left / "report.html").read_text(encoding="utf-8")
    assert verify(left) == []


def test_a_run_that_is_still_running_is_left_alone(left: Path):
    write_info(left, info(execution="running", process=me("a run")))
    before = {path.name: path.read_bytes() for path in left.iterdir() if path.is_file()}
    with pytest.raises(UsageError, match="still running: process"):
        recover(left)
    assert recover_quietly(left) is None
    assert recover_all(left.parent) == []
    assert {path.name: path.read_bytes() for path in left.iterdir() if path.is_file()} == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
def test_a_run_whose_process_cannot_be_seen_from_here_is_left_alone(tmp_path: Path):
    """Two containers may have one host name, and each its own numbers of processes."""
    found = []

    class Elsewhere:
        def start(self, profile: str, end_s: float, warnings: Sequence[str] = ()) -> None:
            (folder,) = tmp_path.iterdir()
            kept = read_info(folder)
            kept.process["pid"] = 2**22 + 1
            write_info(folder, kept)
            assert needs_recovery(folder)
            found.append(recover_all(tmp_path))

        def update(self, t_s: float, end_s: float, phase: str, live: Any) -> None:
            pass

        def finish(self) -> None:
            pass

    request = RunRequest(
        profiles=[str(SHORT)], station="twin", overrides=['twin.link="direct"'], out=tmp_path
    )
    (result,) = run_campaign(request, progress=Elsewhere())
    assert (result.outcome, found) == (Outcome.PASS, [[]])


def test_a_closed_run_is_never_touched(left: Path):
    recover(left)
    before = {path.name: path.read_bytes() for path in left.iterdir() if path.is_file()}
    with pytest.raises(UsageError, match="is closed already, as ABORTED"):
        recover(left)
    assert recover_all(left.parent) == []
    assert {path.name: path.read_bytes() for path in left.iterdir() if path.is_file()} == before


def test_what_is_no_run_is_exit_2(tmp_path: Path, left: Path):
    with pytest.raises(NoRunFolder):
        recover(tmp_path / "nowhere")
    (left / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(NoRunFolder):
        recover(left)
    assert recover_all(left.parent) == []


def test_a_run_that_nobody_can_judge_keeps_no_other_from_beginning(
    done: Path, monkeypatch: pytest.MonkeyPatch
):
    def breaks(*_: object, **__: object) -> None:
        raise ValueError("an estimator that divides by zero")

    monkeypatch.setattr("bench.recover.publish", breaks)
    assert recover_all(done.parent) == []
    with pytest.raises(ValueError, match="an estimator"):
        recover(done)
    monkeypatch.undo()
    assert [found.verdict.outcome for found in recover_all(done.parent)] == [Outcome.PASS]


def test_a_run_that_ended_and_was_only_not_judged_is_judged(done: Path):
    before = (done / "events.jsonl").read_bytes()
    assert recover(done).verdict.outcome is Outcome.PASS
    for name in ("SHA256SUMS", "attestation.json", "report.html"):  # as if that recover had been killed too
        (done / name).unlink()
    assert recover(done).verdict.outcome is Outcome.PASS
    assert (done / "events.jsonl").read_bytes() == before
    assert verify(done) == []


def test_a_campaign_goes_on_with_the_first_run_that_is_not_finished(tmp_path: Path):
    request = RunRequest(
        profiles=["frequency_accuracy", "dead_band"],
        station="twin",
        overrides=['twin.link="direct"'],
        out=tmp_path,
    )
    whole = run_campaign(request)
    first, second = (one.folder for one in whole)
    assert first is not None
    assert second is not None
    cut = read_info(second)
    cut.execution, cut.outcome, cut.process = "running", None, {}
    write_info(second, cut)
    (second / "SHA256SUMS").unlink()
    with pytest.raises(UsageError, match="no campaign in"):
        run_campaign(RunRequest(**{**vars(request), "profiles": ["dead_band"], "resume": True}))

    again = run_campaign(RunRequest(**{**vars(request), "resume": True}))
    assert [one.profile for one in again] == ["frequency_accuracy", "dead_band"]
    assert again[0].folder == first  # not done again
    assert again[0].outcome is whole[0].outcome
    resumed = read_info(again[1].folder)
    assert resumed.campaign["resumed_after"] == second.name
    assert resumed.campaign["id"] == read_info(first).campaign["id"]
    assert any("resumed with this run" in note for note in resumed.notes)
    assert read_info(second).outcome is Outcome.ABORTED


def test_nothing_is_written_through_a_link(left: Path, tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"not ours, and without a line end")
    for name in ("events.jsonl", "commands.csv", "samples.arrow", "report.html", "run.json.part"):
        kept = (left / name).read_bytes() if (left / name).exists() else None
        (left / name).unlink(missing_ok=True)
        (left / name).symlink_to(victim)
        with pytest.raises(NoRunFolder, match=f"{name}: is not a plain file"):
            recover(left)
        (left / name).unlink()
        if kept is not None:
            (left / name).write_bytes(kept)
    assert victim.read_bytes() == b"not ours, and without a line end"
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "linked").symlink_to(left)
    assert recover_all(tmp_path / "results") == []
    assert recover(left).rows == 200


def test_what_the_events_tell_of_the_end_is_kept(left: Path):
    told = [
        {"kind": "clock_stepped", "t_s": 3.0, "step_s": -60.0, "utc": "b", "utc_before": "a"},
        {"kind": "safe_state", "t_s": 9.0, "state": "verified", "steps": [{"role": "source"}]},
    ]
    with (left / "events.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in told)
    recover(left)
    run = read_info(left)
    assert (run.safe_state.state, run.safe_state.steps) == ("verified", [{"role": "source"}])
    assert [(step.t_s, step.step_s) for step in run.clock_steps] == [(3.0, -60.0)]


def test_a_second_recover_at_the_same_time_is_refused(left: Path):
    with folder_held(left):
        if sys.platform != "win32":
            with pytest.raises(BenchError, match="another process is at work"):
                recover(left)
        assert recover_quietly(left) is None or sys.platform == "win32"
    assert recover_quietly(left) is not None


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("events.jsonl", "cut"),
        ("commands.csv", "cut"),
        ("commands.csv", "a line less"),
        ("samples.parquet", "removed"),
    ],
)
def test_a_record_damaged_after_a_run_that_was_done_is_no_pass(done: Path, name: str, how: str):
    """``done`` was killed while it was judged."""
    if how == "removed":
        (done / name).unlink()
    else:
        content = (done / name).read_bytes()
        cut = (
            content[:-3] if how == "cut" else content[: content[:-1].rfind(b"\n") + 1]
        )  # a line, and no trace
        (done / name).write_bytes(cut)
    found = recover(done)
    assert found.verdict.outcome is Outcome.ERROR
    assert f"damaged after the run: {name.partition('.')[0]}" in found.info.reason
    assert verify(done) == []


def test_a_run_killed_before_it_was_signed_is_signed_as_it_is(done: Path):
    recover(done)
    (done / "attestation.json").unlink()
    before = {path.name: path.read_bytes() for path in done.iterdir() if path.is_file()}
    assert needs_recovery(done)
    assert recover(done).verdict.outcome is Outcome.PASS
    assert verify(done) == []
    assert {name: (done / name).read_bytes() for name in before} == before


def test_a_run_that_was_changed_before_it_was_signed_is_not(done: Path):
    recover(done)
    (done / "attestation.json").unlink()
    (done / "commands.csv").write_bytes((done / "commands.csv").read_bytes()[:-20])
    with pytest.raises(BenchError, match=r"commands\.csv: changed"):
        recover(done)
    assert not (done / "attestation.json").exists()


@pytest.mark.parametrize("damage", [b"\x00" * 40, b"\xff\xfe{"])
def test_lines_that_a_damaged_disk_made_unreadable_go_and_the_rest_stays(left: Path, damage: bytes):
    kept = {}
    for name, index in (("events.jsonl", 1), ("commands.csv", 2)):
        lines = (left / name).read_bytes().splitlines(keepends=True)
        kept[name] = len(lines) - 1
        lines[index] = damage + lines[index][len(damage) :].lstrip(b"\n") + b"\n"
        (left / name).write_bytes(b"".join(lines).replace(b"\n\n", b"\n"))
    found = recover(left)
    run = load_run(left).recording
    assert (len(run.events) - 1, len(run.commands) + 1) == (kept["events.jsonl"], kept["commands.csv"])
    assert run.events[-1]["events_cut_bytes"] > 0 < run.events[-1]["commands_cut_bytes"]
    assert found.rows == 200
    assert verify(left) == []
