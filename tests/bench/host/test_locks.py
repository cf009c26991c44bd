"""One bench, one run: who holds a station, and what is left when nobody does."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from bench.config.load import LoadedStation, load_station
from bench.errors import BenchError, InstrumentError
from bench.host.locks import Locks, folder_held, held, holders
from bench.host.places import addresses, lock_folder, slug
from bench.host.process import alive, me
from bench.host.unfinished import found
from tests.bench.station_tables import station_tables

LAB = (
    station_tables("lab", serial="s")
    + """\
[instruments.source]
driver = "instruments.kikusui_pcr:KikusuiPcr"
resource = "{source}"
[instruments.battery]
driver = "instruments.sunspec:SunSpec"
resource = "{battery}"
"""
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRREADY_LOCK_DIR", str(tmp_path / "locks"))


def lab(
    folder: Path, source: str = "TCPIP::192.0.2.10::5025::SOCKET", battery: str = "TCP::192.0.2.20::502"
) -> LoadedStation:
    path = folder / "lab.toml"
    path.write_text(LAB.format(source=source, battery=battery), encoding="utf-8")
    return load_station(str(path))


def test_a_second_holder_is_told_who_has_it_and_gets_nothing(tmp_path: Path):
    loaded = lab(tmp_path)
    with held(loaded, "drready run primary"):
        with pytest.raises(InstrumentError, match=r"in use by process .*drready run primary") as caught:
            Locks(loaded, "another").take()
        assert caught.value.exit_code == 3
        assert [one["what"] for one in holders(loaded)] == ["drready run primary"]
    assert holders(loaded) == []
    Locks(loaded, "afterwards").take()


def test_one_shared_instrument_is_enough(tmp_path: Path):
    first = lab(tmp_path)
    (tmp_path / "b").mkdir()
    other = lab(tmp_path / "b", source="tcpip0::192.0.2.10::5025::socket", battery="TCP::192.0.2.21::502")
    with held(first, "a"):
        with pytest.raises(InstrumentError, match=r"192\.0\.2\.10"):
            Locks(other, "b").take()
        # and what the refused one had already taken is given back
        alone = lab(tmp_path / "b", source="TCPIP::192.0.2.99::5025::SOCKET", battery="TCP::192.0.2.21::502")
        Locks(alone, "c").take()


def test_a_file_left_by_a_process_that_ended_is_stale(tmp_path: Path):
    loaded = lab(tmp_path)
    for address in addresses(loaded).values():
        (lock_folder() / f"{slug(address)}.lock").write_text(json.dumps({"pid": 1, "what": "x"}))
    with held(loaded, "now"):
        assert [one["what"] for one in holders(loaded)] == ["now"]


def test_a_lock_that_somebody_removed_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    loaded = lab(tmp_path)
    monkeypatch.setattr("bench.host.locks._CHECK_S", 0.0)
    with held(loaded, "now") as locks:
        locks.look()
        next(iter(lock_folder().iterdir())).unlink()
        with pytest.raises(BenchError, match="is lost"):
            locks.look()


def test_an_embedded_twin_needs_no_lock(tmp_path: Path):
    loaded = load_station("twin")
    assert addresses(loaded) == {}
    with held(loaded, "a"), held(loaded, "b"):
        assert not (tmp_path / "locks").exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TCPIP::192.0.2.10::INSTR", "TCPIP0::192.0.2.10::inst0::INSTR"),
        ("TCPIP::localhost::5025::SOCKET", "TCPIP0::127.0.0.1::5025::socket"),
    ],
)
def test_two_spellings_of_one_address_are_one(tmp_path: Path, one: str, other: str):
    assert addresses(lab(tmp_path, one))["source"] == addresses(lab(tmp_path, other))["source"]


def test_a_serial_line_is_one_wire_whatever_the_unit(tmp_path: Path):
    slow = addresses(lab(tmp_path, battery="RTU::/dev/ttyUSB0::9600N81"))["battery"]
    fast = addresses(lab(tmp_path, battery="RTU::/dev/ttyUSB0::19200E81"))["battery"]
    assert slow == fast


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path):
    loaded = lab(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="ascii")
    for address in addresses(loaded).values():
        (lock_folder() / f"{slug(address)}.lock").symlink_to(victim)
    with pytest.raises(BenchError, match="cannot use the lock"):
        Locks(loaded, "x").take()
    assert victim.read_text(encoding="ascii") == "precious"


def test_a_folder_that_cannot_be_locked_where_it_is_is_no_folder_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fcntl = pytest.importorskip("fcntl")

    def refuses(handle: int, how: int) -> None:
        raise OSError(errno.EBADF, "as NFS does, of a handle that cannot be written")

    monkeypatch.setattr(fcntl, "flock", refuses)
    with folder_held(tmp_path):
        pass
    monkeypatch.undo()
    with folder_held(tmp_path), pytest.raises(BenchError, match="at work"), folder_held(tmp_path):
        pass


def test_a_process_is_known_by_more_than_its_number():
    ours = me("test")
    assert alive(ours)
    if ours["started"] is not None:
        assert not alive({**ours, "started": "1"})
    if ours["boot"] is not None:
        assert not alive({**ours, "boot": "another"})
    assert not alive({**ours, "pid": 2**22 + 1})
    assert not alive({})
    assert alive({**ours, "host": "elsewhere", "pid": 2**22 + 1})  # nobody here can tell


def test_a_folder_for_marks_that_cannot_be_made_is_named_and_is_no_unfinished_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "state"
    in_the_way.write_text("", encoding="utf-8")
    monkeypatch.setenv("DRREADY_STATE_DIR", str(in_the_way / "deeper"))
    with pytest.raises(BenchError, match=r"cannot make .*deeper"):
        found(lab(tmp_path))
    monkeypatch.setenv("DRREADY_STATE_DIR", str(tmp_path / "other"))
    assert found(lab(tmp_path)) is None
