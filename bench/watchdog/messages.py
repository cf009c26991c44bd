"""What the bench tells its watchdog through the pipe, one JSON object a line; the end of the pipe is the
end of the bench.

``order`` comes first and once; then for every run ``run``, ``arm``, many ``beat`` and ``disarm``; ``call``
asks for help; ``settle`` asks to be answered once nothing more is being done; ``end`` says that the bench
ends, and in which state it left the station. The watchdog says ``ready`` once, ``acting`` before it does
something of itself, ``acted`` after whatever it did, and ``settled`` with the number it was asked by.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["RECORD", "Order", "pack", "silence_s", "unpack"]

RECORD = "watchdog.json"
_SILENCE_RATIO = 0.75  # of the deadline may pass in silence; the rest is for the first command


@dataclass(frozen=True)
class Order:
    """Which station to watch. ``single`` are roles that take one connection only: tried last."""

    station: str
    overrides: dict[str, Any] = field(default_factory=dict)
    single: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """Return the order as a message."""
        return {"order": asdict(self)}

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Order:
        """Return the order in a message."""
        told = content["order"]
        return cls(str(told["station"]), dict(told["overrides"]), tuple(told["single"]))


def silence_s(watchdog_s: float) -> float:
    """Return how long the bench may be silent, for a first command within ``watchdog_s``."""
    return watchdog_s * _SILENCE_RATIO


def pack(message: Mapping[str, Any]) -> bytes:
    """Return a message as a line; what JSON does not know becomes text."""
    return json.dumps(message, default=str).encode("ascii") + b"\n"


def unpack(line: bytes) -> dict[str, Any]:
    """Return the message of a line; an empty one where the line is torn."""
    try:
        content = json.loads(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
