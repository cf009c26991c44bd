"""The page of instruments: what each driver can do, what it was written from, whether hardware agreed."""

from __future__ import annotations

from typing import Any

from bench.catalogue import instruments
from bench.reference.profiles import rows

__all__ = ["instruments_page"]

_PEER = "a peer, also late, silent, split, wrong and gone"
_WIRES = [
    ("`TCPIP::host::5025::SOCKET`", "SCPI over a raw socket", _PEER),
    ("`TCPIP::host::10001::SOCKET` and `user`", "framed messages after a login", _PEER),
    ("`TCPIP::host::hislip0::INSTR`", "HiSLIP", "a peer, also silent and gone"),
    ("`TCPIP::host::INSTR`", "VXI-11", "a peer, also silent and gone; found by a port mapper"),
    ("`ASRL/dev/ttyUSB0::INSTR` and `baud_rate`", "SCPI over a serial line", "a pseudo terminal"),
    ("`USB…::INSTR`, `GPIB…::INSTR`", "as the VISA library opens them", "nothing: that needs hardware"),
    ('the same with `[station] visa = "@ivi"`', "a vendor's VISA library", "nothing: none is at hand"),
    ("`TCP::host::502`, `TLS::host::802`", "Modbus TCP and TLS", _PEER),
    ("`RTU::/dev/ttyUSB0::9600N81`", "Modbus RTU", "a pair of pseudo terminals"),
    ("`ECHONET::192.0.2.30`", "ECHONET Lite over UDP", "pychonet and the npm package echonet-lite"),
]


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
        "Wires, and what each was tried against: no instrument, but peers of the tests, written from the",
        "standards.",
        "",
        *rows(("resource", "wire", "tried against"), _WIRES),
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
    if row["capabilities"]:
        lines += ["", *rows(("capability", "what is known"), list(row["capabilities"].items()))]
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
