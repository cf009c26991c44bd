"""The safe state by itself: one lost answer must not leave an output on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.host.places import LOCK_ENV
from bench.make_safe import make_safe
from tests.bench.links.wire_peers import Reply, hang_up, scpi_peer
from tests.bench.twin_station import DRIVERS, HEAD
from tests.instruments.scripted import ScriptedPcr

pytestmark = pytest.mark.wire


def left_on(folder: Path, lost: int) -> tuple[ScriptedPcr, str, int]:
    """Make a source safe that hangs up on the first ``lost`` questions for its name."""
    source = ScriptedPcr()
    source.values |= {"OUTP": 1.0, "VOLT": 202.0}
    asked = 0

    def answer(line: str) -> Reply:
        nonlocal asked
        if line == "*IDN?":
            asked += 1
            if asked <= lost:
                return hang_up
        reply = source.handle(line)
        return None if reply is None else f"{reply}\n".encode()

    with scpi_peer(answer) as peer:
        resource = f'resource = "TCPIP::127.0.0.1::{peer.port}::SOCKET"\n'
        station = folder / "lab.toml"
        head = HEAD.replace("timeout_s = 1.0", "timeout_s = 0.3")
        station.write_text(
            f"{head}[instruments.source]\n{DRIVERS['source']}{resource}"
            '[instruments.meter]\ndriver = "tests.bench.still_driver:Still"\n'
            f'resource = "TCPIP::127.0.0.1::{peer.port}::SOCKET"\ndevice_point = 1\n',
            encoding="utf-8",
        )
        state = make_safe(str(station))
    return source, state.state, asked


def test_a_source_that_loses_one_question_is_asked_again(tmp_path: Path) -> None:
    source, state, asked = left_on(tmp_path, lost=1)
    assert (source.values["OUTP"], state) == (0.0, "verified")
    assert asked >= 2


def test_a_source_that_never_tells_its_name_is_told_as_unknown(tmp_path: Path) -> None:
    source, state, asked = left_on(tmp_path, lost=100)
    assert (source.values["OUTP"], state) == (1.0, "unknown")
    assert 3 <= asked < 20


def test_no_folder_for_locks_keeps_no_output_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(LOCK_ENV, str(tmp_path / "file" / "locks"))
    source, state, _ = left_on(tmp_path, lost=0)
    assert (source.values["OUTP"], state) == (0.0, "verified")
