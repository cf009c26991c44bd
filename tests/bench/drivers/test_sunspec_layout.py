"""Our SunSpec codec against pysunspec2's own, over every published model."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
import sunspec2.device
import sunspec2.mb

from bench.drivers.sunspec_layout import decode, encode, layout

MODELS = sorted(
    int(match[1])
    for path in (Path(sunspec2.device.__file__).parent / "models" / "json").glob("model_*.json")
    if (match := re.fullmatch(r"model_(\d+)", path.stem))
)


def once(name: str, offset: int) -> int:
    return 1


@pytest.mark.parametrize("model", MODELS)
def test_every_point_lies_where_pysunspec2_puts_it(model: int) -> None:
    counts: set[str] = set()
    ours = layout(model, lambda name, offset: counts.add(name) or 0)
    theirs = sunspec2.device.Model(model, data=dict.fromkeys(counts, 0))
    for name, point in theirs.points.items():
        assert (ours[name].offset, ours[name].size) == (point.offset, point.len), name
    assert len(theirs.points) >= 2


def test_nested_and_repeated_groups() -> None:
    theirs = sunspec2.device.Model(711, data={"NCtl": 2, "Ctl": [{}, {}]})
    ours = layout(711, lambda name, offset: 2)
    for index, group in enumerate(theirs.groups["Ctl"]):
        for name, point in group.points.items():
            assert ours[f"Ctl[{index}].{name}"].offset == point.offset, name
    assert ours["Ctl[1].KOf"].scale_factor == "K_SF"
    assert (
        layout(704, once)["PFWInj.PF"].offset
        == sunspec2.device.Model(704).groups["PFWInj"].points["PF"].offset
    )


def test_a_model_nobody_published_has_no_points() -> None:
    assert layout(64999, once) == {}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int16", -1), ("int16", 32767), ("int16", -32767), ("uint16", 65534), ("enum16", 3), ("sunssf", -3),
        ("bitfield16", 5), ("int32", -5000), ("uint32", 4_000_000_000), ("bitfield32", 0x80000001),
        ("int64", -(2**40)), ("uint64", 2**50), ("acc32", 123456), ("acc64", 2**45), ("float32", 1.5),
    ],
)  # fmt: skip
def test_numbers_as_pysunspec2_writes_them(kind: str, value: float) -> None:
    data = sunspec2.mb.point_type_info[kind].to_data(value)
    words = list(struct.unpack(f">{len(data) // 2}H", data))
    assert decode(kind, words) == value
    assert encode(kind, value) == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("int16", [0x8000]), ("uint16", [0xFFFF]), ("enum16", [0xFFFF]), ("sunssf", [0x8000]),
        ("acc16", [0]), ("int32", [0x8000, 0]), ("uint32", [0xFFFF] * 2), ("bitfield32", [0xFFFF] * 2),
        ("acc32", [0, 0]), ("int64", [0x8000, 0, 0, 0]), ("uint64", [0xFFFF] * 4), ("float32", [0x7FC0, 0]),
        ("string", [0, 0, 0, 0]), ("eui48", [0, 0, 0, 0]),
    ],
)  # fmt: skip
def test_not_implemented_is_none(kind: str, words: list[int]) -> None:
    assert decode(kind, words) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int16", 40000), ("int16", -32768), ("uint16", -1), ("uint16", 65535), ("int32", 2**31), ("string", 1)],
)
def test_what_does_not_fit_is_refused(kind: str, value: float) -> None:
    with pytest.raises(ValueError, match=kind):
        encode(kind, value)


def test_strings_end_at_the_first_zero() -> None:
    assert decode("string", [0x4163, 0x6D65, 0x0041, 0x4141]) == "Acme"
