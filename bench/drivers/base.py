"""What the engine asks of every driver, whatever wire and brand it speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

__all__ = [
    "Capabilities",
    "Driver",
    "Identity",
    "ListStep",
    "PlaysLists",
    "QuantityInfo",
    "ReadingValue",
    "Value",
]

Value = float | str | bool


@dataclass(frozen=True)
class Identity:
    """Who answers at the address. A serial that starts with ``SIM`` is a twin."""

    maker: str
    model: str
    serial: str
    firmware: str

    @property
    def simulated(self) -> bool:
        """True where the instrument says that it is a twin."""
        return self.serial.upper().startswith("SIM")


@dataclass(frozen=True)
class Capabilities:
    """What an instrument can do; None is unknown, and the planner then asks the station file.

    ``resolution`` is the finest set-point step by quantity; ``reading_interval_s`` is how often new values
    appear; ``window_s`` the averaging window of a reading; ``sink_kw`` the power a source can take back.
    ``asks_back``: an order that was not answered has been read back by the driver itself.
    """

    resolution: Mapping[str, float] = field(default_factory=dict)
    slew_hz_per_s: float | None = None
    native_list: bool | None = None
    sink_kw: float | None = None
    reading_interval_s: float | None = None
    window_s: float | None = None
    max_connections: int | None = None
    asks_back: bool = False
    accuracy: Mapping[str, float] = field(default_factory=dict)
    accuracy_from: str = ""


@dataclass(frozen=True)
class QuantityInfo:
    """One quantity of a driver: its unit (``kW Hz V A % kWh s mode 1``), access and limits."""

    name: str
    unit: str
    readable: bool
    settable: bool
    low: float | None = None
    high: float | None = None
    doc: str = ""
    page: str = ""


class ReadingValue(NamedTuple):
    """One value of a sample. ``value`` is None where the instrument has no data.

    ``quality``: ``ok``, ``missing``, ``overflow`` or ``repeated``.
    """

    value: float | str | None
    quality: str = "ok"


@runtime_checkable
class Driver(Protocol):
    """A driver: canonical quantities in our units and signs, discharge positive."""

    capabilities: Capabilities

    def identify(self) -> Identity:
        """Ask the instrument who it is.

        Raises:
            InstrumentError: nobody answers, or something else does (WrongInstrument).
        """

    def prepare(self, sample_s: float) -> None:
        """Configure for readings every ``sample_s`` (formats, items, update rate), and verify it."""

    def quantities(self) -> Mapping[str, QuantityInfo]:
        """Return what can be read and set, by canonical name."""

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: the driver's sampling set) in as few exchanges as possible."""

    def set(self, name: str, value: Value) -> Value | None:
        """Set one quantity, check that it was accepted, and return the read-back (None: cannot be read).

        Raises:
            InstrumentRefused: out of range, refused, or read back differently.
        """

    def do(self, sequence: str) -> None:
        """Carry out a sequence: ``start stop frequency_response_on frequency_response_off schedule``."""

    def snapshot(self) -> dict[str, Any]:
        """Return the settings that :meth:`restore` puts back (mode, set-points, droop settings)."""

    def restore(self, settings: Mapping[str, Any]) -> None:
        """Put back what :meth:`snapshot` returned and prove it by read-back."""

    def safe_values(self) -> Mapping[str, Value]:
        """Return the driver's default safe state: quantities in the order in which they are set."""

    def close(self) -> None:
        """Release the wire; never raises."""


class ListStep(NamedTuple):
    """One step of a list that a source plays by its own clock."""

    duration_s: float
    frequency_hz: float


@runtime_checkable
class PlaysLists(Protocol):
    """A source that makes steps of frequency by its own clock (``capabilities.native_list``)."""

    def load_list(self, steps: Sequence[ListStep]) -> None:
        """Load steps; nothing moves before :meth:`start_list`.

        Raises:
            InstrumentRefused: a step out of range, or the instrument refuses it.
        """

    def start_list(self) -> None:
        """Play the list that was loaded.

        Raises:
            InstrumentRefused: the instrument refuses to play it.
        """

    def stop_list(self) -> None:
        """Stop a list that plays; from now on the source does what is set.

        Raises:
            InstrumentRefused: the instrument refuses.
        """
