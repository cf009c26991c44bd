"""The communication items and commands that aggregators ask of a DR-ready battery, and which are there.

ERA's request to the DRready study group: to be read are power, energy, state of charge, state of health,
installed capacity, usable capacity or depth of discharge, what is kept for emergencies, and the mode; to be
commanded are start, power, and stop. What the device does not have is listed by name.
"""

from __future__ import annotations

from bench.model import Metric, Scope
from bench.recording import Recording

__all__ = ["item_metrics"]

# each line is one item; any of its quantities will do, those joined by + are needed together
_TO_READ = {
    "充放電電力 (power_kw)": ("power_kw",),
    "充放電電力量 (energy_charged_kwh + energy_discharged_kwh)": (
        "energy_charged_kwh+energy_discharged_kwh",
    ),
    "SOC (soc_pct)": ("soc_pct",),
    "SOH (soh_pct)": ("soh_pct",),
    "設備容量 (capacity_kwh)": ("capacity_kwh",),
    "実効容量 / DOD (usable_kwh or dod_pct)": ("usable_kwh", "dod_pct"),
    "非常時用残SOC / 残kWh (reserve_pct or reserve_kwh)": ("reserve_pct", "reserve_kwh"),
    "運転モード (mode)": ("mode",),
}
_TO_SET = {"充放電電力 (power_set_kw)": "power_set_kw"}
_TO_DO = {"充放電開始 (start)": "start", "停止 (stop)": "stop"}


def _done(recording: Recording, role: str, sequence: str) -> bool:
    """Tell whether the run did the sequence and the device took it."""
    names = {sequence, f"{sequence}?"}
    mine = [e for e in recording.events if e.get("role") == role and e.get("sequence") in names]
    asked = [e for e in mine if e.get("kind") == "sequence"]
    if any(e.get("kind") == "not_back" for e in recording.events):
        return True  # the run ended before or at that: nothing says that the device lacks it
    return bool(asked) and not any(e.get("kind") == "sequence_failed" for e in mine)


def item_metrics(recording: Recording) -> list[Metric]:
    """Return the share of the items that each role has."""
    found = []
    for event in recording.events:
        if event.get("kind") != "inventory":
            continue
        role = str(event.get("role"))
        readable, settable = set(event.get("readable") or ()), set(event.get("settable") or ())
        there = {
            item: any(set(names.split("+")) <= readable for names in ways) for item, ways in _TO_READ.items()
        }
        there |= {item: name in settable for item, name in _TO_SET.items()}
        if role == "battery":  # what commands it in this profile
            there |= {item: _done(recording, role, name) for item, name in _TO_DO.items()}
        missing = [item for item, has in there.items() if not has]
        found.append(
            Metric(
                name="items_ratio",
                value=(len(there) - len(missing)) / len(there),
                unit="1",
                uncertainty=0.0,
                scope=Scope(),
                method=f"items that {role} has, of {len(there)}",
                note=f"{role} lacks: {', '.join(missing)}" if missing else f"{role} has all of them",
            )
        )
    return found
