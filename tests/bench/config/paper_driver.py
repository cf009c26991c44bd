"""A driver with options and no wire, for tests of the loader only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench.drivers.base import Capabilities, Identity, QuantityInfo, ReadingValue, Value


class PaperOptions(BaseModel):
    """The extra keys of this driver."""

    model_config = ConfigDict(extra="forbid")

    resolution_hz: float | None = None
    range_v: int = 300


class PaperInstrument:
    """Has every method of a driver; is never opened."""

    OPTIONS = PaperOptions
    capabilities = Capabilities()

    def __init__(self, setting: object) -> None:
        raise AssertionError("the loader must not open an instrument")

    def identify(self) -> Identity:
        raise AssertionError

    def prepare(self, sample_s: float) -> None:
        raise AssertionError

    def quantities(self) -> Mapping[str, QuantityInfo]:
        raise AssertionError

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        raise AssertionError

    def set(self, name: str, value: Value) -> Value | None:
        raise AssertionError

    def do(self, sequence: str) -> None:
        raise AssertionError

    def snapshot(self) -> dict[str, Any]:
        raise AssertionError

    def restore(self, settings: Mapping[str, Any]) -> None:
        raise AssertionError

    def safe_values(self) -> Mapping[str, Value]:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


class NoDriver:
    """Has nothing of a driver."""
