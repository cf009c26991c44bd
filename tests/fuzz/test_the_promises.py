"""The watch over the promises can itself fail: calls that break one, and hide it as the bench might."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.clock import host_monotonic_s
from tests.fuzz import hostile
from tests.fuzz.hostile import commanded, survives


def _hangs() -> None:
    with contextlib.suppress(Exception):
        for _ in itertools.count():
            pass


def _long_in_one_piece() -> None:
    until_s = host_monotonic_s() + 0.1
    with contextlib.suppress(BaseException):
        while host_monotonic_s() < until_s:
            pass
    while host_monotonic_s() < until_s:
        pass


def _starts() -> None:
    with contextlib.suppress(Exception):
        subprocess.run([sys.executable, "--version"], check=False)


def _raises() -> None:
    raise KeyError("place")


@pytest.fixture(autouse=True)
def _counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "TRIED", Counter())
    monkeypatch.setattr(hostile, "BROKEN", Counter())
    monkeypatch.setattr(hostile, "_LONGEST_S", 0.05)


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (_hangs, AssertionError, "still busy after 0.05 s"),
        (_long_in_one_piece, AssertionError, "took over 0.05 s"),
        (_starts, AssertionError, "started a program"),
        (_raises, KeyError, "place"),
    ],
)
def test_a_broken_promise_is_told(call: Callable[[], None], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        survives("x", call)
    assert hostile.BROKEN == {"x": 1}


def test_what_is_written_outside_is_told(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    survives("x", lambda: (inside / "file").write_text("x"), inside)
    assert hostile.BROKEN["x"] == 0

    def climbs() -> None:
        with contextlib.suppress(Exception):
            (inside / ".." / "file").write_text("x")

    with pytest.raises(AssertionError, match="outside"):
        survives("x", climbs, inside)
    assert not (tmp_path / "file").exists()


def test_what_the_last_resort_of_the_command_line_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hostile, "_LONGEST_S", 20.0)
    commanded("x", "runs", tmp_path, inside=tmp_path)
    monkeypatch.setattr("bench.runs.list_runs", lambda folder: 1 / 0)
    with pytest.raises(AssertionError, match="the bench itself failed"):
        commanded("x", "runs", tmp_path, inside=tmp_path)
