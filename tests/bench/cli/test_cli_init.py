"""``drready init``: a file that can be filled in, and never a file lost."""

from __future__ import annotations

import tomllib

from bench.config.load import load_station


def test_the_template_is_a_station_file_as_it_is(drready, tmp_path):
    file = tmp_path / "試験室.toml"

    called = drready("init", file)

    assert called.status == 0
    assert "試験室.toml" in called.out
    assert load_station(str(file)).name == tomllib.loads(file.read_text(encoding="utf-8"))["station"]["name"]


def test_the_template_names_every_table_of_the_contract(drready, tmp_path):
    drready("init", tmp_path / "lab.toml")

    text = (tmp_path / "lab.toml").read_text(encoding="utf-8")
    tables = ("station", "limits", "device", "instruments.source", "instruments.meter", "instruments.battery")
    assert [name for name in tables if f"[{name}]" not in text] == []


def test_a_file_that_is_there_is_left_alone(drready, tmp_path):
    file = tmp_path / "lab.toml"
    file.write_text("mine", encoding="utf-8")

    called = drready("init", file)

    assert called.status == 2
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_not_there_is_exit_2(drready, tmp_path):
    called = drready("init", tmp_path / "none" / "lab.toml")

    assert called.status == 2
    assert "Traceback" not in called.err
