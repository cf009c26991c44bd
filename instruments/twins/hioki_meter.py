"""A power meter that speaks like a Hioki PW3336: ``:MEASure?`` with items, values joined by ``;``.

Replies repeat the item's name while headers are on, as in ``U1 +048.02E+0;I1 +02.390E+0``. There is no error
queue: errors are bits of the event status register. What the real one sends where it has no value was not
found; here it is a number far beyond SCPI's own sentinels.
"""

from __future__ import annotations

import math
import re

from instruments.twins.analyzer import Analyzer, Element
from instruments.twins.scpi import Call, Command, Dialect, ScpiError
from instruments.twins.world import World

__all__ = ["HiokiMeter"]

_ITEM = re.compile(r"(FREQU|PF|U|I|P|S|Q)([12])")
_NO_VALUE = "+9999.9E+99"
_DIGITS = 5


class HiokiMeter(Dialect):
    """The meter's front panel. ``order`` says which element of the world is which channel."""

    identity = "HIOKI,PW3336-TWIN,SIM000002,V1.00"

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
        return f":HEADER {value}" if self._header and command.set is not None else value

    def _set_header(self, call: Call) -> None:
        self._header = call.switch()

    def _measure(self, call: Call) -> str:
        if not call.args:
            raise ScpiError(-109)
        elements = self._analyzer.elements(self._world.now_s)
        parts = []
        for arg in call.args:
            match = _ITEM.fullmatch(arg.upper())
            if match is None:
                raise ScpiError(-222)
            text = _text(_value(match[1], elements[self._order[int(match[2]) - 1]]))
            if self._analyzer.faults.active("sentinel", self._world.now_s):
                text = "9.91E+37"
            headed = self._header or self._analyzer.faults.active("header", self._world.now_s)
            parts.append(f"{arg.upper()} {text}" if headed else text)
        return ";".join(parts)


def _value(function: str, element: Element) -> float | None:
    power_w = element.power_w
    if function in ("S", "PF") and power_w:
        return abs(power_w) if function == "S" else math.copysign(1.0, power_w)
    simple = {
        "U": element.voltage_v,
        "I": element.current_a,
        "P": power_w,
        "FREQU": element.frequency_hz,
        "Q": 0.0,
    }
    return simple.get(function)


def _text(value: float | None) -> str:
    """Write five digits and an exponent that is a multiple of three: ``+02.390E+0`` has its point inside."""
    if value is None or math.isinf(value):
        return _NO_VALUE
    exponent = 0 if value == 0.0 else min(6, max(-3, 3 * math.floor(math.log10(abs(value)) / 3)))
    mantissa = value / 10.0**exponent
    whole = 1 if abs(mantissa) < 1 else math.floor(math.log10(abs(mantissa))) + 1
    return f"{mantissa:+.{_DIGITS - whole}f}E{exponent:+d}"
