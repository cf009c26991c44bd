"""``drready twin serve`` as another program sees it: a process, its ports, its files, its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib

import pytest

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(os.name == "nt", reason="a process is ended by POSIX signals here"),
]


def ask(port: int, question: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(question.encode() + b"\n")
        return wire.makefile("r", encoding="ascii").readline().strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_a_signal_and_ends_with_0(serve_twin, log_lines, tmp_path, number):
    with serve_twin(tmp_path, "--write-station", "served.toml", "--log", "seen.jsonl") as twin:
        assert twin.ready["ready"] is True
        assert twin.ready["station"] == "served.toml"
        ports = twin.ready["ports"]
        assert set(ports) >= {"source", "meter", "battery"}

        content = tomllib.loads((tmp_path / "served.toml").read_text(encoding="utf-8"))
        assert "twin" not in content
        assert content["station"]["simulated"] is True
        for role, port in ports.items():
            assert str(port) in content["instruments"][role]["resource"]
            assert "127.0.0.1" in content["instruments"][role]["resource"]
        assert "SIM" in ask(ports["source"], "*IDN?")

        twin.process.send_signal(number)
        assert twin.process.wait(timeout=30) == 0

    lines = log_lines(tmp_path / "seen.jsonl")
    first = {(line["instrument"], line["quantity"]) for line in lines}
    assert {("source", "output"), ("source", "frequency_hz"), ("battery", "power_set_kw")} <= first
    assert list(tmp_path.glob(".served*")) == []


def test_another_process_reaches_the_served_station(serve_twin, tmp_path):
    with serve_twin(tmp_path, "--write-station", "served.toml"):
        done = subprocess.run(
            [sys.executable, "-m", "bench.cli", "doctor", "--station", "served.toml", "--json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    content = json.loads(done.stdout)
    assert content["outcome"] == "PASS", done.stdout
    assert content["simulated"] is True
    assert done.returncode == 0


def test_what_a_client_sets_stands_in_the_log(serve_twin, log_lines, tmp_path):
    with serve_twin(tmp_path, "--log", "seen.jsonl") as twin:
        assert twin.ready["station"] is None
        assert float(ask(twin.ready["ports"]["source"], "FREQ 49.8;FREQ?")) == 49.8
        twin.process.send_signal(signal.SIGTERM)
        twin.process.wait(timeout=30)

    lines = log_lines(tmp_path / "seen.jsonl")
    values = [line["value"] for line in lines if line["quantity"] == "frequency_hz"]
    assert values == [50.0, 49.8]


def test_a_run_in_real_time_that_is_stopped_leaves_the_output_off(serve_twin, log_lines, tmp_path):
    with serve_twin(tmp_path, "--write-station", "served.toml", "--log", "seen.jsonl") as twin:
        command = [sys.executable, "-m", "bench.cli", "run", "primary", "--station", "served.toml", "--json"]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as run:
            assert run.stderr is not None
            said = []
            for line in run.stderr:  # the phase is told of once the run is under way
                said.append(line)
                if "settle" in line:
                    break
            run.send_signal(signal.SIGINT)
            run.send_signal(signal.SIGTERM)  # an impatient second one must not cut the safe state short
            written, rest = run.communicate(timeout=60)
        twin.process.send_signal(signal.SIGTERM)
        twin.process.wait(timeout=30)

    assert run.returncode == 3, "".join(said) + rest
    content = json.loads(written)
    assert content["outcome"] == "ABORTED"
    lines = log_lines(tmp_path / "seen.jsonl")
    outputs = [line["value"] for line in lines if line["quantity"] == "output"]
    assert outputs == [0, 1, 0]
    info = json.loads((tmp_path / content["runs"][0]["folder"] / "run.json").read_text("utf-8"))
    assert info["safe_state"]["state"] == "verified"


def test_a_station_that_dies_in_a_run_is_an_error_and_says_what_to_do(serve_twin, tmp_path):
    with serve_twin(tmp_path, "--write-station", "served.toml") as twin:
        command = [sys.executable, "-m", "bench.cli", "run", "primary", "--station", "served.toml", "--json"]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as run:
            assert run.stderr is not None
            for line in run.stderr:
                if "settle" in line:
                    break
            twin.process.kill()
            twin.process.wait(timeout=30)
            written, said = run.communicate(timeout=100)

    assert run.returncode == 3, said
    assert json.loads(written)["outcome"] == "ERROR"
    assert "the safe state of the station is unknown; next: drready safe --station served.toml" in said
    assert "Traceback" not in said
