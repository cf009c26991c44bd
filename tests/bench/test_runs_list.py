"""The list of runs: newest first, and honest about what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.runs import list_runs


def put(results: Path, name: str, content: dict[str, object] | str) -> Path:
    folder = results / name
    folder.mkdir(parents=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "run.json").write_text(text, encoding="utf-8")
    return folder


def closed(started: str, outcome: str | None) -> dict[str, object]:
    return {
        "profile": "primary",
        "started_utc": started,
        "outcome": outcome,
        "simulated": True,
        "dry_run": False,
        "device": {"serial": "SIM-1"},
    }


def test_newest_first_whatever_the_folder_is_called(tmp_path: Path):
    put(tmp_path, "b", closed("2026-11-20T09:00:00+00:00", "PASS"))
    put(tmp_path, "a", closed("2026-11-21T09:00:00Z", "FAIL"))
    put(tmp_path, "c", closed("2026-11-19T09:00:00Z", "ERROR"))

    assert [(entry.folder.name, entry.outcome) for entry in list_runs(tmp_path)] == [
        ("a", "FAIL"),
        ("b", "PASS"),
        ("c", "ERROR"),
    ]


def test_a_run_that_never_closed_has_no_outcome(tmp_path: Path):
    put(tmp_path, "20261121T090000Z_primary_x", closed("2026-11-21T09:00:00Z", None))

    (entry,) = list_runs(tmp_path)

    assert (entry.outcome, entry.state) == (None, "open")


@pytest.mark.parametrize("text", ["{", "[]", '"PASS"', ""])
def test_a_damaged_run_is_listed_and_sorted_by_its_folder(tmp_path: Path, text: str):
    put(tmp_path, "20261120T090000Z_primary_x", text)
    put(tmp_path, "20261121T090000Z_primary_x", closed("2026-11-21T09:00:00Z", "PASS"))
    put(tmp_path, "20261119T090000Z_primary_x", closed("2026-11-19T09:00:00Z", "PASS"))

    states = [entry.state for entry in list_runs(tmp_path)]

    assert states == ["closed", "unreadable", "closed"]


def test_other_folders_are_no_runs(tmp_path: Path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").write_text("x", encoding="utf-8")

    assert list_runs(tmp_path) == []


def test_no_folder_is_a_usage_error(tmp_path: Path):
    with pytest.raises(UsageError, match="nowhere"):
        list_runs(tmp_path / "nowhere")
