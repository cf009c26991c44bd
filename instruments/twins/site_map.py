"""The site's registers on Modbus: the house's load and generation, the limiter, the switches.

The map is the one that the driver of a site controller has as its default: one word a quantity, from register
0: load, generation, limit (all 0.001 kW), limiter (0 off, 1 fixed, 2 own, 3 gateway), gateway on, line on,
the contact that raises a warning at the battery; 90-97 the serial. Nobody but the bench reads it, so it is
not anybody else's dialect.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.links.base import RegisterKind
from instruments.twins.world import World

__all__ = ["SiteMap"]

_WAYS = ("off", "fixed", "own", "gateway")
_COUNT, _SERIAL_AT = 100, 90
_SERIAL = "SIM000005"


class SiteMap:
    """Registers in, registers out."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def span(self) -> tuple[int, int]:
        """The first register and their number."""
        return 0, _COUNT

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        """Return registers, or a Modbus exception code."""
        if unit != 1:
            return 11
        if kind != "holding":
            return 1
        if not 1 <= count <= 125:
            return 3
        if address < 0 or address + count > _COUNT:
            return 2
        return self._registers()[address : address + count]

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        """Set what is named; return a Modbus exception code, or None."""
        if unit != 1:
            return 11
        if kind != "holding":
            return 1
        if address < 0 or not 1 <= len(values) <= 7 - address:
            return 2
        new = dict(enumerate(values, start=address))
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

    def _registers(self) -> list[int]:
        world = self._world
        limiter, house = world.battery.limiter, world.house
        words = [0] * _COUNT
        words[0] = round(1000.0 * house.load_kw)
        words[1] = round(1000.0 * house.pv_kw(world.now_s))
        words[2] = round(1000.0 * limiter.limit_kw)
        words[3] = _WAYS.index(limiter.way)
        words[4], words[5], words[6] = int(world.gateway_on), int(world.lan_on), int(world.contact.closed)
        serial = _SERIAL.ljust(16, "\0").encode("ascii")
        words[_SERIAL_AT : _SERIAL_AT + 8] = [
            int.from_bytes(serial[i : i + 2], "big") for i in range(0, 16, 2)
        ]
        return words
