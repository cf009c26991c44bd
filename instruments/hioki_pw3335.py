"""Hioki PW3335, PW3336 and PW3337 power meters: all items of both channels in one query.

Read for this file:

- PW3335A985-01: Hioki, PW3335 communication command instruction manual, p. 68 (``:MEASure?`` with its items
  named, and what is sent for over range, scaling error and no data).
- PW3336A987-01: Hioki, PW3336/PW3337 communication command instruction manual (TCP port 3300, message
  formats, headers).
- PW3390: Hioki, PW3390 communication command instruction manual, p. 11 (``*ESR?`` with and without header,
  what its bits stand for); the same register as in the PW3336 manual, "Event Registers".
- driver A: a public driver of the PW3336 over TCP 3300, class ``HiokiPW3336Controller`` (CR LF, ``:HEAD 1``,
  ``:MEAS?`` answers ``U1 +048.02E+0;I1 +02.390E+0``).
- driver B: a public driver of the PW3336 over pyvisa, class ``HiokiPW3336`` (items ``U1 I1 P1 FREQU1`` joined
  by commas; the values come back joined by semicolons; ``:HEADer OFF``).
- PW3336 data sheet, p. 8: accuracy at 45 to 66 Hz below half of full scale.

None of them tells how the update interval is asked for or set, how ranges are fixed by a command, or the
accuracy of the frequency: the station file says so (``update_s``, ``accuracy``), and the ranges are fixed on
the panel. Where a model names its items otherwise, ``items`` in the station file does; the PW3335 manual has
them without a channel's number (``numbered = false``). The header stays on: every value says what it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bench.config.station import Instrument as StationTable
from bench.drivers.analyzer import AnalyzerInstrument
from bench.drivers.base import ReadingValue
from bench.drivers.descriptors import Exchange, Reading
from bench.drivers.event_status import event_errors
from bench.drivers.scpi import ScpiOptions
from bench.drivers.setting import Setting
from bench.drivers.values import parse_bool, parse_list
from bench.errors import Fault, InstrumentRefused, LinkTimeout, WrongReply

__all__ = ["HiokiOptions", "HiokiPw3335"]

_ITEMS = "driver B, SCPI_MAP"
# PW3335A985-01 p. 68: 999.99E+9 over range, 888.88E+9 scaling error, 777.77E+9 no data. Others of the maker
# write the same digits with E+99. Nothing that is measured here comes near.
_SENTINELS_FROM = 600e9
_OVER_RANGE = re.compile(r"[+-]?9+\.?9*E\+?\d+", re.IGNORECASE)

ItemKind = Literal["power", "frequency", "voltage", "current"]
ItemName = Annotated[str, Field(pattern=r"^[A-Za-z]+$")]


class HiokiOptions(ScpiOptions):
    """Extra keys of the meter's station table."""

    update_s: float | None = Field(
        default=None, gt=0, description="how often it has new values, from the data sheet"
    )
    items: dict[ItemKind, ItemName] | None = Field(
        default=None,
        description="how the model names power, frequency, voltage, current, without the channel's number",
    )

    numbered: bool = Field(
        default=True, description="false: a meter of one channel, whose items carry no channel's number"
    )


class HiokiPw3335(AnalyzerInstrument):
    """A power meter of two or three channels. CR LF ends a line."""

    OPTIONS = HiokiOptions
    MAKER, MODEL = "HIOKI", r"PW333[567]"
    WRITE_TERMINATION = "\r\n"
    ERROR_QUERY = "*ESR?"
    HEADERS: ClassVar[bool] = True
    """Whether every value is asked to say what it is."""
    ACCURACY = {  # noqa: RUF012  (a ClassVar of the base)
        "power_reading_pct": 0.1,
        "power_range_pct": 0.05,
        "voltage_reading_pct": 0.1,
        "voltage_range_pct": 0.05,
        "voltage_range_v": 300.0,
    }
    ACCURACY_FROM = "PW3336 data sheet p. 8"

    power_kw = Reading(
        "P{device}",
        unit="kW",
        scale=0.001,
        doc="Measure the active power at the device point, discharge positive.",
        page=_ITEMS,
    )
    frequency_hz = Reading(
        "FREQU{device}", unit="Hz", doc="Measure the frequency of the voltage.", page=_ITEMS
    )
    voltage_v = Reading(
        "U{device}", unit="V", doc="Measure the voltage at the device point (rms).", page=_ITEMS
    )
    current_a = Reading(
        "I{device}", unit="A", doc="Measure the current at the device point (rms).", page=_ITEMS
    )
    receiving_power_kw = Reading(
        "P{receiving}",
        unit="kW",
        scale=0.001,
        doc="Measure the active power at the receiving point, export positive.",
        page=_ITEMS,
    )
    receiving_voltage_v = Reading(
        "U{receiving}", unit="V", doc="Measure the voltage at the receiving point (rms).", page=_ITEMS
    )
    receiving_current_a = Reading(
        "I{receiving}", unit="A", doc="Measure the current at the receiving point (rms).", page=_ITEMS
    )

    EXAMPLES: ClassVar[tuple[Exchange, ...]] = (
        Exchange(":MEAS? U1,I1", "U1 +048.02E+0;I1 +02.390E+0", "items", [48.02, 2.39], page="driver A"),
        Exchange(
            ":MEAS? U1,I1",
            "U1 +999.99E+9;I1 +777.77E+9",
            "items",
            ["overflow", "missing"],
            page="PW3335A985-01 p. 68, error data",
        ),
        Exchange("*ESR?", "32", "error", ["command error (*ESR? 32)"], page="PW3390 p. 11, header off"),
        Exchange("*ESR?", "*ESR 32", "error", ["command error (*ESR? 32)"], page="PW3390 p. 11, header on"),
    )

    @classmethod
    def check_config(cls, config: StationTable, folder: Path, place: str) -> list[Fault]:
        """Refuse two points on a meter of one channel: both would be read from it."""
        both = config.device_point is not None and config.receiving_point is not None
        if both and config.options().get("numbered") is False:
            why = "false is for a meter of one channel, and device_point and receiving_point are two"
            return [Fault(f"{place}.numbered", why)]
        return []

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.items = self._named()
        if self.options.update_s is not None:
            self._state_interval(self.options.update_s)

    def errors(self) -> list[str]:
        """Empty the event status register and return the errors in it.

        Raises:
            WrongReply: the answer is no register.
        """
        return event_errors(self.ask(self.ERROR_QUERY))

    def ask_items(self, items: list[str]) -> tuple[list[str], str]:
        """Return the texts of ``items``, which may come with or without headers, and the reply as it came.

        Raises:
            WrongReply: another item, another number of them, or a last one cut short.
        """
        question = ":MEAS? " + ",".join(items)
        reply = self.link.query(question)
        texts = []
        for at, part in enumerate(re.split("[;,]", reply)):
            header, space, value = part.strip().partition(" ")
            if space and (at >= len(items) or header.upper() != items[at].upper()):
                raise WrongReply(f"{question!r} was answered with {reply!r}")
            texts.append(value if space else header)
        return parse_list(";".join(texts), len(items)), reply

    def _named(self) -> list[str]:
        """Return the items under the names that the station file has for them."""
        own = self.options.items or {}
        named = []
        for row, item in zip(self.table.values(), self.items, strict=True):
            kind = row.name.removeprefix("receiving_").partition("_")[0]
            letters = row.query.partition("{")[0]
            number = item.removeprefix(letters) if self.options.numbered else ""
            named.append(str(own.get(kind, letters)) + number)
        return named

    def _number(self, text: str, scale: float = 1.0) -> ReadingValue:
        plain = super()._number(text)
        if isinstance(plain.value, float) and abs(plain.value) < _SENTINELS_FROM:
            return super()._number(text, scale)
        if _OVER_RANGE.fullmatch(text.strip()):
            return ReadingValue(None, "overflow")
        return plain if plain.value is None else ReadingValue(None, "missing")

    def _configure(self, sample_s: float) -> None:
        self.tell(f":HEAD {'ON' if self.HEADERS else 'OFF'}")
        if parse_bool(self.ask(":HEAD?")) is not self.HEADERS:
            raise InstrumentRefused(f"its headers stay {'off' if self.HEADERS else 'on'}")
        try:
            self._sample()
        except LinkTimeout:  # what it does not understand it leaves without an answer, and notes
            self._refuse_errors()
            raise
        self._refuse_errors()

    def _refuse_errors(self) -> None:
        errors = self.errors()
        if errors:
            raise InstrumentRefused(
                f"refuses to measure {','.join(self.items)}: {'; '.join(errors)}; where it has other names, "
                f"items and numbered in [instruments.{self.setting.role}] say so"
            )

    def _sample(self) -> tuple[list[str], str]:
        return self.ask_items(self.items)
