"""``python -m tests.realtime.time_to_off [--trials 50]``: how long the output stays on after a signal.

Each trial starts a run on a served twin, waits until the output is on and the timeline runs, sends the
signal, and takes the time until the instrument's own log says that the output is off (read every 5 ms).
"""

from __future__ import annotations

import argparse
import signal
import statistics
import tempfile
import time
from pathlib import Path

from tests.realtime.bench_process import LONG, Table, percentile, start, table

NAMES = ("SIGTERM", "SIGKILL", "SIGSTOP")


def trial(at: Table, name: str, settle_s: float = 1.5) -> float:
    """Return the seconds from the signal to the output off; a failed trial raises."""
    run = start(at, *LONG)
    try:
        at.await_output(True, 60.0)
        time.sleep(settle_s)
        run.send_signal(getattr(signal, name))
        off_s = at.await_output(False, 10.0)
        if name == "SIGTERM":
            run.communicate(timeout=60)
        else:
            time.sleep(1.0)  # the watchdog puts the device's own settings back
        return off_s
    finally:
        run.kill()
        run.communicate(timeout=60)


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
            times = [trial(at, name) for _ in range(chosen.trials)]
        print(
            f"{name}: {len(times)} trials, p50 {statistics.median(times):.3f} s, "
            f"p95 {percentile(times, 0.95):.3f} s, max {max(times):.3f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
