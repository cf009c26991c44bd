"""``drready wire replay``: the instruments of a recorded run on loopback ports, with a station file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.config.load import LoadedStation, load_station
from bench.errors import Fault, NoRunFolder, UsageError
from bench.record.info import read_info
from bench.serve import replace_file, station_text
from bench.wire.exchanges import WireSession, read_session
from bench.wire.script import Script
from bench.wire.serve import ReplayServer

__all__ = ["Replay", "replay", "station_of"]


class Replay:
    """The recorded instruments, served; ``resources`` by role. Usable as a context manager."""

    def __init__(self, session: WireSession) -> None:
        self.servers: dict[str, ReplayServer] = {}
        self.left_out = [role for role, one in session.instruments.items() if one.protocol == "echonet"]
        for role, one in session.instruments.items():
            if role not in self.left_out:
                self.servers[role] = ReplayServer(Script(session.of(role)), modbus=one.protocol == "modbus")
        self.resources = {
            role: f"TCP::127.0.0.1::{server.port}"
            if session.instruments[role].protocol == "modbus"
            else f"TCPIP::127.0.0.1::{server.port}::SOCKET"
            for role, server in self.servers.items()
        }

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def unknown(self) -> dict[str, dict[str, int]]:
        """What was asked that the record does not hold, by role."""
        return {role: dict(server.script.unknown) for role, server in self.servers.items()}

    def close(self) -> None:
        """Stop serving."""
        for server in self.servers.values():
            server.close()


def station_of(folder: Path) -> LoadedStation:
    """Return the station of a run as it was, its register maps found among the run's inputs.

    Raises:
        UsageError: the run folder does not hold one.
    """
    overrides: dict[str, Any] = {
        key: value for key, value in read_info(folder).overrides.items() if not key.startswith("profile.")
    }
    loaded = load_station(str(folder / "station.toml"), overrides, checked=False)
    for instrument in loaded.station.instruments.values():
        if instrument.map is not None:
            instrument.map = str(Path("inputs") / Path(instrument.map).name)
    return loaded


def replay(
    folder: Path,
    *,
    write_station: Path | None,
    ready: Callable[[Mapping[str, int], list[str]], None],
    wait: Callable[[], object],
) -> dict[str, dict[str, int]]:
    """Serve until ``wait`` returns; return what was asked that the record does not hold, by role.

    ``ready`` gets the ports by role, and the roles that cannot be served (ECHONET Lite).

    Raises:
        UsageError: no record, nothing in it that can be served, or ``write_station`` cannot be written.
    """
    session = read_session(folder)
    with Replay(session) as served:
        if not served.servers:
            raise NoRunFolder(Fault(str(folder), "holds no SCPI or Modbus conversation to serve"))
        if write_station is not None:
            _write(write_station, station_of(folder), served)
        ready({role: server.port for role, server in served.servers.items()}, served.left_out)
        wait()
        return served.unknown


def _write(path: Path, loaded: LoadedStation, served: Replay) -> None:
    try:
        # ECHONET Lite instruments are left out: nobody answers for them
        for role in served.left_out:
            loaded.station.instruments.pop(role, None)  # type: ignore[call-overload]  # roles come from the file
        replace_file(path, station_text(loaded, served.resources))
    except OSError as problem:
        raise UsageError(Fault("--write-station", f"cannot write {path}: {problem.strerror}")) from None
