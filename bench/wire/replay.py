"""``drready wire replay``: the instruments of a recorded run on loopback ports, with a station file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.config.load import LoadedStation, load_station
from bench.errors import Fault, LinkDown, NoRunFolder, UsageError
from bench.record.info import read_info
from bench.serve import replace_file, station_text
from bench.wire.exchanges import Instrument, WireSession, read_session
from bench.wire.script import Script
from bench.wire.serve import ReplayServer
from bench.wire.serve_echonet import EchonetReplay

__all__ = ["Replay", "replay", "station_of"]


class Replay:
    """The recorded instruments, served; ``resources`` by role. Usable as a context manager."""

    def __init__(self, session: WireSession) -> None:
        self.servers: dict[str, ReplayServer | EchonetReplay] = {}
        self.resources: dict[str, str] = {}
        self.left_out: list[str] = []
        for role, one in session.instruments.items():
            if one.protocol == "echonet":
                self._serve_node(role, one, session)
                continue
            server = ReplayServer(Script(session.of(role)), modbus=one.protocol == "modbus")
            self.servers[role] = server
            plain = f"127.0.0.1::{server.port}"
            self.resources[role] = f"TCP::{plain}" if one.protocol == "modbus" else f"TCPIP::{plain}::SOCKET"

    def _serve_node(self, role: str, one: Instrument, session: WireSession) -> None:
        try:
            node = EchonetReplay(session.of(role))
        except LinkDown:  # every address is taken
            self.left_out.append(role)
            return
        self.servers[role] = node
        _, *instance = one.resource.removeprefix("ECHONET::").split("::")
        which = instance if one.resource.startswith("ECHONET::") else []
        self.resources[role] = "::".join(["ECHONET", node.address, *which])

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ports(self) -> dict[str, int]:
        """The port of every role; all ECHONET Lite nodes have the same one, each at its own address."""
        return {role: server.port for role, server in self.servers.items()}

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
    ready: Callable[[Replay], None],
    wait: Callable[[], object],
) -> dict[str, dict[str, int]]:
    """Serve until ``wait`` returns; return what was asked that the record does not hold, by role.

    ``ready`` gets what is served once every port accepts.

    Raises:
        UsageError: no record, nothing in it that can be served, or ``write_station`` cannot be written.
    """
    session = read_session(folder)
    with Replay(session) as served:
        if not served.servers:
            raise NoRunFolder(Fault(str(folder), "holds no conversation that can be served"))
        if write_station is not None:
            _write(write_station, station_of(folder), served)
        ready(served)
        wait()
        return served.unknown


def _write(path: Path, loaded: LoadedStation, served: Replay) -> None:
    try:
        for role in served.left_out:
            loaded.station.instruments.pop(role, None)  # type: ignore[call-overload]  # roles come from the file
        for instrument in loaded.station.instruments.values():
            (instrument.model_extra or {}).pop("local_address", None)  # of the machine where it was recorded
        replace_file(path, station_text(loaded, served.resources))
    except OSError as problem:
        raise UsageError(Fault("--write-station", f"cannot write {path}: {problem.strerror}")) from None
