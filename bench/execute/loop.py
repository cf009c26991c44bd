"""One run from the first look at the instruments to the safe state."""

from __future__ import annotations

import contextlib
import functools
import math
import traceback
from collections.abc import Sequence
from typing import Literal

from bench.clock import utc_now
from bench.errors import (
    BenchError,
    InstrumentError,
    LimitTripped,
    LinkDown,
    LinkTimeout,
    NotBack,
    TakenOver,
    WrongInstrument,
    WrongReply,
)
from bench.execute.keeper import Keeper
from bench.execute.latch import refuse_if_latched, remember
from bench.execute.ports import ExecutionResult, Progress, Sink, StationLike
from bench.execute.prepare import check_on_paper, energise, look_before
from bench.execute.ramp import ramp_down
from bench.execute.realtime import run_real
from bench.execute.run import Run
from bench.execute.safe import prove_again, safe_state
from bench.execute.stop import StopFlag, Stopped, signals_set
from bench.execute.virtual import run_virtual
from bench.runinfo import SafeState
from bench.timeline import SetPoint, Timeline

__all__ = ["execute"]

_CALM_S = 10.0  # at the end of a run that went well the power may take this long to come down
_PUT_BACK_S = 60.0  # the device's own settings, with the output off: a slow gateway may take its time
_HASTE_S = 1.0  # after a trip or a failure the output is opened after this, come down or not


def execute(
    timeline: Timeline,
    station: StationLike,
    recorder: Sink,
    progress: Progress | None = None,
    stop: StopFlag | None = None,
    keepers: Sequence[Keeper] = (),
) -> ExecutionResult:
    """Play ``timeline`` on ``station``, and leave the station in its safe state, whatever happens.

    Order: the timeline is checked on paper; instruments are configured; the device's settings are read; it
    is looked whether it is safe to start; nominal grid, output on; sequences at t <= 0; then t = 0, the
    timeline; set-points to zero; safe state; the settings of every device that answers put back. They come
    last, with the output off: a device in its own mode may do as it likes. After a failure, a trip or a
    stop the safe state comes at once; so it does where a device stays away that the test had cut off, and
    the timeline ends there, ``done``: that is what the test was to find out.

    SIGINT, SIGTERM and SIGHUP stop the run (in the main thread); further ones do not disturb the safe state.

    Args:
        timeline: what the planner made.
        station: the open station.
        recorder: where everything goes; it is closed at the end.
        progress: told how far the run has come, at most ten times a second.
        stop: set by anyone who wants the run to end.
        keepers: told how the run fares, and asked whether it may go on.

    Returns:
        ``done``; ``error`` (an instrument, the record or the bench failed) or ``aborted`` (a limit tripped,
        or somebody stopped it) with the first cause as the reason.

    Raises:
        UsageError: the timeline cannot be played on this station; nothing was touched.
        InstrumentError: an earlier run left the station in an unproved state; nothing was touched.
        BaseException: what is no Exception (a test's time-out) goes on after the safe state.
    """
    check_on_paper(timeline, station)
    refuse_if_latched(station)
    run = Run(timeline, station, recorder, progress, stop or StopFlag(), keepers)
    with signals_set(run.stop):
        cause: BaseException | None = None
        gone: NotBack | None = None
        try:
            gone = _play(run)
        except BaseException as error:  # noqa: BLE001  (whatever it is, the output must go off first)
            cause = _overruled(run, error)
        state = _end(run, cause, gone)
    cause = cause or run.journal.failure or _unheard(run)
    if cause is None and run.stop.is_set():
        cause = Stopped(run.stop.reason)  # asked while the run was ending: the next must not begin
    if cause is not None and not isinstance(cause, Exception):
        raise cause
    return ExecutionResult(
        execution=_outcome(cause),
        reason=_reason(cause or gone),
        safe_state=state,
        settings_before=run.settings.told(),
        settings_restored=run.settings.restored,
        zero_s=run.journal.zero_s,
        reached_s=run.reached_s,
        clock_steps=tuple(run.wall.steps),
        stays_away=cause is None and gone is not None,
    )


def _play(run: Run) -> NotBack | None:
    """Play the timeline; return what ended it early where a device did not come back."""
    clock = run.station.clock
    run.settings.read()  # first of all: the safe state of a run that ends at once changes them too
    run.open_readers()
    run.stop.check()
    look_before(run)
    for keeper in run.keepers:
        keeper.arm(run.settings.before)
    energise(run)
    first, agenda = run.agenda()
    for act in first:
        run.check()
        run.send(act)
    virtual = clock.kind == "virtual"
    # in virtual time the run begins on a whole second, so that the analyzer's windows end at the ticks
    zero_s = float(math.floor(clock.now_s()) + 1) if virtual else clock.now_s()
    run.pause_until(zero_s)
    run.journal.begin(zero_s)
    # an embedded twin counts the seconds of its timed faults from here
    begin_run = getattr(getattr(run.station, "host", None), "begin_run", None)
    if callable(begin_run):
        begin_run(zero_s)
    intervals = {reader.role: float(reader.interval) for reader in run.readers}
    run.journal.event("start", zero_s=zero_s, utc=utc_now().isoformat(), intervals_s=intervals)
    try:
        (run_virtual if virtual else run_real)(run, agenda)
    except NotBack as gone:
        run.journal.event("not_back", role=gone.role, error=str(gone))
        return gone
    finally:
        for reader in run.readers:
            reader.finish(run.reached_s)
    _to_zero(run)
    return None


def _overruled(run: Run, error: BaseException) -> BaseException:
    """Return why the run really ends: what a watchdog did while this process was stopped fails everything."""
    try:
        for keeper in run.keepers:
            keeper.look()
    except TakenOver as taken:
        return taken
    except BaseException:  # noqa: BLE001  (a keeper that fails in its own way must not keep the output on)
        return error  # the first cause is kept
    return error


def _unheard(run: Run) -> BaseException | None:
    """Return what the thread that writes met while the run was ending; an instrument no longer matters."""
    return None if isinstance(run.fault, InstrumentError) else run.fault


def _to_zero(run: Run) -> None:
    """Take back every set-point the timeline made: power to zero, the grid to nominal."""
    head = run.station.loaded.station.station
    zero = {
        ("source", "frequency_hz"): head.nominal_hz,
        ("source", "voltage_v"): head.nominal_v,
        ("battery", "power_set_kw"): 0.0,
        ("gateway", "power_set_kw"): 0.0,
    }
    used = {(point.role, point.quantity) for point in run.timeline.set_points}
    for (role, quantity), value in zero.items():
        if (role, quantity) in used:
            run.send(SetPoint(math.nan, role, quantity, value, "end"))
    steps = ramp_down(run.station, patience_s=_CALM_S, exclusive=run.exclusive, look=run.check)
    run.journal.event("ramp_down", steps=steps)


def _end(run: Run, cause: BaseException | None, gone: NotBack | None = None) -> SafeState:
    """Leave the station safe and the device as it was found; nothing here raises for an instrument."""
    journal = run.journal
    journal.ending = True
    broken = {gone.role} if gone is not None and gone.role else set()
    if isinstance(cause, (LinkDown, LinkTimeout, WrongReply, WrongInstrument)) and cause.role:
        broken.add(cause.role)
    if cause is not None:
        _tell(run, cause)
    safe = functools.partial(
        safe_state,
        run.station,
        patience_s=_HASTE_S,
        broken=broken,
        note=journal.command,
        exclusive=run.exclusive,
        look=run.beat,
        late=lambda role: _call(run, role),
    )
    try:
        state = safe(ramp=cause is not None or gone is not None)
    except BaseException as again:  # noqa: BLE001  (a time-out or an interrupt of somebody else's: begin again)
        journal.event("safe_state_interrupted", why=repr(again))
        state = safe(ramp=False)
    run.guard.energised = False
    run.attended(run.settle, _PUT_BACK_S)
    state = _put_back(run, state)
    if run.attended(functools.partial(run.settle, last=True), _PUT_BACK_S):
        journal.event("settings_disturbed")  # the watchdog heard nothing meanwhile, and held the device again
        state = _put_back(run, state)
    remember(run.station, state, _reason(cause) or "the safe state could not be proved")
    journal.give_up()
    with contextlib.suppress(BenchError):  # the run has ended: a suspended machine no longer matters
        run.wall.look()
    journal.event("safe_state", state=state.state, steps=state.steps)
    for role, driver in run.station.drivers.items():  # what an operator did by hand, with who and when
        for act in getattr(driver, "take_acts", list)():
            journal.event("operator", role=role, **act)
    for keeper in run.keepers:
        keeper.disarm(state.state)
    journal.close()
    return state


def _put_back(run: Run, state: SafeState) -> SafeState:
    """Put the devices' own settings back, and prove the safe state once more."""
    run.attended(run.settings.put_back, _PUT_BACK_S)
    prove = functools.partial(
        prove_again, run.station, state, leave_out=_yields(run), exclusive=run.exclusive
    )
    proved = run.attended(prove, _PUT_BACK_S) or SafeState(state="unknown", steps=state.steps)
    run.attended(run.settings.look, _PUT_BACK_S)
    return proved


def _call(run: Run, role: str) -> None:
    """Have the keepers try what our own connection could not do in its time: the output must go off."""
    run.journal.event("safe_state_late", role=role)
    if role == "source":
        for keeper in run.keepers:
            keeper.call(f"{role} did not confirm its safe state in its time")


def _yields(run: Run) -> set[str]:
    """Return the devices whose safe state gives way to their own settings once the output is off.

    What a driver thinks safe (to be held at zero) is for as long as the bench has the device; what the
    station file declares stays.
    """
    declared = {role for role, one in run.station.loaded.station.instruments.items() if one.safe is not None}
    return set(run.settings.before) - declared


def _tell(run: Run, cause: BaseException) -> None:
    fields: dict[str, object] = {"reason": _reason(cause)}
    if isinstance(cause, LimitTripped):
        fields["reading"] = cause.reading or None
        fields["live"] = dict(run.live)
    if not isinstance(cause, (BenchError, Stopped)):
        fields["traceback"] = "".join(traceback.format_exception(cause))
    run.journal.event("tripped" if isinstance(cause, LimitTripped) else _outcome(cause), **fields)


def _outcome(cause: BaseException | None) -> Literal["done", "error", "aborted"]:
    if cause is None:
        return "done"
    return "aborted" if isinstance(cause, (Stopped, LimitTripped, KeyboardInterrupt)) else "error"


def _reason(cause: BaseException | None) -> str:
    if cause is None:
        return ""
    if isinstance(cause, (BenchError, Stopped)):
        return str(cause)
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
