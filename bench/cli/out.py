"""Where text goes: results to standard output, everything else to standard error.

A reader that closes its end (``drready runs | head``) must not end a run, nor change its exit code: what is
written after that is dropped. A console that cannot show a character gets an escape for it, never an
exception; so does one that would obey it: text of others must not steer anybody's terminal.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from bench.errors import BenchError, InstrumentError, UsageError
from bench.japanese import told

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = [
    "error",
    "explain",
    "flush",
    "json_object",
    "json_was_written",
    "note",
    "renderable",
    "tame_streams",
    "text",
]

_PLAIN_WIDTH = 120
_STEERS = re.compile(
    r"(\x1b\[[0-9;]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"  # colours do no harm
)
_LOOK = "next: check power, cable and address; drready doctor looks at each instrument"
_json_written = False


def tame_streams() -> None:
    """Let both streams escape what they cannot encode, and forget earlier calls in this process."""
    global _json_written
    _json_written = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def text(line: str = "") -> None:
    """Write a line of the answer."""
    _write(sys.stdout, _shown(line) + "\n")


def note(line: str) -> None:
    """Write a line that is not part of the answer, to standard error."""
    _write(sys.stderr, _shown(line) + "\n")


def error(message: str) -> None:
    """Write an error, to standard error."""
    note(f"drready: {message}")


def explain(problem: BenchError, lang: str = "en") -> None:
    """Write an error of the bench, in English or Japanese: each fault on its own line."""
    if isinstance(problem, UsageError) and len(problem.faults) > 1:
        error(told(f"{len(problem.faults)} faults:", lang))
        for fault in problem.faults:
            note(f"  {told(str(fault), lang)}")
        return
    first, *rest = str(problem).splitlines() or [type(problem).__name__]
    error(told(first, lang))
    for line in rest:
        note(f"  {told(line, lang)}")
    if isinstance(problem, InstrumentError) and "next: " not in str(problem):
        note(f"  {told(_LOOK, lang)}")


def json_object(content: Mapping[str, Any]) -> None:
    """Write the one JSON object of a ``--json`` call."""
    global _json_written
    _json_written = True
    utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    _write(sys.stdout, json.dumps(content, ensure_ascii=not utf8, allow_nan=False, indent=2) + "\n")


def json_was_written() -> bool:
    """Return whether this call has already written its JSON object."""
    return _json_written


def renderable(thing: RenderableType, *, to_stderr: bool = False, plain_width: int = _PLAIN_WIDTH) -> None:
    """Write a table of rich; plain and ``plain_width`` wide where nobody's terminal sets the width."""
    from rich.console import Console

    stream: IO[str] | None = sys.stderr if to_stderr else sys.stdout
    buffer = io.StringIO()
    terminal = stream is not None and stream.isatty()
    width = None if terminal else plain_width
    Console(file=buffer, force_terminal=terminal, width=width, no_color=not terminal or None).print(thing)
    lines = _shown(buffer.getvalue()).splitlines()
    _write(stream, "".join(f"{line if terminal else line.rstrip()}\n" for line in lines))


def flush() -> None:
    """Hand everything over; the interpreter's own flush at exit then has nothing left to fail at."""
    for stream in (sys.stdout, sys.stderr):
        _write(stream, "")


def _shown(content: str) -> str:
    """Return ``content`` with an escape for every character that moves a cursor or turns writing round."""
    return _STEERS.sub(lambda found: found[1] or found[0].encode("unicode_escape").decode("ascii"), content)


def _write(stream: IO[str] | None, content: str) -> None:
    if stream is None or stream.closed:  # started without this stream: nobody is there to read
        return
    try:
        stream.write(content)
        stream.flush()
    except OSError as problem:
        # Windows says EINVAL of a pipe nobody reads; a terminal that was closed under us says EIO
        if problem.errno not in (errno.EPIPE, errno.EINVAL, errno.EIO):
            raise
        _drop(stream)


def _drop(stream: IO[str]) -> None:
    """Point a stream whose reader has gone at the null device."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, stream.fileno())
    os.close(sink)
