"""What the test itself takes away: roles that need not answer for a while, and those that never come back."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bench.timeline import Silence

__all__ = ["Away"]


class Away:
    """When each role need not answer, and when it last did.

    A device that stays away once its mains or its line are back has failed the test that took them: that is
    a finding, where an instrument that fails of its own accord is an error of the bench.
    """

    def __init__(self, silences: Iterable[Silence] = ()) -> None:
        self._silences = tuple(silences)
        self._answered_s: dict[str, float] = {}

    def excused(self, role: str, t_s: float) -> bool:
        """Tell whether the test has taken the mains or the line of ``role`` away at ``t_s``."""
        return any(one.role == role and one.from_s <= t_s < one.to_s for one in self._silences)

    def answered(self, role: str, t_s: float) -> None:
        """Note that ``role`` answered."""
        self._answered_s[role] = t_s

    def lost(self, role: str, t_s: float) -> bool:
        """Tell whether ``role`` has not answered since it was taken away, though it might again."""
        over_s = max(
            (one.to_s for one in self._silences if one.role == role and one.to_s <= t_s), default=-math.inf
        )
        return self._answered_s.get(role, -math.inf) < over_s
