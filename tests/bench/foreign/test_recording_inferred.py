"""What is found out about a recording that nobody declared, and what is only told: gaps, windows, clocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.bench.foreign.recording_files import read


def test_disorder_is_told_and_not_repaired(tmp_path: Path) -> None:
    content = "t_s,power_kw\n0,1\n1,2\n3,3\n2,4\n4,5\n4,5\n5,6\n5,7\n"
    found = read(tmp_path, content)
    signal = found.signals["meter.power_kw"]
    assert signal.t_s.tolist() == [0, 1, 3, 2, 4, 4, 5, 5]
    assert signal.value.tolist() == [1, 2, 3, 4, 5, 5, 6, 7]
    assert signal.quality.tolist() == ["ok"] * 5 + ["repeated", "ok", "ok"]
    told = {event["kind"]: (event["t_s"], event["count"]) for event in found.events}
    assert told == {"out_of_order": (2.0, 1), "duplicate": (4.0, 2), "duplicate_conflict": (5.0, 1)}


def test_gaps_are_gaps(tmp_path: Path) -> None:
    rows = [f"{n},{'' if 40 <= n < 44 else 1},50" for n in range(100) if not 20 < n < 30]
    found = read(tmp_path, "t_s,power_kw,frequency_hz\n" + "\n".join(rows))
    assert [(g.from_s, g.to_s, g.channel) for g in found.gaps] == [
        (20.0, 30.0, None),
        (39.0, 44.0, "meter.power_kw"),
    ]
    assert "4 rows" in found.gaps[1].why


def test_no_data_at_either_end_is_a_gap(tmp_path: Path) -> None:
    rows = [f"{n},{1 if 5 <= n < 90 else 'NAN'}" for n in range(100)]
    found = read(tmp_path, "t_s,power_kw\n" + "\n".join(rows))
    assert [(g.from_s, g.to_s) for g in found.gaps] == [(0.0, 5.0), (89.0, 99.0)]


def test_uneven_sampling_is_not_a_gap(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    t_s = np.cumsum(rng.choice([0.1, 0.5, 1.0, 2.0], 500))
    rows = "\n".join(f"{t:.3f},{p:.4f}" for t, p in zip(t_s, rng.normal(1, 0.01, 500), strict=True))
    assert read(tmp_path, "t_s,power_kw\n" + rows).gaps == ()


@pytest.mark.parametrize(("hold", "window_s"), [(1, 0.1), (5, 0.5), (10, 1.0)])
def test_the_window_is_estimated_from_changes_of_power(tmp_path: Path, hold: int, window_s: float) -> None:
    values = np.repeat(np.random.default_rng(2).normal(1, 0.01, 1 + 2000 // hold), hold)[:2000]
    rows = "\n".join(f"{n / 10},{value:.6f}" for n, value in enumerate(values))
    found = read(tmp_path, "t_s,power_kw\n" + rows)
    assert found.facts["window_s"] == pytest.approx(window_s)
    assert found.facts["window_from"] == "estimated"
    assert found.facts["sample_s"] == pytest.approx(0.1)


def test_the_window_of_a_silent_channel_is_the_distance_of_samples(tmp_path: Path) -> None:
    rows = "\n".join(f"{n / 2},{0 if n < 50 else 3}" for n in range(100))
    assert read(tmp_path, "t_s,power_kw\n" + rows).facts["window_s"] == 0.5


@pytest.mark.parametrize(
    ("level", "nominal"), [(50.01, 50.0), (59.9, 60.0), (0.05, None), (55.1, 60.0), (400, None)]
)
def test_nominal_frequency_is_inferred_and_marked(
    tmp_path: Path, level: float, nominal: float | None
) -> None:
    found = read(tmp_path, f"t_s,power_kw,frequency_hz\n0,1,{level}\n1,1,{level}\n")
    assert found.facts.get("nominal_hz") == nominal
    assert found.facts.get("nominal_from") == (None if nominal is None else "estimated")


def test_a_declared_clock_offset_moves_the_commander_and_is_told(tmp_path: Path) -> None:
    content = "t_s,power_kw,command_kw,soc_pct\n0,0,0,90\n1,0,3,90\n2,3,3,90\n"
    found = read(tmp_path, content, "[declared]\nclock_offset_s = -0.25\n")
    assert [c.t_s for c in found.commands] == [-0.25, 0.75]
    assert found.signals["meter.power_kw"].t_s.tolist() == [0, 1, 2]
    assert found.signals["battery.soc_pct"].t_s.tolist() == [-0.25, 0.75, 1.75]
    assert found.facts["clock_offset_s"] == -0.25
    assert found.events[-1]["kind"] == "clock_offset"


def test_accuracy_of_the_meter_may_be_declared(tmp_path: Path) -> None:
    columns = "[accuracy]\npower_reading_pct = 0.1\n"
    found = read(tmp_path, "t_s,power_kw\n0,1\n", columns, accuracy={"power_reading_pct": 9.0, "time_s": 0.1})
    assert found.accuracy == {"power_reading_pct": 0.1, "time_s": 0.1}
