"""How fresh the battery's own measured registers are: live, or taken at instants and published later."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from instruments.twins.world import World

__all__ = ["Refresh", "reported"]

Key = tuple[int, str]
_ALWAYS_LIVE = ("Hz", "LLV", "St", "InvSt", "ConnSt", "State", "ChaSt", "Hb", "Alrm")
"""The state of the grid and of the device: without it nobody would dare to switch the device on."""
Refresh = Callable[[], float | None]


class _Report:
    """Takes all values together every ``interval_s``, and shows each set ``delay_s`` later."""

    def __init__(self, world: World, live: Mapping[Key, Refresh], interval_s: float, delay_s: float) -> None:
        self._world, self._live = world, live
        self._interval_s, self._delay_s = interval_s, delay_s
        self._number = 0
        self._shown = self._take(0.0)
        self._await()

    def _take(self, at_s: float) -> dict[Key, float | None]:
        """Return every value as of ``at_s``, a moment that the world is passing."""
        now_s, self._world.now_s = self._world.now_s, at_s
        try:
            return {key: refresh() for key, refresh in self._live.items()}
        finally:
            self._world.now_s = now_s

    def _await(self) -> None:
        self._number += 1
        self._world.agenda.at(self._number * self._interval_s, self._due)

    def _due(self, t_s: float) -> None:
        taken = self._take(t_s)
        self._world.agenda.at(t_s + self._delay_s, lambda at_s: self._show(taken))
        self._await()

    def _show(self, taken: dict[Key, float | None]) -> None:
        self._shown = taken

    def value(self, key: Key) -> float | None:
        """Return what the register shows."""
        return self._shown[key]


_LIVE_S = 0.05  # a delay without an interval: as good as live for anybody who reads


def reported(world: World, live: Mapping[Key, Refresh]) -> Mapping[Key, Refresh]:
    """Return how each measured point is read, as fresh as ``[twin.battery]`` says."""
    config = world.battery.config
    if not config.report_interval_s and not config.report_delay_s:
        return live
    slow = {key: refresh for key, refresh in live.items() if key[1] not in _ALWAYS_LIVE}
    report = _Report(world, slow, config.report_interval_s or _LIVE_S, config.report_delay_s)

    def reader(key: Key) -> Refresh:
        return lambda: report.value(key)

    return {**live, **{key: reader(key) for key in slow}}
