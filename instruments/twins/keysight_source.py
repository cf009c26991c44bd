"""A source that speaks like a Keysight AC6800B, which is made by Kikusui: the same tree, another name."""

from __future__ import annotations

from instruments.twins.kikusui_source import KikusuiSource
from instruments.twins.scpi import Call, Command, ScpiError
from instruments.twins.world import World

__all__ = ["KeysightSource"]

_AVERAGES = range(1, 101)


class KeysightSource(KikusuiSource):
    """The source's front panel, with what a public driver of the AC6804B asks beside the PCR's commands."""

    identity = "Keysight Technologies,AC6804B-TWIN,SIM000001,1.00"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._automatic, self._protected, self._averages = False, False, 1
        self.learn(
            [
                Command("[:SOURce]:VOLTage:RANGe:AUTO", self._auto, lambda call: str(int(self._automatic))),
                Command(
                    "[:SOURce]:CURRent:PROTection:STATe",
                    self._protect,
                    lambda call: str(int(self._protected)),
                ),
                Command(":SENSe:AVERage", self._average, lambda call: str(self._averages)),
            ]
        )

    def _auto(self, call: Call) -> None:
        self._automatic = call.switch()

    def _protect(self, call: Call) -> None:
        self._protected = call.switch()

    def _average(self, call: Call) -> None:
        word = call.word()
        if not word.isdigit():
            raise ScpiError(-104)
        if int(word) not in _AVERAGES:
            raise ScpiError(-222)
        self._averages = int(word)
