"""Numbers as instruments write them, and what is no number."""

from __future__ import annotations

import pytest

from bench.drivers.values import parse_bool, parse_list, parse_number, strip_header
from bench.errors import WrongReply


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+3.80000E+02", 380.0), ("104.75E+00", 104.75), ("-0.38E+00", -0.38), ("5", 5.0),
        (" 12.034\r", 12.034), ("500.0E-03", 0.5), (".5", 0.5), ("5.", 5.0),
        ("1e3", 1000.0), ("-1.5e-3", -0.0015),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float) -> None:
    assert parse_number(text).value == pytest.approx(value)
    assert parse_number(text, scale=-0.001).value == pytest.approx(-0.001 * value)


@pytest.mark.parametrize("text", ["NAN", "nan", "9.91E+37", "+9.910000E+37", "-9.91E37", "9.99E+37", "----"])
def test_no_data(text: str) -> None:
    assert (parse_number(text).value, parse_number(text).quality) == (None, "missing")


@pytest.mark.parametrize("text", ["INF", "-INF", "9.9E+37", "-9.90000E+37", "--OL--"])
def test_overflow(text: str) -> None:
    assert (parse_number(text).value, parse_number(text).quality) == (None, "overflow")


@pytest.mark.parametrize(
    "text", ["", "5.0E", "5.0E+", "12,5", "0x10", "1_000", "fifty", "5 5", "\u0665", "--5"]
)
def test_what_is_no_number_is_a_wrong_reply(text: str) -> None:
    with pytest.raises(WrongReply, match="expected a number"):
        parse_number(text)


@pytest.mark.parametrize("text", ["1,2,3", "1;2;3", "1, 2 ,3"])
def test_lists(text: str) -> None:
    assert parse_list(text, 3) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "text", ["1,2", "1,2,3,4", "", "1.0E+00,2.0E+00,3.0E+0", "1.0E+00,2.0E+00,3.0", "1.0E+00,NAN,3.0E"]
)
def test_lists_cut_short_or_too_long_are_wrong_replies(text: str) -> None:
    with pytest.raises(WrongReply):
        _ = [parse_number(item) for item in parse_list(text, 3)]


def test_a_list_of_mixed_forms_is_no_cut_list() -> None:
    assert parse_list("1e-05,50.0,2.5", 3) == ["1e-05", "50.0", "2.5"]
    assert parse_list("1.0E+00,2.0E+00,NAN", 3)[2] == "NAN"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (":NUM:NORM:VAL?", ":NUMERIC:NORMAL:VALUE 5.0"),
        (":NUM:NORM:VAL?", ":NUM:VAL 5.0"),
        (":RATE?", ":RATE 5.0"),
        ("FREQ?", "SOURCE:FREQUENCY 5.0"),
        ("FREQ?", "5.0"),
        (":NUM:NORM:VAL? 1", ":NUMERIC:NORMAL:VALUE 5.0"),
    ],
)
def test_headers_are_taken_off(command: str, reply: str) -> None:
    assert strip_header(command, reply) == "5.0"


@pytest.mark.parametrize(
    ("command", "reply"),
    [("FREQ?", "VOLT 5.0"), (":NUM:NORM:VAL?", ":NUMERIC:NORMAL:ITEM1 U,1"), ("U?", "I 5")],
)
def test_the_header_of_another_question_is_refused(command: str, reply: str) -> None:
    with pytest.raises(WrongReply, match="another question"):
        strip_header(command, reply)


def test_text_without_header_stays() -> None:
    assert strip_header("SYST:ERR?", '-113,"Undefined header"') == '-113,"Undefined header"'
    assert strip_header("X?", "NAN") == "NAN"


@pytest.mark.parametrize(
    ("text", "state"), [("1", True), ("ON", True), ("0", False), ("off", False), ("+1.00E+00", True)]
)
def test_switches(text: str, state: bool) -> None:
    assert parse_bool(text) is state


@pytest.mark.parametrize("text", ["", "2", "yes", "101.1"])
def test_what_is_no_switch_is_a_wrong_reply(text: str) -> None:
    with pytest.raises(WrongReply):
        parse_bool(text)
