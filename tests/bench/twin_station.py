"""A twin station on paper, for tests that open it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.clock import RealClock
from bench.config.load import load_station
from instruments.twins.host import TwinHost
from tests.bench.station_tables import DECLARED, station_tables

HEAD = station_tables("twin-on-paper", serial="SIM-1", station="timeout_s = 1.0\n", device=DECLARED)
DRIVERS = {
    "source": 'driver = "instruments.kikusui_pcr:KikusuiPcr"\nsink_kw = 6.0\n'
    "frequency_resolution_hz = 0.001\n",
    "meter": 'driver = "instruments.yokogawa_wt:YokogawaWt"\ndevice_point = 1\nreceiving_point = 2\n',
    "battery": 'driver = "instruments.sunspec:SunSpec"\nunit_id = 1\n',
}


def write_twin(folder: Path, resources: Mapping[str, str] | None = None, *, twin: bool = True) -> Path:
    """Write a station; ``resources`` by role where they are not the twin's."""
    text = HEAD
    for role, lines in DRIVERS.items():
        resource = (resources or {}).get(role)
        text += f"[instruments.{role}]\n{lines}" + (f'resource = "{resource}"\n' if resource else "")
    path = folder / "twin.toml"
    path.write_text(text + ("[twin]\nseed = 1\n" if twin else ""), encoding="utf-8")
    return path


@contextmanager
def served(folder: Path, **twin: Any) -> Iterator[dict[str, str]]:
    """Serve a twin in real time, as another process would, and yield its resources."""
    station = load_station(str(write_twin(folder))).station
    host = TwinHost(twin, station.station, station.device, RealClock())
    try:
        yield host.start()
    finally:
        host.close()
