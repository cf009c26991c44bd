"""What a source's own list does to the world: steps of frequency at the times of the source's clock."""

from __future__ import annotations

import math

from instruments.twins.scpi import Call, ScpiError
from instruments.twins.world import World

__all__ = ["ListMode", "number"]


def number(text: str) -> float:
    """Read one number.

    Raises:
        ScpiError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ScpiError(-104) from None


class ListMode:
    """The columns of a list as they were sent, and the playing of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._columns: dict[str, tuple[str, ...]] = {}
        self._playing = 0
        self._until_s = -math.inf

    @property
    def plays(self) -> bool:
        """True from the start of a list to the end of its last step."""
        return self._world.now_s < self._until_s

    def column(self, call: Call, name: str) -> None:
        """Take one column."""
        if not call.args:
            raise ScpiError(-109)
        if len(call.args) > self._world.source.list_points + 1:
            raise ScpiError(-223)
        self._columns[name] = call.args

    def play(self, durations: str, frequencies: str, *, scale: float = 1.0) -> None:
        """Begin with the first step now; ``scale`` turns the column of durations into seconds.

        A duration of zero ends a list; the columns may end before it.

        Raises:
            ScpiError: no list, or columns of different length.
        """
        if not {durations, frequencies} <= self._columns.keys():
            raise ScpiError(-221)
        lasting_s = [scale * number(text) for text in self._columns[durations]]
        if 0.0 in lasting_s:
            lasting_s = lasting_s[: lasting_s.index(0.0)]
        others = {len(column) for name, column in self._columns.items() if name != durations}
        if others != {len(lasting_s)} or not 0 < len(lasting_s) <= self._world.source.list_points:
            raise ScpiError(-221)
        asked_hz = [number(text) for text in self._columns[frequencies]]
        self._playing += 1
        at_s = self._world.now_s
        self._until_s = at_s + sum(lasting_s)
        self._world.set_frequency(asked_hz[0])
        for before_s, frequency_hz in zip(lasting_s, asked_hz[1:], strict=False):
            at_s += before_s
            self._later(at_s, frequency_hz, self._playing)

    def stop(self) -> None:
        """Stay where the list has come to."""
        self._playing += 1
        self._until_s = -math.inf

    def _later(self, at_s: float, frequency_hz: float, number_of_play: int) -> None:
        def step(t_s: float) -> None:
            if self._playing != number_of_play:
                return
            self._world.source.set_frequency(t_s, frequency_hz)
            self._world.watch(t_s, "source", "frequency_hz", self._world.source.set_hz)
            self._world.battery.bus_changed(t_s)

        self._world.agenda.at(at_s, step)
