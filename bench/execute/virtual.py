"""The loop in virtual time: one order of everything, so that two runs give the same samples.

At one instant the readings come first, in the order of ROLE_ORDER, then sequences, then set-points. So a
reading at a tick sees the analyzer window that ended there, and a set-point at that tick shows first in the
next one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.execute.run import Run
from bench.timeline import Item

__all__ = ["run_virtual"]

_SAME_S = 1e-9  # times this close are one instant: sums of decimal fractions differ by less


def run_virtual(run: Run, agenda: Sequence[Item]) -> None:
    """Play the timeline.

    Raises:
        Stopped, InstrumentError, BenchError: whatever ends the run early.
    """
    clock, readers, end_s = run.station.clock, run.readers, run.timeline.end_s
    zero_s = run.journal.zero_s or 0.0
    rate = math.lcm(*(reader.interval.denominator for reader in readers)) if readers else 1
    steps = [int(reader.interval * rate) for reader in readers]  # whole ticks of the common rate
    due = [0] * len(readers)
    ticks = [0] * len(readers)
    sent = 0
    while True:
        tick = min(due, default=math.inf)
        t_s = tick / rate
        if sent < len(agenda) and agenda[sent].t_s < min(t_s, end_s + _SAME_S) - _SAME_S:
            at_s = agenda[sent].t_s
            clock.sleep_until(zero_s + at_s)
            run.check()
            run.sender.send(agenda[sent])
            sent += 1
            if not readers:
                run.show(at_s)
            continue
        if t_s > end_s + _SAME_S:
            break
        clock.sleep_until(zero_s + t_s)
        run.check()
        run.show(t_s)
        for index, reader in enumerate(readers):
            if due[index] == tick:
                reader.take(ticks[index])
                due[index] += steps[index]
                ticks[index] += 1
        run.journal.sink.flush_due(t_s)
        if run.enough(t_s):
            return
    clock.sleep_until(zero_s + end_s)
    for what in agenda[sent:]:  # exactly at the end
        run.sender.send(what)
    run.show(end_s)
