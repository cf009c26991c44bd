"""Hioki PW3390, PW6001 and PW8001 power analyzers: all items of both channels in one query.

Read for this file:

- PW3390A975-01: Hioki, PW3390 communication command instruction manual (TCP port 3390; p. 11 ``*ESR?``, p. 37
  the channels 1 to 4 of ``U I P FREQ``, with and without header).
- PW8001A964-03: Hioki, PW8001 communication command instruction manual, 1.1 and 1.2 (TCP port 23,
  ``:VOLTAGE1:RANGE 300`` and its query, ``HEADer`` and the forms of it that are accepted).
- driver C: a public driver of the PW3390 over TCP 3390, class ``PW3390TcpTransport`` (CR LF, ``:HEADER OFF``,
  ``:MEASURE? Urms1,Irms1,P1,FREQ1``, values joined by commas, ``+9999.9E+99`` for over range).
- driver D: a public driver of the PW3390 over pyvisa, class ``HiokiPW`` (``:MEAS? Urms1``, CR LF).

No page or driver was found that names the items of a PW6001 or a PW8001: the station file does (``items``),
and the instrument's own error register tells whether it knows them. How the update interval is asked for and
the accuracy were not found either: ``update_s`` and ``accuracy`` come from the station file.
"""

from __future__ import annotations

import re

from pydantic import Field

from bench.drivers.base import Identity
from bench.drivers.descriptors import Exchange, Reading
from bench.drivers.values import parse_number
from bench.errors import InstrumentRefused
from instruments.hioki_pw3335 import HiokiOptions, HiokiPw3335

__all__ = ["HiokiPw3390"]

_ITEMS = "driver C, GetVoltageRms to GetFrequency"
_NAMES_READ = r"PW3390"


class AnalyzerOptions(HiokiOptions):
    """Extra keys of the meter's station table."""

    voltage_range_v: float | None = Field(default=None, gt=0, description="fixed for the run; else as it is")


class HiokiPw3390(HiokiPw3335):
    """A power analyzer of four to eight channels. CR LF ends a line; headers are switched off."""

    OPTIONS = AnalyzerOptions
    MODEL = r"PW(3390|6001|8001)"
    HEADERS = False
    ACCURACY = {}  # noqa: RUF012  (a ClassVar of the base)
    ACCURACY_FROM = ""

    power_kw = Reading(
        "P{device}",
        unit="kW",
        scale=0.001,
        doc="Measure the active power at the device point, discharge positive.",
        page=_ITEMS,
    )
    frequency_hz = Reading(
        "FREQ{device}", unit="Hz", doc="Measure the frequency of the voltage.", page=_ITEMS
    )
    voltage_v = Reading(
        "Urms{device}", unit="V", doc="Measure the voltage at the device point (rms).", page=_ITEMS
    )
    current_a = Reading(
        "Irms{device}", unit="A", doc="Measure the current at the device point (rms).", page=_ITEMS
    )
    receiving_power_kw = Reading(
        "P{receiving}",
        unit="kW",
        scale=0.001,
        doc="Measure the active power at the receiving point, export positive.",
        page=_ITEMS,
    )
    receiving_voltage_v = Reading(
        "Urms{receiving}", unit="V", doc="Measure the voltage at the receiving point (rms).", page=_ITEMS
    )
    receiving_current_a = Reading(
        "Irms{receiving}", unit="A", doc="Measure the current at the receiving point (rms).", page=_ITEMS
    )

    EXAMPLES = (
        Exchange(
            ":MEAS? Urms1,Irms1",
            "+0201.5E+00,+0006.2E+00",
            "items",
            [201.5, 6.2],
            page="driver C, parse_measurement_response: header off, commas",
        ),
        Exchange(
            ":MEAS? P1", "+9999.9E+99", "items", ["overflow"], page="driver C, parse_numeric: over range"
        ),
        Exchange(":VOLTAGE1:RANGE?", "300", "range", 300.0, page="PW8001A964-03, 1.2.2, without a header"),
        Exchange(
            ":VOLTAGE1:RANGE?",
            ":VOLTAGE1:RANGE 300",
            "range",
            300.0,
            page="PW8001A964-03, 1.2.2, with a header",
        ),
        Exchange(
            "*ESR?", "32", "error", ["command error (*ESR? 32)"], page="PW3390A975-01 p. 11, header off"
        ),
    )

    def ask_range_v(self, channel: int) -> float | str | None:
        """Return the voltage range of ``channel``.

        Raises:
            WrongReply: no number.
        """
        return parse_number(self.ask(f":VOLTAGE{channel}:RANGE?")).value

    def _ask_identity(self) -> Identity:
        identity = super()._ask_identity()
        if self.options.items is None and not re.match(_NAMES_READ, identity.model, re.IGNORECASE):
            raise InstrumentRefused(
                f"no page at hand tells how a {identity.model} names its items: add "
                f"[instruments.{self.setting.role}.items] with power, frequency, voltage, current from its "
                'manual (a PW3390 says "P", "FREQ", "Urms", "Irms")'
            )
        return identity

    def _configure(self, sample_s: float) -> None:
        wanted_v = self.options.voltage_range_v
        for channel in self.elements if wanted_v is not None else ():
            self.tell(f":VOLTAGE{channel}:RANGE {wanted_v:g}")
            got_v = self.ask_range_v(channel)
            if got_v != wanted_v:
                raise InstrumentRefused(
                    f"the voltage range of channel {channel} was set to {wanted_v:g} V and reads back {got_v}"
                )
        super()._configure(sample_s)
