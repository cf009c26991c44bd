"""An analyzer that speaks like a Yokogawa WT: items chosen by ``:NUMeric:NORMal:ITEMn``, watts and volts.

As the real one: replies repeat the header until ``:COMMunicate:HEADer OFF``; values change only at the
update rate; no data is ``NAN`` (9.91E+37 in the float format), an overflow ``INF`` (9.9E+37).
"""

from __future__ import annotations

import math
import re
import struct

from instruments.twins.analyzer import Analyzer, Element
from instruments.twins.integrator import Integrator
from instruments.twins.scpi import MESSAGES, Call, Command, Dialect, ScpiError
from instruments.twins.world import World

__all__ = ["YokogawaMeter"]

_RATES_S = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_VOLTAGES_V = (1.5, 3.0, 6.0, 10.0, 15.0, 30.0, 60.0, 100.0, 150.0, 300.0, 600.0, 1000.0)
_CURRENTS_A = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_OVER_RANGE = 1.4
_ITEMS_COUNT = 255
_FUNCTIONS = ("U", "I", "P", "S", "Q", "LAMB", "PHI", "FU", "FI", "WH", "WP", "WM", "TIME")
_LONG = {"LAMBDA": "LAMB"}
_UNIT = re.compile(r"^([+-]?[0-9.]+(?:E[+-]?[0-9]+)?)(MS|S|MV|V|MA|A)?$")


class YokogawaMeter(Dialect):
    """The analyzer's front panel. ``order`` says which element of the world is which of the instrument."""

    identity = "YOKOGAWA,WT1802E-TWIN,SIM000002,F1.00"

    def __init__(self, world: World, analyzer: Analyzer, order: tuple[int, int] = (0, 1)) -> None:
        self._world, self._analyzer, self._order = world, analyzer, order
        self._integrator = Integrator(world, analyzer)
        self._header, self._verbose, self._float = True, True, False
        self._items: dict[int, tuple[str, int] | None] = {}
        self._count = 3
        self._ranges: dict[tuple[str, int], float | None] = {}
        self._updates_seen = -1
        self.reset()
        integrator = self._integrator
        super().__init__(
            [
                Command(":COMMunicate:HEADer", self._set_header, lambda call: str(int(self._header))),
                Command(":COMMunicate:VERBose", self._set_verbose, lambda call: str(int(self._verbose))),
                Command(":COMMunicate:REMote", lambda call: _ignore(call.switch()), lambda call: "1"),
                Command(":COMMunicate:LOCKout", lambda call: _ignore(call.switch()), lambda call: "0"),
                Command(":NUMeric:FORMat", self._format, lambda call: "FLOAT" if self._float else "ASCII"),
                Command(":NUMeric[:NORMal]:NUMber", self._number, lambda call: str(self._count)),
                Command(":NUMeric[:NORMal]:ITEM#", self._item, self._item_text),
                Command(":NUMeric[:NORMal]:VALue", query=self._values),
                Command(":NUMeric[:NORMal]:CLEar", self._clear),
                Command(":RATE", self._rate, lambda call: _eng(self._analyzer.rate_s)),
                Command(":STATus:CONDition", query=lambda call: "0"),
                Command(":STATus:EESR", query=self._events),
                Command(":STATus:ERRor", query=lambda call: self.next_error()),
                *self._range_commands("VOLTage", "V", _VOLTAGES_V),
                *self._range_commands("CURRent", "A", _CURRENTS_A),
                Command(":INTEGrate:STARt", lambda call: integrator.start()),
                Command(":INTEGrate:STOP", lambda call: integrator.stop()),
                Command(":INTEGrate:RESet", lambda call: integrator.reset()),
                Command(":INTEGrate:STATe", query=lambda call: integrator.state),
            ]
        )

    def reset(self) -> None:
        """Items ``U I P`` of element 1, ASCII, automatic ranges, the fastest rate."""
        self._float, self._count = False, 3
        self._items = {1: ("U", 1), 2: ("I", 1), 3: ("P", 1)}
        self._ranges = {}
        self._analyzer.rate_s = self._analyzer.config.update_s
        self._integrator.reset()

    def error_text(self, code: int) -> str:
        """Return an error as this maker numbers them: without a sign."""
        return f'{-code},"{MESSAGES[code]}"' if code else '0,"No error"'

    def reply(self, command: Command, call: Call, value: str) -> str:
        """Repeat the header of what can also be set, as long as headers are on."""
        always = self._analyzer.faults.active("header", self._world.now_s)
        if command.set is None and not always:
            return value
        return f"{self._spoken(command, call)} {value}" if self._header or always else value

    def _spoken(self, command: Command, call: Call) -> str:
        numbers = iter(call.numbers)
        words = []
        for node in re.findall(r"\[[^\]]*\]|:[A-Za-z]+#?", command.pattern):
            if node.startswith("[") and not self._verbose:
                continue
            name = node.strip("[]:")
            number = str(next(numbers)) if name.endswith("#") else ""
            name = name.removesuffix("#")
            words.append((name.upper() if self._verbose else re.sub("[a-z]", "", name)) + number)
        return ":" + ":".join(words)

    def _set_header(self, call: Call) -> None:
        self._header = call.switch()

    def _set_verbose(self, call: Call) -> None:
        self._verbose = call.switch()

    def _format(self, call: Call) -> None:
        word = call.word()
        if word not in ("ASC", "ASCII", "FLO", "FLOAT"):
            raise ScpiError(-141)
        self._float = word.startswith("FLO")

    def _number(self, call: Call) -> None:
        word = call.word()
        self._count = _ITEMS_COUNT if word == "ALL" else _whole(word, 1, _ITEMS_COUNT)

    def _item(self, call: Call) -> None:
        if not 1 <= call.numbers[0] <= _ITEMS_COUNT:
            raise ScpiError(-222)
        if not call.args:
            raise ScpiError(-109)
        if len(call.args) > 2:
            raise ScpiError(-108)
        function = _LONG.get(call.args[0].upper(), call.args[0].upper())
        element = _whole(call.args[1], 1, 2) if len(call.args) == 2 else 1
        if function != "NONE" and function not in _FUNCTIONS:
            raise ScpiError(-141)
        self._items[call.numbers[0]] = None if function == "NONE" else (function, element)

    def _item_text(self, call: Call) -> str:
        item = self._items.get(call.numbers[0])
        if item is None:
            return "NONE"
        return item[0] if item[0] == "TIME" else f"{item[0]},{item[1]}"

    def _clear(self, call: Call) -> None:
        self._items = {}

    def _values(self, call: Call) -> str:
        numbers = range(1, self._count + 1)
        if call.args:
            only = _whole(call.word(), 1, _ITEMS_COUNT)
            numbers = range(only, only + 1)
        elements = self._analyzer.elements(self._world.now_s)
        values = [self._value(self._items.get(number), elements) for number in numbers]
        if self._analyzer.faults.active("sentinel", self._world.now_s) and not self._float:
            return ",".join("9.91E+37" for _ in values)
        if self._float:
            block = b"".join(struct.pack(">f", _code(value)) for value in values)
            return f"#4{len(block):04d}" + block.decode("latin-1")
        return ",".join([_text(value) for value in values])

    def _value(self, item: tuple[str, int] | None, elements: tuple[Element, Element]) -> float | None:
        if item is None:
            return None
        function, number = item
        index = self._order[number - 1]
        if function in ("WH", "WP", "WM", "TIME"):
            return self._integrator.value(function, index)
        return self._ranged(function, number, elements[index])

    def _ranged(self, function: str, number: int, element: Element) -> float | None:
        voltage_v, current_a, power_w = element.voltage_v, element.current_a, element.power_w
        if function in ("FU", "FI"):
            return element.frequency_hz
        if voltage_v is None or current_a is None or power_w is None:
            return None
        if self._ranges or math.isinf(voltage_v) or math.isinf(current_a):
            over_v = _over(voltage_v, self._ranges.get(("V", number)))
            over_a = _over(current_a, self._ranges.get(("A", number)))
            if (over_v and function != "I") or (over_a and function != "U"):
                return math.inf
        if function == "P":
            return power_w
        if function == "U":
            return voltage_v
        if function == "I":
            return current_a
        apparent_va = abs(power_w)
        if function in ("LAMB", "PHI"):
            if apparent_va == 0.0:
                return None
            return math.copysign(1.0, power_w) if function == "LAMB" else (0.0 if power_w > 0 else 180.0)
        return {"S": apparent_va, "Q": 0.0}[function]

    def _rate(self, call: Call) -> None:
        rate_s = _quantity(call.word(), "S")
        finest_s = self._analyzer.config.update_s
        if rate_s not in (*_RATES_S, finest_s) or rate_s < finest_s:
            raise ScpiError(-222)
        self._analyzer.rate_s = rate_s

    def _events(self, call: Call) -> str:
        number = self._analyzer.window(self._world.now_s).number
        new, self._updates_seen = number != self._updates_seen, number
        return str(int(new))

    def _range_commands(self, what: str, unit: str, ranges: tuple[float, ...]) -> list[Command]:
        def change(call: Call, elements: tuple[int, ...]) -> None:
            word = call.word()
            wanted = None if word == "AUTO" else _quantity(word, unit)
            fitting = next((full for full in ranges if wanted is not None and wanted <= full), None)
            if wanted is not None and (fitting is None or wanted <= 0):
                raise ScpiError(-222)
            for element in elements:
                self._ranges[unit, element] = fitting

        def auto(call: Call, elements: tuple[int, ...]) -> None:
            on = call.switch()
            for element in elements:
                self._ranges[unit, element] = None if on else ranges[-1]

        def which(call: Call) -> tuple[int, ...]:
            if call.numbers[0] not in (1, 2):
                raise ScpiError(-222)
            return call.numbers[:1]

        def shown(call: Call) -> str:
            full = self._ranges.get((unit, which(call)[0] if call.numbers else 1))
            return _eng(ranges[-1] if full is None else full)

        def automatic(call: Call) -> str:
            return str(int(self._ranges.get((unit, which(call)[0] if call.numbers else 1)) is None))

        base = f"[:INPut]:{what}"
        return [
            Command(f"{base}:RANGe[:ALL]", lambda call: change(call, (1, 2)), shown),
            Command(f"{base}:RANGe:ELEMent#", lambda call: change(call, which(call)), shown),
            Command(f"{base}:AUTO[:ALL]", lambda call: auto(call, (1, 2)), automatic),
            Command(f"{base}:AUTO:ELEMent#", lambda call: auto(call, which(call)), automatic),
        ]


def _ignore(_: bool) -> None:
    """Take a setting that changes nothing here."""


def _over(value: float, full: float | None) -> bool:
    return math.isinf(value) or (full is not None and abs(value) > _OVER_RANGE * full)


def _whole(text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ScpiError(-104) from None
    if not low <= value <= high:
        raise ScpiError(-222)
    return value


def _quantity(text: str, unit: str) -> float:
    """Read a number with an optional unit: ``100MS`` ``0.1`` ``300V``."""
    match = _UNIT.match(text)
    suffix = match[2] if match else None
    if match is None or suffix not in (None, unit, f"M{unit}"):
        raise ScpiError(-104)
    try:
        value = float(match[1])
    except ValueError:
        raise ScpiError(-104) from None
    return value / 1000.0 if suffix == f"M{unit}" else value


def _eng(value: float) -> str:
    """Write a number with an exponent that is a multiple of three: ``500.000E-03``."""
    if value == 0.0:
        return "0.00000E+00"
    exponent = 3 * math.floor(math.log10(abs(value)) / 3)
    mantissa = value / 10.0**exponent
    size = abs(mantissa)
    digits = 5 if 1.0 <= size < 10.0 else 4 if 10.0 <= size < 100.0 else 3 if size >= 100.0 else 6
    return f"{mantissa:.{digits}f}E{exponent:+03d}"


def _text(value: float | None) -> str:
    if value is None:
        return "NAN"
    return "INF" if math.isinf(value) else _eng(value)


def _code(value: float | None) -> float:
    if value is None:
        return 9.91e37
    return 9.9e37 if math.isinf(value) else value
