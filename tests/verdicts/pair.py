"""A pair: one twin just inside the limit of a finding, one just outside; and how far from it they were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from bench.judge.limits import nearest
from bench.model import Finding
from bench.rooms import room
from tests.verdicts.judged import Judged, judged

__all__ = ["LEAD_S", "Pair", "Setting", "distance", "in_uncertainties"]

BUNDLED = room("profiles") / "recordings" / "synthetic_50hz.csv"
LEAD_S = 2.0
"""The generation of the house counts seconds of the world's clock, which runs ahead of the run's."""


@dataclass(frozen=True)
class Setting:
    """One twin.

    ``pv`` are pulses of generation (from_s, to_s, kW), seen at the receiving point alone; ``part_s`` is the
    part of the bundled grid recording that is played instead of all of it.
    """

    overrides: tuple[str, ...] = ()
    pv: tuple[tuple[float, float, float], ...] = ()
    part_s: tuple[float, float] | None = None
    delta_kw: float | None = None
    edition: str | None = None
    station: str = "twin"

    def run(self, profile: str, folder: Path, link: str = "direct") -> Judged:
        """Run ``profile`` on this twin."""
        overrides = list(self.overrides)
        folder.mkdir(parents=True, exist_ok=True)
        if self.part_s is not None:
            head, *rows = BUNDLED.read_text(encoding="utf-8").splitlines()
            first, last = (round(10.0 * t_s) for t_s in self.part_s)
            path = folder / "part.csv"
            path.write_text("\n".join([head, *rows[first:last]]) + "\n", encoding="utf-8")
            overrides.append(f'profile.recording="{path}"')
        if self.pv:
            knots = [(0.0, 0.0)]
            for from_s, to_s, kw in self.pv:
                knots += [(from_s + LEAD_S, kw), (to_s + LEAD_S, 0.0)]
            path = folder / "pv.csv"
            path.write_text("t_s,pv_kw\n" + "".join(f"{t},{kw}\n" for t, kw in knots), encoding="utf-8")
            overrides.append(f'twin.house.pv_kw="{path}"')
        how: dict[str, object] = {"delta_kw": self.delta_kw, "edition": self.edition, "station": self.station}
        if self.pv:
            how["point"] = "receiving"
        return judged(profile, folder, *overrides, link=link, **how)

    def __str__(self) -> str:
        words = [text.removeprefix("twin.") for text in self.overrides]
        words += [f"pv {kw:g} kW at {from_s:g}-{to_s:g} s" for from_s, to_s, kw in self.pv]
        words += [] if self.part_s is None else ["{:g}-{:g} s of the recording".format(*self.part_s)]
        words += [] if self.station == "twin" else [f"station {self.station}"]
        return ", ".join(words) or "as delivered"


@dataclass(frozen=True)
class Pair:
    """``inside`` passes; ``outside`` fails, and the only root is ``finding``."""

    profile: str
    finding: str
    inside: Setting
    outside: Setting
    quantum: float | None = None
    """What the metric moves by at least where it is counted and not measured: the two are neighbours."""
    never: bool = False
    """The twin outside does not get there at all: nothing of it is near the limit."""

    @property
    def edition(self) -> str | None:
        """The edition in whose rules the pair is; None: in the latest."""
        return self.inside.edition

    def __str__(self) -> str:
        return f"{self.profile}.{self.finding}" + (f"@{self.edition}" if self.edition else "")


def distance(found: Finding) -> float | None:
    """Return how far inside its limit a finding is, in its unit; negative outside, None without a value."""
    bound = None if found.value is None else nearest(found.limit, found.value)
    return None if bound is None or found.value is None else bound.distance(found.value)


def in_uncertainties(found: Finding) -> float | None:
    """Return the distance in expanded uncertainties toward the limit; None where nothing is uncertain."""
    off = distance(found)
    if off is None or found.value is None:
        return None
    bound = nearest(found.limit, found.value)
    low, high = found.interval95 or (None, None)
    end = high if bound is not None and bound.value > found.value else low
    wide = found.uncertainty or 0.0 if found.interval95 is None else abs((end or math.inf) - found.value)
    return off / wide if wide > 0.0 else None
