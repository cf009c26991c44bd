"""What every fuzz target shares: hostile texts, damage, and the four promises that are kept whatever comes.

The promises: an answer or an error that the bench says on purpose (no traceback); within a time (no hang);
nothing written outside the folder of the call; and, where a page comes out, no script in it but our own.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from bench.cli.main import exit_status
from bench.clock import host_monotonic_s
from bench.errors import BenchError
from tests.bench.evidence.report_reading import Page

SCALE = float(os.environ.get("DRREADY_FUZZ", "1"))
"""How many times the short number of cases; ``make fuzz`` sets it."""
TRIED: Counter[str] = Counter()
BROKEN: Counter[str] = Counter()
_LONGEST_S = 20.0
_ENDED = 6
_T = TypeVar("_T")

MARK = "4lert"
TEXTS = [
    "", " ", "\x00", "\u202e", "é" * 300, "a" * 5000, "<script>4lert(1)</script>",
    "\"><img src=x onerror=4lert(2)>", "</script><script>4lert(3)</script>", "javascript:4lert(4)",
    "=cmd|'/C calc'!A0", "@SUM(1+1)", "+1-1", "-2+3", "../../../../climbed", "/climbed", "..\\..\\climbed",
    "C:\\climbed", "NUL", "$(touch climbed)", "`id`", "%s%n%x", "{0.__class__}", "__import__('os')",
    "os:system", "nan", "inf", "1e400", "9" * 5000, "9.91E+37", "0x10", "１２", "2026-13-45", "true",
    "null", "[]", "\ud800", "\x1b]0;4lert\x07\x1b[2J", "[bold]", "[/]", "\x9b2J\r",
]  # fmt: skip
TEXT = st.sampled_from(TEXTS) | st.text(max_size=30)
NUMBER = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.sampled_from([0, -1, 1e-300, 1e300, 2**31, float("nan"), float("inf")]),
)
VALUE = st.recursive(
    NUMBER | TEXT | st.booleans() | st.dates() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def cases(short: int) -> settings:
    """Return settings for ``short`` cases, times the scale."""
    return settings(
        max_examples=max(1, int(short * SCALE)),
        deadline=None,
        database=None,
        # a long run is there to find; making what it found small is left to the short one
        phases=(Phase.explicit, Phase.generate)
        if SCALE > 1
        else (Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Give a folder of its own for one case."""
    with tempfile.TemporaryDirectory(prefix="drready-fuzz-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


class _Broken(BaseException):
    """A promise broken inside a call. No Exception: what handles a disk's errors must not take it for one."""


def survives(target: str, call: Callable[[], _T], *inside: Path) -> _T | None:
    """Carry out ``call``, which may write inside the folders ``inside`` only; return what it returns.

    None where it raised an error of the bench, which must say something.
    """
    TRIED[target] += 1
    try:
        with _within(_LONGEST_S), _writes_only(inside):
            return call()
    except BenchError as caught:
        error = caught
    except _Broken as broken:
        BROKEN[target] += 1
        raise AssertionError(str(broken)) from broken
    except Exception:  # what controls the search itself is a BaseException
        BROKEN[target] += 1
        raise
    assert str(error).strip(), "an error must say something"
    return None


def commanded(target: str, *words: object, inside: Path) -> str:
    """Give the command ``words`` of ``drready``, as a user does; return what it wrote, none of which steers.

    A traceback that the last resort of the command line turned into a message is one all the same.
    """
    said, told = io.StringIO(), io.StringIO()

    def call() -> int:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
            return exit_status([str(word) for word in words])

    status = survives(target, call, inside)
    text = said.getvalue() + told.getvalue()
    wrong = "the bench itself failed" in text or status not in range(5)
    wrong |= any(mark in text for mark in ("\x1b", "\x9b", "\r", "\u202e") if "--json" not in words)
    BROKEN[target] += wrong
    assert not wrong, f"{words}: {status} {text!r}"
    return said.getvalue()


def no_script(text: str) -> None:
    """Fail where a page runs, fetches or opens anything that came from a file."""
    page = Page(text)
    assert page.broken == []
    for attributes, script in page.scripts:
        assert attributes.get("type") == "application/json" or MARK not in script
    for element, attributes in page.elements:
        assert element not in ("img", "iframe", "object", "embed", "base", "form", "link")
        assert not any(name.startswith("on") for name in attributes)
        assert MARK not in (attributes.get("href") or "")


def damaged(data: st.DataObject, content: bytes) -> bytes:
    """Cut, flip, insert, repeat or replace."""
    kind = data.draw(st.sampled_from(["cut", "flip", "flips", "insert", "text", "replace", "double", "drop"]))
    at = data.draw(st.integers(0, max(0, len(content) - 1)))
    if kind == "cut":
        return content[:at]
    if kind in ("flip", "flips"):
        changed = bytearray(content)
        for where in (
            [at] if kind == "flip" else data.draw(st.lists(st.integers(0, max(0, len(content) - 1))))
        ):
            if changed:
                changed[where] ^= 1 << data.draw(st.integers(0, 7))
        return bytes(changed)
    if kind == "insert":
        return content[:at] + data.draw(st.binary(min_size=1, max_size=40)) + content[at:]
    if kind == "text":
        return content[:at] + data.draw(TEXT).encode("utf-8", "surrogatepass") + content[at:]
    if kind == "replace":
        return data.draw(st.binary(max_size=200))
    if kind == "drop":
        return content[:at] + content[at + data.draw(st.integers(1, 200)) :]
    return content + content


def places(tables: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in ``tables``."""
    inside: Any = ()
    if isinstance(tables, dict):
        inside = tables.items()
    elif isinstance(tables, list):
        inside = enumerate(tables)
    return [path, *(found for key, value in inside for found in places(value, (*path, key)))]


def changed(data: st.DataObject, tables: Any) -> Any:
    """Replace, remove or add values of ``tables``, up to three."""
    for _ in range(data.draw(st.integers(1, 3))):
        where = places(tables)[1:]
        if not where:
            break
        path = data.draw(st.sampled_from(where))
        node = tables
        for key in path[:-1]:
            node = node[key]
        match data.draw(st.sampled_from(["value", "text", "remove", "add"])):
            case "remove":
                del node[path[-1]]
            case "add" if isinstance(node, dict):
                node[data.draw(TEXT)] = data.draw(VALUE)
            case "text":
                node[path[-1]] = data.draw(TEXT)
            case _:
                node[path[-1]] = data.draw(VALUE)
    return tables


def without_null(value: Any) -> Any:
    """Return ``value`` as TOML can hold it."""
    if isinstance(value, dict):
        return {str(key): without_null(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_null(each) for each in value]
    return "" if value is None else value


@contextlib.contextmanager
def _within(limit_s: float) -> Iterator[None]:
    """Raise where the block takes too long: a hang.

    It is broken off where the system has such a signal; where the block stays in C, when it comes back; and
    where it never does, the process ends with the places of its threads.
    """
    began_s = host_monotonic_s()
    faulthandler.dump_traceback_later(_ENDED * limit_s, exit=True, file=sys.__stderr__)
    try:
        with _broken_off(limit_s):
            yield
    finally:
        faulthandler.cancel_dump_traceback_later()
    if host_monotonic_s() - began_s > limit_s:
        raise _Broken(f"took over {limit_s:g} s")


@contextlib.contextmanager
def _broken_off(limit_s: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(number: int, frame: object) -> None:
        raise _Broken(f"still busy after {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, late)
    timer_s = signal.setitimer(signal.ITIMER_REAL, limit_s)[0]
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, timer_s)


_allowed: list[tuple[str, ...]] = []
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {"os.mkdir": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.symlink": 1, "os.link": 1,
            "os.truncate": 0, "os.chmod": 0}  # fmt: skip
_NEVER = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn")


@contextlib.contextmanager
def _writes_only(inside: tuple[Path, ...]) -> Iterator[None]:
    """Fail where anything is written outside ``inside`` or the bench's own state, or a program started."""
    _allowed.append(tuple(str(path.resolve()) for path in inside))
    try:
        yield
    finally:
        _allowed.pop()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _allowed:
        return
    if event in _NEVER:
        raise _Broken(f"started a program: {event} {arguments}")
    if event == "open":
        path, _, flags = arguments
        if (
            not isinstance(flags, int)
            or not flags & _WRITES
            or not isinstance(path, (str, bytes, os.PathLike))
        ):
            return
    elif event in _CHANGES:
        path = arguments[_CHANGES[event]]
    else:
        return
    if isinstance(path, int):
        return
    where = os.path.realpath(os.fsdecode(path))
    if where in ("/dev/null", "/dev/tty") or "__pycache__" in where:
        return
    if not any(where == top or where.startswith(top + os.sep) for top in _allowed[-1]):
        raise _Broken(f"touched {where}, outside {_allowed[-1]}")


sys.addaudithook(_audit)
