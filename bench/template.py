"""The station file that ``drready init`` writes, and what of it has not been filled in."""

from __future__ import annotations

import re

from bench.japanese import told
from bench.rooms import room

__all__ = ["station_template", "unfilled"]

PLACEHOLDER = "FILL IN"


def station_template(lang: str = "en") -> str:
    """Return a commented station file: valid, with places to be filled in, its comments in ``lang``."""
    text = (room("fixtures") / "station_template.toml").read_text(encoding="utf-8")
    return re.sub("(?<=# )[^#\n]+$", lambda comment: told(comment[0], lang), text, flags=re.M)


def unfilled(text: str) -> list[int]:
    """Return the numbers of the lines of a station file that still say what the template says."""
    return [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if f'"{PLACEHOLDER}"' in line.partition("#")[0]
    ]
