"""What tests of several rooms share: the twin as a process of its own, in real time."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The suite tries the same cases each time, so that what it says is about the change and not about luck and
# load; `make fuzz` draws new ones.
settings.register_profile("suite", deadline=None, derandomize="DRREADY_FUZZ" not in os.environ)
settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later collection of garbage, and collect seldom.

    Thousands of test items are alive for the whole session; walking over them again and again took a tenth
    of its time.
    """
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


@dataclass(frozen=True)
class Served:
    """A served twin: its process, and the line that it printed when it was ready."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]


@pytest.fixture(scope="session", autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the locks and marks of the tests, and of the processes they start, out of the user's folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRREADY_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        patch.setenv("DRREADY_LOCK_DIR", str(tmp_path_factory.mktemp("locks")))
        yield


ServeTwin = Callable[..., AbstractContextManager[Served]]


@contextlib.contextmanager
def _serve(folder: Path, *words: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "bench.cli", "twin", "serve", "--station", "twin", *words]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                assert process.stderr is not None
                pytest.fail(process.stderr.read())
            yield Served(process, json.loads(line))
        finally:
            process.kill()


@pytest.fixture
def serve_twin() -> ServeTwin:
    """Give ``serve_twin(folder, "--log", "seen.jsonl")``, a context manager around ``drready twin serve``."""
    return _serve


@pytest.fixture
def log_lines() -> Callable[[Path], list[dict[str, Any]]]:
    """Give a function that reads a log of one JSON object a line."""
    return lambda path: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
