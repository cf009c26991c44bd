"""Progress: a line per phase in a log, a bar on a terminal, never anything on standard output."""

from __future__ import annotations

import contextlib
import io
import os
import sys

import pytest

from bench.cli.progress import BarProgress, LineProgress, progress, readings, span


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.9, "60 s"), (61, "1:01"), (3599.6, "1:00:00"), (9301, "2:35:01")]
)
def test_durations(seconds, text):
    assert span(seconds) == text


def test_readings_carry_their_units():
    live = {"meter.power_kw": 1.5, "battery.mode": "remote", "meter.frequency_hz": None}

    assert readings(live) == "power 1.500 kW  mode remote  frequency no data"


def test_a_log_gets_one_line_per_phase(capsys):
    shown = LineProgress()
    shown.start("primary", 600.0)
    for t_s in range(0, 600, 60):
        shown.update(float(t_s), 600.0, "rest" if t_s < 300 else "step", {})
    shown.finish()

    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == [
        "primary: 10:00",
        "primary: 0 s of 10:00: rest",
        "primary: 5:00 of 10:00: step",
    ]


def test_a_log_in_japanese(capsys):
    shown = LineProgress("ja")
    shown.start("primary", 600.0, ["the rated power is not known"])
    shown.update(300.0, 600.0, "hold", {})

    assert capsys.readouterr().err.splitlines() == [
        "primary: 10:00",
        "primary: 警告: 定格出力が不明",
        "primary: 10:00のうち5:00：継続",
    ]
    assert readings({"meter.power_kw": None}, "ja") == "power データなし"


def test_no_terminal_means_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    assert isinstance(progress(), LineProgress)


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
def test_a_terminal_gets_a_bar(monkeypatch):
    import pty

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "160")
        shown = progress()
        assert isinstance(shown, BarProgress)
        shown.start("tertiary2", 100.0)
        shown.update(50.0, 100.0, "hold", {"meter.power_kw": 3.0})
        shown.finish()
        terminal.flush()
        written = drained(ours)

    assert "tertiary2" in written
    assert "hold" in written
    assert "power 3.000 kW" in written


def drained(descriptor: int) -> str:
    """Return what waits at the far end of a pseudo-terminal."""
    os.set_blocking(descriptor, False)
    pieces = []
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(descriptor, 4096):
            pieces.append(piece)
    os.close(descriptor)
    return b"".join(pieces).decode("utf-8")
