"""Where the bench keeps what is about this host, not about one run: locks, and runs that have not ended."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from pathlib import Path

from bench.clock import RealClock
from bench.config.load import LoadedStation
from bench.errors import BenchError

__all__ = ["LOCK_ENV", "STATE_ENV", "addresses", "lock_folder", "put", "shareable", "slug", "state_folder"]

_TRIES, _AGAIN_S = 5, 0.05
STATE_ENV, LOCK_ENV = "DRREADY_STATE_DIR", "DRREADY_LOCK_DIR"


def state_folder() -> Path:
    """Return the user's own folder for what must outlive a run, made if missing.

    Raises:
        BenchError: it cannot be made.
    """
    given = os.environ.get(STATE_ENV)
    if given:
        folder = Path(given)
    elif os.name == "nt":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "drready"
    else:
        home = os.environ.get("XDG_STATE_HOME")
        folder = (Path(home) if home else Path.home() / ".local" / "state") / "drready"
    return _made(folder, 0o700, STATE_ENV)


def lock_folder() -> Path:
    """Return the folder for locks that all users of this host share, made if missing.

    Raises:
        BenchError: it cannot be made.
    """
    given = os.environ.get(LOCK_ENV)
    return _made(Path(given) if given else Path(tempfile.gettempdir()) / "drready-locks", 0o1777, LOCK_ENV)


def addresses(loaded: LoadedStation) -> dict[str, str]:
    """Return the addresses outside this process by role, in one spelling; none for an embedded twin."""
    found = {}
    for role, config in loaded.station.instruments.items():
        if config.resource is None or config.resource == "twin":
            continue
        unit = config.unit_id if config.resource.upper().startswith(("TCP::", "TLS::")) else None
        found[str(role)] = _spelling(config.resource) + (f"::UNIT{unit}" if unit not in (None, 1) else "")
    return found


def shareable(resource: str | None) -> bool:
    """Tell whether two processes can reach an instrument at once.

    Not on a serial line or a bus, where they would spoil each other's words, nor by a protocol with one port.
    """
    return (resource or "").upper().startswith(("TCP::", "TLS::", "TCPIP"))


def put(making: Path, target: Path) -> None:
    """Give a finished file its name, in the place of what had it.

    On Windows somebody who reads either file, a virus scanner say, is in the way for a moment.

    Raises:
        OSError: it cannot be done.
    """
    clock = RealClock()
    for _ in range(_TRIES):
        try:
            making.replace(target)
            return
        except PermissionError:
            clock.sleep_until(clock.now_s() + _AGAIN_S)
    making.replace(target)


def slug(text: str) -> str:
    """Return a file name for ``text``: readable in part, and different for different texts."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", text)[:60].strip("_.")
    return f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _spelling(resource: str) -> str:
    """Return one spelling for the ways in which one instrument can be written."""
    parts = resource.strip().split("::")
    head = parts[0].upper()
    if head.startswith("TCPIP"):
        head = "TCPIP"
    if head.startswith(("RTU", "ASRL")):  # a serial line is one wire, whatever the units on it
        port = parts[1] if head == "RTU" and len(parts) > 1 else head.removeprefix("ASRL")
        return f"SERIAL::{port}"
    rest = [part.lower() for part in parts[1:] if part.upper() not in ("INST0", "INSTR")]
    return "::".join([head, *("127.0.0.1" if part == "localhost" else part for part in rest)])


def _made(folder: Path, mode: int, named: str) -> Path:
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                folder.chmod(mode)
    except OSError as error:
        raise BenchError(f"cannot make {folder}: {error.strerror or error}; {named} names another") from None
    return folder
