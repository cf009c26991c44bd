"""Noise that depends on seed, channel and counter alone, never on who asked before."""

from __future__ import annotations

import hashlib
import math
import struct

__all__ = ["gaussian", "uniform"]

_TWO = struct.Struct(">QQ")


def _pair(seed: int, channel: str, counter: int) -> tuple[float, float]:
    digest = hashlib.blake2b(f"{seed}/{channel}/{counter}".encode(), digest_size=16).digest()
    first, second = _TWO.unpack(digest)
    return ((first >> 11) + 0.5) / 2**53, ((second >> 11) + 0.5) / 2**53


def uniform(seed: int, channel: str, counter: int) -> float:
    """Return a number in (0, 1)."""
    return _pair(seed, channel, counter)[0]


def gaussian(seed: int, channel: str, counter: int) -> float:
    """Return a standard normal number (Box-Muller)."""
    first, second = _pair(seed, channel, counter)
    return math.sqrt(-2.0 * math.log(first)) * math.cos(2.0 * math.pi * second)
