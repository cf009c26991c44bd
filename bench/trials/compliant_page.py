"""What came of compliant devices, as a page of the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.trials.compliant import Drawn

__all__ = ["page", "tally"]

_HEAD = """# Compliant devices drawn at random

Written by `drready detect --compliant {count} --seed {seed} --out FILE`; do not edit. {count} devices, each
with its own size, nominal frequency (50 or 60 Hz), droop, dead band, hysteresis, offset, gain, delays, ramp
and efficiency, each beside an analyzer with its own window and noise, each in one profile. Declared is what
the device does, and every parameter lies at least two U inside every limit that it meets. A FAIL would be a
defect of the bench.

| profile | devices | {heads} |
| --- | --- | {rule} |
"""


def tally(found: Sequence[Drawn]) -> dict[str, int]:
    """Return how often each outcome came, by name."""
    return dict(sorted(Counter(one.seen.outcome.value for one in found).items()))


def page(found: Sequence[Drawn], seed: int) -> str:
    """Return the page: a row a profile, and every device that did not pass."""
    outcomes = list(dict.fromkeys(["PASS", "FAIL", *tally(found)]))
    rule = " | ".join("---" for _ in outcomes)
    text = _HEAD.format(count=len(found), seed=seed, heads=" | ".join(outcomes), rule=rule)
    for profile in dict.fromkeys(one.device.profile for one in found):
        mine = [one for one in found if one.device.profile == profile]
        text += f"| {profile} | {len(mine)} | {_counts(mine, outcomes)} |\n"
    text += f"| **all** | {len(found)} | {_counts(found, outcomes)} |\n"
    odd = [one for one in found if one.seen.outcome.value != "PASS"]
    if odd:
        text += "\n## Not passed\n\n"
    for one in odd:
        sets = " ".join(one.device.overrides)
        text += (
            f"- {one.device.profile} on `{one.device.station}`, device {one.number}: "
            f"{one.seen.outcome.value}, {', '.join(one.seen.roots)}. `{sets}`\n"
        )
    return text


def _counts(found: Sequence[Drawn], outcomes: Sequence[str]) -> str:
    counts = tally(found)
    return " | ".join(str(counts.get(outcome, 0)) for outcome in outcomes)
