"""A bench in a process of its own, and what the instruments saw of it: the log of the served twin."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORT = Path(__file__).with_name("short.toml")
LONG = ("primary", "--set", "profile.settle_s=60")
"""A run that is still settling when it is ended: practice or not does not matter, it never gets there."""


@dataclass
class Table:
    """A served twin in ``folder``: ``station.toml`` to reach it, ``seen.jsonl`` what it saw."""

    folder: Path
    process: subprocess.Popen[str]
    name: str = "station.toml"

    @property
    def station(self) -> Path:
        return self.folder / self.name

    def seen(self) -> list[dict[str, Any]]:
        """Return what the instruments saw so far; a line in the making is left out."""
        text = (self.folder / "seen.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def outputs(self) -> list[int]:
        return [line["value"] for line in self.seen() if line["quantity"] == "output"]

    def is_on(self) -> bool:
        return self.outputs()[-1] == 1

    def await_output(self, on: bool, limit_s: float) -> float:
        """Wait until the output is on or off; return how long that took.

        Raises:
            TimeoutError: it did not get there.
        """
        begun_s = time.monotonic()
        while self.is_on() is not on:
            if time.monotonic() - begun_s > limit_s:
                raise TimeoutError(f"after {limit_s} s the output is still {'off' if on else 'on'}")
            time.sleep(0.005)
        return time.monotonic() - begun_s


@contextlib.contextmanager
def table(folder: Path, *words: str) -> Iterator[Table]:
    """Serve a twin in real time inside the block."""
    command = [sys.executable, "-m", "bench.cli", "twin", "serve", "--station", "twin"]
    command += ["--write-station", "station.toml", "--log", "seen.jsonl", *words]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline(), process.stderr.read()
            yield Table(folder, process)
        finally:
            process.kill()


def environment(folder: Path) -> dict[str, str]:
    """Return an environment whose locks and marks lie in ``folder``."""
    return {
        **os.environ,
        "DRREADY_STATE_DIR": str(folder / "state"),
        "DRREADY_LOCK_DIR": str(folder / "locks"),
    }


def start(at: Table, *words: str | Path, **more: Any) -> subprocess.Popen[str]:
    """Start ``drready run`` on the table; its results go to ``results`` there."""
    command = [sys.executable, "-m", "bench.cli", "run", *map(str, words)]
    command += ["--station", str(at.station), "--out", str(at.folder / "results"), "--json"]
    return subprocess.Popen(
        command,
        cwd=at.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(at.folder),
        **more,
    )


def call(at: Table, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Carry out any ``drready`` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bench.cli", *map(str, words)],
        cwd=at.folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env=environment(at.folder),
    )


def newest(at: Table) -> Path:
    """Return the newest run folder."""
    return sorted((at.folder / "results").glob("*/run.json"))[-1].parent


def read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def await_file(path: Path, limit_s: float = 10.0) -> None:
    """Wait until ``path`` is there.

    Raises:
        TimeoutError: it never came.
    """
    begun_s = time.monotonic()
    while not path.exists():
        if time.monotonic() - begun_s > limit_s:
            raise TimeoutError(f"{path} never came")
        time.sleep(0.02)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below or at which ``share`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
