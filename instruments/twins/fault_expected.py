"""What a fault must change in each profile: which finding has to name it, told before any run is looked at.

A text of words ``WHERE:FINDING,FINDING``. WHERE is a profile or a group of profiles; a later word replaces
what an earlier one said of the same profile. One of the findings named must be the root of the outcome, or
the new warning where the outcome stays. ``WHERE:-``: nothing may change. A ``?`` at the end: the fault may
stay below what the profile can see. Profiles that no word names: nothing that counts may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["GROUPS", "Expected", "expected"]

_PRODUCTS = ("secondary1", "secondary2", "tertiary1", "tertiary2", "tertiary2_partial", "tertiary2_repeat")
_FOLLOW = ("follow1", "follow5")
_SLOTS = ("capacity", "economic_dr")
_FREQUENCY = ("primary", "droop", "dead_band", "frequency_accuracy", "grid_replay")
_DEVICE = ("reverse_flow", "mode_restore", "metering", "telemetry")

GROUPS: Mapping[str, tuple[str, ...]] = {
    "products": _PRODUCTS,
    "follow": _FOLLOW,
    "slots": _SLOTS,
    "commands": (*_PRODUCTS, *_FOLLOW, *_SLOTS),
    "frequency": _FREQUENCY,
    "all": (*_PRODUCTS, *_FOLLOW, *_SLOTS, *_FREQUENCY, *_DEVICE),
}
"""Profiles that judge alike: after a command, a new command every few minutes, energy a slot, the response to
frequency."""


@dataclass(frozen=True)
class Expected:
    """``ids``: short ids of findings, or ``ERROR`` or ``ABORTED``; ``may``: nothing at all is right too."""

    ids: tuple[str, ...]
    may: bool = False


def expected(text: str) -> dict[str, Expected]:
    """Read what a fault must change, by profile.

    Raises:
        ValueError: a word names no profile.
    """
    found: dict[str, Expected] = {}
    for word in text.split():
        where, _, names = word.partition(":")
        profiles = GROUPS.get(where, (where,))
        if not names or any(profile not in GROUPS["all"] for profile in profiles):
            raise ValueError(f"{word!r} names no profile")
        may, names = names.endswith("?"), names.removesuffix("?")
        for profile in profiles:
            if names == "-":
                found.pop(profile, None)
            else:
                found[profile] = Expected(tuple(names.split(",")), may)
    return found
