"""``python -m tests.realtime.time_to_off [--trials 50]``: how long the output stays on after a signal.

Each trial starts a run on a served twin, waits until the output is on and the timeline runs, sends the signal,
and takes the time until the instrument's own log says that the output is off (read every 5 ms).
"""

from __future__ import annotations

import argparse
import signal
import statistics
import tempfile
import time
from pathlib import Path

from tests.realtime.bench_process import LONG, percentile, start, table

NAMES = ("SIGTERM", "SIGKILL", "SIGSTOP")


def trial(folder: Path, name: str, settle_s: float = 1.5) -> float:
    """Return the seconds from the signal to the output off; a failed trial raises."""
    number = getattr(signal, name)
    with table(folder) as at:
        run = start(at, *LONG)
        try:
            at.await_output(True, 30.0)
            time.sleep(settle_s)
            run.send_signal(number)
            return at.await_output(False, 10.0)
        finally:
            run.kill()
            run.communicate(timeout=30)


def main() -> None:
    """Print one line for each signal."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=50)
    options.add_argument("--signals", nargs="+", default=list(NAMES), choices=NAMES)
    chosen = options.parse_args()
    for name in chosen.signals:
        times = []
        for _ in range(chosen.trials):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                times.append(trial(Path(folder), name))
        print(
            f"{name}: {len(times)} trials, p50 {statistics.median(times):.3f} s, "
            f"p95 {percentile(times, 0.95):.3f} s, max {max(times):.3f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
