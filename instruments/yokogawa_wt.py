"""Yokogawa WT-series power analyzers: all items of both elements in one query.

Read for this file:

- IM 760101-11E: WT1600 user's manual, p. 5-70 (``:NUMeric[:NORMal]:VALue?``, data that do not exist).
- IM WT3001E-17EN: WT3000E communication manual, p. 6-97 (NAN, INF), p. 6-114 (``*IDN?``).
- IM WT310E-17EN: WT310E communication manual, p. 5-6 (replies are NR3 without unit).
- IM 253421-01E: WT200 manual, p. 14-7 (``STATUS:ERROR?``, headers).
- IM WT5000-17EN: WT5000 communication manual, p. 4-5 (headers, ``COMMunicate:HEADer``).
- IM WT310E-02EN: WT310E getting started guide, p. 7-7 (power), p. 7-10 (frequency): accuracy.
- pycoolr: ``coolr-hpc/pycoolr``, ``coolr_wt310.py`` (``:COMM:REM ON``, ``:RATE 100MS``).
- svpelab: ``sunspec/svp_energy_lab``, ``device_wt3000.py`` (items ``U,1 I,1 P,1 FU,1``), ``device_wt1600.py``
  (over Ethernet a WT1600 or WT3000 on port 10001 speaks first, takes user and password, and frames messages).
- heromix driver: a public driver of the WT1800, ``set_input_volt_range`` and ``set_input_volt_auto`` (for all
  elements at once), ``get_input_volt_range`` (queries all). WT3000 and WT310 drivers write the same headers.
- Yokogawa FAQ: the maker's "How to connect to legacy Yokogawa products using Ethernet protocol" (one bit for
  the last part and 31 bits of length before each message; an empty password is 80 00 00 00).

WT300, WT1800 and WT5000 models take VXI-11 (``TCPIP::host::INSTR``) or GPIB, USB and serial lines as VISA
opens them. An older one over Ethernet: ``resource = "TCPIP::host::10001::SOCKET"``, ``user = "anonymous"``.
"""

from __future__ import annotations

import contextlib

from pydantic import Field

from bench.drivers.analyzer import AnalyzerInstrument
from bench.drivers.base import ReadingValue
from bench.drivers.descriptors import Exchange, Reading
from bench.drivers.scpi import ScpiOptions
from bench.drivers.setting import Setting
from bench.drivers.values import parse_list, parse_number
from bench.errors import InstrumentRefused, WrongReply
from bench.links.base import ScpiLink

__all__ = ["YokogawaWt"]

_IN_STEP_EVERY_S = 10.0
# Update intervals of the family; each model knows some of them. The instrument's own answer counts.
_RATES_S = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


# IM WT310E-02EN p. 7-10: 0.06 % of reading. A calibrated analyzer is far better: its certificate, in the
# station file, replaces this.
_FREQUENCY_READING_RATIO = 0.0006


class YokogawaOptions(ScpiOptions):
    """Extra keys of the meter's station table."""

    user: str | None = Field(
        default=None, description="log in, and frame the messages: WT1600 and WT3000 over Ethernet"
    )
    password: str = Field(default="", description="of that user; it is copied into every run folder")
    voltage_range_v: float | None = Field(default=None, gt=0, description="fixed for the run; else as it is")
    current_range_a: float | None = Field(default=None, gt=0, description="fixed for the run; else as it is")


class YokogawaWt(AnalyzerInstrument):
    """A power analyzer. It publishes means over its update interval; asking faster repeats them.

    ``query`` of a row is the numeric item; ``{}`` stands for the element.
    """

    OPTIONS = YokogawaOptions
    MAKER, MODEL = "YOKOGAWA", r"WT|760\d{3}"  # a WT3000 gives its model code: 760304-40-MV
    ERROR_QUERY = ":STAT:ERR?"
    # 45 to 66 Hz, power factor 1, 12 months: IM WT310E-02EN p. 7-7, the same for the WT1800 (bulletin p. 17);
    # the voltage in the range that a 200 V system is measured in.
    ACCURACY = {  # noqa: RUF012  (a ClassVar of the base)
        "power_reading_pct": 0.1,
        "power_range_pct": 0.05,
        "voltage_reading_pct": 0.1,
        "voltage_range_pct": 0.05,
        "voltage_range_v": 300.0,
    }
    ACCURACY_FROM = "IM WT310E-02EN p. 7-7 and 7-10"
    UPDATES = "set with `:RATE`, and what it then is asked back"

    power_kw = Reading(
        "P,{device}",
        unit="kW",
        scale=0.001,
        doc="Measure the active power at the device point, discharge positive.",
        page="IM 760101-11E p. 5-70",
    )
    frequency_hz = Reading(
        "FU,{device}", unit="Hz", doc="Measure the frequency of the voltage.", page="svpelab device_wt3000"
    )
    voltage_v = Reading(
        "U,{device}", unit="V", doc="Measure the voltage at the device point (rms).", page="svpelab"
    )
    current_a = Reading(
        "I,{device}", unit="A", doc="Measure the current at the device point (rms).", page="svpelab"
    )
    receiving_power_kw = Reading(
        "P,{receiving}",
        unit="kW",
        scale=0.001,
        doc="Measure the active power at the receiving point, export positive.",
        page="IM 760101-11E p. 5-70",
    )
    receiving_voltage_v = Reading(
        "U,{receiving}", unit="V", doc="Measure the voltage at the receiving point (rms).", page="svpelab"
    )
    receiving_current_a = Reading(
        "I,{receiving}", unit="A", doc="Measure the current at the receiving point (rms).", page="svpelab"
    )

    EXAMPLES = (
        Exchange(
            "*IDN?", "YOKOGAWA,WT3004E-2A0-30A4,0,F6.01", "identity", "F6.01", page="IM WT3001E-17EN p. 6-114"
        ),
        Exchange(":STATUS:ERROR?", '0,"NO ERROR"', "error", [], page="IM 253421-01E p. 14-7"),
        Exchange(
            ":STATUS:ERROR?",
            '113,"Undefined header"',
            "error",
            ['113,"Undefined header"'],
            page="IM WT3001E-17EN, error messages",
        ),
        Exchange(":RATE?", "500.0E-03", "rate", 0.5, page="IM WT3001E-17EN, RATE group"),
        Exchange(":RATE?", ":RATE 500.0E-03", "rate", 0.5, page="IM WT5000-17EN p. 4-5: header and data"),
        Exchange(
            ":INP:VOLT:RANG?",
            ":VOLT:RANG:ELEM1 3.00E+00;ELEM2 1.00E+03",
            "ranges",
            [3.0, 1000.0],
            page="public drivers of the WT1800 and WT3000: all elements, with headers",
        ),
        Exchange(
            ":NUMERIC:NORMAL:VALUE?",
            "104.75E+00,105.02E+00,-0.38E+00,49.868E+00",
            "values",
            [104.75, 105.02, -0.38, 49.868],
            page="IM 760101-11E p. 5-70",
        ),
        Exchange(
            ":NUMERIC:NORMAL:VALUE?",
            "NAN,INF,104.75E+00",
            "values",
            ["missing", "overflow", 104.75],
            page="IM WT3001E-17EN p. 6-97",
        ),
    )

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._in_step_s = 0.0
        frequency_hz = _FREQUENCY_READING_RATIO * setting.station.nominal_hz
        self._state_accuracy({**self.ACCURACY, "frequency_hz": frequency_hz}, self.ACCURACY_FROM)

    def _open_link(self, setting: Setting, timeout_s: float) -> ScpiLink:
        if self.options.user is None:
            return super()._open_link(setting, timeout_s)
        return setting.links.framed(
            setting.resource, timeout_s=timeout_s, user=self.options.user, password=self.options.password
        )

    def _configure(self, sample_s: float) -> None:
        """Set items, format and update rate, and verify each by asking."""
        for courtesy in (":COMM:REM ON", ":COMM:HEAD OFF"):
            with contextlib.suppress(InstrumentRefused):  # replies are understood with headers too
                self.tell(courtesy)
        self._fix_range("VOLT", "V", self.options.voltage_range_v)
        self._fix_range("CURR", "A", self.options.current_range_a)
        self.tell(":NUM:FORM ASC")
        self.tell(f":NUM:NORM:NUM {len(self.items)}")
        for number, item in enumerate(self.items, 1):
            self.tell(f":NUM:NORM:ITEM{number} {item}")
        self._verify()
        self._choose_rate(sample_s)
        self._in_step_s = self.setting.clock.now_s()

    def ask_rate_s(self) -> float:
        """Return the update interval that the instrument says it has.

        Raises:
            WrongReply: no positive number.
        """
        rate_s = parse_number(self.ask(":RATE?")).value
        if not isinstance(rate_s, float) or rate_s <= 0:
            raise WrongReply(f"':RATE?' was answered with {rate_s}")
        return rate_s

    def ask_values(self, count: int) -> list[ReadingValue]:
        """Return the numeric items in the instrument's units.

        Raises:
            WrongReply: another number of values, or something that is no value.
        """
        return [parse_number(item) for item in parse_list(self.ask(":NUM:NORM:VAL?"), count)]

    def ask_ranges(self, what: str) -> list[float | str | None]:
        """Return the ranges of ``what`` (``VOLT`` or ``CURR``): one, or one for each element.

        Raises:
            WrongReply: something that is no number.
        """
        question = f":INP:{what}:RANG?"
        reply = self.link.query(
            question
        )  # a header names the first element only: ":VOLT:RANG:ELEM1 300;ELEM2 300"
        if ":" in reply and what not in reply.upper():
            raise WrongReply(f"{question!r} was answered with {reply!r}")
        return [parse_number(part.split()[-1]).value for part in reply.split(";") if part.strip()]

    def _fix_range(self, what: str, unit: str, wanted: float | None) -> None:
        """Set one range for all elements, switch its automatic choice off, and verify it."""
        if wanted is None:
            return
        self.tell(f":INP:{what}:AUTO OFF")
        self.tell(f":INP:{what}:RANG {wanted:g}{unit}")
        got = self.ask_ranges(what)
        if not got or any(one != wanted for one in got):
            raise InstrumentRefused(f"its range was set to {wanted:g} {unit} and reads back {got}")

    def _verify(self) -> None:
        count = parse_number(self.ask(":NUM:NORM:NUM?")).value
        if count != len(self.items):
            raise InstrumentRefused(f"shows {count} numeric items, not the {len(self.items)} asked for")
        for number, item in enumerate(self.items, 1):
            got = self.ask(f":NUM:NORM:ITEM{number}?")
            # models with harmonics append the order: "U,1,TOTAL"
            if [part.strip().upper() for part in got.split(",")][:2] != item.split(","):
                raise InstrumentRefused(f"numeric item {number} was set to {item} and reads back {got!r}")

    def _choose_rate(self, sample_s: float) -> None:
        """Ask for the longest update interval not above ``sample_s``; what it then is becomes known.

        A model that does not know an interval says so: it is asked for the next shorter ones, and where it
        has none, for the longer ones.

        Raises:
            InstrumentRefused: it takes an interval and keeps another.
        """
        fast = [rate for rate in _RATES_S if rate <= sample_s * (1 + 1e-9)]
        for wanted_s in [*reversed(fast), *(rate for rate in _RATES_S if rate not in fast)]:
            self.link.write(f":RATE {wanted_s * 1000:g}MS")
            if self.errors():
                continue
            rate_s = self.ask_rate_s()
            if abs(rate_s - wanted_s) > 1e-6:
                raise InstrumentRefused(
                    f"its update interval of {wanted_s:g} s reads back as {rate_s:g} s: not applied"
                )
            break
        self._state_interval(self.ask_rate_s())

    def _sample(self) -> tuple[list[str], str]:
        reply = self.ask(":NUM:NORM:VAL?")
        values = parse_list(reply, len(self.items))
        self._check_in_step()
        return values, reply

    def _check_in_step(self) -> None:
        """Ask something else now and then: one value looks like the next, whichever question it answers.

        Raises:
            WrongReply: an answer came that belongs to another question.
        """
        now_s = self.setting.clock.now_s()
        if now_s - self._in_step_s < _IN_STEP_EVERY_S:
            return
        self._in_step_s = now_s
        reply = self.ask(":NUM:NORM:NUM?")
        try:
            in_step = parse_number(reply).value == len(self.items)
        except WrongReply:
            in_step = False
        if not in_step:
            raise WrongReply(f"answers another question: ':NUM:NORM:NUM?' was answered with {reply!r}")
