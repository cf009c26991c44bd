"""Serve the simulated world in real time on loopback, for any other client."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import tomli_w

from bench.clock import RealClock
from bench.config.load import LoadedStation
from bench.errors import Fault, UsageError
from bench.rooms import load_object

__all__ = ["replace_file", "serve", "station_text"]


def serve(
    loaded: LoadedStation,
    *,
    write_station: Path | None,
    log: TextIO | None,
    ready: Callable[[Mapping[str, int]], None],
    wait: Callable[[], object],
) -> None:
    """Serve until ``wait`` returns. ``ready`` gets the ports by role once all of them accept.

    Raises:
        UsageError: the station has no twin, its table is wrong, or ``write_station`` cannot be written.
    """
    if loaded.station.twin is None:
        raise UsageError(
            Fault(f"{loaded.path.name}: twin", "missing: only a station with a [twin] table can be served")
        )
    table = {**loaded.station.twin, "link": "tcp"}
    host_class = load_object("instruments.twins.host:TwinHost", f"{loaded.path}: twin")
    host = host_class(
        table,
        loaded.station.station,
        loaded.station.device,
        RealClock(),
        log=log,
        roles=tuple(loaded.station.instruments),
        folder=loaded.folder,
    )
    try:
        resources: dict[str, str] = host.start()
        if write_station is not None:
            replace_file(write_station, station_text(loaded, resources))
        ready({role: _port(resource) for role, resource in resources.items()})
        wait()
    finally:
        host.close()


def _port(resource: str) -> int:
    """Return the port of ``TCPIP::host::port::SOCKET`` or ``TCP::host::port``; ECHONET Lite has one only."""
    return 3610 if resource.startswith("ECHONET::") else int(resource.split("::")[2])


def station_text(loaded: LoadedStation, resources: Mapping[str, str]) -> str:
    """Return a station file that reaches the served instruments: marked simulated, without a twin."""
    content: dict[str, Any] = loaded.station.model_dump(mode="python", exclude_none=True, exclude={"twin"})
    content["station"]["simulated"] = True
    if content.get("interlock", {}).get("file"):
        content["interlock"]["file"] = str((loaded.folder / content["interlock"]["file"]).resolve())
    for role, instrument in content["instruments"].items():
        instrument["resource"] = resources.get(role, instrument.get("resource"))
        if "map" in instrument:
            instrument["map"] = str((loaded.folder / instrument["map"]).resolve())
    return tomli_w.dumps(content)


def replace_file(path: Path, text: str) -> None:
    """Write ``path`` so that nobody ever sees half of it."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(path)
    except OSError as problem:
        raise UsageError(Fault("--write-station", f"cannot write {path}: {problem.strerror}")) from None
