"""What a battery did before it was taken over, and how it goes back to that by itself."""

from __future__ import annotations

from instruments.twins.settings import Settings
from instruments.twins.world import World

__all__ = ["Takeover"]


class Takeover:
    """Remembers the settings before a control; a sound battery returns to them when it ends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before: Settings | None = None

    def begin(self) -> None:
        """Remember what the battery does now, unless it is taken over already."""
        settings = self._world.battery.settings
        if not settings.set_enabled:
            self._before = settings

    def let_go(self) -> None:
        """Forget it: the control ended by a command."""
        self._before = None

    def end(self, t_s: float) -> None:
        """Let the battery go back by itself: its schedule is over, or nobody renews the command any more."""
        battery, before = self._world.battery, self._before
        if before is None or battery.faults.active("keeps_command", t_s):
            return
        self._before = None
        battery.command(t_s, before)
