"""Registers and numbers, both ways; neighbouring registers in one read."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.drivers.modbus import blocks
from bench.drivers.registers import Register, pack, unpack, words
from bench.errors import InstrumentRefused, WrongReply


@pytest.mark.parametrize(
    ("kind", "value", "registers"),
    [
        ("int16", -2, [0xFFFE]),
        ("uint16", 65535, [0xFFFF]),
        ("int32", -5000, [0xFFFF, 0xEC78]),
        ("uint32", 0x12345678, [0x1234, 0x5678]),
        ("float32", 50.2, list(struct.unpack(">2H", struct.pack(">f", 50.2)))),
    ],
)
@pytest.mark.parametrize("order", ["big", "little"])
def test_types_and_word_order(kind: Any, value: float, registers: list[int], order: str) -> None:
    expected = registers if order == "big" else registers[::-1]
    assert pack(kind, value, order) == expected
    assert unpack(kind, expected, order) == pytest.approx(value)
    assert words(kind) == len(registers)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int16", 32768), ("uint16", -1), ("uint32", 2**32), ("int32", math.inf), ("int16", math.nan)],
)
def test_what_does_not_fit_is_refused(kind: Any, value: float) -> None:
    with pytest.raises(InstrumentRefused, match=kind):
        pack(kind, value)


def test_a_wrong_number_of_registers_is_a_wrong_reply() -> None:
    with pytest.raises(WrongReply, match="int32 takes 2 registers, got 1"):
        unpack("int32", [1])


@given(st.integers(-32768, 32767), st.sampled_from([0.001, -0.1, 1.0, 25.0]), st.sampled_from([0.0, -40.0]))
def test_scale_and_offset_are_undone(raw: int, scale: float, offset: float) -> None:
    register = Register(5, "int16", scale=scale, offset=offset)
    value = register.decode(register.encode(raw * scale + offset))
    assert value == pytest.approx(raw * scale + offset, abs=1e-9)


def test_a_negative_scale_turns_the_sign() -> None:
    assert Register(0, "int16", scale=-0.001).encode(3.0) == [0x10000 - 3000]


def test_coils_are_truth_values() -> None:
    coil = Register(3, kind="coil")
    assert coil.count == 1
    assert (coil.encode(1.0), coil.decode([1]), coil.decode([0])) == ([1], 1.0, 0.0)


def test_a_float_that_is_no_number_is_a_wrong_reply() -> None:
    with pytest.raises(WrongReply, match="register 7 holds nan"):
        Register(7, "float32").decode([0x7FC0, 0])


def test_neighbours_are_read_together() -> None:
    assert blocks([(0, 1), (1, 2), (10, 1)], 125, 0) == [(0, 3), (10, 1)]
    assert blocks([(10, 1), (0, 2)], 125, 20) == [(0, 11)]
    assert blocks([(0, 100), (100, 50)], 125, 0) == [(0, 100), (100, 50)]
    assert blocks([(0, 4), (0, 2), (2, 2)], 125, 0) == [(0, 4)]


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 4)), min_size=1),
    st.integers(4, 125),
    st.integers(0, 60),
)
def test_every_span_lies_in_one_block(spans: list[tuple[int, int]], longest: int, gap: int) -> None:
    merged = blocks(spans, longest, gap)
    assert all(count <= longest for _, count in merged)
    for address, count in spans:
        assert any(start <= address and address + count <= start + length for start, length in merged)
