"""Which findings share their twin just inside: one run shows that a battery near several limits passes them.

The twins just outside stay apart, for each must fail by one finding alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tests.verdicts.pair import Pair, Setting

__all__ = ["joined"]

TOGETHER = (
    "tertiary2: baseline hold export",
    "tertiary2: response band",
    "tertiary2@2021: response hold",
    "tertiary2_partial: baseline hold transition",
    "tertiary2_partial: response band",
    "tertiary2_partial@2021: response hold",
    "tertiary2_repeat: baseline between transition",
    "tertiary2_repeat: response band",
    "tertiary1: baseline hold transition",
    "tertiary1: response band",
    "secondary2: baseline hold transition",
    "secondary1: baseline response band hold signal_stay",
    "economic_dr: discharge charge idle",
    "primary: delay band hold record",
    "primary: droop measurement_interval",
    "dead_band: value offset",
    "reverse_flow: export zero allowed",
    "mode_restore: control mode power settings",
    "telemetry: items alarm interval soc",
    "telemetry: execution recovery",
    "metering: error instant_interval",
    "metering: creep instant",
)


def joined(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return the pairs, those of one line of the table with one twin inside.

    Raises:
        ValueError: two of them ask for different things of the same twin.
        KeyError: there is no such pair.
    """
    by_name = {str(pair): pair for pair in pairs}
    for line in TOGETHER:
        profile, _, findings = line.partition(": ")
        name, _, edition = profile.partition("@")
        names = [f"{name}.{finding}" + (f"@{edition}" if edition else "") for finding in findings.split()]
        inside = _one([by_name[each].inside for each in names])
        by_name.update({each: replace(by_name[each], inside=inside) for each in names})
    return tuple(by_name.values())


def _one(settings: list[Setting]) -> Setting:
    """Return the twin that is all of these at once."""
    first = settings[0]
    fixed = {(one.part_s, one.delta_kw, one.edition, one.station) for one in settings}
    if len(fixed) != 1:
        raise ValueError(f"not one run: {fixed}")
    values: dict[str, str] = {}
    for setting in settings:
        for key, value in (text.split("=", 1) for text in setting.overrides):
            values[key] = value if values.get(key, value) == value else _both(values, key, value)
    pv = sorted({pulse for setting in settings for pulse in setting.pv})
    return replace(first, overrides=tuple(f"{key}={value}" for key, value in values.items()), pv=tuple(pv))


def _both(values: Mapping[str, str], key: str, value: str) -> str:
    if not key.endswith(".faults"):
        raise ValueError(f"{key} is {values[key]} and {value}")
    return json.dumps([*json.loads(values[key]), *json.loads(value)])
