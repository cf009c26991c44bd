"""What is recorded comes back, closed or torn."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.clock import RealClock, VirtualClock
from bench.errors import BenchError, NoRunFolder
from bench.record.load import load_run
from bench.record.recorder import Recorder
from bench.record.stream import StreamReader, compact
from bench.recording import Gap
from bench.timeline import SetPoint
from tests.bench.record.run_folders import UNITS, record
from tests.bench.record.small_disk import disk_of


def test_a_closed_run_comes_back(tmp_path: Path) -> None:
    record(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        "run.json",
        "samples.parquet",
        "commands.csv",
        "events.jsonl",
    }
    info, recording, phases = load_run(tmp_path)
    power = recording.signals["meter.power_kw"]
    assert power.unit == "kW"
    assert list(power.value) == [tick * 0.25 for tick in range(100)]
    assert list(power.t_s) == [tick / 10 for tick in range(100)]
    assert phases == (("hold", 0.0, 10.0, 1, "up"),) == recording.phases
    assert recording.gaps == (Gap(4.0, 5.0, "meter.power_kw", "no answer"),)
    assert recording.accuracy == {"power_reading_pct": 0.1}
    assert recording.facts == {
        "rated_kw": 5.5,
        "point": "device",
        "delta_kw": 0.53,
        "simulated": True,
        "window_s": 0.1,
        "prior_mode": "auto",
    }
    first, off, word = recording.commands
    assert (first.t_s, first.planned_s, first.value, first.read_back) == (1.001, 1.0, 3.0, 3.0)
    assert (first.phase, first.step, first.direction) == ("hold", 1, "up")
    assert (off.planned_s, off.value, off.read_back) == (None, False, False)
    assert (word.value, word.read_back) == ("auto", None)
    assert info.execution == "done"


def test_words_are_codes_and_a_new_word_gets_one(tmp_path: Path) -> None:
    record(tmp_path)
    _, recording, _ = load_run(tmp_path)
    mode = recording.signals["battery.mode"]
    assert recording.mode_codes["remote"] == mode.value[1] == 1
    assert recording.mode_codes["島"] == mode.value[0] == 100
    codes = json.loads(pq.read_schema(tmp_path / "samples.parquet").metadata[b"mode_codes"])
    assert codes["島"] == 100


def test_an_interrupted_run_comes_back_as_far_as_it_was_written(tmp_path: Path) -> None:
    record(tmp_path, close=False)
    with (tmp_path / "events.jsonl").open("a") as events, (tmp_path / "commands.csv").open("a") as commands:
        events.write('{"kind": "ga')
        commands.write("1.0,1.0,batt")
    _, recording, _ = load_run(tmp_path)
    assert len(recording.signals["meter.power_kw"].t_s) == 100
    assert recording.mode_codes["島"] == 100
    assert len(recording.commands) == 3
    assert len(recording.events) == 3


def test_a_run_that_was_killed_at_once_is_an_empty_run(tmp_path: Path) -> None:
    record(tmp_path, ticks=0, close=False)
    _, recording, _ = load_run(tmp_path)
    assert recording.signals == {}
    assert recording.mode_codes["remote"] == 1
    assert compact(tmp_path) == 0
    assert load_run(tmp_path).recording.signals == {}


def test_a_stream_cut_anywhere_keeps_every_complete_batch(tmp_path: Path) -> None:
    record(tmp_path, ticks=40, close=False)
    whole = (tmp_path / "samples.arrow").read_bytes()
    ends, kept = [], 0
    with pa.OSFile(str(tmp_path / "samples.arrow")) as file:
        messages = pa.ipc.MessageReader.open_stream(file)
        messages.read_next_message()
        schema_end = file.tell()
        messages.read_next_message()  # the empty first one
        for _ in range(4):
            messages.read_next_message()
            ends.append(file.tell())
    assert ends[-1] == len(whole)
    for cut in range(len(whole) + 1):
        (tmp_path / "samples.arrow").write_bytes(whole[:cut])
        if cut < schema_end:
            with pytest.raises(ValueError, match="beginning"):
                StreamReader(tmp_path / "samples.arrow")
            continue
        reader = StreamReader(tmp_path / "samples.arrow")
        rows = sum(batch.num_rows for batch in reader)
        assert rows == 20 * sum(end <= cut for end in ends)
        assert reader.torn
        kept += rows
    assert kept > 0


def test_a_torn_stream_is_turned_into_a_closed_one(tmp_path: Path) -> None:
    record(tmp_path, close=False)
    path = tmp_path / "samples.arrow"
    path.write_bytes(path.read_bytes()[:-5])
    assert compact(tmp_path) == 180
    assert not path.exists()
    _, recording, _ = load_run(tmp_path)
    assert len(recording.signals["meter.power_kw"].t_s) == 90


def test_how_the_batches_were_cut_leaves_no_trace(tmp_path: Path) -> None:
    for name, batch in (("a", 7), ("b", 1000)):
        (tmp_path / name).mkdir()
        record(tmp_path / name, batch=batch)
    assert (tmp_path / "a/samples.parquet").read_bytes() == (tmp_path / "b/samples.parquet").read_bytes()


def test_many_row_groups_come_back_in_order(tmp_path: Path) -> None:
    record(tmp_path, ticks=150_000, batch=5000)
    assert pq.read_metadata(tmp_path / "samples.parquet").num_row_groups == 3
    _, recording, _ = load_run(tmp_path)
    assert np.array_equal(recording.signals["meter.power_kw"].value, np.arange(150_000) * 0.25)


def test_no_data_is_null(tmp_path: Path) -> None:
    recorder = record(tmp_path, ticks=1, close=False)
    recorder.sample(1, 0.1, 2.1, "meter.power_kw", None, "overflow")
    recorder.sample(2, 0.2, 2.2, "meter.power_kw", math.nan, "ok")
    recorder.close()
    table = pq.read_table(tmp_path / "samples.parquet").filter(
        pa.compute.field("channel") == "meter.power_kw"
    )
    assert table["value"].to_pylist() == [0.0, None, None]
    assert table["quality"].to_pylist() == ["ok", "overflow", "missing"]


def test_samples_from_many_threads_all_arrive(tmp_path: Path) -> None:
    recorder = record(tmp_path, ticks=0, close=False)

    def feed(channel: str) -> None:
        for tick in range(20_000):
            recorder.sample(tick, tick / 10, tick / 10, channel, float(tick), "ok")
            recorder.flush_due(tick / 10)

    threads = [threading.Thread(target=feed, args=(f"meter.c{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    _, recording, _ = load_run(tmp_path)
    for k in range(4):
        assert list(recording.signals[f"meter.c{k}"].value) == list(map(float, range(20_000)))


def test_closing_twice_and_writing_after_is_harmless(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    recorder.close()
    recorder.sample(1, 1.0, 1.0, "meter.power_kw", 1.0, "ok")
    recorder.event("late", 1.0)
    recorder.flush()
    assert len(load_run(tmp_path).recording.signals["meter.power_kw"].t_s) == 100


def test_a_full_disk_raises_once_and_then_stays_out_of_the_way(tmp_path: Path) -> None:
    recorder = record(tmp_path, close=False)
    point = SetPoint(1.0, "battery", "power_set_kw", 3.0, "hold")

    def go_on() -> None:
        for tick in range(100, 100_000):
            recorder.sample(tick, tick / 10, 0.0, "meter.power_kw", math.sin(tick), "ok")

    with disk_of((tmp_path / "samples.arrow").stat().st_size + 300), pytest.raises(BenchError) as caught:
        go_on()
    assert str(caught.value) == f"cannot write to {tmp_path}: File too large"
    assert caught.value.exit_code == 3
    recorder.command(point, 1.0, None)
    recorder.event("safe_state", 1.0)
    recorder.sample(1, 1.0, 1.0, "meter.power_kw", 1.0, "ok")
    recorder.flush()
    recorder.close()
    assert recorder.failure is caught.value
    assert not (tmp_path / "samples.parquet").exists()
    recording = load_run(tmp_path).recording
    assert list(recording.signals["meter.power_kw"].value) == [tick * 0.25 for tick in range(100)]
    assert len(recording.commands) == 3


def test_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="No such file"):
        Recorder(tmp_path / "gone", UNITS, {}, VirtualClock())


def test_a_stream_that_cannot_be_converted_is_kept(tmp_path: Path) -> None:
    recorder = record(tmp_path, close=False)
    (tmp_path / "samples.parquet.part").mkdir()
    with pytest.raises(BenchError, match=r"stay in samples\.arrow"):
        recorder.close()
    shutil.rmtree(tmp_path / "samples.parquet.part")
    assert len(load_run(tmp_path).recording.signals["meter.power_kw"].t_s) == 100
    with pytest.raises(NoRunFolder):
        load_run(tmp_path / "inputs")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a file that takes nothing is made of a pipe here")
@pytest.mark.parametrize("name", ["events.jsonl", "samples.arrow"])
def test_a_disk_that_hangs_ends_the_run_and_does_not_keep_the_bench(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    reader = os.open(tmp_path / name, os.O_RDONLY | os.O_NONBLOCK)  # and nobody reads what comes

    def flush() -> None:
        with contextlib.suppress(BenchError):  # when nobody can read it any more
            recorder.flush()

    writer = threading.Thread(target=flush)
    try:
        recorder = Recorder(tmp_path, UNITS, {}, RealClock(), hangs_s=0.05)

        def go_on() -> None:
            for tick in range(1000):
                for number in range(300):  # more than a pipe holds
                    recorder.sample(tick, tick / 10, 0.0, f"meter.c{number}", math.sin(number * tick), "ok")
                recorder.event("phase", 1.0, name="x" * 100_000)
                if name == "events.jsonl":
                    recorder.flush_due(tick / 10)
                elif tick == 50:  # as the thread that writes does, and hangs in it
                    writer.start()

        with pytest.raises(BenchError, match=r"the disk has taken nothing for 0\.05 s"):
            go_on()
        assert recorder.hung
        recorder.sample(1, 1.0, 1.0, "meter.power_kw", 1.0, "ok")
        recorder.close()  # at once
    finally:
        os.close(reader)
        if writer.ident:
            writer.join()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a file that takes nothing is made of a pipe here")
def test_a_disk_that_hangs_at_the_end_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "commands.csv")
    reader = os.open(tmp_path / "commands.csv", os.O_RDONLY | os.O_NONBLOCK)
    try:
        recorder = Recorder(tmp_path, UNITS, {}, RealClock(), hangs_s=0.1)
        recorder.sample(1, 1.0, 1.0, "meter.power_kw", 1.0, "ok")
        recorder.command(SetPoint(1.0, "battery", "mode", "x" * 1_000_000, "hold"), 1.0, None)
        with pytest.raises(BenchError, match="the disk has taken nothing"):
            recorder.close()
        assert recorder.hung
        recorder.close()
    finally:
        os.close(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no file that is open")
def test_a_run_folder_that_was_removed_takes_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    recorder = Recorder(folder, UNITS, {}, RealClock())
    recorder.flush()
    shutil.rmtree(folder)
    recorder.sample(1, 1.0, 1.0, "meter.power_kw", 1.0, "ok")
    with pytest.raises(BenchError, match="somebody removed the run folder"):
        recorder.flush()
    recorder.close()
