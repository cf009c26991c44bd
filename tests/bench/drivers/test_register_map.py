"""A register map's faults: all of them at once, each with its place; and what must not be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.drivers.register_map_load import Order, load_map, parse_order
from bench.errors import UsageError
from bench.rooms import room

POWER = '[quantities.power_kw]\nregister = 10\ntype = "int16"\nscale = 0.001\n'
SET = '[quantities.power_set_kw]\nregister = 1\ntype = "int16"\nscale = 0.001\naccess = "rw"\n'
MODE = '[quantities.mode]\nregister = 0\ntype = "uint16"\naccess = "rw"\ncodes = {auto = 0, remote = 1}\n'


def faults(folder: Path, text: str) -> dict[str, str]:
    """Return the faults of a map by their place in it."""
    path = folder / "acme.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load_map(path)
    assert raised.value.exit_code == 2
    return {fault.place.removeprefix(f"{path}: "): fault.message for fault in raised.value.faults}


def accepted(folder: Path, text: str) -> None:
    path = folder / "acme.toml"
    path.write_text(text, encoding="utf-8")
    load_map(path)


@pytest.mark.parametrize("name", ["example_battery", "twin_gateway"])
def test_the_bundled_maps_are_right(name: str) -> None:
    found = load_map(room("fixtures") / "maps" / f"{name}.toml")
    assert found.modes["remote"] == 1
    assert found.quantities["power_kw"].at.count == 2


def test_the_map_of_the_contract(tmp_path: Path) -> None:
    text = (
        'name = "Acme B5"\npause_after_write_s = 0.0\nmax_connections = 2\n'
        '[quantities.mode]\nregister = 40000\nkind = "holding"\ntype = "uint16"\naccess = "rw"\n'
        "codes = {auto = 0, remote = 1, frequency_response = 2}\n"
        '[quantities.power_set_kw]\nregister = 40001\ntype = "int16"\nscale = 0.001\naccess = "rw"\n'
        "confirm = true\n"
        '[quantities.power_kw]\nregister = 40002\ntype = "int16"\nscale = 0.001\n'
        '[sequences]\nstart = ["mode = remote"]\nstop = ["power_set_kw = 0", "mode = prior"]\n'
        'frequency_response_on = ["mode = frequency_response"]\n'
        'frequency_response_off = ["mode = prior"]\nschedule = []\n'
    )
    accepted(tmp_path, text)


def test_every_fault_of_the_schema_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        'nam = "x"\n[quantities.power_kw]\nregister = 70000\ntype = "int8"\nscale = 0\n'
        '[quantities.soc_pct]\nregister = "10"\ntype = "uint16"\nacces = "r"\nscale = 1\n'
        '[quantities.mode]\nregister = 3\nkind = "holding"\ncodes = {auto = 0}\n',
    )
    assert set(found) == {
        "name",
        "nam",
        "quantities.power_kw.register",
        "quantities.power_kw.type",
        "quantities.power_kw.scale",
        "quantities.soc_pct.register",
        "quantities.soc_pct.acces",
        "quantities.mode",
    }
    assert (
        "did you mean" in found["quantities.soc_pct.acces"] or "access" in found["quantities.soc_pct.acces"]
    )
    assert "type is needed" in found["quantities.mode"]


def test_every_fault_of_the_meaning_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        'name = "x"\n'
        '[quantities.power]\nregister = 50\ntype = "int16"\nscale = 1\n'
        '[quantities.power_kw]\nregister = 10\ntype = "int16"\n'
        '[quantities.soc_pct]\nregister = 11\ntype = "float32"\n'
        '[quantities.mode]\nregister = 0\ntype = "uint16"\naccess = "rw"\n'
        "codes = {automatic = 0, remote = 1, standby = 1, charge = 70000}\n"
        '[quantities.power_set_kw]\nregister = 20\ntype = "int32"\nscale = 0.001\naccess = "rw"\n'
        '[quantities.reserve_pct]\nregister = 21\ntype = "uint16"\nscale = 1\naccess = "rw"\n'
        '[sequences]\nstart = ["mod = remote", "mode = holiday", "power_kw = 1", "power_set_kw = much", '
        '"mode", "register 40 = inf", "register 40 = 2.5"]\n'
        'begin = []\nstop = ["power_set_kw = 9e9"]\n',
    )
    assert "unknown quantity" in found["quantities.power"]
    assert "power_kw" in found["quantities.power"]
    assert "scale is needed" in found["quantities.power_kw"]
    assert "kW" in found["quantities.power_kw"]
    assert "scale is needed" in found["quantities.soc_pct"]
    assert "both write holding 21" in found["quantities.reserve_pct"]
    assert "unknown quantity 'mod'" in found["sequences.start[0]"]
    assert "'holiday' has no code" in found["sequences.start[1]"]
    assert "cannot be written" in found["sequences.start[2]"]
    assert "expected a number" in found["sequences.start[3]"]
    assert "quantity = value" in found["sequences.start[4]"]
    assert "whole number" in found["sequences.start[5]"]
    assert "whole number" in found["sequences.start[6]"]
    assert "unknown sequence" in found["sequences.begin"]
    assert "does not fit int32" in found["sequences.stop[0]"]


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ("{automatic = 0}", "unknown mode 'automatic'"),
        ("{auto = 1, remote = 1}", "same code 1"),
        ("{auto = 70000}", "does not fit uint16"),
        ("{auto = -1}", "does not fit uint16"),
    ],
)
def test_a_wrong_mode_code(tmp_path: Path, codes: str, says: str) -> None:
    text = 'name = "x"\n[quantities.mode]\nregister = 0\ntype = "uint16"\ncodes = ' + codes
    assert says in faults(tmp_path, text)["quantities.mode"]


@pytest.mark.parametrize(
    "second",
    [
        '[quantities.power_set_kw]\nregister = 10\ntype = "int16"\nscale = 0.001\naccess = "rw"\n',
        '[quantities.soc_pct]\nregister = 10\ntype = "uint16"\nscale = 0.1\n',
        '[quantities.energy_charged_kwh]\nregister = 9\ntype = "uint32"\nscale = 0.1\n',
    ],
)
def test_registers_that_overlap(tmp_path: Path, second: str) -> None:
    assert any(
        "registers overlap" in text for text in faults(tmp_path, f'name = "x"\n{POWER}{second}').values()
    )


@pytest.mark.parametrize(
    "second",
    [
        # the same number in another table of registers is another register
        '[quantities.soc_pct]\nregister = 10\nkind = "input"\ntype = "uint16"\nscale = 0.1\n',
        # a command register that answers a read with the measurement
        '[quantities.power_set_kw]\nregister = 10\ntype = "int16"\nscale = 0.001\naccess = "w"\n',
        '[quantities.soc_pct]\nregister = 11\ntype = "uint16"\nscale = 0.1\n',
    ],
)
def test_registers_that_do_not_overlap(tmp_path: Path, second: str) -> None:
    accepted(tmp_path, f'name = "x"\n{POWER}{second}')


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('kind = "input"\ntype = "int16"\nscale = 1\naccess = "rw"', "cannot be written"),
        ('kind = "coil"\ntype = "int16"\nscale = 1', "has no type"),
        ('type = "int16"\nscale = 1\nconfirm = true', "confirm needs access 'rw'"),
        ('type = "int16"\nscale = 1\naccess = "w"\nconfirm = true', "confirm needs access 'rw'"),
        ('type = "int16"\nscale = 1\nlow = 2.0\nhigh = 1.0', "low must be below high"),
        ('type = "int16"\nscale = 1\ncodes = {auto = 0}', "only mode has codes"),
        ('type = "int16"\nscale = 0.001\naccess = "rw"\nhigh = 50.0', "does not fit int16"),
        ('type = "int16"\nscale = 0.001\nmissing = [99999]', "missing: 99999 does not fit"),
    ],
)
def test_a_row_that_contradicts_itself(tmp_path: Path, row: str, says: str) -> None:
    found = faults(tmp_path, f'name = "x"\n[quantities.power_set_kw]\nregister = 65535\n{row}\n')
    assert says in found["quantities.power_set_kw"]


def test_a_value_past_the_last_register(tmp_path: Path) -> None:
    text = 'name = "x"\n[quantities.soc_pct]\nregister = 65535\ntype = "uint32"\nscale = 1\n'
    assert "would pass the end" in faults(tmp_path, text)["quantities.soc_pct"]


def test_an_empty_map_and_no_toml(tmp_path: Path) -> None:
    assert "quantities" in faults(tmp_path, 'name = "x"\n[quantities]\n')
    assert any("line 1" in place for place in faults(tmp_path, "name = \n"))


def test_prior_of_what_cannot_be_read(tmp_path: Path) -> None:
    text = f'name = "x"\n{SET.replace("rw", "w")}[sequences]\nstop = ["power_set_kw = prior"]\n'
    assert "cannot be read" in faults(tmp_path, text)["sequences.stop[0]"]


def test_an_order_is_a_quantity_and_a_value() -> None:
    assert parse_order("mode = remote") == Order("mode", "remote")
    assert parse_order("power_set_kw=-1.5") == Order("power_set_kw", -1.5)
    assert parse_order("mode = 'prior'") == Order("mode", "prior")
    with pytest.raises(ValueError, match="quantity = value"):
        parse_order("mode remote")
