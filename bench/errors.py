"""The error tree, drawn once. Each class knows the exit code that a user's shell sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "BenchError",
    "Fault",
    "InstrumentBusy",
    "InstrumentError",
    "InstrumentRefused",
    "LimitTripped",
    "LinkDown",
    "LinkTimeout",
    "NoRunFolder",
    "NotArrived",
    "NotBack",
    "ReadRefused",
    "StillBusy",
    "TakenOver",
    "UsageError",
    "WrongInstrument",
    "WrongReply",
]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where: ``place`` is a file with a key, a line, or an option."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class BenchError(Exception):
    """Anything the bench says on purpose; shown without a traceback."""

    exit_code = 3


class TakenOver(BenchError):
    """The watchdog has made the station safe while this process was stopped or hung."""


class UsageError(BenchError):
    """The call or a file given is wrong: nothing was touched. Carries every fault at once."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault] | Fault | str) -> None:
        if isinstance(faults, str):
            faults = [Fault("", faults)]
        elif isinstance(faults, Fault):
            faults = [faults]
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class NoRunFolder(UsageError):
    """The folder named is not a run folder, or is damaged beyond reading."""


class InstrumentError(BenchError):
    """An instrument or its wire failed. ``role`` is filled in by whoever knows it."""

    def __init__(self, message: str, *, role: str | None = None) -> None:
        self.role = role
        super().__init__(message)

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.role}: {text}" if self.role else text


class LinkDown(InstrumentError):
    """Nobody answers at the address, or the connection broke."""


class LinkTimeout(InstrumentError):
    """No answer in time. The session is dirty until it is resynchronised."""


class NotArrived(LinkTimeout):
    """No answer to an order, and the device still tells what it told before: the order may be given again."""


class WrongReply(InstrumentError):
    """An answer came, but not one to the question asked."""


class InstrumentRefused(InstrumentError):
    """The instrument reported an error, refused a set-point, or did not apply it."""


class InstrumentBusy(InstrumentRefused):
    """The instrument has no time just now and has done nothing: the same may be asked again."""


class StillBusy(InstrumentBusy):
    """The instrument has been asked for as long as it is worth, perhaps in the middle of an order."""


class ReadRefused(InstrumentRefused):
    """The device does not serve these registers in one read; it may serve fewer."""


class WrongInstrument(InstrumentError):
    """Something answers at the address, but it is not what the station file says."""


class NotBack(InstrumentError):
    """A device stays away though the test has given back what it had taken: its mains, or its line."""


class LimitTripped(InstrumentError):
    """A reading or a set-point left the limits of the station file, or an interlock opened.

    ``reading`` is what tripped it: channel, value, limits, since when.
    """

    def __init__(
        self, message: str, *, role: str | None = None, reading: Mapping[str, Any] | None = None
    ) -> None:
        self.reading = dict(reading or {})
        super().__init__(message, role=role)
