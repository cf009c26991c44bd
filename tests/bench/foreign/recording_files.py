"""Recordings as others write them, for tests that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.errors import UsageError
from bench.foreign import read_recording
from bench.recording import Recording

CONTRACT = """
[columns]
t_s = "t_s"
command_kw = "cmd_W * 0.001"
power_kw = "p_meter_W * 0.001"
device_power_kw = "p_device_W * -0.001"
frequency_hz = "f_meter_Hz"
source_hz = "f_src_Hz"
soc_pct = "soc_pct"
mode = "mode"
[values]
missing = ["NAN", "INF", "9.91E+37", ""]
[declared]
rated_kw = 5.0
nominal_hz = 50.0
droop_pct = 4.0
dead_band_hz = 0.005
window_s = 0.1
export_limit_kw = 3.0
prior_mode = "auto"
directions = ["up", "down"]
simulated = false
"""


HEADER = "t_s,cmd_W,p_meter_W,p_device_W,f_meter_Hz,f_src_Hz,soc_pct,mode"


ROWS = (
    "0,0,1.5,0,50.001,50,90,auto",
    "1,0,2.5,0,50.000,50,90,auto",
    "2,3000,1500,-1490,49.999,50,90,remote",
    "3,3000,3001,-2990,50.001,49.8,89.9,remote",
    "4,0,10,-9,50.000,49.8,89.9,Eco",
)


def write(folder: Path, content: str | bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes, columns: str | None = None, **more: Any) -> Recording:
    options: dict[str, Any] = {"kind": "command", **more}
    toml = None if columns is None else write(folder, columns, "columns.toml")
    return read_recording(write(folder, content), toml, **options)


def faults(folder: Path, content: str | bytes, columns: str | None = None, **more: Any) -> list[str]:
    with pytest.raises(UsageError) as raised:
        read(folder, content, columns, **more)
    return [str(fault) for fault in raised.value.faults]


PLAIN = "t_s,power_kw,mode\n0,1.5,充電\n1,2.5,放電\n"


def parquet(folder: Path, **columns: Any) -> Path:
    path = folder / "file.parquet"
    pq.write_table(pa.table(columns), path)
    return path
