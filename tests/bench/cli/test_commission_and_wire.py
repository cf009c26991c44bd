"""``commission`` and ``wire`` as a user calls them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.cli import main

QUICK = ["--set", "profile.hold_s=6", "--set", 'twin.link="direct"']


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        raise SystemExit(main(list(words)))
    code = left.value.code
    return code if isinstance(code, int) else 0


def test_a_station_that_is_proved_and_one_that_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["commission", "--station", "twin", "--out", str(tmp_path), *QUICK, "--json"]
    assert call(*words, "--record-wire") == 0
    good = json.loads(capsys.readouterr().out)
    assert good["outcome"] == "PASS"
    verdict = json.loads((Path(good["folder"]) / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["qualified_kw"] is None, "no market asks for 100 W"
    assert "qualified" not in re.findall(r'class="(\w+)"', (Path(good["folder"]) / "report.html").read_text())
    assert call(*words, "--set", "twin.house.bypass=true") == 4
    bad = json.loads(capsys.readouterr().out)
    assert bad["outcome"] == "INVALID"
    assert [c["check"] for c in bad["checks"] if c["outcome"] != "PASS"] == ["receiving_point"]

    assert call("verify", good["folder"]) == 0
    assert call("wire", "check", good["folder"], "--set", 'twin.link="direct"') == 0
    assert call("wire", "check", bad["folder"]) == 2
    wire = Path(good["folder"]) / "wire.jsonl"
    wire.write_text(wire.read_text(encoding="utf-8").replace("FREQ 50.1", "FREQ 50.2"), encoding="utf-8")
    assert call("verify", good["folder"]) == 1
    assert "wire.jsonl" in capsys.readouterr().out


def test_the_battery_at_fault_and_the_call_at_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["commission", "--station", "twin", "--out", str(tmp_path), *QUICK, "--lang", "ja"]
    assert call(*words, "--set", 'twin.battery.faults=["reports_wrong_sign"]') == 1
    assert "符号" in capsys.readouterr().out
    capsys.readouterr()
    assert call(*words, "--power-w", "-1") == call(*words, "--power-w", "6000") == 2
    assert capsys.readouterr().err.count("drready: --power-w: ") == 2
    assert call(*words, "--set", "limits.voltage_v=[210.0, 225.0]") in (2, 3)
