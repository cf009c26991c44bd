"""A safe state that cannot be proved is tried again until it can, and the record tells of every attempt."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.clock import RealClock
from bench.config.load import LoadedStation, load_station
from bench.errors import InstrumentError, TakenOver
from bench.host.locks import held
from bench.host.unfinished import Mark, forget, found
from bench.watchdog.__main__ import watch
from bench.watchdog.act import Watched
from bench.watchdog.messages import pack
from bench.watchdog.parent import Watchdog
from fixtures.faults.wire import Wire
from tests.realtime.bench_process import read_json, table
from tests.realtime.holding import wait_until

pytestmark = pytest.mark.realtime
PID = 4242


class Source:
    """The twin's source behind a wire that can be cut, with a run on it that is marked as begun."""

    def __init__(self, folder: Path, wire: Wire, loaded: LoadedStation) -> None:
        self.folder, self.wire, self.loaded = folder, wire, loaded
        self.watched = Watched(loaded, (), parent=PID)
        self.said: queue.Queue[bytes | None] = queue.Queue()

    def watch(self, tries_s: float) -> threading.Thread:
        """Begin to watch, with a run that is under way."""
        for message in ({"run": str(self.folder)}, {"arm": {}}):
            self.said.put(pack(message))
        thread = threading.Thread(target=watch, args=(self.said, self.watched, 20.0, tries_s), daemon=True)
        thread.start()
        return thread

    def record(self) -> dict[str, Any]:
        return read_json(self.folder / "watchdog.json")

    def attempts(self) -> list[str]:
        path = self.folder / "watchdog.json"
        return [one["why"] for one in self.record()["attempts"]] if path.exists() else []


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    monkeypatch.setattr("bench.execute.safe._AWAY_S", 0.1)
    monkeypatch.setattr("bench.watchdog.__main__._PAUSE_S", 0.3)
    monkeypatch.setattr("bench.host.unfinished.me", lambda what: {"pid": PID, "what": what})
    with table(tmp_path) as at:
        text = at.station.read_text(encoding="utf-8")
        port = next(line for line in text.splitlines() if "::SOCKET" in line).split("::")[2]
        wire = Wire("scpi", int(port), lambda what, session: None)
        at.station.write_text(text.replace(f"::{port}::", f"::{wire.port}::"), encoding="utf-8")
        loaded = load_station(str(at.station))
        found_source = Source(tmp_path, wire, loaded)
        found_source.watched._station.drivers["source"].set("output", True)
        at.await_output(True, 10.0)
        Mark(loaded, "a run", tmp_path).arm({})
        wire.leave()
        try:
            yield found_source
        finally:
            wire.close()
            forget(loaded)


def taken(stack: contextlib.ExitStack, loaded: LoadedStation) -> bool:
    try:
        stack.enter_context(held(loaded, "an operator at work"))
    except InstrumentError:
        return False
    return True


def test_it_is_tried_again_until_it_is_proved(source: Source) -> None:
    thread = source.watch(tries_s=60.0)
    source.said.put(None)
    wait_until(lambda: source.attempts()[:1] == ["the bench is gone"])
    assert source.record()["safe_state"]["state"] == "unknown"
    with contextlib.ExitStack() as at_work:
        wait_until(
            lambda: taken(at_work, source.loaded)
        )  # the record is written before its locks are released
        # who is at work is not disturbed
        wait_until(lambda: any("in use by" in why for why in source.attempts()))
    wait_until(lambda: "tried again" in source.attempts())
    source.wire.heal()
    thread.join(30.0)
    record = source.record()
    assert record["safe_state"]["state"] == "verified"
    assert record["attempts"][-1]["state"] == "verified"
    assert found(source.loaded) is not None  # the next start still looks for itself
    log = (source.folder / "seen.jsonl").read_text(encoding="utf-8").splitlines()
    assert '"output", "value": 0' in next(line for line in reversed(log) if '"output"' in line)


def test_it_is_given_up_after_the_declared_time_and_the_record_says_so(source: Source) -> None:
    thread = source.watch(tries_s=0.5)
    source.said.put(None)
    thread.join(30.0)
    assert source.attempts()[-1] == "given up after 0.5 s: see drready safe"
    assert source.record()["safe_state"]["state"] == "unknown"


def test_nothing_more_is_done_once_somebody_else_has_proved_it(source: Source) -> None:
    thread = source.watch(tries_s=60.0)
    source.said.put(None)
    wait_until(lambda: source.attempts()[:1] == ["the bench is gone"])
    forget(source.loaded)
    thread.join(30.0)
    assert source.attempts()[-1] == "another start has found the station safe"


@pytest.mark.parametrize("left", ["verified", "unknown"])
def test_a_bench_that_woke_up_is_left_alone_unless_it_could_not_prove_it_either(
    source: Source, left: str
) -> None:
    source.watched.act("no sign of life", source.folder, 2.0)
    assert source.watched.unproved
    source.wire.heal()
    thread = source.watch(tries_s=60.0)
    source.said.put(pack({"end": left}))
    thread.join(30.0)
    assert source.attempts()[0] == "no sign of life"
    assert len(source.attempts()) == (1 if left == "verified" else 2)
    assert source.record()["safe_state"]["state"] == ("unknown" if left == "verified" else "verified")


@pytest.mark.parametrize("left", ["verified", "unknown"])
def test_a_bench_that_is_killed_after_its_run_is_followed_up_if_it_left_the_state_unproved(
    source: Source, left: str
) -> None:
    thread = source.watch(tries_s=60.0)
    source.said.put(pack({"call": "the source does not confirm"}))
    source.said.put(pack({"disarm": left}))
    wait_until(lambda: source.attempts() == ["the source does not confirm"])
    source.wire.heal()
    source.said.put(None)
    thread.join(30.0)
    assert source.record()["safe_state"]["state"] == ("unknown" if left == "verified" else "verified")


def test_a_watchdog_that_was_stopped_itself_first_hears_what_was_said_meanwhile(source: Source) -> None:
    class Stopped(queue.Queue[bytes | None]):
        """Runs out of time while it is stopped, though something has come."""

        woken = False

        def get(self, block: bool = True, timeout: float | None = None) -> bytes | None:
            if timeout == silent_s and not self.woken:
                self.woken = True
                late_s = time.monotonic() + timeout + 0.2
                wait_until(lambda: time.monotonic() > late_s)
                raise queue.Empty
            return super().get(block, timeout)

    said, silent_s = Stopped(), 0.1
    for message in ({"run": str(source.folder)}, {"arm": {}}, {"disarm": "verified"}, {"end": "verified"}):
        said.put(pack(message))
    watch(said, source.watched, silent_s, 0.1)
    assert said.woken
    assert source.attempts() == []


@pytest.fixture
def quick(source: Source) -> Iterator[Watchdog]:
    """A watchdog of the whole station that acts after half a second of silence, armed."""
    source.wire.heal()
    text = source.loaded.path.read_text(encoding="utf-8")
    source.loaded.path.write_text(
        re.sub(r"^watchdog_s = .*$", "watchdog_s = 0.5", text, flags=re.MULTILINE), encoding="utf-8"
    )
    watchdog = Watchdog(load_station(str(source.loaded.path)))
    watchdog.start()
    watchdog.run(source.folder)
    watchdog.arm({})
    yield watchdog
    watchdog.disarm("verified")
    watchdog.end()


def test_waiting_for_the_watchdogs_word_is_no_silence(quick: Watchdog) -> None:
    """A watchdog that was stopped together with the bench, and heard its sign of life first, does not act."""
    quick._sent_s -= 10.0
    quick.look()  # TakenOver, where it waits in silence
    assert not quick.settle()


def test_what_it_was_called_for_is_waited_for_though_it_has_acted_before(
    source: Source, quick: Watchdog
) -> None:
    """Its word of an earlier act must not let the settings be put back before a later one."""
    wait_until(lambda: len(source.attempts()) == 1)  # the bench was silent
    with pytest.raises(TakenOver):
        quick.look()
    quick.call("the source did not confirm")
    assert quick.settle()
    assert source.attempts()[1:] == ["the source did not confirm"]
    assert not quick.settle()


def test_after_the_last_question_it_leaves_a_silent_bench_alone(source: Source, quick: Watchdog) -> None:
    assert not quick.settle(last=True)
    clock = RealClock()
    clock.sleep_until(clock.now_s() + 1.0)
    assert not quick.settle(last=True)
    assert source.attempts() == []
