"""What instruments write for a number: headers, NR1 to NR3, and the many ways to say that there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.drivers.base import ReadingValue
from bench.errors import WrongReply

__all__ = ["parse_bool", "parse_list", "parse_number", "strip_header"]

_HEADER = re.compile(r":?[A-Z*][A-Z0-9:]*", re.IGNORECASE)
_MISSING = {"NAN", "+NAN", "-NAN", "----", "---"}
_OVERFLOW = {"INF", "+INF", "-INF", "INFINITY", "--OL--", "--OF--", "OVER", "OL"}
# SCPI-99 volume 1, 7.2.1.4 and 7.2.1.5: 9.9E37 stands for infinity, 9.91E37 for "not a number".
# A little less, for instruments that write them with fewer digits than they compute with.
_INFINITY = 9.9e37 * (1 - 1e-6)
_NOT_A_NUMBER = 9.91e37 * (1 - 1e-6)


def strip_header(command: str, reply: str) -> str:
    """Return ``reply`` without the header that some instruments repeat in it.

    Raises:
        WrongReply: the header is that of another question.
    """
    head, space, rest = reply.strip().partition(" ")
    if not space or not _HEADER.fullmatch(head) or head.upper() in _MISSING | _OVERFLOW:
        return reply.strip()
    asked = _nodes(command.split()[0].removesuffix("?"))
    answered = _nodes(head)
    if not _same_header(asked, answered):
        raise WrongReply(f"{command!r} was answered with the header of another question: {reply!r}")
    return rest.strip()


def _nodes(header: str) -> list[str]:
    return [node for node in header.upper().split(":") if node]


def _same_header(asked: Sequence[str], answered: Sequence[str]) -> bool:
    """Compare two headers of which either may use short forms and leave out optional nodes."""
    few, many = sorted((list(asked), list(answered)), key=len)
    rest = iter(many)
    return bool(few) and all(
        any(node.startswith(other) or other.startswith(node) for other in rest) for node in few
    )


def parse_number(text: str, *, scale: float = 1.0) -> ReadingValue:
    """Return one number times ``scale``; ``missing`` or ``overflow`` where the instrument says so.

    Raises:
        WrongReply: neither a number nor a known word for none.
    """
    word = text.strip()
    value = _number(word)
    if value is None:
        if word.upper() in _MISSING:
            return ReadingValue(None, "missing")
        if word.upper() in _OVERFLOW:
            return ReadingValue(None, "overflow")
        raise WrongReply(f"expected a number, got {text!r}")
    if abs(value) < _INFINITY:
        return ReadingValue(value * scale)
    return ReadingValue(None, "missing" if abs(value) >= _NOT_A_NUMBER else "overflow")


def parse_list(text: str, count: int) -> list[str]:
    """Split ``text`` at commas or semicolons into exactly ``count`` items.

    Raises:
        WrongReply: another number of items, or a last number that was cut short: some firmware sends no
            more than 128 bytes and says nothing.
    """
    items = [item.strip() for item in text.replace(";", ",").split(",")]
    if len(items) != count:
        raise WrongReply(f"expected {count} values, got {len(items)}: {text!r}")
    if items[-1][-1:].isdigit():
        last = _exponent_length(items[-1])
        others = (_exponent_length(item) > last for item in items[:-1] if item[-1:].isdigit())
        if next(others, False) and all(others):
            raise WrongReply(f"the last of {count} values is cut short: {text!r}")
    return items


def _number(word: str) -> float | None:
    """Return an NR1, NR2 or NR3 number; Python's own additions (nan, 1_000, other digits) are none."""
    if not (word[-1:].isdigit() or word[-1:] == ".") or not word.isascii() or "_" in word:
        return None
    try:
        return float(word)
    except ValueError:
        return None


def _exponent_length(number: str) -> int:
    """Return how many characters the exponent of a number has."""
    return len(number.upper().partition("E")[2])


def parse_bool(text: str) -> bool:
    """Return a switch's state.

    Raises:
        WrongReply: neither 0, 1, ON nor OFF.
    """
    word = text.strip().upper()
    state = {"ON": 1.0, "OFF": 0.0}.get(word, _number(word))
    if state in (0.0, 1.0):
        return bool(state)
    raise WrongReply(f"expected 0, 1, ON or OFF, got {text!r}")
