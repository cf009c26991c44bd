"""A source that speaks like an AMETEK / California Instruments MX, as a public driver of one speaks to it."""

from __future__ import annotations

from functools import partial

from instruments.twins.list_mode import ListMode, number
from instruments.twins.scpi import Call, Command, Dialect, ScpiError
from instruments.twins.world import World

__all__ = ["AmetekSource"]

_FREQUENCY_HZ = (16.0, 819.0)
_RANGES_V = (150.0, 300.0, 600.0)
_COLUMNS = {
    "DWELl": "dwell",
    "FREQuency": "frequency",
    "FREQuency:SLEW": "frequency slew",
    "VOLTage": "voltage",
    "VOLTage:SLEW": "voltage slew",
    "FUNCtion": "function",
    "REPeat": "repeat",
}


class AmetekSource(Dialect):
    """The source's front panel. Settings of a phase go to the one selected, or to all that are coupled."""

    identity = "AMETEK Programmable Power,MX15-TWIN,SIM000001,1.00"

    def __init__(self, world: World) -> None:
        self._world, self._list = world, ListMode(world)
        self._regenerates, self._coupled, self._phase = False, "ALL", 1
        self._range_v = 300.0
        self._modes = {"frequency": "FIX"}
        quiet = [
            "[:SOURce]:FREQuency:SLEW:MODE",
            "[:SOURce]:VOLTage:MODE",
            "[:SOURce]:VOLTage:SLEW:MODE",
            "[:SOURce]:FUNCtion:MODE",
            "[:SOURce]:LIST:STEP",
            "[:SOURce]:LIST:COUNt",
            ":TRIGger:TRANsient:SOURce",
            ":TRIGger:SYNChronize:SOURce",
        ]
        super().__init__(
            [
                Command(
                    "[:SOURce]:FREQuency[:CW]", self._frequency, lambda call: f"{world.source.set_hz:.6g}"
                ),
                Command(
                    "[:SOURce]:VOLTage[:LEVel]:AC", self._voltage, lambda call: f"{world.source.set_v:.6g}"
                ),
                Command("[:SOURce]:VOLTage:RANGe", self._range, lambda call: f"{self._range_v:.6g}"),
                Command(":OUTPut[:STATe]", self._output, lambda call: str(int(world.source.output))),
                Command(":INSTrument:COUPle", self._couple, lambda call: self._coupled),
                Command(":INSTrument:NSELect", self._select, lambda call: str(self._phase)),
                Command(":REGenerate:STATe", self._regenerate, lambda call: str(int(self._regenerates))),
                Command("[:SOURce]:FREQuency:MODE", self._mode, lambda call: self._modes["frequency"]),
                Command(":ABORt", self._abort),
                Command(":INITiate[:IMMediate]", self._initiate),
                Command(":SYSTem:ERRor", query=lambda call: self.next_error()),
                *(Command(pattern, lambda call: None if call.args else _missing()) for pattern in quiet),
                *(
                    Command(f"[:SOURce]:LIST:{word}", partial(self._list.column, name=name))
                    for word, name in _COLUMNS.items()
                ),
            ]
        )

    def _frequency(self, call: Call) -> None:
        frequency_hz = number(call.word())
        if not _FREQUENCY_HZ[0] <= frequency_hz <= _FREQUENCY_HZ[1]:
            raise ScpiError(-222)
        if self._list.plays:
            raise ScpiError(-221)
        self._world.set_frequency(frequency_hz)

    def _voltage(self, call: Call) -> None:
        voltage_v = number(call.word())
        if not 0.0 <= voltage_v <= self._range_v:
            raise ScpiError(-222)
        if self._coupled == "ALL" or self._phase == 1:
            self._world.set_voltage(voltage_v)

    def _range(self, call: Call) -> None:
        wanted = number(call.word())
        if wanted not in _RANGES_V:
            raise ScpiError(-222)
        self._range_v = wanted

    def _output(self, call: Call) -> None:
        self._world.set_output(on=call.switch())

    def _couple(self, call: Call) -> None:
        word = call.word()
        if word not in ("ALL", "NONE"):
            raise ScpiError(-141)
        self._coupled = word

    def _select(self, call: Call) -> None:
        phase = number(call.word())
        if phase not in (1.0, 2.0, 3.0):
            raise ScpiError(-222)
        self._phase = int(phase)

    def _regenerate(self, call: Call) -> None:
        self._regenerates = call.switch()

    def _mode(self, call: Call) -> None:
        word = call.word()
        if word not in ("FIX", "FIXED", "LIST"):
            raise ScpiError(-141)
        self._modes["frequency"] = word

    def _initiate(self, call: Call) -> None:
        if self._modes["frequency"] != "LIST":
            raise ScpiError(-221)
        self._list.play("dwell", "frequency")

    def _abort(self, call: Call) -> None:
        self._list.stop()


def _missing() -> None:
    raise ScpiError(-109)
