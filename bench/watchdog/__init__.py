"""A sibling process that makes the station safe when the bench is killed, stopped, or hangs.

It belongs to real time only: an embedded twin ends with its process. It is no substitute for hard-wired
protection, see ``docs/explanation/safety.md``.
"""

from bench.watchdog.parent import Watchdog

__all__ = ["Watchdog"]
