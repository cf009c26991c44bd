"""``drready recover``, and the commands that close what they meet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.record.run_folders import record


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A folder as a killed process leaves it: 200 samples, 200 on the disk."""
    folder = tmp_path / "20260301T003015Z_primary_SIM"
    folder.mkdir()
    record(folder, close=False)
    return folder


def test_runs_closes_what_it_meets(left: Path, drready):
    listed = drready("runs", left.parent, "--json")
    assert json.loads(listed.out)["runs"][0]["outcome"] == "ABORTED"
    assert "was left open" in listed.err


def test_score_closes_what_it_meets(left: Path, drready):
    called = drready("score", left, "--json")
    assert (called.status, called.json["outcome"]) == (3, "ABORTED")
    assert "was left open" in called.err
    assert (left / "SHA256SUMS").is_file()


def test_the_command_says_what_it_kept(left: Path, drready):
    called = drready("recover", left, "--json")
    assert called.status == 0
    told = json.loads(called.out)
    assert (told["outcome"], told["samples"], told["safe_state"]) == ("ABORTED", 200, "unknown")
    assert drready("recover", left).status == 2
