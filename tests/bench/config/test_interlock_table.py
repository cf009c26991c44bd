"""``[interlock]`` and the keys of the safe state in a station file: what is wrong is said with its place."""

from __future__ import annotations

import pytest

from bench.config.load import load_station
from bench.errors import UsageError


def faults(**overrides: object) -> str:
    with pytest.raises(UsageError) as caught:
        load_station("twin", overrides)
    return str(caught.value)


def test_the_defaults_stand_in_every_station():
    head = load_station("twin").station.station
    assert (head.watchdog_s, head.safe_step_s) == (2.0, 1.0)
    assert load_station("twin").station.interlock is None


def test_a_file_may_be_the_interlock_of_a_twin():
    loaded = load_station("twin", {"interlock.file": "door"})
    assert loaded.station.interlock is not None
    assert loaded.station.interlock.file == "door"


def test_an_input_outside_does_not_go_with_an_embedded_twin():
    assert "interlock.resource: is outside the twin" in faults(
        **{"interlock.resource": "TCP::192.0.2.30::502"}
    )


def test_an_address_that_is_none_is_said():
    assert "expected TCP::host::port" in faults(**{"interlock.resource": "192.0.2.30"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("station.watchdog_s", 0.1),
        ("station.watchdog_s", "soon"),
        ("station.safe_step_s", 0.0),
        ("limits.power_kw_per_s", -1.0),
        ("limits.no_data_s", float("inf")),
    ],
)
def test_a_value_that_cannot_be_is_said_with_its_place(key: str, value: object):
    assert f"--set {key}" in faults(**{key: value})
