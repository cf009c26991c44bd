"""The console script: one place where errors become messages and exit codes.

No command catches what it cannot mend, so a wrong call (2), a bench that failed (3) and a stop by the
operator (3) look the same whichever command was running. With ``--json`` standard output carries one JSON
object even then: ``{"outcome": null, "runs": [], "error": "...", "faults": [...]}`` for exit 2, with the
outcome ``ERROR`` or ``ABORTED`` for exit 3.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from bench.cli import out
from bench.errors import BenchError, UsageError
from bench.host.signals import settled
from bench.rooms import room

__all__ = ["exit_status", "main"]

ROOMS = ("instruments", "profiles", "fixtures")
_USAGE, _BROKEN = 2, 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out one call of ``drready`` and leave with the exit code of the contract.

    Raises:
        SystemExit: always.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    out.tame_streams()
    try:
        status = exit_status(words)
    finally:
        if arguments is None:
            settled()  # the process ends now: a late Ctrl-C must not change what it leaves with
    out.flush()
    if arguments is None and status == _BROKEN:
        # everything is unwound. Python would die of SIGINT instead, where that fell into an import, and might
        # wait for a thread that a dead disk or instrument holds
        os._exit(status)
    raise SystemExit(status)


def exit_status(words: Sequence[str]) -> int:
    """Carry out the call ``words`` and return its exit code; nothing but this is shown of an error."""
    as_json = "--json" in words
    try:
        for name in ROOMS:
            room(name)
        from bench.cli.app import app

        app(args=list(words), prog_name="drready")
    except SystemExit as leaving:
        return _left(leaving.code, as_json)
    except KeyboardInterrupt:
        return _stopped(as_json)
    except BenchError as error:
        return _told(error, as_json)
    except Exception as error:  # noqa: BLE001  (the last resort: whatever it is, the user gets a message, not a traceback)
        return _unforeseen(error, as_json)
    return 0


def _left(code: object, as_json: bool) -> int:
    """Translate what the parser left with: 2 for a wrong call, 130 for Ctrl-C."""
    status = code if isinstance(code, int) else 0 if code is None else _BROKEN
    if status == 130:
        return _stopped(as_json)
    if as_json and not out.json_was_written() and status == _USAGE:
        _as_json(None, "the call is wrong; standard error says where")
    return status


def _stopped(as_json: bool) -> int:
    out.error("stopped by the operator")
    if as_json and not out.json_was_written():
        _as_json("ABORTED", "stopped by the operator")
    return _BROKEN


def _told(error: BenchError, as_json: bool) -> int:
    out.explain(error)
    if as_json and not out.json_was_written():
        faults = error.faults if isinstance(error, UsageError) else ()
        outcome = None if error.exit_code == _USAGE else "ERROR"
        _as_json(outcome, str(error), [{"place": f.place, "message": f.message} for f in faults])
    return error.exit_code


def _unforeseen(error: Exception, as_json: bool) -> int:
    if os.environ.get("DRREADY_DEBUG"):
        traceback.print_exc()
    what = f"{type(error).__name__}: {error}"
    out.error(f"the bench itself failed: {what}\n  DRREADY_DEBUG=1 in the environment shows where")
    if as_json and not out.json_was_written():
        _as_json("ERROR", what)
    return _BROKEN


def _as_json(outcome: str | None, message: str, faults: Sequence[dict[str, Any]] = ()) -> None:
    out.json_object({"outcome": outcome, "runs": [], "error": message, "faults": list(faults)})
