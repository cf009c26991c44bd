"""ZES Zimmer LMG670 power analyzers: all items of both channels in one query, with the cycle's own time.

Read for this file:

- lmgtools: ``cuveland/lmgtools``, ``lmg670.py`` and ``powerlog670.py``, which run against the real analyzer
  over TCP 5025: LF, ``*zlang short``, ranges by ``uauto1 0``, ``urng1``, ``iauto1 0``, ``irng1``, values
  joined by ``;``, ``gtl``; a session that hangs is freed by the word ``break`` on the port above, which
  answers ``0 ok``; items ``tsnorm durnorm utrms itrms p fcyc``. Its ``example/lmg670.log`` shows what they
  look like.
- svpelab: ``sunspec/svp_energy_lab``, ``Lib/svpelab/device_lmg670.py`` (``FRMT ASCii``, ``CYCLMOD 0``,
  ``cycl`` in seconds, ``INIM; TSNORM?; ...`` as one line, the form of the time stamp, ``*ESR?``).

The length of the cycle is set by ``cycl`` and verified by ``durnorm``, how long the last one really took.
No data sheet was at hand: the accuracy comes from the station file.
"""

from __future__ import annotations

import contextlib
import re

from pydantic import Field

from bench.drivers.analyzer import AnalyzerInstrument
from bench.drivers.base import Identity
from bench.drivers.descriptors import Exchange, Reading
from bench.drivers.event_status import event_errors
from bench.drivers.scpi import ScpiOptions
from bench.drivers.values import parse_list, parse_number
from bench.errors import InstrumentRefused, LinkTimeout, WrongReply

__all__ = ["ZesLmg670"]

_PORT, _BREAK_PORT = "::5025::", "::5026::"
_CYCLE_AGREES_RATIO = 0.2  # a cycle ends with a period of the signal, not with the millisecond
_CYCLES_TO_WAIT = 3
_ITEM = "lmgtools powerlog670, VAL"


class ZesOptions(ScpiOptions):
    """Extra keys of the meter's station table."""

    voltage_range_v: float | None = Field(default=None, gt=0, description="fixed for the run; else as it is")
    current_range_a: float | None = Field(default=None, gt=0, description="fixed for the run; else as it is")
    break_resource: str | None = Field(
        default=None, description="where it takes the word break; else port 5026 where resource has 5025"
    )


class ZesLmg670(AnalyzerInstrument):
    """A power analyzer of one to seven channels. It publishes means over its cycle."""

    OPTIONS = ZesOptions
    MAKER, MODEL = "ZES", r"LMG6"
    ERROR_QUERY = "*ESR?"
    UPDATES = "set with `cycl`, proved by how long the last cycle took"
    OWN_TIME = True

    power_kw = Reading(
        "P{device}",
        unit="kW",
        scale=0.001,
        doc="Measure the active power at the device point, discharge positive.",
        page=_ITEM,
    )
    frequency_hz = Reading("FCYC{device}", unit="Hz", doc="Measure the frequency of the cycle.", page=_ITEM)
    voltage_v = Reading(
        "UTRMS{device}", unit="V", doc="Measure the voltage at the device point (rms).", page=_ITEM
    )
    current_a = Reading(
        "ITRMS{device}", unit="A", doc="Measure the current at the device point (rms).", page=_ITEM
    )
    receiving_power_kw = Reading(
        "P{receiving}",
        unit="kW",
        scale=0.001,
        doc="Measure the active power at the receiving point, export positive.",
        page=_ITEM,
    )
    receiving_voltage_v = Reading(
        "UTRMS{receiving}", unit="V", doc="Measure the voltage at the receiving point (rms).", page=_ITEM
    )
    receiving_current_a = Reading(
        "ITRMS{receiving}", unit="A", doc="Measure the current at the receiving point (rms).", page=_ITEM
    )

    EXAMPLES = (
        Exchange("INIM;DURNORM1?", "0.500101824", "cycle", 0.500101824, page="lmgtools example/lmg670.log"),
        Exchange(
            "INIM;TSNORM?;P1?;FCYC1?;UTRMS1?;ITRMS1?",
            "2015:01:21D17:20:55.437817000+0000;0.000000E+00;4.998982E+01;2.316219E+02;0.000000E+00",
            "values",
            [0.0, 49.98982, 231.6219, 0.0],
            page="lmgtools example/lmg670.log, first record; separators of lmg670.py",
        ),
        Exchange(
            "INIM;TSNORM?;P1?;FCYC1?;UTRMS1?;ITRMS1?",
            "2015:01:21D17:20:55.451829000+0000;0.000000E+00;9.910000E+37;0.000000E+00;0.000000E+00",
            "values",
            [0.0, "missing", 0.0, 0.0],
            page="lmgtools example/lmg670.log, first record, channel 4: no frequency",
        ),
    )

    def errors(self) -> list[str]:
        """Empty the event status register and return the errors in it.

        Raises:
            WrongReply: the answer is no register.
        """
        return event_errors(self.ask(self.ERROR_QUERY))

    def cycle_s(self) -> float:
        """Return how long the last cycle took.

        Raises:
            WrongReply: no positive number.
        """
        question = f"INIM;DURNORM{self.elements[0]}?"
        duration_s = parse_number(self.link.query(question)).value
        if not isinstance(duration_s, float) or duration_s <= 0:
            raise WrongReply(f"{question!r} was answered with {duration_s}")
        return duration_s

    def close(self) -> None:
        """Give the panel back, and release the wire; never raises."""
        with contextlib.suppress(Exception):
            if self.link.generation:
                self.link.write("gtl")
        super().close()

    def _ask_identity(self) -> Identity:
        try:
            return super()._ask_identity()
        except LinkTimeout:
            if not self._break():
                raise
            return super()._ask_identity()

    def _break(self) -> bool:
        """Free a session that hangs; False where there is no port for it."""
        resource = self.options.break_resource
        if resource is None and _PORT in self.setting.resource:
            resource = self.setting.resource.replace(_PORT, _BREAK_PORT)
        if resource is None:
            return False
        link = self.setting.links.scpi(resource, timeout_s=self.setting.station.timeout_s)
        try:
            return link.query("break").strip() == "0 ok"
        finally:
            link.close()

    def _configure(self, sample_s: float) -> None:
        self.tell("*zlang short")
        self.tell("FRMT ASCii")
        for channel in self.elements:
            if self.options.voltage_range_v is not None:
                self.tell(f"uauto{channel} 0;urng{channel} {self.options.voltage_range_v:g}")
            if self.options.current_range_a is not None:
                self.tell(f"iauto{channel} 0;irng{channel} {self.options.current_range_a:g}")
        self.tell("CYCLMOD 0")
        self.tell(f"cycl {sample_s:g}")
        self._verify_cycle(sample_s)

    def _verify_cycle(self, sample_s: float) -> None:
        """Wait for a cycle of the new length; what it then is becomes known."""
        clock = self.setting.clock
        for _ in range(_CYCLES_TO_WAIT):
            took_s = self.cycle_s()
            if abs(took_s - sample_s) <= _CYCLE_AGREES_RATIO * sample_s:
                break
            clock.sleep_until(clock.now_s() + sample_s)
        else:
            raise InstrumentRefused(f"its cycle was set to {sample_s:g} s and takes {took_s:g} s")
        self._state_interval(sample_s)

    def _sample(self) -> tuple[list[str], str]:
        question = "INIM;TSNORM?;" + ";".join(f"{item}?" for item in self.items)
        stamp, _, values = self.link.query(question).partition(";")
        if re.match(r"\s*\d{4}:\d{2}:\d{2}D\d{2}:\d{2}:\d{2}", stamp) is None:
            raise WrongReply(f"{question!r} was answered with {stamp!r} where a time was asked for")
        return parse_list(values, len(self.items)), stamp.strip()
