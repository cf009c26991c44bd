"""The base of every driver that speaks lines: SCPI and its dialects."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field

from bench.drivers.base import Identity, ReadingValue, Value
from bench.drivers.descriptors import Control, Quantity
from bench.drivers.instrument import Instrument, NoOptions
from bench.drivers.setting import Setting
from bench.drivers.values import parse_bool, parse_number, strip_header
from bench.errors import InstrumentRefused, WrongInstrument, WrongReply
from bench.links.base import ScpiLink

__all__ = ["ScpiInstrument", "ScpiOptions"]

_ERRORS_AT_MOST = 32


class ScpiOptions(NoOptions):
    """Keys that every line-oriented instrument understands in its station table."""

    timeout_s: float | None = Field(default=None, gt=0, description="instead of the station's timeout_s")
    pause_s: float = Field(default=0.0, ge=0, description="kept between two commands")
    baud_rate: int | None = Field(
        default=None,
        gt=0,
        description="of a serial line (ASRL), 8 data bits, no parity; else the VISA's 9600",
    )


class ScpiInstrument(Instrument):
    """Asks ``*IDN?``, parses replies, and reads the error queue after every command.

    A driver names ``MAKER`` and ``MODEL`` (patterns that its identity must match, case ignored).
    ``ERROR_QUERY`` is empty for an instrument that keeps no error queue.
    """

    OPTIONS = ScpiOptions
    MAKER: ClassVar[str] = ""
    MODEL: ClassVar[str] = ""
    ERROR_QUERY: ClassVar[str] = "SYST:ERR?"
    READ_TERMINATION: ClassVar[str] = "\n"
    WRITE_TERMINATION: ClassVar[str] = "\n"
    SWITCH: ClassVar[tuple[str, str]] = ("0", "1")
    """What stands for off and on in a command."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.link = self._open_link(setting, self.options.timeout_s or setting.station.timeout_s)
        self._old_errors_read_at = 0

    def ask(self, command: str) -> str:
        """Return the answer to ``command`` without its header.

        Raises:
            LinkDown, LinkTimeout, WrongReply
        """
        return strip_header(command, self.link.query(command))

    def tell(self, command: str) -> None:
        """Send ``command`` and read the error queue.

        Raises:
            InstrumentRefused: the instrument reports an error.
        """
        if self._old_errors_read_at != self.link.generation or not self.link.generation:
            # what somebody else did before us is not the fault of this command
            self.errors()
            self._old_errors_read_at = self.link.generation
        self.link.write(command)
        errors = self.errors()
        if errors:
            raise InstrumentRefused(f"{command!r} was answered with {'; '.join(errors)}")

    def errors(self) -> list[str]:
        """Empty the error queue and return what was in it.

        Raises:
            WrongReply: the answer is no error code.
        """
        found: list[str] = []
        while self.ERROR_QUERY and len(found) < _ERRORS_AT_MOST:
            reply = self.ask(self.ERROR_QUERY)
            match = re.match(r"\s*([+-]?\d{1,9})\s*(,|$)", reply)
            if match is None:
                raise WrongReply(f"{self.ERROR_QUERY!r} was answered with {reply!r}")
            if int(match[1]) == 0:
                break
            found.append(reply)
        return found

    def close(self) -> None:
        """Release the wire; never raises."""
        self.link.close()

    def _open_link(self, setting: Setting, timeout_s: float) -> ScpiLink:
        """Return the session; an instrument with a wire of its own kind brings it here."""
        return setting.links.scpi(
            setting.resource,
            timeout_s=timeout_s,
            read_termination=self.READ_TERMINATION,
            write_termination=self.WRITE_TERMINATION,
            pause_s=self.options.pause_s,
            baud_rate=self.options.baud_rate,
        )

    def _ask_identity(self) -> Identity:
        reply = self.link.query("*IDN?").strip()
        fields = [field.strip() for field in reply.split(",")]
        if len(fields) < 4:
            raise WrongInstrument(f"{self.setting.resource}: answers *IDN? with {reply!r}")
        identity = Identity(fields[0], fields[1], fields[2], ",".join(fields[3:]))
        if not re.search(self.MAKER, identity.maker, re.IGNORECASE) or not re.match(
            self.MODEL, identity.model, re.IGNORECASE
        ):
            raise WrongInstrument(
                f"{self.setting.resource}: {identity.maker} {identity.model} answers, "
                f"which {type(self).__name__} does not speak to"
            )
        return identity

    def _fetch(self, row: Quantity[Any]) -> ReadingValue:
        return self._interpret(row, self.ask(row.query))

    def _interpret(self, row: Quantity[Any], text: str) -> ReadingValue:
        if row.kind is bool:
            return ReadingValue(float(parse_bool(text)))
        if row.kind is str:
            return ReadingValue(text.strip().strip('"'))
        try:
            return parse_number(text, scale=row.scale)
        except WrongReply as error:
            raise WrongReply(f"{row.query!r}: {error}") from None

    def _send(self, row: Control[Any], value: Value) -> None:
        if isinstance(value, bool):
            self.tell(row.command.format(self.SWITCH[value]))
        elif isinstance(value, str):
            self.tell(row.command.format(value))
        else:
            self.tell(row.command.format(value / row.scale))
