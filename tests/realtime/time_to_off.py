"""``python -m tests.realtime.time_to_off [--trials 50]``: how long the output stays on after a signal.

Each trial starts a run on a served twin, waits until the output is on and the timeline runs, sends the
signal, and takes the time until the instrument's own log says that the output is off (read every 5 ms).
After SIGKILL it also tells how much of the analyzer's last samples is not on the disk.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.record.stream import StreamReader
from tests.realtime.bench_process import LONG, Table, newest, percentile, start, table

NAMES = ("SIGTERM", "SIGKILL", "SIGSTOP")


def trial(at: Table, name: str, settle_s: float) -> tuple[float, float]:
    """Return the seconds from the signal, ``settle_s`` into the run, to the output off, and those lost.

    A failed trial raises.
    """
    run = start(at, *LONG)
    try:
        _await_on(at, run)
        time.sleep(settle_s)
        run.send_signal(getattr(signal, name))
        at_utc = dt.datetime.now(dt.UTC)
        off_s = at.await_output(False, 10.0)
        if name == "SIGTERM":
            run.communicate(timeout=60)
        else:
            time.sleep(1.0)  # the watchdog puts the device's own settings back
        return off_s, lost_s(newest(at), at_utc) if name == "SIGKILL" else 0.0
    finally:
        run.kill()
        run.communicate(timeout=60)


def _await_on(at: Table, run: subprocess.Popen[str]) -> None:
    """Wait until the run has switched the output on.

    Raises:
        RuntimeError: it ended before, with what it said.
    """
    while not at.is_on():
        if run.poll() is not None:
            raise RuntimeError(f"the run ended with {run.returncode}: {run.communicate()[1]}")
        time.sleep(0.02)


def lost_s(folder: Path, killed_utc: dt.datetime) -> float:
    """Return how long before the end of its process a run's last sample of the analyzer on the disk lies."""
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    start = next((event for event in map(json.loads, lines) if event["kind"] == "start"), None)
    if start is None:
        return 0.0  # killed before there was a sample
    last_s = 0.0
    for batch in StreamReader(folder / "samples.arrow"):
        for channel, t_s in zip(
            batch.column("channel").to_pylist(), batch.column("t_s").to_pylist(), strict=True
        ):
            last_s = max(last_s, t_s) if channel == "meter.power_kw" else last_s
    return (killed_utc - dt.datetime.fromisoformat(start["utc"])).total_seconds() - last_s


def main() -> None:
    """Print one line for each signal."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=50)
    options.add_argument("--signals", nargs="+", default=list(NAMES), choices=NAMES)
    chosen = options.parse_args()
    for name in chosen.signals:
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            table(Path(folder)) as at,
        ):
            found = []
            for number in range(chosen.trials):  # spread over more than one interval of writing
                found.append(trial(at, name, 2.5 + number / chosen.trials))
                print(f"{name}: off after {found[-1][0]:.3f} s", file=sys.stderr, flush=True)
        times, lost = [off_s for off_s, _ in found], [gone_s for _, gone_s in found]
        print(
            f"{name}: {len(times)} trials, p50 {statistics.median(times):.3f} s, "
            f"p95 {percentile(times, 0.95):.3f} s, max {max(times):.3f} s"
            + (
                f"; samples lost: p50 {statistics.median(lost):.2f} s, max {max(lost):.2f} s"
                if any(lost)
                else ""
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
