"""A power meter that speaks like a Hioki PW3336: ``:MEASure?`` with items, values joined by ``;``.

Replies repeat the item's name while headers are on, as in ``U1 +048.02E+0;I1 +02.390E+0``. There is no error
queue: errors are bits of the event status register. For over range and for no data it sends what the manual
of its sibling PW3335 shows. The PW3390 names its items otherwise and joins values by commas.
"""

from __future__ import annotations

import math
import re

from instruments.twins.analyzer import Analyzer, Element
from instruments.twins.scpi import Call, Command, Dialect, ScpiError
from instruments.twins.world import World

__all__ = ["HiokiAnalyzer", "HiokiMeter"]

_DIGITS = 5
_RANGES_V = (6.0, 15.0, 30.0, 60.0, 150.0, 300.0, 600.0, 1500.0)


class HiokiMeter(Dialect):
    """The meter's front panel. ``order`` says which element of the world is which channel."""

    identity = "HIOKI,PW3336-TWIN,SIM000002,V1.00"
    item = re.compile(r"(FREQU|PF|U|I|P|S|Q)([12])", re.IGNORECASE)
    separator = ";"
    over_range, no_data = "+999.99E+9", "+777.77E+9"

    def __init__(self, world: World, analyzer: Analyzer, order: tuple[int, int] = (0, 1)) -> None:
        self._world, self._analyzer, self._order = world, analyzer, order
        self._header = False
        super().__init__(
            [
                Command(":HEADer", self._set_header, lambda call: "ON" if self._header else "OFF"),
                Command(":MEASure", query=self._measure),
            ]
        )

    def reply(self, command: Command, call: Call, value: str) -> str:
        """Repeat the header of a setting; measured values bring their own."""
        if not self._header or command.set is None:
            return value
        return f":VOLTAGE{call.numbers[0]}:RANGE {value}" if call.numbers else f":HEADER {value}"

    def _set_header(self, call: Call) -> None:
        self._header = call.switch()

    def _measure(self, call: Call) -> str:
        if not call.args:
            raise ScpiError(-109)
        elements = self._analyzer.elements(self._world.now_s)
        parts = []
        for arg in call.args:
            match = self.item.fullmatch(arg)
            if match is None:
                raise ScpiError(-222)
            text = self._text(_value(match[1].upper(), elements[self._order[int(match[2]) - 1]]))
            if self._analyzer.faults.active("sentinel", self._world.now_s):
                text = "9.91E+37"
            headed = self._header or self._analyzer.faults.active("header", self._world.now_s)
            parts.append(f"{arg} {text}" if headed else text)
        return self.separator.join(parts)

    def _text(self, value: float | None) -> str:
        if value is None:
            return self.no_data
        return self.over_range if math.isinf(value) else _text(value)


class HiokiAnalyzer(HiokiMeter):
    """A PW3390, with the range command of a PW8001."""

    identity = "HIOKI,PW3390-TWIN,SIM000002,V1.00"
    item = re.compile(r"(FREQ|PF|Urms|Irms|P|S|Q)([12])", re.IGNORECASE)
    separator = ","
    over_range, no_data = "+9999.9E+99", "+7777.7E+99"

    def __init__(self, world: World, analyzer: Analyzer, order: tuple[int, int] = (0, 1)) -> None:
        super().__init__(world, analyzer, order)
        self._range_v = {1: 600.0, 2: 600.0}
        self.learn([Command(":VOLTage#:RANGe", self._set_range, self._shown_range)])

    def _set_range(self, call: Call) -> None:
        word, channel = call.word(), call.numbers[0]
        if channel not in self._range_v or not re.fullmatch(r"\d+(\.\d*)?", word):
            raise ScpiError(-222)
        if float(word) not in _RANGES_V:
            raise ScpiError(-222)
        self._range_v[channel] = float(word)

    def _shown_range(self, call: Call) -> str:
        if call.numbers[0] not in self._range_v:
            raise ScpiError(-222)
        return f"{self._range_v[call.numbers[0]]:g}"


def _value(function: str, element: Element) -> float | None:
    power_w = element.power_w
    if function in ("S", "PF") and power_w:
        return abs(power_w) if function == "S" else math.copysign(1.0, power_w)
    simple = {
        "U": element.voltage_v,
        "URMS": element.voltage_v,
        "I": element.current_a,
        "IRMS": element.current_a,
        "P": power_w,
        "FREQU": element.frequency_hz,
        "FREQ": element.frequency_hz,
        "Q": 0.0,
    }
    return simple.get(function)


def _text(value: float) -> str:
    """Write five digits and an exponent that is a multiple of three: ``+02.390E+0`` has its point inside."""
    exponent = 0 if value == 0.0 else min(6, max(-3, 3 * math.floor(math.log10(abs(value)) / 3)))
    mantissa = value / 10.0**exponent
    whole = 1 if abs(mantissa) < 1 else math.floor(math.log10(abs(mantissa))) + 1
    return f"{mantissa:+.{_DIGITS - whole}f}E{exponent:+d}"
