"""Small devices for the tests of the executor: a source, a battery and an analyzer that share one bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bench.clock import Clock
from bench.config.station import Station
from bench.drivers.base import Capabilities, Identity, QuantityInfo, ReadingValue, Value
from bench.errors import InstrumentRefused

STATION: dict[str, Any] = {
    "station": {"name": "small", "nominal_hz": 50.0, "nominal_v": 202.0},
    "limits": {"frequency_hz": [47.5, 51.5], "voltage_v": [180.0, 225.0], "power_kw": [-7.0, 7.0]},
    "device": {"maker": "m", "model": "b", "serial": "s1", "rated_kw": 5.5, "capacity_kwh": 15.0},
    "instruments": {
        "source": {"driver": "small:Source", "resource": "here"},
        "meter": {"driver": "small:Meter", "resource": "here"},
        "battery": {"driver": "small:Battery", "resource": "here"},
    },
}


class Device:
    """A device whose exchanges can be made to fail: ``fault(verb, name)`` raises or not."""

    capabilities = Capabilities()
    known: ClassVar[Mapping[str, QuantityInfo]] = {}
    sampled: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self.world = world
        self.fault: Callable[[str, str], None] = lambda verb, name: None
        self.log: list[tuple[float, str, Any]] = []

    def identify(self) -> Identity:
        return Identity("m", type(self).__name__, "SIM1", "0")

    def prepare(self, sample_s: float) -> None:
        self.fault("prepare", "")

    def quantities(self) -> Mapping[str, QuantityInfo]:
        return self.known

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        self.fault("read", "")
        return {name: self.reading(name) for name in names or self.sampled}

    def reading(self, name: str) -> ReadingValue:
        value = self.value(name)
        return ReadingValue(value, "ok" if value is not None else "missing")

    def value(self, name: str) -> float | str | None:
        raise InstrumentRefused(f"{name} cannot be read")

    def set(self, name: str, value: Value) -> Value | None:
        self.fault("set", name)
        self.log.append((self.world.clock.now_s(), name, value))
        self.apply(name, value)
        return self.value(name) if self.known[name].readable else None

    def apply(self, name: str, value: Value) -> None:
        raise InstrumentRefused(f"{name} cannot be set")

    def do(self, sequence: str) -> None:
        self.fault("do", sequence)
        self.log.append((self.world.clock.now_s(), "do", sequence))

    def snapshot(self) -> dict[str, Any]:
        self.fault("snapshot", "")
        return {}

    def restore(self, settings: Mapping[str, Any]) -> None:
        self.fault("restore", "")

    def safe_values(self) -> Mapping[str, Value]:
        return {}

    def close(self) -> None:
        pass


def _info(name: str, unit: str, settable: bool = False) -> QuantityInfo:
    return QuantityInfo(name, unit, readable=True, settable=settable)


class Source(Device):
    known: ClassVar = {
        "frequency_hz": _info("frequency_hz", "Hz", True),
        "voltage_v": _info("voltage_v", "V", True),
        "output": _info("output", "1", True),
    }
    sampled = ("frequency_hz", "voltage_v", "output")

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.state: dict[str, float] = {"frequency_hz": 50.0, "voltage_v": 0.0, "output": 0.0}

    def value(self, name: str) -> float:
        return self.state[name]

    def apply(self, name: str, value: Value) -> None:
        self.state[name] = float(value)

    def safe_values(self) -> Mapping[str, Value]:
        return {"output": False}


class Battery(Device):
    known: ClassVar = {
        "power_kw": _info("power_kw", "kW"),
        "power_set_kw": _info("power_set_kw", "kW", True),
        "mode": _info("mode", "mode", True),
        "alarm": _info("alarm", "1"),
        "soc_pct": _info("soc_pct", "%"),
    }
    sampled = ("power_kw", "power_set_kw", "mode", "soc_pct", "alarm")

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.mode = "auto"
        self.power_set_kw = 0.0
        self.alarm = 0.0

    def value(self, name: str) -> float | str:
        if name == "power_kw":
            return self.world.power_kw()
        if name == "soc_pct":
            return 90.0
        return getattr(self, name)

    def apply(self, name: str, value: Value) -> None:
        if name == "power_set_kw" and abs(float(value)) > 6.0:
            raise InstrumentRefused("illegal data value")
        setattr(self, name, value if name == "mode" else float(value))

    def do(self, sequence: str) -> None:
        super().do(sequence)
        self.mode = {"start": "remote", "frequency_response_on": "frequency_response"}.get(
            sequence, self.mode
        )

    def snapshot(self) -> dict[str, Any]:
        self.fault("snapshot", "")
        return {"mode": self.mode, "power_set_kw": self.power_set_kw}

    def restore(self, settings: Mapping[str, Any]) -> None:
        self.fault("restore", "")
        self.mode, self.power_set_kw = settings["mode"], settings["power_set_kw"]

    def safe_values(self) -> Mapping[str, Value]:
        return {"power_set_kw": 0.0}


class Meter(Device):
    known: ClassVar = {
        "power_kw": _info("power_kw", "kW"),
        "frequency_hz": _info("frequency_hz", "Hz"),
        "voltage_v": _info("voltage_v", "V"),
    }
    sampled = ("power_kw", "frequency_hz", "voltage_v")
    extra_kw = 0.0

    def value(self, name: str) -> float | None:
        state = self.world.source.state
        if not state["output"]:
            return {"power_kw": 0.0, "voltage_v": 0.0}.get(name)
        return {"power_kw": self.world.power_kw() + self.extra_kw}.get(name, state.get(name))


@dataclass
class _Loaded:
    station: Station


@dataclass(eq=False)
class World:
    """A station, open."""

    clock: Clock
    file: dict[str, Any] = field(default_factory=lambda: STATION)
    gain: float = 1.0

    def __post_init__(self) -> None:
        self.loaded = _Loaded(Station.model_validate(self.file))
        self.source, self.battery, self.meter = Source(self), Battery(self), Meter(self)
        self.drivers: dict[str, Any] = {
            "battery": self.battery,
            "meter": self.meter,
            "source": self.source,
        }

    def power_kw(self) -> float:
        if not self.source.state["output"]:
            return 0.0
        if self.battery.mode == "remote":
            return self.gain * self.battery.power_set_kw
        if self.battery.mode == "frequency_response":
            return self.gain * 5.5 * (50.0 - self.source.state["frequency_hz"]) / 2.0
        return 0.0
