"""Sampling in real time: source and two Modbus devices at 1 Hz, the analyzer at 20 Hz; then one answers late.

``DRREADY_SUSTAINED_S=60`` is the figure; the suite takes a few seconds of it. What is printed: how long after
its tick a reading was taken (the middle between question and answer), and ticks that passed without one. What
is asserted is no speed: that a device which answers 0.3 s late costs the analyzer nothing of that order.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench.config.load import load_station
from bench.execute import channel_units, execute
from bench.record.recorder import Recorder
from bench.station import open_station
from bench.timeline import Act, Timeline
from tests.realtime.bench_process import table

pytestmark = [pytest.mark.benchmark, pytest.mark.wire]

SUSTAINED_S = float(os.environ.get("DRREADY_SUSTAINED_S", "2"))
ANALYZER_S, SLOW_S, LATE_S = 0.05, 1.0, 0.3
PLAN = Timeline(
    profile="sustained", set_points=(), acts=(Act(0.0, "battery", "start", "p"),), phases=(),
    end_s=SUSTAINED_S, sample_s=ANALYZER_S, slow_sample_s=SLOW_S,
)  # fmt: skip
WITNESS = {"meter": "power_kw", "source": "frequency_hz", "battery": "power_kw", "site": "load_kw"}


class Watched(Recorder):
    """Records as ever, keeps when each reading of one channel a device was taken, and delays the proxy."""

    proxy: LateProxy
    delay_s = 0.0

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.taken: dict[str, dict[int, tuple[float, str]]] = {role: {} for role in WITNESS}

    def sample(
        self, tick: int, t_s: float, host_s: float, channel: str, value: float | str | None, quality: str
    ) -> None:
        super().sample(tick, t_s, host_s, channel, value, quality)
        if t_s >= SUSTAINED_S - ANALYZER_S:
            self.proxy.delay_s = 0.0
        role, _, name = channel.partition(".")
        if WITNESS[role] == name:
            self.taken[role][tick] = t_s, quality

    def event(self, kind: str, t_s: float | None, **fields: object) -> None:
        super().event(kind, t_s, **fields)
        if kind == "start":
            self.proxy.delay_s = self.delay_s


class LateProxy:
    """Passes a TCP stream on; what comes back waits ``delay_s``."""

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                device = socket.create_connection(("127.0.0.1", self._target))
                for one in (client, device):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pass, args=(client, device, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(device, client, True), daemon=True).start()

    def _pass(self, origin: socket.socket, goal: socket.socket, back: bool) -> None:
        with suppress(OSError):
            while data := origin.recv(65536):
                if back and self.delay_s:
                    time.sleep(self.delay_s)
                goal.sendall(data)
        for one in (origin, goal):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Lateness:
    """What came of one device's ticks."""

    p50_s: float
    p99_s: float
    taken: int
    missing: int
    due: int


@contextmanager
def served(folder: Path) -> Iterator[Path]:
    with table(folder, "--set", f"twin.meter.update_s={ANALYZER_S}") as at:
        yield at.station


def sampled(station: Path, folder: Path, *, late: bool) -> dict[str, Lateness]:
    """Sample for :data:`SUSTAINED_S`, with the battery behind a proxy that may delay it."""
    folder.mkdir()
    port = int(str(load_station(str(station)).station.instruments["battery"].resource).split("::")[2])
    proxy = LateProxy(port)
    loaded = load_station(
        str(station),
        {
            "instruments.battery.resource": f"TCP::127.0.0.1::{proxy.port}",
            "instruments.meter.accuracy": {"power_reading_pct": 0.1, "frequency_hz": 0.01},
        },
    )
    try:
        with open_station(loaded) as opened:
            recorder = Watched(folder, channel_units(opened), {}, opened.clock)
            recorder.proxy, recorder.delay_s = proxy, LATE_S if late else 0.0
            result = execute(PLAN, opened, recorder)
    finally:
        proxy.close()
    assert (result.execution, result.safe_state.state) == ("done", "verified"), result.reason
    found = {}
    for role, ticks in recorder.taken.items():
        interval_s = ANALYZER_S if role == "meter" else SLOW_S
        due = int(SUSTAINED_S / interval_s) + 1
        behind = np.array(
            [t_s - tick * interval_s for tick, (t_s, quality) in ticks.items() if quality != "missing"]
        )
        p50_s, p99_s = np.percentile(behind, [50, 99])
        found[role] = Lateness(float(p50_s), float(p99_s), len(behind), due - len(behind), due)
    return found


@pytest.mark.timeout(300)
def test_a_late_device_costs_the_analyzer_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRREADY_STATE_DIR", str(tmp_path / "state"))
    with served(tmp_path) as station:
        calm = sampled(station, tmp_path / "calm", late=False)
        late = sampled(station, tmp_path / "late", late=True)
    with capsys.disabled():
        print(f"\nsampling for {SUSTAINED_S:g} s, lateness p50 / p99 in ms, ticks missing of those due")
        for what, found in (("all on time", calm), (f"battery answers {LATE_S * 1000:.0f} ms late", late)):
            told = (
                f"{role} {one.p50_s * 1e3:.1f} / {one.p99_s * 1e3:.1f}, {one.missing} of {one.due}"
                for role, one in found.items()
            )
            print(f"  {what}: {'; '.join(told)}")
    assert late["battery"].p50_s > 0.4 * LATE_S, "the delay was there: half of it shows in the middle"
    # no speed: shared cores may take any process off for a while, but never for the device's sake
    assert late["meter"].p50_s < 0.5 * late["battery"].p50_s
    assert late["meter"].taken > 0.5 * calm["meter"].taken
    assert calm["meter"].taken > 0.5 * calm["meter"].due
