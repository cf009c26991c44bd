"""A pytest session that is killed, as by a time-out that ends the process: the watchdog switches off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.realtime.bench_process import environment, table

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(sys.platform == "win32", reason="a process is ended by POSIX signals here"),
]

HANGS = """
import sys


def test_hangs(ac_source):
    ac_source.set("output", True)
    sys.__stdin__.readline()
"""


def session(folder: Path, *words: str) -> subprocess.Popen[str]:
    (folder / "test_hangs.py").write_text(HANGS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *words]
    return subprocess.Popen(
        [*command, "--station", "station.toml"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(folder),
    )


def test_a_killed_session_leaves_the_output_off(tmp_path: Path) -> None:
    with table(tmp_path) as at, session(tmp_path) as killed:
        at.await_output(True, 30.0)
        killed.kill()
        at.await_output(False, 5.0)


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_a_time_out_leaves_the_output_off(tmp_path: Path, method: str) -> None:
    # only the test itself is timed: a busy machine may take long to open the station
    words = ["-o", "timeout_func_only=true", "--timeout=2", f"--timeout-method={method}"]
    with table(tmp_path) as at, session(tmp_path, *words) as late:
        at.await_output(True, 30.0)
        at.await_output(False, 8.0)
        late.wait(30.0)
        assert late.returncode != 0
