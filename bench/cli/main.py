"""The console script: one place where errors become messages and exit codes.

No command catches what it cannot mend, so a wrong call (2), a bench that failed (3) and a stop by the
operator (3) look the same whichever command was running. With ``--json`` standard output carries one JSON
object even then: ``{"outcome": null, "runs": [], "error": "...", "faults": [...]}`` for exit 2, with the
outcome ``ERROR`` or ``ABORTED`` for exit 3. The messages are Japanese under ``--lang ja``; the JSON is not.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bench.cli import out
from bench.errors import BenchError, UsageError
from bench.host.signals import settled
from bench.japanese import speak, told
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


def language(words: Sequence[str]) -> str:
    """Return the language that the call ``words`` asks for: its errors are told before it is understood."""
    return "ja" if "--lang=ja" in words or ("--lang", "ja") in pairwise(words) else "en"


def exit_status(words: Sequence[str]) -> int:
    """Carry out the call ``words`` and return its exit code; nothing but this is shown of an error."""
    as_json = "--json" in words
    lang = language(words)
    speak(lang)
    try:
        for name in ROOMS:
            room(name)
        from bench.cli.app import app
        from bench.cli.helping import asks_for_help, show_help

        if lang == "ja" and asks_for_help(words):
            return _left(show_help(app, words), as_json, lang)
        return _left(app(args=list(words), prog_name="drready", standalone_mode=False), as_json, lang)
    except SystemExit as leaving:
        return _left(leaving.code, as_json, lang)
    except KeyboardInterrupt:
        return _stopped(as_json, lang)
    except BenchError as error:
        return _told(error, as_json, lang)
    except Exception as error:  # noqa: BLE001  (the last resort: whatever it is, the user gets a message, not a traceback)
        if hasattr(error, "format_message"):  # the parser's, by whatever name this version has it
            return _left(_wrong_call(error, lang), as_json, lang)
        return _unforeseen(error, as_json, lang)


def _wrong_call(error: Any, lang: str) -> int:
    """Tell what the parser found wrong with the call, in its own layout, and return its exit code."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if lang == "en" or context is None or "\n" in message:
        error.show()
    else:
        out.note(f"{context.get_usage()}\n{told(f'Try {context.command_path} -h for help.', lang)}\n")
        out.error(told(message, lang))
    return int(error.exit_code)


def _left(code: object, as_json: bool, lang: str) -> int:
    """Translate what the parser left with: 2 for a wrong call, 130 for Ctrl-C."""
    status = code if isinstance(code, int) else 0 if code is None else _BROKEN
    if status == 130:
        return _stopped(as_json, lang)
    if as_json and not out.json_was_written() and status == _USAGE:
        _as_json(None, "the call is wrong; standard error says where")
    return status


def _stopped(as_json: bool, lang: str) -> int:
    out.error(told("stopped by the operator", lang))
    if as_json and not out.json_was_written():
        _as_json("ABORTED", "stopped by the operator")
    return _BROKEN


def _told(error: BenchError, as_json: bool, lang: str) -> int:
    out.explain(error, lang)
    if as_json and not out.json_was_written():
        faults = error.faults if isinstance(error, UsageError) else ()
        outcome = None if error.exit_code == _USAGE else "ERROR"
        _as_json(outcome, str(error), [{"place": f.place, "message": f.message} for f in faults])
    return error.exit_code


def _unforeseen(error: Exception, as_json: bool, lang: str) -> int:
    if os.environ.get("DRREADY_DEBUG"):
        traceback.print_exc()
    what = f"{type(error).__name__}: {error}"
    out.error(told(f"the bench itself failed: {what}", lang))
    out.note(f"  {told('DRREADY_DEBUG=1 in the environment shows where', lang)}")
    if as_json and not out.json_was_written():
        _as_json("ERROR", what)
    return _BROKEN


def _as_json(outcome: str | None, message: str, faults: Sequence[dict[str, Any]] = ()) -> None:
    out.json_object({"outcome": outcome, "runs": [], "error": message, "faults": list(faults)})
