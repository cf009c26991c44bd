"""The site's registers on Modbus: the house's load and generation, the limiter, the switches.

The map is the one that the driver of a site controller has as its default: one word a quantity, from register
0: load, generation, limit (all 0.001 kW), limiter (0 off, 1 fixed, 2 own, 3 gateway), gateway on, line on,
the contact that raises a warning at the battery; 90-97 the serial. Nobody but the bench reads it, so it is
not anybody else's dialect.
"""

from __future__ import annotations

from collections.abc import Mapping

from instruments.twins.word_map import WordMap
from instruments.twins.world import World

__all__ = ["SiteMap"]

_WAYS = ("off", "fixed", "own", "gateway")
_SERIAL = "SIM000005"


class SiteMap(WordMap):
    """What the site tells and takes."""

    SETTABLE = 7

    def __init__(self, world: World) -> None:
        super().__init__(_SERIAL)
        self._world = world

    def _take(self, new: Mapping[int, int]) -> int | None:
        """Set what is named."""
        if new.get(3, 0) >= len(_WAYS) or any(new.get(at, 0) > 1 for at in (4, 5, 6)):
            return 3
        world = self._world
        if world.switched is None and any(new.get(at, 1) != 1 for at in (4, 5)):
            return 4  # there is no gateway to switch off or to cut off
        world.set_house(*(None if at not in new else new[at] / 1000.0 for at in (0, 1)))
        limiter = world.battery.limiter
        if 2 in new or 3 in new:
            way = _WAYS[new[3]] if 3 in new else limiter.way
            limit_kw = new[2] / 1000.0 if 2 in new else limiter.limit_kw
            world.battery.limit_export(world.now_s, way, limit_kw)
        for at, name in ((4, "gateway_on"), (5, "lan_on")):
            if at in new:
                world.switch(name, bool(new[at]))
        if 6 in new:
            world.touch(bool(new[6]))
        return None

    def _words(self) -> Mapping[int, int]:
        world = self._world
        limiter, house = world.battery.limiter, world.house
        return {
            0: round(1000.0 * house.load_kw),
            1: round(1000.0 * house.pv_kw(world.now_s)),
            2: round(1000.0 * limiter.limit_kw),
            3: _WAYS.index(limiter.way),
            4: int(world.gateway_on),
            5: int(world.lan_on),
            6: int(world.contact.closed),
        }
