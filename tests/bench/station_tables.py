"""The tables of a station file that every station needs, for tests that write one."""

from __future__ import annotations


def station_tables(name: str, *, serial: str = "1", station: str = "", device: str = "") -> str:
    """Return ``[station]``, ``[limits]`` and ``[device]``, with lines added to the first and the last."""
    return f"""\
[station]
name = "{name}"
nominal_hz = 50.0
{station}[limits]
frequency_hz = [47.5, 51.5]
voltage_v = [180.0, 225.0]
power_kw = [-7.0, 7.0]
[device]
maker = "m"
model = "b"
serial = "{serial}"
rated_kw = 5.5
capacity_kwh = 15.0
{device}"""


DECLARED = "declared_droop_pct = 4.0\ndeclared_dead_band_hz = 0.005\n"
"""What the maker declares of the response to frequency."""
