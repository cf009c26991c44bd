"""The bench's side of the watchdog: starts it, feeds it, and hears when it is gone or has acted."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import bench
from bench.clock import host_monotonic_s
from bench.config.load import LoadedStation
from bench.errors import BenchError, TakenOver
from bench.watchdog.messages import Order, pack, silence_s, unpack

__all__ = ["Watchdog"]

_START_S = 30.0
_BEAT_S = 0.2
_WORD_S = 1.0  # it says that it acts before it does
_SETTLED_S = 45.0  # its safe state may wait for an interface that restarts, and try again
_END_S = 3.0


class Watchdog:
    """A keeper of runs. ``unreached`` are the instruments it has no connection of its own to, with why.

    The process gets a session of its own, so that it outlives the terminal and the group of its parent.
    """

    def __init__(self, loaded: LoadedStation, single: Collection[str] = ()) -> None:
        self._loaded = loaded
        self._single = tuple(single)
        self._process: subprocess.Popen[bytes] | None = None
        self._heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._write = threading.Lock()
        self._sent_s = 0.0
        self._lost: BenchError | None = None
        self._deaf = False
        self._armed = False
        self._acted = False
        self._asked = self._answered = 0
        self._left = ""
        self._over = threading.Event()
        self.unreached: dict[str, str] = {}

    @property
    def pid(self) -> int | None:
        """The number of the sibling process."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the sibling and wait until it has looked at every instrument.

        Raises:
            BenchError: it does not come up.
        """
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.watchdog"],
                cwd=Path(bench.__file__).resolve().parent.parent,  # so that -m finds this very bench
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                **apart,
            )
        except OSError as error:
            raise BenchError(f"the watchdog cannot be started: {error}") from None
        assert self._process.stdin is not None  # noqa: S101  (narrows the declared type)
        threading.Thread(target=self._listen, name="watchdog", daemon=True).start()
        self._tell(Order(str(self._loaded.path.resolve()), self._loaded.overrides, self._single).told())
        if hasattr(os, "set_blocking"):  # a watchdog that no longer reads must not hang the bench
            with contextlib.suppress(OSError):  # Windows, before Python 3.12: it could
                os.set_blocking(self._process.stdin.fileno(), False)
        heard = self._hear(_START_S)
        if not heard.get("ready"):
            why = heard.get("error") or str(self._lost or "") or f"not ready within {_START_S:g} s"
            self.end()
            raise BenchError(f"the watchdog does not come up: {why}")
        self.unreached = {str(role): str(why) for role, why in dict(heard.get("unreached", {})).items()}

    def run(self, folder: Path | None) -> None:
        """Name the folder of the run that comes next: the record goes there."""
        self._tell({"run": str(folder.resolve()) if folder is not None else None})

    def arm(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """From now on the watchdog acts when it hears nothing.

        Raises:
            BenchError: it is gone.
        """
        self._acted, self._armed = False, True
        self._sent_s = host_monotonic_s()
        self._tell({"arm": {role: dict(values) for role, values in settings.items()}})
        self._raise_if_lost()

    def look(self) -> None:
        """Send a sign of life, at most five a second.

        After a silence for which the watchdog acts, its word is waited for: whatever else is found wrong
        then comes of what it has done.

        Raises:
            TakenOver: the watchdog has acted while this process was stopped or hung.
            BenchError: it is gone.
        """
        silent_s = host_monotonic_s() - self._sent_s
        self.beat()
        if self._armed and not self._lost:
            overdue = silent_s >= silence_s(self._loaded.station.station.watchdog_s)
            self._lost = self._word_soon() if overdue else self._word(0.0)
        self._raise_if_lost()

    def beat(self) -> None:
        """Send a sign of life, at most five a second; never raises."""
        now_s = host_monotonic_s()
        if now_s - self._sent_s >= _BEAT_S:
            self._sent_s = now_s
            self._tell({"beat": now_s})

    def vouch(self) -> None:
        """Have a thread send the signs of life: they then say only that the process lives."""

        def live() -> None:
            while not self._over.wait(_BEAT_S):
                self.beat()

        threading.Thread(target=live, name="heartbeat", daemon=True).start()

    def call(self, why: str) -> None:
        """Have the watchdog act now, with connections of its own."""
        self._tell({"call": why})

    def settle(self, *, last: bool = False) -> bool:
        """Wait until it has done what it was called for or began of itself; tell whether that was anything.

        The answer to this very question is waited for: what it said of an earlier act proves nothing of a
        later one. ``last``: from now on it only acts at the end of the bench, no longer on silence.
        """
        self._asked += 1
        self._tell({"settle": self._asked, "last": last})
        answers = self._answered == self._asked - 1  # who did not answer before is not waited for again
        deadline_s = host_monotonic_s() + (_SETTLED_S if answers else _WORD_S)
        while (
            not self._deaf and self._process is not None and (left_s := deadline_s - host_monotonic_s()) > 0
        ):
            try:
                heard = self._heard.get(timeout=left_s)
            except queue.Empty:
                break
            if heard is None:
                self._heard.put(None)  # whoever asks next must not wait for more
                break
            self._acted |= bool(heard.get("acted"))
            if heard.get("settled") == self._asked:
                self._answered = self._asked
                break
        acted, self._acted = self._acted, False
        return acted

    def disarm(self, state: str) -> None:
        """The run is over, and left the station ``state``."""
        self._armed, self._left = False, state
        self._tell({"disarm": state})

    def end(self) -> None:
        """Tell that all is well, and let it go; never raises."""
        self._over.set()
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError, ValueError):
            if process.stdin is not None:
                with self._write, contextlib.suppress(OSError):
                    os.write(process.stdin.fileno(), pack({"end": self._left}))
                process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return  # it is still making something safe: it ends by itself

    def _tell(self, message: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or self._deaf:
            return
        try:
            line = pack(message)
            with self._write:
                written = os.write(process.stdin.fileno(), line)
            if written != len(line):
                raise BlockingIOError
        except BlockingIOError:
            self._deaf = True
            self._lost = self._lost or BenchError("the watchdog no longer listens")
        except OSError:
            self._deaf = True
            self._lost = self._lost or self._word(0.2) or BenchError("the watchdog is gone")

    def _word(self, limit_s: float) -> BenchError | None:
        """Return what the watchdog says of itself within ``limit_s``: it acts, or it is gone."""
        with contextlib.suppress(queue.Empty):
            while True:
                heard = self._heard.get(timeout=limit_s) if limit_s else self._heard.get_nowait()
                if heard is None:
                    self._heard.put(None)  # whoever asks next must not wait for more
                    return BenchError("the watchdog is gone")
                self._acted |= bool(heard.get("acted"))
                if heard.get("acting"):
                    return TakenOver(f"the watchdog has taken over: {heard['acting']}")
        return None

    def _word_soon(self) -> BenchError | None:
        """Wait for its word, with signs of life: what is waited for must not come of the waiting."""
        deadline_s = host_monotonic_s() + _WORD_S
        while self._lost is None and host_monotonic_s() < deadline_s:
            self.beat()
            if (word := self._word(_BEAT_S / 2)) is not None:
                return word
        return self._lost

    def _raise_if_lost(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _listen(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        with contextlib.suppress(OSError, ValueError):
            for line in process.stdout:
                self._heard.put(unpack(line))
        self._heard.put(None)

    def _hear(self, limit_s: float) -> dict[str, Any]:
        """Return the next message of the watchdog, an empty one where none comes."""
        try:
            return self._heard.get(timeout=limit_s) or {}
        except queue.Empty:
            return {}
