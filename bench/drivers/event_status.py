"""Errors of instruments without an error queue: the standard event status register of IEEE 488.2."""

from __future__ import annotations

import re

from bench.errors import WrongReply

__all__ = ["event_errors"]

# IEEE 488.2, 11.5.1: the bits that tell of an error. Power on, user request and operation complete do not.
_BITS = {
    0x20: "command error",
    0x10: "execution error",
    0x08: "device-dependent error",
    0x04: "query error",
}


def event_errors(reply: str) -> list[str]:
    """Return the errors in an answer to ``*ESR?`` in words; reading the register has emptied it.

    Raises:
        WrongReply: the answer is no register of eight bits.
    """
    match = re.fullmatch(r"\s*\+?(\d{1,3})\s*", reply)
    if match is None or int(match[1]) > 0xFF:
        raise WrongReply(f"'*ESR?' was answered with {reply!r}")
    status = int(match[1])
    return [f"{words} (*ESR? {status})" for bit, words in _BITS.items() if status & bit]
