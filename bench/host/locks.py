"""One bench, one run: a lock for every instrument address on this host, held and checked for the whole run.

The system gives a lock up when its process ends, however it ends; so a file that is left behind is stale as
soon as it can be locked, and what stands in it only says who it was. A stopped process still holds its locks.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.clock import host_monotonic_s, utc_now
from bench.config.load import LoadedStation
from bench.errors import BenchError, InstrumentError
from bench.host.places import addresses, lock_folder, slug
from bench.host.process import alive, me, says

__all__ = ["WATCHDOG_OF", "Locks", "folder_held", "held", "holders"]

WATCHDOG_OF = "watchdog of"
"""How a watchdog that makes a station safe after its run begins what it says of itself."""
_CHECK_S = 1.0
_LONGEST = 4096


class Locks:
    """The locks of one station. A keeper of a run: it looks whether they are still ours."""

    def __init__(self, loaded: LoadedStation, what: str) -> None:
        self._what = what
        self._files: dict[Path, int] = {}
        self._addresses = dict.fromkeys(addresses(loaded).values())
        self._checked_s = host_monotonic_s()

    def take(self) -> None:
        """Take all of them, or none.

        Raises:
            InstrumentError: somebody else has one; it says who.
            BenchError: the folder of locks cannot be used.
        """
        record = {**me(self._what), "since_utc": utc_now().isoformat(timespec="seconds")}
        try:
            for address in self._addresses:
                path = lock_folder() / f"{slug(address)}.lock"
                self._files[path] = _locked(path, address, {**record, "address": address})
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give all of them up; never raises. The files stay: removing one could remove somebody else's."""
        while self._files:
            _, handle = self._files.popitem()
            with contextlib.suppress(OSError):
                os.ftruncate(handle, 0)
            with contextlib.suppress(OSError):
                os.close(handle)

    def look(self) -> None:
        """Look, about once a second, whether the files are still those that were locked.

        Raises:
            BenchError: somebody removed or replaced one, so that another run could begin beside this one.
        """
        now_s = host_monotonic_s()
        if now_s - self._checked_s < _CHECK_S or os.name == "nt":  # Windows removes no file that is open
            return
        self._checked_s = now_s
        for path, handle in self._files.items():
            try:
                there, ours = os.stat(path), os.fstat(handle)  # noqa: PTH116  (beside fstat, which has no other form)
                same = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
            except OSError:
                same = False
            if not same:
                raise BenchError(f"the lock {path} is lost: somebody removed it, and another run could begin")

    def arm(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Nothing to do."""

    def beat(self) -> None:
        """Nothing to do."""

    def call(self, why: str) -> None:
        """A lock cannot help."""

    def disarm(self, state: str) -> None:
        """Nothing to do."""


@contextlib.contextmanager
def held(loaded: LoadedStation, what: str) -> Iterator[Locks]:
    """Hold the locks of a station's addresses inside the block.

    Raises:
        InstrumentError: somebody else has one; it says who.
    """
    locks = Locks(loaded, what)
    locks.take()
    try:
        yield locks
    finally:
        locks.release()


def holders(loaded: LoadedStation) -> list[dict[str, Any]]:
    """Return who holds a lock of this station now, one record a process."""
    found: dict[Any, dict[str, Any]] = {}
    for address in dict.fromkeys(addresses(loaded).values()):
        path = lock_folder() / f"{slug(address)}.lock"
        try:
            handle = os.open(path, os.O_RDONLY | _NO_LINK)
        except OSError:
            continue
        try:
            _lock(handle)
        except OSError:
            record = _read(handle)
            found[record.get("pid")] = record
        finally:
            os.close(handle)
    return list(found.values())


@contextlib.contextmanager
def folder_held(folder: Path) -> Iterator[None]:
    """Hold a folder against others of ours inside the block, where it can be locked (not Windows, NFS).

    Raises:
        BenchError: somebody else holds it.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders; and what cannot be opened is told by whoever reads in it
        yield
        return
    try:
        try:
            _lock(handle)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise BenchError(f"{folder}: another process is at work on it") from None
        yield
    finally:
        os.close(handle)


_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def _locked(path: Path, address: str, record: Mapping[str, Any]) -> int:
    """Open, lock and fill one file; return its handle."""
    handle = _opened(path)
    try:
        try:
            _lock(handle)
        except OSError:
            who = _read(handle)
            stopped = "" if alive(who) or not who else " (its process has ended; its lock is being given up)"
            raise InstrumentError(
                f"{address} is in use by {says(who) if who else 'somebody'}{stopped}\n"
                "next: wait until it has ended, or end it; it leaves the station safe"
            ) from None
        text = json.dumps(record, ensure_ascii=True).ljust(_LONGEST).encode()[:_LONGEST]
        with contextlib.suppress(OSError):  # a full disk, or another user's file: the lock itself holds
            os.pwrite(handle, text, 0) if hasattr(os, "pwrite") else os.write(handle, text)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _opened(path: Path) -> int:
    """Open a lock file; one made by another user must not be created again in a shared folder."""
    try:
        try:
            return os.open(path, os.O_RDWR | _NO_LINK)
        except FileNotFoundError:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o666)
            if hasattr(os, "fchmod"):
                with contextlib.suppress(OSError):
                    os.fchmod(handle, 0o666)  # whatever the umask: another user must be able to lock it
            return handle
        except PermissionError:
            return os.open(path, os.O_RDONLY | _NO_LINK)
    except OSError as error:
        raise BenchError(f"cannot use the lock {path}: {error.strerror or error}") from None


def _lock(handle: int) -> None:
    """Take the system's lock of an open file, or raise OSError at once."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        os.lseek(handle, _LONGEST, os.SEEK_SET)  # beyond the text, which others must be able to read
        getattr(msvcrt, "locking")(handle, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009  (names of Windows only)
        os.lseek(handle, 0, os.SEEK_SET)
        return
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read(handle: int) -> dict[str, Any]:
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        content = json.loads(os.read(handle, _LONGEST).decode("utf-8", "replace"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
