"""A station file on paper, written where a test wants it."""

from __future__ import annotations

from pathlib import Path

from tests.bench.station_tables import DECLARED, station_tables

DRIVER = "tests.bench.config.paper_driver:PaperInstrument"

STATION = (
    station_tables("paper", device=DECLARED)
    + f"""
[instruments.source]
driver = "{DRIVER}"
resource = "TCPIP::192.0.2.10::5025::SOCKET"
sink_kw = 6.0
resolution_hz = 0.001

[instruments.meter]
driver = "{DRIVER}"
resource = "TCPIP::192.0.2.11::INSTR"
device_point = 1

[instruments.battery]
driver = "{DRIVER}"
resource = "TCP::192.0.2.20::502"
unit_id = 1
"""
)


def write_station(folder: Path, *changes: tuple[str, str], add: str = "") -> Path:
    """Write the station with pieces of its text replaced, and text added at its end."""
    text = STATION
    for old, new in changes:
        assert old in text, f"{old!r} is not in the station"
        text = text.replace(old, new)
    path = folder / "lab.toml"
    path.write_text(text + add, encoding="utf-8")
    return path
