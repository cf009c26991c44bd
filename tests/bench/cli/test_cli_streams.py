"""The console script as a process: quick help, readers that leave, consoles that know no Japanese."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = [sys.executable, "-m", "bench.cli"]
HEAVY = ("numpy", "pyarrow", "scipy", "plotly", "pyvisa", "pymodbus", "pydantic", "rich", "bench.run")


def run(*words: str, **options) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*SCRIPT, *words], capture_output=True, timeout=60, check=False, **options)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom bench.cli.main import exit_status\nstatus = exit_status(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], status)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.splitlines()[-1] == "[] 0"


def test_a_reader_that_leaves_does_not_change_the_exit_code():
    with subprocess.Popen(
        [*SCRIPT, "schema", "station"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()
        status = process.wait(timeout=60)

    assert status == 0
    assert complaint == b""


@pytest.mark.skipif(os.name == "nt", reason="closing a stream before the start needs a POSIX shell")
def test_no_standard_output_at_all():
    command = f"{sys.executable} -m bench.cli profiles >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)

    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_a_console_without_japanese():
    done = run("profiles", "--lang", "ja", env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert done.returncode == 0
    assert rb"\u" in done.stdout


def test_a_folder_that_cannot_be_read_as_results(tmp_path):
    done = run("runs", str(tmp_path / "試験"))

    assert done.returncode == 2
    assert "試験".encode() in done.stderr
