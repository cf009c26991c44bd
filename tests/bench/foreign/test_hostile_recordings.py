"""Whatever the bytes, a recording comes out or one clear message: never anything else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.foreign import read_recording
from bench.recording import Recording

CELL = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(
        ["", "NAN", "9.91E+37", "=1+1", "<b>", '"', '""', "1,5", "1e999", "\ud7ff", "2026-01-01"]
    ),
    st.text(max_size=8),
)
NAMES = st.sampled_from(["t_s", "time", "power_kw", "command_kw", "frequency_hz", "source_hz", "mode", "x"])
DELIMITER = st.sampled_from([",", ";", "\t"])
COLUMNS = """
[columns]
t_s = "t_s * 1e300"
power_kw = "power_kw * -1e300"
mode = "mode"
"""


def outcome(content: bytes, columns: bytes | None = None) -> Recording | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes(content)
        toml = None
        if columns is not None:
            toml = Path(folder) / "columns.toml"
            toml.write_bytes(columns)
        try:
            return read_recording(path, toml, kind="frequency")
        except UsageError:
            return None


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
@example(b"PAR1")
@example(b"\xff\xfe\x00")
@example(b't_s,power_kw\n0,"')
@example(b"t_s,power_kw\r0,1\r1,2\r")
@example(b"t_s,power_kw\n" + b"x" * 200_000 + b",1\n")
def test_arbitrary_bytes(content: bytes) -> None:
    assert outcome(content) is None or content


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(NAMES, min_size=1, max_size=6, unique=True),
    st.lists(st.lists(CELL, max_size=6), max_size=8),
    DELIMITER,
)
def test_arbitrary_tables(names: list[str], rows: list[list[str]], mark: str) -> None:
    lines = [mark.join(names), *(mark.join(row) for row in rows)]
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    found = outcome(content)
    if found is not None:
        assert "meter.power_kw" in found.signals
    outcome(content, COLUMNS.encode())


NUMBERS = st.lists(
    st.tuples(
        st.floats(-1e15, 1e15), st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True)
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=200)
@given(NUMBERS)
@example([(0.0, 1e308, 50.0), (0.1, -1e308, -1e308)] * 10)
def test_arbitrary_numbers_keep_their_rows(rows: list[tuple[float, float, float]]) -> None:
    lines = ["t_s,power_kw,frequency_hz", *(",".join(map(repr, row)) for row in rows)]
    found = outcome("\n".join(lines).encode())
    far = any(abs(row[0]) >= 1e12 for row in rows)
    assert (found is None) == far
    if found is not None:
        assert len(found.signals["meter.power_kw"].t_s) == len(rows)


@settings(max_examples=100)
@given(st.binary(max_size=200))
@example(b"[columns]\nt_s = 5\n")
@example(b"[declared]\nrated_kw = " + b"9" * 5000)
@example(b'[declared]\ntime_zone = "\\u0000"\n')
@example(b'[declared]\ntime_zone = "+99:99"\n')
@example(b"[columns]\nt_s = 't_s'\npower_kw = 'power_kw * 1e999'\n")
def test_arbitrary_columns_files(columns: bytes) -> None:
    assert outcome(b"time,power_kw\n2026-01-01T00:00:00,1\n", columns) is None or columns


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "file.parquet"
    pq.write_table(pa.table({"t_s": [0.0, 1.0, 2.0], "power_kw": [1.0, None, 2.0]}), path)
    return path.read_bytes()


@settings(max_examples=150)
@given(st.data())
def test_damaged_parquet(parquet: bytes, data: st.DataObject) -> None:
    content = bytearray(parquet[: data.draw(st.integers(5, len(parquet)))])
    for at in data.draw(st.lists(st.integers(4, len(content) - 1), max_size=3)):
        content[at] ^= data.draw(st.integers(1, 255))
    assert outcome(bytes(content)) is None or content
