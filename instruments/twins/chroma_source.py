"""A source that speaks like a Chroma 61845, as a public driver of one speaks to it."""

from __future__ import annotations

from functools import partial

from instruments.twins.list_mode import ListMode, number
from instruments.twins.scpi import Call, Command, Dialect, ScpiError
from instruments.twins.world import World

__all__ = ["ChromaSource"]

_FREQUENCY_HZ = (30.0, 100.0)
_VOLTAGE_V = (0.0, 300.0)
_COLUMNS = {
    "DWELl": "dwell",
    "SHAPe": "shape",
    "VOLTage:AC:STARt": "voltage start",
    "VOLTage:AC:END": "voltage end",
    "FREQuency:STARt": "frequency start",
    "FREQuency:END": "frequency end",
}


class ChromaSource(Dialect):
    """The source's front panel. A list plays on ``TRIG ON`` while the mode is ``LIST``; dwell is in ms."""

    identity = "Chroma,61845-TWIN,SIM000001,1.00"

    def __init__(self, world: World) -> None:
        self._world, self._list = world, ListMode(world)
        self._relay, self._mode = False, "FIXED"
        level = "[:SOURce]:VOLTage[:LEVel][:IMMediate][:AMPLitude]:AC"
        quiet = [":INSTrument:EDIT", ":LIST:COUPle", ":LIST:COUNt", ":LIST:BASE", ":LIST:TRIG"]
        super().__init__(
            [
                Command("[:SOURce]:FREQuency[:IMMediate]", self._frequency, self._shown_hz),
                Command(level, self._voltage, lambda call: f"{world.source.set_v:.2f}"),
                Command(":OUTPut[:STATe]", self._output, lambda call: str(int(world.source.output))),
                Command(":OUTPut:RELay", self._switch_relay, lambda call: str(int(self._relay))),
                Command(":OUTPut:MODE", self._set_mode, lambda call: self._mode),
                Command(":TRIGger", self._trigger),
                Command(":TRIG", self._trigger),
                Command(":SYSTem:ERRor", query=lambda call: self.next_error()),
                *(Command(pattern, self._take) for pattern in quiet),
                *(
                    Command(f":LIST:{word}", partial(self._list.column, name=name))
                    for word, name in _COLUMNS.items()
                ),
            ]
        )

    def _shown_hz(self, call: Call) -> str:
        return f"{self._world.source.set_hz:.3f}"

    def _take(self, call: Call) -> None:
        call.word()

    def _frequency(self, call: Call) -> None:
        frequency_hz = number(call.word())
        if not _FREQUENCY_HZ[0] <= frequency_hz <= _FREQUENCY_HZ[1]:
            raise ScpiError(-222)
        if self._list.plays:
            raise ScpiError(-221)
        self._world.set_frequency(frequency_hz)

    def _voltage(self, call: Call) -> None:
        voltage_v = number(call.word())
        if not _VOLTAGE_V[0] <= voltage_v <= _VOLTAGE_V[1]:
            raise ScpiError(-222)
        self._world.set_voltage(voltage_v)

    def _output(self, call: Call) -> None:
        on = call.switch()
        if on and not self._relay:
            raise ScpiError(-221)
        self._world.set_output(on=on)

    def _switch_relay(self, call: Call) -> None:
        self._relay = call.switch()
        if not self._relay:
            self._world.set_output(on=False)

    def _set_mode(self, call: Call) -> None:
        word = call.word()
        if word not in ("FIXED", "LIST"):
            raise ScpiError(-141)
        self._mode = word

    def _trigger(self, call: Call) -> None:
        if not call.switch():
            self._list.stop()
        elif self._mode != "LIST":
            raise ScpiError(-221)
        else:
            self._list.play("dwell", "frequency start", scale=0.001)
