"""Small scripted instruments for the driver tests, written from the manuals' words, each with its faults."""

from __future__ import annotations

import re
from collections.abc import Callable


class ScriptedPcr:
    """A line-by-line PCR: no compound commands, ``+NR3`` replies, an error queue.

    ``step_hz`` is the resolution; ``ignores`` are headers of commands that are accepted and not applied.
    """

    def __init__(self, *, idn: str = "KIKUSUI,PCR500MA,AB000001,1.00", step_hz: float = 0.001) -> None:
        self.idn = idn
        self.step_hz = step_hz
        self.values = {"FREQ": 50.0, "VOLT": 0.0, "OUTP": 0.0}
        self.errors: list[str] = []
        self.ignores: set[str] = set()
        self.log: list[str] = []

    def handle(self, line: str) -> str | None:
        """Answer one line."""
        self.log.append(line)
        if line == "*IDN?":
            return self.idn
        if line == "SYST:ERR?":
            return self.errors.pop(0) if self.errors else '0,"No error"'
        header, _, argument = line.partition(" ")
        if header.endswith("?"):
            return self._ask(header[:-1])
        if header not in self.values:
            self.errors.append('-113,"Undefined header"')
        elif header == "FREQ" and not 40 <= float(argument) <= 500:
            self.errors.append('-222,"Data out of range"')
        elif header not in self.ignores:
            value = float(argument)
            self.values[header] = round(value / self.step_hz) * self.step_hz if header == "FREQ" else value
        return None

    def _ask(self, header: str) -> str | None:
        measured = {"MEAS:FREQ": "FREQ", "MEAS:VOLT:AC": "VOLT"}
        if header == "OUTP":
            return f"{int(self.values['OUTP'])}"
        if header in ("MEAS:CURR:AC", "MEAS:POW:AC"):
            return "+1.25000E+03"
        name = measured.get(header, header)
        if name not in self.values:
            self.errors.append('-113,"Undefined header"')
            return None
        return f"{self.values[name]:+.5E}"


class ScriptedWt:
    """A WT: items by number, values by item, a header that can be turned off, a fixed list of rates."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.header = True
        self.items: dict[int, str] = {n: f"U,{n}" for n in range(1, 20)}
        self.number = 3
        self.rate_s = 0.5
        self.rates_s = {0.1, 0.25, 0.5, 1.0, 2.0, 5.0}
        self.errors: list[str] = []
        self.cut: int | None = None
        self.ignores_items = False
        self.ranges = {"VOLT": [1000.0, 1000.0], "CURR": [50.0, 50.0]}
        self.ranges_stick = False
        self.ignores_rate = False
        self.knows_headers = True
        self.one_behind = False
        self._before: str | None = None
        self.log: list[str] = []
        self.before_values: Callable[[], None] = lambda: None

    def restart(self) -> None:
        """Forget every setting, as after a loss of power."""
        self.__init__(self.values)

    def handle(self, line: str) -> str | None:
        """Answer one line, or what was asked before it."""
        self.log.append(line)
        reply = self._answer(line)
        if reply is not None:
            before, self._before = self._before, reply
            reply = before if self.one_behind else reply
        return reply

    def _answer(self, line: str) -> str | None:
        header, _, argument = line.partition(" ")
        if line == "*IDN?":
            return "YOKOGAWA,WT1804E-5A4-50A0,91NA00001,F3.11"
        if header == ":STAT:ERR?":
            return self.errors.pop(0) if self.errors else '0,"No error"'
        if header == ":NUM:NORM:VAL?":
            self.before_values()
            reply = ",".join(self.values[self.items[n]] for n in range(1, self.number + 1))
            reply = reply[: self.cut]
            return f":NUMERIC:NORMAL:VALUE {reply}" if self.header else reply
        if header == ":RATE?":
            reply = f"{self.rate_s * 1000:.1f}E-03"
            return f":RATE {reply}" if self.header else reply
        if match := re.fullmatch(r":INP:(VOLT|CURR):RANG\?", header):
            return ";".join(f"{value:.2E}" for value in self.ranges[match[1]])
        if header == ":NUM:NORM:NUM?":
            return f":NUMERIC:NORMAL:NUMBER {self.number}" if self.header else str(self.number)
        if match := re.fullmatch(r":NUM:NORM:ITEM(\d+)\?", header):
            reply = self.items[int(match[1])]
            return f":NUMERIC:NORMAL:ITEM{match[1]} {reply}" if self.header else reply
        return self._set(header, argument)

    def _set(self, header: str, argument: str) -> None:
        if header == ":COMM:HEAD" and self.knows_headers:
            self.header = argument == "ON"
        elif header == ":NUM:NORM:NUM":
            self.number = int(argument)
        elif match := re.fullmatch(r":NUM:NORM:ITEM(\d+)", header):
            if not self.ignores_items:
                self.items[int(match[1])] = argument
        elif header == ":RATE":
            rate_s = float(argument.removesuffix("MS")) / 1000
            if rate_s in self.rates_s:
                self.rate_s = self.rate_s if self.ignores_rate else rate_s
            else:
                self.errors.append('222,"Data out of range"')
        elif match := re.fullmatch(r":INP:(VOLT|CURR):RANG", header):
            if not self.ranges_stick:
                self.ranges[match[1]] = [float(argument.rstrip("VA"))] * 2
        elif header not in (":COMM:REM", ":NUM:FORM", ":INP:VOLT:AUTO", ":INP:CURR:AUTO"):
            self.errors.append('113,"Undefined header"')
