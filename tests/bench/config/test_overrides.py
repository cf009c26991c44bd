"""``--set KEY=VALUE``: TOML where it parses, else a string; nothing smuggled in."""

from __future__ import annotations

import pytest

from bench.config.load import parse_overrides
from bench.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=1", 1),
        ("a.b=1.5", 1.5),
        ("a.b = -2", -2),
        ("a.b=true", True),
        ("a.b=True", "True"),
        ('a.b="1"', "1"),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b={x = 1}", {"x": 1}),
        ("a.b=grid.csv", "grid.csv"),
        ("a.b=", ""),
        ("a.b=x=y", "x=y"),
        ("a.b=1\nc = 2", "1\nc = 2"),
        ("a.b=TCPIP::192.0.2.1::INSTR", "TCPIP::192.0.2.1::INSTR"),
        ("a.b=" + "[" * 10_000, "[" * 10_000),
        ("a.b=" + "9" * 10_000, "9" * 10_000),
    ],
)
def test_a_value_is_toml_or_a_string(text: str, value: object) -> None:
    assert parse_overrides([text]).station == {"a.b": value}
    assert type(parse_overrides([text]).station["a.b"]) is type(value)


def test_the_prefix_profile_goes_to_the_profile() -> None:
    given = parse_overrides(["profile.duration_s=60", "twin.seed=2", "profile.recording=grid.csv"])
    assert given.profile == {"duration_s": 60, "recording": "grid.csv"}
    assert given.station == {"twin.seed": 2}
    assert given.as_written() == {
        "twin.seed": 2,
        "profile.duration_s": 60,
        "profile.recording": "grid.csv",
    }


def test_all_bad_texts_are_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse_overrides(["nothing", "=5", "a..b=5", "profile.=1", ".a=1"])
    assert [fault.place for fault in caught.value.faults] == [
        "--set nothing",
        "--set =5",
        "--set a..b=5",
        "--set profile.=1",
        "--set .a=1",
    ]
