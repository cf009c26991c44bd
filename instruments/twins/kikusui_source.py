"""A source that speaks like a Kikusui PCR: SCPI, numeric replies NR3 with an explicit sign, lines up to 128.

Commands and replies as in the maker's communication manual and a public driver of the PCR-MA series.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from instruments.twins.scpi import Call, Command, Dialect, ScpiError
from instruments.twins.world import World

__all__ = ["KikusuiSource"]

_FREQUENCY_HZ = (40.0, 500.0)
_VOLTAGE_V = {155.0: (0.0, 155.0), 310.0: (0.0, 310.0)}
_CURRENT_A = (0.0, 100.0)
_COUPLINGS = ("AC", "DC", "ACDC")


def _nr3(value: float) -> str:
    return f"{value:+.6E}"


class KikusuiSource(Dialect):
    """The source's front panel. After power on: output off, 0 V, nominal frequency."""

    identity = "KIKUSUI,PCR6000LE2-TWIN,SIM000001,1.00"
    longest_line = 128

    def __init__(self, world: World) -> None:
        self._world = world
        self._coupling = "AC"
        self._current_a = _CURRENT_A[1]
        self._range_v = 310.0
        self._limits_hz = list(_FREQUENCY_HZ)
        self._limits_v = list(_VOLTAGE_V[310.0])
        measure = ":MEASure[:SCALar]"
        super().__init__(
            [
                Command("[:SOURce]:FREQuency[:CW]", self._frequency, self._frequency_set),
                Command("[:SOURce]:FREQuency:LIMit:LOWer", *_soft(self._limits_hz, 0)),
                Command("[:SOURce]:FREQuency:LIMit:UPPer", *_soft(self._limits_hz, 1)),
                Command(
                    "[:SOURce]:VOLTage[:LEVel][:IMMediate][:AMPLitude][:AC]", self._voltage, self._voltage_set
                ),
                Command("[:SOURce]:VOLTage:LIMit:LOWer", *_soft(self._limits_v, 0)),
                Command("[:SOURce]:VOLTage:LIMit:UPPer", *_soft(self._limits_v, 1)),
                Command("[:SOURce]:VOLTage:RANGe[:UPPer]", self._range, lambda call: _nr3(self._range_v)),
                Command(
                    "[:SOURce]:CURRent[:LEVel][:IMMediate][:AMPLitude]", self._current, self._current_set
                ),
                Command(":OUTPut[:STATe]", self._output, self._output_set),
                Command(":OUTPut:COUPling", self._couple, lambda call: self._coupling),
                Command(":OUTPut:PROTection:CLEar", lambda call: None),
                Command(f"{measure}:VOLTage:AC", query=lambda call: _nr3(self._measured()[0])),
                Command(f"{measure}:CURRent:AC", query=lambda call: _nr3(self._measured()[1])),
                Command(f"{measure}:POWer:AC[:REAL]", query=lambda call: _nr3(self._measured()[2])),
                Command(f"{measure}:FREQuency", query=lambda call: _nr3(self._measured()[3])),
                Command(":SYSTem:ERRor[:NEXT]", query=lambda call: self.next_error()),
                Command(":SYSTem:ERRor:COUNt", query=lambda call: str(len(self.errors))),
            ]
        )

    def reset(self) -> None:
        """Switch off, 0 V, nominal frequency, AC coupling."""
        self._world.set_output(on=False)
        self._world.set_voltage(0.0)
        self._world.set_frequency(self._world.source.nominal_hz)
        self._coupling, self._current_a, self._range_v = "AC", _CURRENT_A[1], 310.0
        self._limits_hz[:], self._limits_v[:] = _FREQUENCY_HZ, _VOLTAGE_V[310.0]

    def _frequency(self, call: Call) -> None:
        self._world.set_frequency(self._value(call, self._limits_hz, _FREQUENCY_HZ))

    def _frequency_set(self, call: Call) -> str:
        return _nr3(self._world.source.set_hz)

    def _voltage(self, call: Call) -> None:
        self._world.set_voltage(self._value(call, self._limits_v, _VOLTAGE_V[self._range_v]))

    def _voltage_set(self, call: Call) -> str:
        return _nr3(self._world.source.set_v)

    def _value(self, call: Call, limits: list[float], hard: tuple[float, float]) -> float:
        """Read ``value`` or ``value,low,high``; the latter sets the soft limits too, in one go."""
        if len(call.args) == 3:
            low, high = (_number(text) for text in call.args[1:])
            value = _number(call.args[0])
            if not hard[0] <= low <= value <= high <= hard[1]:
                raise ScpiError(-222)
            limits[:] = [low, high]
            return value
        value = _number(call.word())
        if not max(limits[0], hard[0]) <= value <= min(limits[1], hard[1]):
            raise ScpiError(-222)
        return value

    def _range(self, call: Call) -> None:
        wanted = _number(call.word())
        fitting = [full for full in sorted(_VOLTAGE_V) if wanted <= full]
        if not fitting or wanted <= 0:
            raise ScpiError(-222)
        if self._world.source.set_v > fitting[0]:
            raise ScpiError(-221)
        self._range_v = fitting[0]

    def _current(self, call: Call) -> None:
        value = _number(call.word())
        if not _CURRENT_A[0] <= value <= _CURRENT_A[1]:
            raise ScpiError(-222)
        self._current_a = value

    def _current_set(self, call: Call) -> str:
        return _nr3(self._current_a)

    def _output(self, call: Call) -> None:
        self._world.set_output(on=call.switch())

    def _output_set(self, call: Call) -> str:
        return "1" if self._world.source.output else "0"

    def _couple(self, call: Call) -> None:
        word = call.word()
        if word not in _COUPLINGS:
            raise ScpiError(-141)
        if self._world.source.output:
            raise ScpiError(-221)
        self._coupling = word

    def _measured(self) -> tuple[float, float, float, float]:
        """Return volts, amperes, watts given to the house, and hertz, as they are now."""
        now_s, source = self._world.now_s, self._world.source
        voltage_v = source.voltage_v.value(now_s)
        power_w = -1000.0 * self._world.receiving_kw.value(now_s)
        current_a = abs(power_w) / voltage_v if voltage_v > 0 else 0.0
        return voltage_v, current_a, power_w + 0.0, source.frequency_hz(now_s) or 0.0


def _soft(limits: list[float], index: int) -> tuple[Callable[[Call], None], Callable[[Call], str]]:
    """Return the two handlers of one soft limit."""

    def change(call: Call) -> None:
        limits[index] = _number(call.word())

    return change, lambda call: _nr3(limits[index])


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ScpiError(-104) from None
    if not math.isfinite(value):
        raise ScpiError(-222)
    return value
