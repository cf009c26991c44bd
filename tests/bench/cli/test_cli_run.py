"""From a call to its evidence, on the twin without sockets: what is printed, what is left, how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.evidence.attest import write_attestation
from bench.evidence.keys import public_pem
from bench.evidence.sums import write_sums
from bench.rooms import bundled_stations

DIRECT = ("--set", 'twin.link="direct"')


def runs_in(results: Path) -> list[Path]:
    return sorted(results.iterdir())


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run of primary that passed."""
    from bench.run import RunRequest, run_campaign

    results = tmp_path_factory.mktemp("results")
    (result,) = run_campaign(RunRequest(["primary"], "twin", overrides=[DIRECT[1]], out=results))
    assert result.folder is not None
    return result.folder


def test_json_is_one_object_with_a_row_per_run(drready, tmp_path):
    called = drready("run", "mode_restore", "--station", "twin", *DIRECT, "--out", tmp_path, "--json")

    assert called.status == 0, called.err
    assert called.json["outcome"] == "PASS"
    (row,) = called.json["runs"]
    assert (row["profile"], row["outcome"]) == ("mode_restore", "PASS")
    assert Path(row["folder"]) in runs_in(tmp_path)
    assert (Path(row["folder"]) / "report.html").is_file()


def test_progress_goes_to_standard_error(drready, tmp_path):
    called = drready("run", "primary", "--station", "twin", *DIRECT, "--out", tmp_path)

    assert ": settle\n" in called.err  # what comes within the next tenth of a second may be left out
    assert "SIMULATED" in called.out
    assert "report.html" in called.out
    assert called.status == 0


def test_a_fail_does_not_stop_the_rest_and_is_exit_1(drready, tmp_path):
    slow = ("--set", "twin.battery.delay_s=2.3")

    called = drready(
        "run", "primary", "tertiary2", "--station", "twin", *DIRECT, *slow, "--out", tmp_path, "--json"
    )

    assert called.status == 1
    assert called.json["outcome"] == "FAIL"
    assert [(row["profile"], row["outcome"]) for row in called.json["runs"]] == [
        ("primary", "FAIL"),
        ("tertiary2", "PASS"),
    ]


def test_a_port_nobody_listens_on_is_exit_3_and_names_the_instrument(drready, tmp_path):
    station = dead_station(tmp_path)

    called = drready("run", "primary", "--station", station, "--out", tmp_path / "results", "--json")

    assert called.status == 3
    assert called.json["outcome"] == "ERROR"
    for role in ("source", "meter", "battery"):
        assert role in called.err
    assert "Traceback" not in called.err


def test_doctor_shows_what_does_not_answer_and_is_exit_3(drready, tmp_path):
    called = drready("doctor", "--station", dead_station(tmp_path), "--json")

    assert called.status == 3
    assert called.json["outcome"] == "ERROR"
    silent = {row["role"] for row in called.json["checks"] if row["status"] == "fault"}
    assert silent >= {"source", "meter", "battery"}


def test_safe_on_the_twin_is_proved(drready):
    called = drready("safe", "--station", "twin", "--json")

    assert called.status == 0
    assert called.json["state"] == "verified"
    assert called.json["steps"]


def test_safe_that_cannot_be_reached_is_exit_3(drready, tmp_path):
    called = drready("safe", "--station", dead_station(tmp_path), "--json")

    assert called.status == 3
    assert called.json["outcome"] == "ERROR"


def dead_station(folder: Path) -> Path:
    """Write a station file whose addresses nobody listens on: closed ports of this machine."""
    import re
    import socket

    from bench.template import station_template

    ports = []
    for _ in range(3):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    addresses = iter(
        [
            f"TCPIP::127.0.0.1::{ports[0]}::SOCKET",
            f"TCPIP::127.0.0.1::{ports[1]}::SOCKET",
            f"TCP::127.0.0.1::{ports[2]}",
        ]
    )
    text = re.sub(
        r'^resource = ".*?"', lambda _: f'resource = "{next(addresses)}"', station_template(), flags=re.M
    )
    path = folder / "dead.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_plan_touches_nothing_and_says_how_long(drready, tmp_path):
    called = drready("plan", "tertiary2", "primary", "--station", dead_station(tmp_path), "--json")

    assert called.status == 0
    tertiary2, primary = called.json["plans"]
    assert tertiary2["profile"] == "tertiary2"
    assert tertiary2["duration_s"] > 3600
    assert primary["rows"]


def test_plan_for_people(drready):
    called = drready("plan", "tertiary2", "--station", "twin")

    assert called.status == 0
    for word in ("baseline", "hold", "battery.power_set_kw", "kWh"):
        assert word in called.out


@pytest.mark.parametrize("power", ["0", "-1", "nan", "inf", "99"])
def test_a_power_that_cannot_be_tested_is_exit_2(drready, tmp_path, power):
    called = drready(
        "run", "tertiary2", "--station", "twin", "--delta-kw", power, "--out", tmp_path / "results"
    )

    assert called.status == 2
    assert "Traceback" not in called.err
    assert list((tmp_path / "results").glob("*")) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "tertiary99", "--station", "twin"), "tertiary99"),
        (("run", "primary", "--station", "twin", "--set", "twin.battery.dellay_s=1"), "dellay_s"),
        (("run", "primary", "--station", "twin", "--set", "profile.nonsense=1"), "nonsense"),
        (("run", "primary", "--station", "twin", "--edition", "1999"), "1999"),
        (("run", "primary", "--station", "twin", "--set", "device.rated_kw=true"), "rated_kw"),
    ],
)
def test_what_is_not_there_is_exit_2(drready, tmp_path, words, said):
    called = drready(*words, "--out", tmp_path / "results", "--json")

    assert called.status == 2
    assert called.json["outcome"] is None
    assert said in called.err
    assert list((tmp_path / "results").glob("*")) == []


def test_a_genuine_run_verifies(drready, passed):
    called = drready("verify", passed, "--json")

    assert called.status == 0, called.out
    attested = json.loads((passed / "attestation.json").read_text(encoding="utf-8"))["signatures"][0]
    whose = {"signed_by": attested["keyid"], "problems": []}
    assert called.json == {"genuine": True, "folder": str(passed), **whose}


def test_a_run_signed_by_another_than_the_key_given_is_not_genuine(drready, passed, tmp_path):
    mine, other = tmp_path / "mine.pem", tmp_path / "other.pem"
    attested = json.loads((passed / "attestation.json").read_text(encoding="utf-8"))["signatures"][0]
    mine.write_text(attested["public_key"])
    other.write_text(public_pem(Ed25519PrivateKey.generate().public_key()))

    assert drready("verify", passed, "--key", mine).status == 0
    called = drready("verify", passed, "--key", other)
    assert called.status == 1
    assert "attestation.json: not signed by the key given" in called.out
    assert drready("verify", passed, "--key", tmp_path / "none.pem").status == 2


def test_what_could_not_be_signed_says_so_at_once_and_is_not_genuine(drready, tmp_path, monkeypatch):
    monkeypatch.setenv("DRREADY_KEY", str(tmp_path / "no-such-key.pem"))
    short = ("--set", "profile.steps_count=1")
    called = drready("run", "primary", "--station", "twin", *DIRECT, *short, "--out", tmp_path, "--json")
    assert "NOT SIGNED: no signing key" in called.err

    again = drready("verify", called.json["runs"][0]["folder"])
    assert again.status == 1
    assert "not shown to be genuine\n  attestation.json: not signed" in again.out


def test_a_changed_run_does_not(drready, passed, tmp_path):
    copy = tmp_path / passed.name
    shutil.copytree(passed, copy)
    commands = copy / "commands.csv"
    commands.write_text(commands.read_text(encoding="utf-8").replace("49.8", "49.9"), encoding="utf-8")

    called = drready("verify", copy)

    assert called.status == 1
    assert "commands.csv" in called.out

    (copy / "run.json").unlink()
    called = drready("verify", copy)
    assert called.status == 1, "its checksums still say what it was"
    assert "run.json: missing" in called.out


@pytest.mark.parametrize(("key", "genuine"), [("reason_ja", True), ("reason", False)])
def test_a_translation_may_be_mended_later_and_a_reason_may_not(drready, passed, tmp_path, key, genuine):
    copy = tmp_path / passed.name
    shutil.copytree(passed, copy)
    verdict = json.loads((copy / "verdict.json").read_text(encoding="utf-8"))
    verdict["findings"][0][key] += "."
    (copy / "verdict.json").write_text(json.dumps(verdict), encoding="utf-8")
    write_sums(copy)
    write_attestation(copy)

    called = drready("verify", copy)

    assert called.status == (0 if genuine else 1)
    assert genuine or "verdict.json: findings[0]: reason" in called.out


def test_what_is_no_run_folder_is_exit_2(drready, tmp_path):
    for command in ("verify", "score", "report"):
        called = drready(command, tmp_path)
        assert called.status == 2, command
        assert "Traceback" not in called.err


def test_score_says_what_the_run_said_and_writes_nothing(drready, passed):
    before = {path: path.stat().st_mtime_ns for path in passed.rglob("*")}

    called = drready("score", passed, "--json")

    assert called.status == 0
    assert called.json == json.loads((passed / "verdict.json").read_text(encoding="utf-8"))
    assert {path: path.stat().st_mtime_ns for path in passed.rglob("*")} == before


def test_every_file_that_was_used_lies_in_the_folder(drready, tmp_path):
    """The sun's CSV beside the recording that is played, though both have one name."""
    (tmp_path / "lab.toml").write_bytes(bundled_stations()["twin"].read_bytes())
    sun, grid = tmp_path / "day.csv", tmp_path / "grid" / "day.csv"
    sun.write_text("t_s,pv_kw\n0,0.5\n")
    grid.parent.mkdir()
    grid.write_text("t_s,frequency_hz\n" + "".join(f"{t},{50 + t % 2 / 100}\n" for t in range(30)))
    files = ("--set", 'twin.house.pv_kw="day.csv"', "--set", f"profile.recording={grid}")
    lab = ("--station", tmp_path / "lab.toml", *DIRECT, *files)

    called = drready("run", "grid_replay", *lab, "--out", tmp_path / "r", "--json")

    inputs = Path(called.json["runs"][0]["folder"]) / "inputs"
    assert {path.name: path.read_bytes() for path in inputs.iterdir()} == {
        "day.csv": grid.read_bytes(),
        "day_2.csv": sun.read_bytes(),
    }


@pytest.mark.parametrize("delta_kw", ["5.6", "0", "-1", "nan"])
def test_a_run_is_not_scored_for_a_power_that_its_device_has_not(drready, passed, delta_kw):
    called = drready("score", passed, "--delta-kw", delta_kw, "--json")

    assert called.status == 2
    assert [fault["place"] for fault in called.json["faults"]] == ["--delta-kw"]


def test_report_is_drawn_beside_the_run(drready, passed):
    before = {path: path.stat().st_mtime_ns for path in passed.rglob("*")}

    called = drready("report", passed, "--lang", "ja")

    path = Path(called.out.strip())
    assert called.status == 0
    assert path.parent == passed.parent
    assert 'lang="ja"' in path.read_text(encoding="utf-8")
    assert {path: path.stat().st_mtime_ns for path in passed.rglob("*")} == before


def test_runs_lists_it(drready, passed):
    (entry,) = drready("runs", passed.parent, "--json").json["runs"]

    assert entry["profile"] == "primary"
    assert entry["outcome"] == "PASS"
    assert entry["simulated"] is True
    assert Path(entry["folder"]) == passed
    assert "SIMULATED" in drready("runs", passed.parent).out


def test_named_profiles_are_recharged_between_when_asked(drready, tmp_path):
    low = ("--set", "twin.battery.soc_pct=30")
    lab = ("--station", "twin", *DIRECT, *low, "--out", tmp_path, "--json")

    called = drready("run", "economic_dr", *lab, "--recharge")

    assert [row["profile"] for row in called.json["recharges"]] == ["recharge"], called.err
