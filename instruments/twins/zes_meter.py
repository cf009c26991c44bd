"""An analyzer that speaks like a ZES LMG670 in its short language: items by name, values joined by ``;``.

What the real one sends without a value is SCPI's own 9.91E+37. Its cycle is the window of the means; here it
does not wait for a period of the signal to end.
"""

from __future__ import annotations

import datetime
import math
from functools import partial

from instruments.twins.analyzer import Analyzer, Element
from instruments.twins.scpi import Call, Command, Dialect, ScpiError
from instruments.twins.world import World

__all__ = ["ZesMeter"]

_CYCLES_S = (0.01, 60.0)
_EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_ITEMS = ("P", "FCYC", "UTRMS", "ITRMS", "S", "Q", "PF")
_OVER_RANGE = 1.4


class ZesMeter(Dialect):
    """The analyzer's panel. ``INIM`` takes a snapshot; items show it until the next."""

    identity = "ZES ZIMMER Electronic Systems GmbH,LMG670-TWIN,SIM000002,1.00"

    def __init__(self, world: World, analyzer: Analyzer, order: tuple[int, int] = (0, 1)) -> None:
        self._world, self._analyzer, self._order = world, analyzer, order
        self._language, self._cycle_mode = "SCPI", "0"
        self._ranges: dict[tuple[str, int], float | None] = {}
        self._taken: tuple[Element, Element] | None = None
        self._taken_to_s = 0.0
        super().__init__(
            [
                Command(":FRMT", self._format),
                Command(":CYCL", self._cycle, lambda call: f"{analyzer.rate_s:g}"),
                Command(":CYCLMOD", self._mode, lambda call: self._cycle_mode),
                Command(":INIM", lambda call: self._take()),
                Command(":TSNORM#", query=lambda call: self._time()),
                Command(":DURNORM#", query=lambda call: f"{analyzer.rate_s:.9f}"),
                Command(":GTL", lambda call: None),
                *(Command(f":{letter}AUTO#", partial(self._auto, letter=letter)) for letter in ("U", "I")),
                *(Command(f":{letter}RNG#", partial(self._range, letter=letter)) for letter in ("U", "I")),
                *(Command(f":{item}#", query=partial(self._value, item=item)) for item in _ITEMS),
            ]
        )

    def _common(self, header: str, args: tuple[str, ...]) -> str | None:
        if header == "*ZLANG":
            if [word.upper() for word in args] not in (["SHORT"], ["SCPI"]):
                raise ScpiError(-141)
            self._language = args[0].upper()
            return None
        return super()._common(header, args)

    def handle(self, line: str) -> str | None:
        """Carry out one line: the short language has no header paths, and its words are not the other's."""
        units = [unit.strip() for unit in line.split(";")]
        if self._language != "SHORT" and any(unit and not unit.startswith("*") for unit in units):
            self.fail(-113)
            return None
        return super().handle(";".join(unit if unit[:1] in ("*", ":", "") else f":{unit}" for unit in units))

    def _format(self, call: Call) -> None:
        if call.word() not in ("ASC", "ASCII", "PACK", "PACKED"):
            raise ScpiError(-141)

    def _cycle(self, call: Call) -> None:
        try:
            cycle_s = float(call.word())
        except ValueError:
            raise ScpiError(-104) from None
        finest_s = max(_CYCLES_S[0], self._analyzer.config.update_s)
        if not finest_s <= cycle_s <= _CYCLES_S[1]:
            raise ScpiError(-222)
        self._analyzer.rate_s = cycle_s

    def _mode(self, call: Call) -> None:
        self._cycle_mode = call.word()

    def _auto(self, call: Call, letter: str) -> None:
        if call.switch():
            self._ranges[letter, call.numbers[0]] = None

    def _range(self, call: Call, letter: str) -> None:
        try:
            self._ranges[letter, call.numbers[0]] = float(call.word())
        except ValueError:
            raise ScpiError(-104) from None

    def _take(self) -> None:
        self._taken = self._analyzer.elements(self._world.now_s)
        self._taken_to_s = self._analyzer.window(self._world.now_s).to_s

    def _time(self) -> str:
        if self._taken is None:
            raise ScpiError(-221)
        at = _EPOCH + datetime.timedelta(seconds=self._taken_to_s)
        return f"{at:%Y:%m:%dD%H:%M:%S.%f}000+0000"

    def _value(self, call: Call, item: str) -> str:
        number = call.numbers[0]
        if self._taken is None or number not in (1, 2):
            raise ScpiError(-221 if self._taken is None else -222)
        element = self._taken[self._order[number - 1]]
        over = self._over("U", number, element.voltage_v) or self._over("I", number, element.current_a)
        values = {
            "P": element.power_w,
            "FCYC": element.frequency_hz,
            "UTRMS": element.voltage_v,
            "ITRMS": element.current_a,
            "S": None if element.power_w is None else abs(element.power_w),
            "Q": 0.0,
            "PF": None if not element.power_w else math.copysign(1.0, element.power_w),
        }
        value = values[item]
        if value is None:
            return "9.910000E+37"
        if math.isinf(value) or (over and item != "FCYC"):
            return "9.900000E+37"
        return f"{value:.6E}"

    def _over(self, letter: str, number: int, value: float | None) -> bool:
        full = self._ranges.get((letter, number))
        return full is not None and value is not None and abs(value) > _OVER_RANGE * full
