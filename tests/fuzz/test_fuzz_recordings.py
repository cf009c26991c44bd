"""Recordings from elsewhere, judged to the end: damaged tables, hostile cells, sizes that lie."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.foreign.parquet import read_parquet
from bench.judge import verdict_json
from bench.rooms import bundled_profiles
from bench.score_file import judge_file
from tests.fuzz.hostile import SCALE, TEXT, cases, damaged, folder, survives

PROFILES = ["primary", "tertiary2", "droop", "follow1", "reverse_flow", "telemetry"]
ALL_PROFILES = sorted(bundled_profiles())
COLUMNS = [
    "t_s",
    "power_kw",
    "command_kw",
    "frequency_hz",
    "source_hz",
    "mode",
    "soc_pct",
    "receiving_power_kw",
]


def table(rows: int = 60) -> dict[str, list[float | str]]:
    t_s = np.arange(rows) / 2
    command = np.where((t_s > 8) & (t_s < 20), 3.0, 0.0)
    numbers = {
        "t_s": t_s, "power_kw": command, "command_kw": command, "source_hz": 50 - 0.06 * command,
        "frequency_hz": 50 - 0.06 * command, "soc_pct": 80 - t_s / 10,
    }  # fmt: skip
    return {**{name: list(map(float, column)) for name, column in numbers.items()}, "mode": ["remote"] * rows}


def csv() -> bytes:
    columns = table()
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    return "\n".join(lines).encode()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(table()), stream)
    return stream.getvalue()


def score(path: Path, profile: str) -> None:
    verdict = judge_file(path, profile=profile, delta_kw=3.0)[2]
    assert "NaN" not in verdict_json(verdict)


@pytest.mark.parametrize(("target", "whole"), [("csv", csv()), ("parquet", parquet())])
@cases(25)
@given(data=st.data())
def test_damaged_files(target: str, whole: bytes, data: st.DataObject) -> None:
    with folder() as at:
        path = at / f"file.{target}"
        path.write_bytes(damaged(data, whole))
        profile = data.draw(st.sampled_from(ALL_PROFILES))
        survives(target, lambda: score(path, profile), at)


CELL = (
    TEXT | st.floats().map(str) | st.sampled_from(["NAN", "9.91E+37", "1e308", "-1e308", "5e-324", "50", "3"])
)


@cases(40)
@given(
    st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=8),
    st.lists(st.lists(CELL, min_size=1, max_size=8), max_size=12),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(ALL_PROFILES),
)
def test_hostile_cells(names: list[str], rows: list[list[str]], mark: str, profile: str) -> None:
    text = "\n".join([mark.join(names), *(mark.join(row) for row in rows)])
    with folder() as at:
        path = at / "file.csv"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        survives("cells", lambda: score(path, profile), at)


@cases(15)
@given(data=st.data())
def test_wild_numbers(data: st.DataObject) -> None:
    """Right in form, and impossible in what it says."""
    columns = table(40)
    for name in data.draw(st.sets(st.sampled_from([n for n in columns if n != "mode"]), min_size=1)):
        where = data.draw(st.lists(st.integers(0, 39), min_size=1, max_size=5))
        for index in where:
            columns[name][index] = data.draw(st.floats())
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    profile = data.draw(st.sampled_from(ALL_PROFILES))
    with folder() as at:
        path = at / "file.parquet"
        path.write_bytes(stream.getvalue())
        survives("numbers", lambda: score(path, profile), at)


@pytest.mark.parametrize("size", [10**9, 2**31 - 1])
def test_a_parquet_page_that_says_it_is_huge(tmp_path: Path, size: int) -> None:
    """A few bytes that unpack to megabytes, and a footer that claims gigabytes."""
    stream = io.BytesIO()
    rows = int(min(3_000_000, 200_000 * SCALE))
    pq.write_table(pa.table({"t_s": np.zeros(rows), "power_kw": np.zeros(rows)}), stream, compression="zstd")
    assert len(stream.getvalue()) < 100_000
    path = tmp_path / "bomb.parquet"
    path.write_bytes(stream.getvalue())
    survives("bomb", lambda: score(path, "primary"), tmp_path)
    whole = stream.getvalue()
    path.write_bytes(whole[:-8] + size.to_bytes(4, "little") + whole[-4:])
    survives("bomb", lambda: score(path, "primary"), tmp_path)


def test_a_text_that_stands_in_every_row_is_kept_once(tmp_path: Path) -> None:
    """Half a megabyte that would unpack to tens of gigabytes: one long word, named by every row."""
    rows = 100_000
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * 200_000]))
    zero = np.zeros(rows)
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"t_s": np.arange(rows) / 2, "power_kw": zero, "mode": words}), path)
    assert path.stat().st_size < 2_000_000
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(UsageError, match="holds a text of 200000 bytes"):
        read_parquet(path, lambda header: header, 10**7)
    assert pa.default_memory_pool().max_memory() - before < 100_000_000


def test_words_and_gaps_come_through_a_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    table_ = pa.table(
        {"mode": ["auto", None, "remote", "auto"] * 30_000, "power_kw": [1.0, None, 2.5, 3.0] * 30_000}
    )
    pq.write_table(table_, path, row_group_size=50_000)
    _, cells, rows = read_parquet(path, lambda header: header, 10**7)
    assert rows == 120_000
    assert cells["mode"] == ["auto", "", "remote", "auto"] * 30_000
    assert np.nansum(np.asarray(cells["power_kw"], dtype=float)) == 6.5 * 30_000


def test_a_footer_that_ends_the_process_is_only_refused(tmp_path: Path) -> None:
    """Asked for a column's size, pyarrow 26 aborts on such a footer: no exception comes of it."""
    whole = parquet()
    length = int.from_bytes(whole[-8:-4], "little")
    paths = []
    for number, at in enumerate(range(len(whole) - 8 - length, len(whole) - 8, 3)):
        for bit in (0, 3):
            path = tmp_path / f"{number}_{bit}.parquet"
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            paths.append(str(path))
    read = (
        "import sys\nfrom pathlib import Path\nfrom bench.errors import UsageError\n"
        "from bench.foreign.parquet import read_parquet\n"
        "for name in sys.stdin.read().split():\n"
        "    try:\n        read_parquet(Path(name), lambda header: header, 10**7)\n"
        "    except UsageError:\n        pass\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", read], input="\n".join(paths), capture_output=True, text=True
    )
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("pack", ["zlib", "gzip", "zip"])
def test_a_recording_that_is_packed_is_refused_unopened(tmp_path: Path, pack: str) -> None:
    path = tmp_path / "bomb.csv"
    if pack == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../../climbed.csv", bytes(20_000_000))
    else:
        path.write_bytes((zlib if pack == "zlib" else gzip).compress(bytes(20_000_000)))
    with pytest.raises(UsageError):
        score(path, "primary")
    survives("bomb", lambda: score(path, "primary"), tmp_path)


FEW = {
    "power": ["power_kw"],
    "power and command": ["power_kw", "command_kw"],
    "power and frequency": ["power_kw", "frequency_hz"],
    "power and mode": ["power_kw", "mode"],
}


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_few_columns_and_one_time_far_off(tmp_path: Path, profile: str) -> None:
    """Nobody's file has every column; and a logger that lost its clock writes one time of another epoch."""
    whole = table()
    for name, columns in FEW.items():
        for far_s in (None, 1.7e9):
            kept = {key: list(whole[key]) for key in ["t_s", *columns]}
            kept["t_s"][-1] = kept["t_s"][-1] if far_s is None else far_s
            path = tmp_path / f"{name}.parquet"
            pq.write_table(pa.table(kept), path)
            survives("few columns", lambda path=path: score(path, profile), tmp_path)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("step_s", [5e-324, 1e-300, 1e-9, 1e9])
def test_times_that_no_clock_tells(tmp_path: Path, profile: str, step_s: float) -> None:
    """Rows nearer than any clock can tell, and farther apart than anybody waits."""
    columns = table(40)
    columns["t_s"] = [index * step_s for index in range(40)]
    path = tmp_path / "file.parquet"
    pq.write_table(pa.table(columns), path)
    survives("times", lambda: score(path, profile), tmp_path)
