"""The page of instruments: what each driver can do, what it was written from, whether hardware agreed."""

from __future__ import annotations

from typing import Any

from bench.catalogue import instruments
from bench.reference.profiles import rows

__all__ = ["instruments_page"]


def instruments_page() -> str:
    """Return ``instruments.md``."""
    found = sorted(instruments(), key=lambda row: str(row["driver"]))
    proved = [row for row in found if row["verified_on_hardware"]]
    text = [
        "# Instruments",
        "",
        "Made from the drivers in `instruments/` by `make docs`; do not edit. `drready instruments`",
        "prints the same facts.",
        "",
        f"**{len(proved)} of {len(found)} drivers have been verified against the hardware they are for.**"
        if proved
        else "**None of these drivers has been verified against the hardware it is for.**",
        "Each was written from the sources named, and is tested against the exchanges that those sources",
        "show and against a simulated instrument. [Prove a station](../how-to/commission.md) before its",
        "first run, and [send the session](../how-to/send-a-session.md).",
        "",
        *rows(
            ("driver", "speaks to", "wire", "examples from sources", "verified on hardware"),
            [
                (
                    f"`{row['driver']}`",
                    row["title"],
                    row["wire"],
                    row["examples"],
                    ", ".join(row["verified_on_hardware"]) or "no",
                )
                for row in found
            ],
        ),
        "",
        "A range or a resolution that no source tells is unknown here, and comes from the station file,",
        "whose limits hold for every driver; `drready doctor` says what is still missing.",
    ]
    for row in found:
        text += ["", *_section(row)]
    return "\n".join(text) + "\n"


def _section(row: dict[str, Any]) -> list[str]:
    lines = [f"## {str(row['driver']).partition(':')[2]}", "", f"`{row['driver']}`. {row['title']}", ""]
    lines += [str(row["about"]), ""]
    if row["quantities"]:
        lines += rows(
            ("quantity", "unit", "access", "range", "resolution", "source"),
            [
                (f"`{q['name']}`", q["unit"], q["access"], _range(q), _known(q["resolution"]), q["page"])
                for q in row["quantities"]
            ],
        )
    else:
        lines += ["Its quantities come from the station file or the register map."]
    if row["option_docs"]:
        lines += [
            "",
            *rows(
                ("key in its table", "what it is"),
                [(f"`{name}`", doc) for name, doc in row["option_docs"].items()],
            ),
        ]
    if row["native_list"] is not None:
        plays = "yes" if row["native_list"] else "no"
        lines += ["", f"Plays a list of steps by its own clock: {plays}."]
    if row["safe"]:
        safe = ", ".join(f"`{name} = {str(value).lower()}`" for name, value in row["safe"].items())
        lines += ["", f"Safe state, unless the station file has its own: {safe}."]
    lines += ["", "Read:", "", *(f"- {source}" for source in row["sources"] or ["no source: see above"])]
    verified = ", ".join(row["verified_on_hardware"])
    lines += ["", f"Verified on hardware: {verified or 'no'}. Examples from sources: {row['examples']}."]
    return lines


def _range(quantity: dict[str, Any]) -> str:
    low, high = quantity["low"], quantity["high"]
    if low is None and high is None:
        return "unknown" if quantity["access"] == "set" else ""
    return f"{_known(low)} to {_known(high)}"


def _known(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
