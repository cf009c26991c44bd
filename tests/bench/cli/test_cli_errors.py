"""Whatever goes wrong: one message on standard error, the contract's exit code, with --json one object."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.cli.app import app
from bench.cli.options import Json
from bench.errors import Fault, LinkDown, UsageError


@pytest.fixture
def raising() -> Iterator[Callable[[BaseException], str]]:
    """Give a command that raises what it is told to; it is there for one test only."""
    before = list(app.registered_commands)

    def add(problem: BaseException) -> str:
        @app.command("raise")
        def _raise(as_json: Json = False) -> None:
            raise problem

        return "raise"

    yield add
    app.registered_commands[:] = before


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("run", "primary"),
        ("run", "--station", "twin"),
        ("run", "primary", "--station", "twin", "--delta-kw", "much"),
        ("run", "primary", "--station", "twin", "--point", "nowhere"),
        ("plan", "primary", "--station", "twin", "--nonsense"),
        ("schema", "everything"),
        ("editions", "--diff", "2021"),
    ],
)
def test_wrong_call_is_exit_2(drready, words):
    called = drready(*words)

    assert called.status == 2
    assert called.out == ""
    assert "Error" in called.err
    assert "Traceback" not in called.err


def test_wrong_call_with_json_still_gives_one_object(drready):
    called = drready("run", "primary", "--json")

    assert called.status == 2
    assert called.json["outcome"] is None
    assert called.json["runs"] == []
    assert "--station" in called.err


def test_each_fault_stands_on_its_own_line(drready, raising):
    faults = [Fault("lab.toml: device.rated_kw", "must be positive"), Fault("lab.toml: limits", "missing")]

    called = drready(raising(UsageError(faults)), "--json")

    assert called.status == 2
    lines = [line.strip() for line in called.err.splitlines()]
    assert [str(fault) for fault in faults] == lines[1:]
    assert called.json["faults"] == [
        {"place": "lab.toml: device.rated_kw", "message": "must be positive"},
        {"place": "lab.toml: limits", "message": "missing"},
    ]


def test_a_dead_instrument_is_exit_3(drready, raising):
    called = drready(raising(LinkDown("nobody answers at 192.0.2.1", role="meter")), "--json")

    assert called.status == 3
    assert called.json["outcome"] == "ERROR"
    assert "meter: nobody answers at 192.0.2.1" in called.err


def test_ctrl_c_is_exit_3(drready, raising):
    called = drready(raising(KeyboardInterrupt()), "--json")

    assert called.status == 3
    assert called.json["outcome"] == "ABORTED"


def test_a_fault_of_our_own_is_exit_3_without_traceback(drready, raising, monkeypatch):
    monkeypatch.delenv("DRREADY_DEBUG", raising=False)

    called = drready(raising(ZeroDivisionError("by mistake")), "--json")

    assert called.status == 3
    assert "ZeroDivisionError: by mistake" in called.err
    assert "Traceback" not in called.err
    assert called.json["outcome"] == "ERROR"


def test_its_traceback_can_be_asked_for(drready, raising, monkeypatch):
    monkeypatch.setenv("DRREADY_DEBUG", "1")

    called = drready(raising(ZeroDivisionError("by mistake")))

    assert called.status == 3
    assert "Traceback" in called.err


def test_results_that_cannot_be_written_are_exit_2_before_anything_is_opened(drready, tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    called = drready("demo", "--out", tmp_path / "file" / "results")

    assert called.status == 2
    assert "--out" in called.err


@pytest.mark.parametrize("command", ["doctor", "safe", "twin serve"])
def test_a_profile_override_has_no_meaning_without_a_profile(drready, command):
    called = drready(*command.split(), "--station", "twin", "--set", "profile.hold_s=1")

    assert called.status == 2
    assert "profile.hold_s" in called.err


@pytest.mark.parametrize("command", ["doctor", "safe", "twin serve", "plan primary", "run primary"])
def test_a_missing_station_file_is_exit_2(drready, tmp_path, command):
    out = ["--out", tmp_path] if command.startswith("run") else []

    called = drready(*command.split(), "--station", tmp_path / "none.toml", *out)

    assert called.status == 2
    assert "none.toml" in called.err
    assert called.out == ""


def test_a_missing_recording_is_named_before_what_it_was_to_be_scored_for(drready, tmp_path: Path):
    called = drready("score", tmp_path / "none.csv", "--json")

    assert called.status == 2
    assert [fault["place"] for fault in called.json["faults"]] == [str(tmp_path / "none.csv"), "--profile"]


def test_bytes_that_are_no_text_are_kept_in_names_and_refused_as_a_folder(drready, tmp_path):
    """A command line may hold any bytes; Python hands those that are not UTF-8 on as half characters."""
    refused = drready("run", "primary", "--station", "twin", "--out", f"{tmp_path}/out\udcff")
    assert refused.status == 2
    assert "--out: " in refused.err
    assert "is not text; choose a folder with another name" in refused.err
    assert list(tmp_path.iterdir()) == []

    plain = ("--set", "twin.link=direct", "--out", tmp_path, "--json")
    practice = Path("fixtures/faults/practice.toml").resolve()
    done = drready("run", practice, "--station", "twin", "--operator", "Yam\udcffda", *plain)
    folder = Path(done.json["runs"][0]["folder"])
    assert "Yam\\\\udcffda" in (folder / "run.json").read_text(encoding="utf-8")
    assert drready("verify", folder).status == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells it otherwise")
@pytest.mark.parametrize("out", ["x" * 300, "/".join(["x" * 200] * 20)])
def test_a_folder_with_a_name_that_is_too_long_is_exit_2(drready, tmp_path, out):
    called = drready("run", "primary", "--station", "twin", "--out", str(tmp_path / out), "--json")
    assert called.status == 2
    assert "is too long a name" in called.json["error"]


def test_a_station_file_that_cannot_be_written_is_exit_2(drready, tmp_path):
    called = drready("twin", "serve", "--write-station", tmp_path / "none" / "served.toml")

    assert called.status == 2
    assert "--write-station" in called.err
    assert called.out == ""


def test_a_station_without_a_twin_cannot_be_served(drready, tmp_path):
    drready("init", tmp_path / "lab.toml")

    called = drready("twin", "serve", "--station", tmp_path / "lab.toml")

    assert called.status == 2
    assert "twin" in called.err
