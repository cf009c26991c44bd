"""Other people's files: every shape they come in, and everything that may be wrong with them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bench.errors import UsageError
from bench.foreign import read_columns, read_recording
from tests.bench.foreign.recording_files import CONTRACT, HEADER, PLAIN, ROWS, faults, parquet, read, write


def test_the_contracts_example(tmp_path: Path) -> None:
    found = read(tmp_path, "\n".join([HEADER, *ROWS]), CONTRACT)
    assert found.foreign
    assert found.phases == ()
    assert found.signals["meter.power_kw"].value.tolist() == pytest.approx([0.0015, 0.0025, 1.5, 3.001, 0.01])
    assert found.signals["battery.power_kw"].value.tolist() == pytest.approx([0, 0, 1.49, 2.99, 0.009])
    assert found.signals["battery.soc_pct"].unit == "%"
    commands = [(c.t_s, c.role, c.quantity, c.value, c.direction, c.step) for c in found.commands]
    assert commands == [
        (0.0, "battery", "power_set_kw", 0.0, None, None),
        (0.0, "source", "frequency_hz", 50.0, None, None),
        (2.0, "battery", "power_set_kw", 3.0, "up", 1),
        (3.0, "source", "frequency_hz", 49.8, "up", 1),
        (4.0, "battery", "power_set_kw", 0.0, None, None),
    ]
    modes = {code: word for word, code in found.mode_codes.items()}
    assert [modes[int(code)] for code in found.signals["battery.mode"].value] == [
        "auto", "auto", "remote", "remote", "Eco",
    ]  # fmt: skip
    assert found.facts["window_s"] == 0.1
    assert found.facts["window_from"] == "declared"
    assert found.facts["declared_dead_band_hz"] == 0.005
    assert found.facts["declared_droop_pct"] == 4.0
    assert found.facts["directions"] == ["up", "down"]
    assert found.facts["simulated"] is False
    assert "dead_band_hz" not in found.facts
    assert found.gaps == ()
    assert found.events == ()


def test_declared_stands_before_the_facts_given(tmp_path: Path) -> None:
    content = "t_s,power_kw\n0,1\n1,2\n"
    facts = {"dead_band_hz": 0.01, "rated_kw": 9.0, "directions": ["up"]}
    columns = "[declared]\nrated_kw = 5\ndead_band_hz = 0.002\n"
    found = read(tmp_path, content, columns, facts=facts)
    assert found.facts["rated_kw"] == 5.0
    assert found.facts["dead_band_hz"] == 0.01
    assert found.facts["declared_dead_band_hz"] == 0.002
    assert read_columns(tmp_path / "columns.toml").declared.facts()["rated_kw"] == 5.0


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("cp932"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace("t_s,power_kw,mode", ' t_s , "power_kw" , mode ').encode(),
        PLAIN.replace("1.5", '"1.5"').encode(),
        PLAIN.replace("1.5", " 1.5 ").encode(),
        ("\n" + PLAIN + "\n\n").encode(),
        PLAIN.rstrip().encode(),
    ],
)
def test_shapes_of_csv(tmp_path: Path, content: bytes) -> None:
    found = read(tmp_path, content)
    assert found.signals["meter.power_kw"].value.tolist() == [1.5, 2.5]
    assert {"充電", "放電"} <= set(found.mode_codes)


@pytest.mark.parametrize(
    ("cell", "quality"),
    [
        ("NAN", "missing"),
        ("nan", "missing"),
        ("", "missing"),
        (" ", "missing"),
        ("9.91E+37", "missing"),
        ("9.910000e37", "missing"),
        ("1e38", "missing"),
        ("-9.91E+37", "missing"),
        ("9.9E+37", "overflow"),
        ("INF", "overflow"),
        ("-inf", "overflow"),
        ("-999.0", "missing"),
        ("---", "missing"),
        ("2.5", "ok"),
        ("999", "ok"),
        ("9.8e37", "ok"),
    ],
)
def test_what_is_no_data(tmp_path: Path, cell: str, quality: str) -> None:
    columns = '[values]\nmissing = ["NAN", "INF", "9.91E+37", "", -999, "---"]\n'
    signal = read(tmp_path, f"t_s,power_kw\n0,1\n1,{cell}\n2,1\n", columns).signals["meter.power_kw"]
    assert signal.quality.tolist() == ["ok", quality, "ok"]
    assert np.isfinite(signal.value[1]) == (quality == "ok")


def test_a_sentinel_is_recognised_before_the_factor(tmp_path: Path) -> None:
    columns = '[columns]\nt_s = "t_s"\npower_kw = "p * 0.001"\n[values]\nmissing = [-999]\n'
    signal = read(tmp_path, "t_s,p\n0,-999\n1,9.91E37\n2,-0.999\n", columns).signals["meter.power_kw"]
    assert signal.quality.tolist() == ["missing", "missing", "ok"]


@pytest.mark.parametrize(
    ("stamps", "declared"),
    [
        (("2026-04-01T09:00:00+09:00", "2026-04-01T00:00:01.25Z"), ""),
        (("2026-04-01T09:00:00", "2026-04-01T09:00:01.250"), '[declared]\ntime_zone = "+09:00"\n'),
        (("2026-04-01 09:00:00", "2026/04/01 09:00:01.250000"), '[declared]\ntime_zone = "Asia/Tokyo"\n'),
    ],
)
def test_clock_times(tmp_path: Path, stamps: tuple[str, str], declared: str) -> None:
    content = f"time,power_kw\n{stamps[0]},1\n{stamps[1]},2\n"
    found = read(tmp_path, content, declared)
    assert found.signals["meter.power_kw"].t_s.tolist() == [0.0, 1.25]
    assert found.facts["started_utc"] == "2026-04-01T00:00:00+00:00"


def test_a_naive_time_without_zone_is_refused(tmp_path: Path) -> None:
    content = "time,power_kw\n2026-04-01T09:00:00Z,1\n2026-04-01T09:00:01,2\n"
    (fault,) = faults(tmp_path, content)
    assert "line 3" in fault
    assert "time_zone" in fault
    assert "Z" not in fault.split("time:")[1][:25]


def test_parquet(tmp_path: Path) -> None:
    start = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    path = parquet(
        tmp_path,
        time=pa.array([start, start + dt.timedelta(seconds=2)], pa.timestamp("ns", tz="Asia/Tokyo")),
        power_kw=pa.array([1.5, None], pa.float32()),
        soc_pct=pa.array([90, 89], pa.int16()),
        mode=pa.array(["auto", "remote"]).dictionary_encode(),
        command_kw=pa.array(["0", "3.0"]),
        unused=pa.array([{"a": 1}, {"a": 2}]),
    )
    found = read_recording(path, kind="command")
    signal = found.signals["meter.power_kw"]
    assert signal.t_s.tolist() == [0.0, 2.0]
    assert signal.quality.tolist() == ["ok", "missing"]
    assert found.signals["battery.soc_pct"].value.tolist() == [90.0, 89.0]
    assert [c.value for c in found.commands] == [0.0, 3.0]


def test_parquet_times_without_zone_need_one(tmp_path: Path) -> None:
    path = parquet(tmp_path, time=pa.array([0, 10**6], pa.timestamp("us")), power_kw=[1.0, 2.0])
    with pytest.raises(UsageError, match="row 1: time"):
        read_recording(path, kind="command")
    toml = write(tmp_path, '[declared]\ntime_zone = "Asia/Tokyo"\n', "columns.toml")
    found = read_recording(path, toml, kind="command")
    assert found.facts["started_utc"] == "1969-12-31T15:00:00+00:00"


def test_our_own_samples_are_sent_back(tmp_path: Path) -> None:
    path = parquet(tmp_path, tick=[0], t_s=[0.0], channel=["meter.power_kw"], value=[1.0])
    with pytest.raises(UsageError, match="name the folder"):
        read_recording(path, kind="command")


def test_every_fault_at_once_with_its_place(tmp_path: Path) -> None:
    content = "t_s,p,q\n0,1,x\n1,abc,1\nlate,2,1\n3,1_000,1\n4,5,=1+1\n"
    columns = '[columns]\nt_s = "t_s"\npower_kw = "p * 2"\nsoc_pct = "q"\n'
    found = faults(tmp_path, content, columns)
    assert len(found) == 5
    assert any("line 4: t_s: 'late'" in fault for fault in found)
    assert any("line 3: power_kw (column 'p'): 'abc' is not a number" in fault for fault in found)
    assert any("line 5" in fault and "1_000" in fault for fault in found)
    assert any("line 6" in fault and "=1+1" in fault for fault in found)


@pytest.mark.parametrize(
    ("content", "columns", "says"),
    [
        ("power_kw\n1\n", None, "a time column is needed"),
        ("t_s,p\n0,1\n", None, "power_kw is needed"),
        ("", None, "no rows"),
        ("t_s,power_kw\n", None, "no rows"),
        ("\n\n", None, "no rows"),
        ("t_s,power_kw\n0,1\n1\n", None, "line 3: 1 cells under a header of 2"),
        ("t_s,power_kw\n0,1,2\n", None, "line 2: 3 cells"),
        ("t_s,power_kw,power_kw\n0,1,2\n", None, "heads 2 columns"),
        ("t_s,power_kw\n0,1\nnan,2\n", None, "line 3: t_s"),
        ("t_s,power_kw\n0,1\n9.91e37,2\n", None, "line 3: t_s"),
        (b"\x00\x01\x02\x03", None, "neither Parquet nor text"),
        (b"PK\x03\x04abc", None, "workbook"),
        (b"PAR1 but not really PAR1", None, "Parquet"),
        ("t_s,power_kw\n0,1\n", '[columns]\nt_s = "t_s"\npower_kw = "nope"\n', "no column 'nope'"),
        ("t_s,power_kw\n0,1\n", '[columns]\npower_kw = "power_kw"\n', "a time column is needed"),
        ("t_s,power_kw\n0,1\n", '[columns]\nt_s = "t_s"\n', "power_kw is needed"),
        ("t_s,power_kw\n0,1\n", '[columns]\nt_s = "t_s"\ntime = "t_s"\npower_kw = "power_kw"\n', "both"),
        ("t_s,power_kw\n0,1\n", '[columns]\npower = "power_kw"\n', "columns.power: unknown key"),
        ("t_s,power_kw\n0,1\n", '[columns]\nt_s = "t_s"\npower_kw = "power_kw * 0"\n', "other than zero"),
        ("t_s,power_kw\n0,1\n", '[columns]\nt_s = "t_s"\npower_kw = "power_kw * nan"\n', "other than zero"),
        ("t_s,power_kw\n0,1\n", "[declared]\nrated_kw = -1\nwindow_s = 'a'\n", "declared.window_s"),
        ("t_s,power_kw\n0,1\n", "[declared]\nnominal_hz = 55\n", "must be 50 or 60"),
        ("t_s,power_kw\n0,1\n", '[declared]\ntime_zone = "Mars"\n', "is not a time zone"),
        ("t_s,power_kw\n0,1\n", '[declared]\ntime_zone = "../../etc/passwd"\n', "is not a time zone"),
        ("t_s,power_kw\n0,1\n", "[columns\n", "columns.toml: line 1"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, content: str | bytes, columns: str | None, says: str) -> None:
    found = faults(tmp_path, content, columns)
    assert any(says in fault for fault in found), found


def test_the_point_judged_needs_its_own_column(tmp_path: Path) -> None:
    content = "t_s,receiving_power_kw\n0,1\n1,1\n"
    assert "power_kw is needed to judge the device point" in faults(tmp_path, content)[0]
    found = read(tmp_path, content, point="receiving")
    assert found.point == "receiving"
    assert found.power() is found.signals["meter.receiving_power_kw"]


def test_no_file_and_no_columns_file(tmp_path: Path) -> None:
    for path, toml in (
        (tmp_path / "no.csv", None),
        (tmp_path, None),
        (tmp_path / "f.csv", tmp_path / "c.toml"),
    ):
        if toml:
            write(tmp_path, "t_s,power_kw\n0,1\n", path.name)
        with pytest.raises(UsageError):
            read_recording(path, toml, kind="command")


def test_many_faults_are_counted_not_listed_without_end(tmp_path: Path) -> None:
    found = faults(tmp_path, "t_s,power_kw\n" + "".join(f"{n},x\n" for n in range(5000)))
    assert len(found) < 60
    assert "more faults" in found[-1]


def test_modes_that_are_numbers_keep_them(tmp_path: Path) -> None:
    found = read(tmp_path, "t_s,power_kw,mode\n0,1,2\n1,1,\n2,1,0\n")
    assert found.signals["battery.mode"].value[[0, 2]].tolist() == [2.0, 0.0]
    assert found.signals["battery.mode"].quality.tolist() == ["ok", "missing", "ok"]
    assert found.mode_codes == {"0": 0, "2": 2}


def test_text_that_wants_to_be_run_stays_text(tmp_path: Path) -> None:
    found = read(tmp_path, 't_s,power_kw,mode\n0,1,"<script>x</script>"\n1,1,=HYPERLINK(1)\n')
    assert {"<script>x</script>", "=HYPERLINK(1)"} <= set(found.mode_codes)
    assert "no word for a mode" in faults(tmp_path, 't_s,power_kw,mode\n0,1,"a\nb"\n')[0]
    assert "no word for a mode" in faults(tmp_path, f"t_s,power_kw,mode\n0,1,{'x' * 65}\n")[0]
    many = "".join(f"{n},1,mode{n}\n" for n in range(100))
    assert "100 different modes" in faults(tmp_path, "t_s,power_kw,mode\n" + many)[0]


def test_a_column_whose_name_holds_a_star(tmp_path: Path) -> None:
    columns = '[columns]\nt_s = "t_s"\npower_kw = "P * 2"\n'
    found = read(tmp_path, "t_s,P * 2\n0,1\n1,1\n", columns)
    assert found.signals["meter.power_kw"].value.tolist() == [1.0, 1.0]
    found = read(tmp_path, "t_s,P\n0,1\n1,1\n", columns)
    assert found.signals["meter.power_kw"].value.tolist() == [2.0, 2.0]
