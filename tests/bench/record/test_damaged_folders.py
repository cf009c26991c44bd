"""Damaged and hostile run folders: one message with the place, never a traceback, never wrong data."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import NoRunFolder, UsageError
from bench.record.load import load_run
from bench.record.schema import COLUMNS, sample_schema
from bench.recording import Recording
from tests.bench.record.run_folders import UNITS, info, record

FILES = ("run.json", "commands.csv", "events.jsonl", "samples.parquet", "samples.arrow")


@pytest.fixture(scope="module", params=["closed", "interrupted"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    record(path, ticks=60, close=request.param == "closed")
    return path


def damage(data: st.DataObject, content: bytes) -> bytes:
    kind = data.draw(st.sampled_from(["cut", "flip", "insert", "replace", "double"]))
    at = data.draw(st.integers(0, max(0, len(content) - 1)))
    if kind == "cut":
        return content[:at]
    if kind == "flip":
        changed = bytearray(content)
        changed[at] ^= 1 << data.draw(st.integers(0, 7))
        return bytes(changed)
    if kind == "insert":
        return content[:at] + data.draw(st.binary(min_size=1, max_size=40)) + content[at:]
    if kind == "replace":
        return data.draw(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    return content + content


@settings(max_examples=400)
@given(data=st.data())
def test_any_damage_is_told_or_harmless(folder: Path, data: st.DataObject) -> None:
    present = [name for name in FILES if (folder / name).exists()]
    name = data.draw(st.sampled_from(present))
    whole = (folder / name).read_bytes()
    try:
        (folder / name).write_bytes(damage(data, whole))
        try:
            loaded = load_run(folder)
        except UsageError as error:
            told = error
        else:
            told = None
            assert isinstance(loaded.recording, Recording)
    finally:
        (folder / name).write_bytes(whole)
    if told is not None:
        assert told.exit_code == 2
        assert all(fault.place for fault in told.faults)


@settings(max_examples=400)
@given(data=st.data())
def test_a_flipped_bit_never_gives_other_samples(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "flipped"
    if not folder.exists():
        folder.mkdir()
        record(folder, ticks=60)
        shutil.copy(folder / "samples.parquet", folder / "whole")
    whole = (folder / "whole").read_bytes()
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (folder / "samples.parquet").write_bytes(changed)
    try:
        signals = load_run(folder).recording.signals
    except UsageError:
        return
    assert set(signals) == set(UNITS)
    assert np.array_equal(signals["meter.power_kw"].value, np.arange(60) * 0.25)
    assert np.array_equal(signals["battery.mode"].value, [100.0, 1.0] * 30)
    assert np.array_equal(signals["battery.mode"].t_s, np.arange(60) / 10)
    assert set(signals["battery.mode"].quality) == {"ok"}


def refused(folder: Path, place: str) -> str:
    with pytest.raises(NoRunFolder) as caught:
        load_run(folder)
    (fault,) = caught.value.faults
    assert place in fault.place
    return fault.message


def test_what_is_no_run_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone", "gone") == "no such folder"
    assert refused(tmp_path, tmp_path.name) == "not a run folder: it has no run.json"


@pytest.mark.parametrize("name", FILES[:4])
def test_every_file_is_needed(tmp_path: Path, name: str) -> None:
    record(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(NoRunFolder):
        load_run(tmp_path)


@pytest.mark.parametrize("name", FILES[:4])
def test_links_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    run.mkdir()
    record(run)
    (run / name).rename(elsewhere)
    (run / name).symlink_to(elsewhere)
    assert refused(run, name) == "is not a plain file"


@pytest.mark.parametrize("name", FILES[:4])
def test_pipes_and_folders_are_refused_without_waiting(tmp_path: Path, name: str) -> None:
    record(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    assert refused(tmp_path, name) == "is not a plain file"
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert refused(tmp_path, name) == "is not a plain file"


def test_huge_files_are_refused_unread(tmp_path: Path) -> None:
    record(tmp_path)
    with (tmp_path / "run.json").open("r+b") as file:
        file.truncate(64 * 1024**3)  # sparse: takes no room
    assert "no run of ours" in refused(tmp_path, "run.json")


@pytest.mark.parametrize(
    "content", ['{"profile": NaN}', '{"profile": 1e999}', "[" * 100_000, "[]", '"x"', "{}", "\x00", "\ud83d"]
)
def test_json_that_is_not_ours(tmp_path: Path, content: str) -> None:
    record(tmp_path)
    (tmp_path / "run.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(NoRunFolder) as caught:
        load_run(tmp_path)
    assert all(fault.place.startswith("run.json") for fault in caught.value.faults)


def test_one_bad_event_is_named_by_its_line(tmp_path: Path) -> None:
    record(tmp_path)
    lines = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    lines[1] = '{"kind": 7}'
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert refused(tmp_path, "events.jsonl:2") == "not an event"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,2,3", "expected 9 fields, found 3"),
        ("x,1,battery,power_set_kw,1,,,,", "could not convert string to float: 'x'"),
        ("1,nan,battery,power_set_kw,1,,,,", "'nan' is not a time"),
        ("1,1,battery,power_set_kw,1,,,,sideways", "direction is 'sideways'"),
        ("1,1,battery,power_set_kw,1,,,1.5,", "invalid literal for int() with base 10: '1.5'"),
        ('1,1,"battery', "unexpected end of data"),
    ],
)
def test_one_bad_command_is_named_by_its_line(tmp_path: Path, line: str, why: str) -> None:
    record(tmp_path)
    with (tmp_path / "commands.csv").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    assert refused(tmp_path, "commands.csv:5") == why


def test_a_closed_run_may_not_be_cut(tmp_path: Path) -> None:
    record(tmp_path)
    path = tmp_path / "commands.csv"
    path.write_bytes(path.read_bytes()[:-3])
    assert refused(tmp_path, "commands.csv") == "the last line is cut"


def table(**columns: object) -> pa.Table:
    rows = 3
    whole = {
        "tick": [0] * rows,
        "t_s": [0.0] * rows,
        "host_s": [0.0] * rows,
        "channel": ["meter.power_kw"] * rows,
        "value": [1.0] * rows,
        "quality": ["ok"] * rows,
        **columns,
    }
    return pa.table({name: pa.array(whole[name], kind) for name, kind in COLUMNS}).replace_schema_metadata(
        sample_schema(UNITS, {}).metadata
    )


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"t_s": [0.0, None, 1.0]}, "t_s: a time is missing or impossible"),
        ({"t_s": [0.0, float("nan"), 1.0]}, "t_s: a time is missing or impossible"),
        ({"t_s": [0.0, 1e300, 1.0]}, "t_s: a time is missing or impossible"),
        ({"channel": ["a", None, "b"]}, "channel: a word is missing"),
        ({"quality": [None] * 3}, "quality: a word is missing"),
        ({"channel": ["a" * 10_000, "b", "c"]}, "channel: a word of more than 200 characters"),
    ],
)
def test_impossible_samples_are_refused(tmp_path: Path, columns: dict[str, object], why: str) -> None:
    record(tmp_path)
    pq.write_table(table(**columns), tmp_path / "samples.parquet")
    assert refused(tmp_path, "samples.parquet") == f"is damaged or not ours: {why}"


def test_sentinels_in_a_file_are_no_data(tmp_path: Path) -> None:
    record(tmp_path)
    pq.write_table(table(value=[9.91e37, float("inf"), 1.0]), tmp_path / "samples.parquet")
    value = load_run(tmp_path).recording.signals["meter.power_kw"].value
    assert list(np.isnan(value)) == [True, True, False]


def test_a_parquet_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    record(tmp_path)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "samples.parquet")
    assert refused(tmp_path, "samples.parquet") == "is damaged or not ours: no column 'tick'"
    pq.write_table(table().set_column(4, "value", pa.array(["1"] * 3)), tmp_path / "samples.parquet")
    assert "column 'value' is string" in refused(tmp_path, "samples.parquet")


def test_more_rows_than_any_run_has_are_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, ticks=60)
    monkeypatch.setattr("bench.record.stream.MAX_ROWS", 119)
    assert "more than 119 samples" in refused(tmp_path, "samples.parquet")
    monkeypatch.setattr("bench.record.stream.MAX_ROWS", 120)
    monkeypatch.setattr("bench.record.columns.MAX_ROWS", 119)
    assert "more than 119 samples" in refused(tmp_path, "samples.parquet")


def test_a_small_parquet_file_that_unpacks_into_much_is_refused_unread(tmp_path: Path) -> None:
    record(tmp_path)
    path = tmp_path / "samples.parquet"
    pq.write_table(table(channel=["c" * 70_000_000] * 3), path, compression="zstd")
    assert path.stat().st_size < 100_000
    assert "unpacks into more" in refused(tmp_path, "samples.parquet")


def bomb(rows: int, *, claimed: int | None = None) -> bytes:
    """An Arrow stream whose one batch unpacks into ``rows`` rows, or whose buffers claim to."""
    file = io.BytesIO()
    schema = sample_schema(UNITS, {})
    batch = (
        pa.table(
            {
                "tick": np.zeros(rows, np.int64),
                "t_s": np.zeros(rows),
                "host_s": np.zeros(rows),
                "channel": pa.repeat(pa.scalar("c"), rows),
                "value": np.zeros(rows),
                "quality": pa.repeat(pa.scalar("ok"), rows),
            }
        )
        .cast(pa.schema([pa.field(name, kind) for name, kind in COLUMNS]))
        .replace_schema_metadata(schema.metadata)
    )
    with pa.ipc.new_stream(file, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch.to_batches()[0])
    content = file.getvalue()
    if claimed is not None:
        size = struct.pack("<q", rows * 8)
        assert content.count(size) >= 4
        content = content.replace(size, struct.pack("<q", claimed))
    return content


@pytest.mark.parametrize(
    "content", [bomb(200_000), bomb(1000, claimed=2**40), bomb(1000, claimed=2**62), bomb(1000, claimed=-5)]
)
def test_a_stream_that_would_unpack_into_gigabytes_is_not_unpacked(tmp_path: Path, content: bytes) -> None:
    record(tmp_path, close=False)
    assert len(content) < 2_000_000
    (tmp_path / "samples.arrow").write_bytes(content)
    before = pa.total_allocated_bytes()
    peak = pa.default_memory_pool().max_memory()
    recording = load_run(tmp_path).recording  # what comes before the bad batch is kept: here, nothing
    assert recording.signals == {}
    assert pa.total_allocated_bytes() - before < 1_000_000
    assert (pa.default_memory_pool().max_memory() or 0) - (peak or 0) < 70_000_000


def test_phases_must_be_finite(tmp_path: Path) -> None:
    record(tmp_path)
    content = info(execution="done").model_dump(mode="json", by_alias=True)
    content["phases"] = [["hold", "nan", 1.0, None, None]]
    (tmp_path / "run.json").write_text(json.dumps(content))
    assert refused(tmp_path, "phases") == "a time is not finite"
