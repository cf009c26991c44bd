"""Run folders of others: damaged, hostile, climbing out; judged, verified, listed, drawn and recovered."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.recover import recover
from bench.rescore import verify
from tests.bench.record.run_folders import record
from tests.fuzz.folders import FILES, JSON, copy, everything
from tests.fuzz.hostile import SCALE, TEXT, VALUE, cases, changed, damaged, folder, no_script, survives


@cases(5)
@given(data=st.data())
def test_damaged_folders(run: Path, data: st.DataObject) -> None:
    with folder() as at:
        found = copy(run, at)
        for name in data.draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=2)):
            (found / name).write_bytes(damaged(data, (found / name).read_bytes()))
        everything(found, at)


@cases(6)
@given(data=st.data())
def test_hostile_json(run: Path, data: st.DataObject) -> None:
    with folder() as at:
        found = copy(run, at)
        path = found / data.draw(st.sampled_from(JSON[:3]))
        tables = changed(data, json.loads(path.read_text(encoding="utf-8")))
        path.write_text(json.dumps(tables, default=str), encoding="utf-8")
        everything(found, at)


@cases(4)
@given(st.lists(TEXT, min_size=1, max_size=4), st.data())
def test_hostile_words_everywhere(run: Path, words: list[str], data: st.DataObject) -> None:
    """Every text of run.json is hostile at once; so are events, channels and commands."""

    def poisoned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: poisoned(each) for key, each in value.items()}
        if isinstance(value, list):
            return [poisoned(each) for each in value]
        free = isinstance(value, str) and value not in keep
        return data.draw(st.sampled_from(words)) if free and data.draw(st.booleans()) else value

    keep = {
        "meter",
        "battery",
        "source",
        "real",
        "virtual",
        "done",
        "device",
        "guarded",
        "PASS",
        "INCONCLUSIVE",
    }
    with folder() as at:
        found = copy(run, at)
        for name in ("run.json", "verdict.json"):
            tables = poisoned(json.loads((found / name).read_text(encoding="utf-8")))
            (found / name).write_text(json.dumps(tables), encoding="utf-8")
        with (found / "events.jsonl").open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps({"kind": word, "t_s": 1.0, word: [word]}) + "\n" for word in words)
        everything(found, at)


def test_half_a_character(run: Path, tmp_path: Path) -> None:
    """JSON can carry half a surrogate pair, which no UTF-8 file can: the report shows that it was there."""
    found = copy(run, tmp_path)
    for name in ("run.json", "verdict.json"):
        text = (found / name).read_text(encoding="utf-8")
        assert '"SIM-B5-0001"' in text or name == "verdict.json"
        (found / name).write_text(text.replace('"SIM-B5-0001"', r'"SIM\ud800"'), encoding="utf-8")
    everything(found, tmp_path)
    assert "SIM\ufffd" in (tmp_path / "again.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["../../climbed.txt", "/climbed.txt", "inputs/../../climbed.txt", "~/climbed.txt", "NUL"]
)
def test_names_that_climb_out(run: Path, tmp_path: Path, name: str) -> None:
    found = copy(run, tmp_path)
    sums = (found / "SHA256SUMS").read_text(encoding="utf-8")
    (found / "SHA256SUMS").write_text(sums + f"{'0' * 64}  {name}\n", encoding="utf-8")
    info = json.loads((found / "run.json").read_text(encoding="utf-8"))
    info["profile"], info["station"] = name, name
    info["overrides"] = {"instruments.battery.map": name, "profile.recording": name}
    (found / "run.json").write_text(json.dumps(info), encoding="utf-8")
    everything(found, tmp_path)
    assert verify(found), "it is not what was sealed"
    assert not list(tmp_path.glob("**/climbed*"))


def test_samples_that_unpack_to_far_more_than_they_are(run: Path, tmp_path: Path) -> None:
    found = copy(run, tmp_path)
    schema = pq.read_schema(found / "samples.parquet")
    rows = int(min(4_000_000, 100_000 * SCALE))
    columns = {
        "tick": pa.array([0], pa.int64()),
        "channel": pa.array(["meter.power_kw"]),
        "quality": pa.array(["ok"]),
    }
    filled = []
    for field in schema:
        one = columns.get(field.name, pa.array([0.0])).cast(field.type, safe=False)
        filled.append(pa.concat_arrays([one]).take(pa.array([0] * rows, pa.int32())))
    stream = io.BytesIO()
    pq.write_table(pa.table(filled, schema=schema), stream, compression="zstd")
    (found / "samples.parquet").write_bytes(stream.getvalue())
    everything(found, tmp_path)


@cases(6)
@given(data=st.data())
def test_recovering_what_was_damaged(data: st.DataObject) -> None:
    with folder() as outer:
        at = outer / "results" / "run"
        at.mkdir(parents=True)
        record(at, ticks=40, close=False)
        names = sorted(path.name for path in at.iterdir() if path.is_file())
        path = at / data.draw(st.sampled_from(names))
        path.write_bytes(damaged(data, path.read_bytes()))
        before = {one for one in at.rglob("*") if one.is_file()}
        found = survives("folder: recover", lambda: recover(at), outer)
        if found is not None:
            assert found.verdict.outcome.value in ("ABORTED", "ERROR")
            assert before <= set(at.rglob("*")) | {at / "samples.arrow"}
            no_script((at / "report.html").read_text(encoding="utf-8"))


@cases(4)
@given(data=st.data())
def test_recovering_what_others_wrote(data: st.DataObject) -> None:
    """Right JSON, of other shapes: what the run said of itself, and what the watchdog left."""
    with folder() as outer:
        at = outer / "results" / "run"
        at.mkdir(parents=True)
        record(at, ticks=20, close=False)
        watched = {"cause": "silence", "safe_state": {"state": "verified", "steps": []}, "attempts": [1, 2]}
        (at / "watchdog.json").write_text(json.dumps(watched), encoding="utf-8")
        for name in ("run.json", "watchdog.json"):
            tables = changed(data, json.loads((at / name).read_text(encoding="utf-8")))
            (at / name).write_text(json.dumps(tables, default=str), encoding="utf-8")
        event = data.draw(st.dictionaries(TEXT, VALUE, max_size=3)) | {
            "kind": data.draw(st.sampled_from(["safe_state", "clock_stepped", "mode_code", "gap", "x"]))
        }
        with (at / "events.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(event, default=str) + "\n")
        found = survives("folder: recover", lambda: recover(at), outer)
        if found is not None:
            no_script((at / "report.html").read_text(encoding="utf-8"))
