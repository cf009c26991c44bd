"""Instruments without a wire: they answer from a table, and remember what was asked of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from bench.clock import utc_now
from bench.drivers.base import Capabilities, Identity, QuantityInfo, ReadingValue, Value
from bench.drivers.setting import Setting
from bench.errors import LinkDown, WrongReply


class StillOptions(BaseModel):
    """Nothing beyond the station's own keys."""

    model_config = ConfigDict(extra="forbid")


class Still:
    """An instrument that answers; every call that would change it is a failure of the test."""

    OPTIONS = StillOptions
    closed: ClassVar[list[str]] = []

    def __init__(self, setting: Setting) -> None:
        self.role = setting.role
        self.capabilities = Capabilities(max_connections=1, sink_kw=4.0)

    def identify(self) -> Identity:
        return Identity("Still", "S1", "A-1", "2")

    def quantities(self) -> Mapping[str, QuantityInfo]:
        return {
            "frequency_hz": QuantityInfo("frequency_hz", "Hz", True, True, 49.0, 51.0),
            "output": QuantityInfo("output", "1", True, True),
            "blind_kw": QuantityInfo("blind_kw", "kW", False, True),
            "power_kw": QuantityInfo("power_kw", "kW", True, False),
        }

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        return {name: ReadingValue(0.0) for name in names or ()}

    def safe_values(self) -> Mapping[str, Value]:
        return {"output": False}

    def prepare(self, sample_s: float) -> None:
        raise AssertionError("configured")

    def set(self, name: str, value: Value) -> Value | None:
        raise AssertionError("set")

    def do(self, sequence: str) -> None:
        raise AssertionError("told to do")

    def snapshot(self) -> dict[str, Any]:
        raise AssertionError("snapshot")

    def restore(self, settings: Mapping[str, Any]) -> None:
        raise AssertionError("restored")

    def close(self) -> None:
        self.closed.append(self.role)


class Broken(Still):
    """Its driver has a defect."""

    def identify(self) -> Identity:
        raise ZeroDivisionError("a defect")

    def close(self) -> None:
        super().close()
        raise RuntimeError("closing fails too")


class Unscaled(Still):
    """One of its readings has no scale, another no data."""

    broken: ClassVar[bool] = True

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        if names is not None:
            return super().read(names)
        if self.broken:
            raise WrongReply("701.W has a value, but its scale factor W_SF is missing")
        return {"output": ReadingValue(0.0), "power_kw": ReadingValue(None, "missing")}


class Alone(Still):
    """One that serves a single client; it does not know that."""

    held: ClassVar[int] = 0

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.capabilities = Capabilities(sink_kw=4.0)
        self.mine = False

    def identify(self) -> Identity:
        if Alone.held:
            raise LinkDown("the peer closed the connection")
        Alone.held, self.mine = 1, True
        return super().identify()

    def close(self) -> None:
        if self.mine:
            Alone.held = 0


class Clocked(Still):
    """One with a clock of its own."""

    ahead_s: ClassVar[float] = 0.0

    def device_clock(self) -> dt.datetime:
        return utc_now().astimezone().replace(tzinfo=None) + dt.timedelta(seconds=self.ahead_s)
