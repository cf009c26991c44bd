"""A small SCPI parser: headers long and short, compounds with header paths, common commands, error queue.

A dialect is a list of :class:`Command`. ``"[:SOURce]:FREQuency[:CW]"`` means what it means in a manual:
capitals are the short form, brackets are optional, ``#`` after a node takes a number (1 where left out).
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Call", "Command", "Dialect", "ScpiError"]

_QUEUE_LENGTH = 16
_REMEMBERED = 512  # headers: hostile input must not fill the memory
_NODE = re.compile(r"\[?:?[A-Za-z]+#?\]?")
_TAIL = re.compile(r"^([A-Z_]+?)(\d*)$")
MESSAGES = {
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -141: "Invalid character data",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -350: "Queue overflow",
}


class ScpiError(Exception):
    """What the instrument puts into its error queue."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(MESSAGES[code])


class Call(NamedTuple):
    """What a handler gets: the parameters, and the numbers of the nodes that take one."""

    args: tuple[str, ...]
    numbers: tuple[int, ...] = ()

    def word(self) -> str:
        """Return the only parameter in capitals.

        Raises:
            ScpiError: none or several were given.
        """
        if not self.args:
            raise ScpiError(-109)
        if len(self.args) > 1:
            raise ScpiError(-108)
        return self.args[0].upper()

    def switch(self) -> bool:
        """Return the only parameter as a boolean: ``ON OFF 1 0``."""
        word = self.word()
        if word in ("ON", "1"):
            return True
        if word in ("OFF", "0"):
            return False
        raise ScpiError(-141)


@dataclass(frozen=True)
class Command:
    """One line of the manual. A handler left out makes that form of the header undefined."""

    pattern: str
    set: Callable[[Call], None] | None = None
    query: Callable[[Call], str] | None = None


@dataclass
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    numbered: bool = False
    command: Command | None = None


_Path = list[tuple[_Node, tuple[int, ...]]]


def _grow(root: _Node, command: Command) -> None:
    """Hang a command on the tree, once for every choice of its optional nodes."""
    parts = _NODE.findall(command.pattern)
    choices = [((part, None) if part.startswith("[") else (part,)) for part in parts]
    for chosen in itertools.product(*choices):
        node = root
        for part in filter(None, chosen):
            name = part.strip("[]:#")
            short = "".join(letter for letter in name if letter.isupper())
            numbered = "#" in part
            child = node.children.get(short) or _Node(numbered=numbered)
            node.children[short] = node.children[name.upper()] = child
            node = child
        node.command = command


class Dialect:
    """Answers lines the way one instrument does.

    Subclasses bring their commands, format errors as their manual does, and may override :meth:`reply`.
    """

    identity = ""
    longest_line: int | None = None

    def __init__(self, commands: Sequence[Command]) -> None:
        self._root = _Node()
        self._known: dict[str, _Path] = {}
        self.learn(commands)
        self.errors: deque[int] = deque()
        self.event_status = 0

    def learn(self, commands: Sequence[Command]) -> None:
        """Take more lines of the manual; one with a known header replaces it."""
        self._known.clear()
        for command in commands:
            _grow(self._root, command)

    def reset(self) -> None:
        """Do what ``*RST`` does."""

    def error_text(self, code: int) -> str:
        """Return an entry of the error queue as this instrument writes it."""
        return f'{code},"{MESSAGES[code]}"' if code else '0,"No error"'

    def reply(self, command: Command, call: Call, value: str) -> str:
        """Return the answer to a query; an instrument that repeats headers overrides this."""
        return value

    def next_error(self) -> str:
        """Take the oldest error from the queue."""
        return self.error_text(self.errors.popleft() if self.errors else 0)

    def fail(self, code: int) -> None:
        """Put an error into the queue and set its bit in the event status register."""
        self.event_status |= 0x20 if code > -200 else 0x10 if code > -300 else 0x08
        if len(self.errors) >= _QUEUE_LENGTH:
            self.errors[-1] = -350
        else:
            self.errors.append(code)

    def handle(self, line: str) -> str | None:
        """Carry out one line; answers to several queries are joined by ``;``."""
        if self.longest_line is not None and len(line) > self.longest_line:
            self.fail(-223)
            return None
        answers: list[str] = []
        path: _Path = []
        for unit in _split(line, ";"):
            try:
                path = self._unit(unit.strip(), path, answers)
            except ScpiError as error:
                self.fail(error.code)
                break  # the rest of the line is not carried out
        return ";".join(answers) if answers else None

    def _unit(self, unit: str, path: _Path, answers: list[str]) -> _Path:
        if not unit:
            return path
        header, _, rest = unit.partition(" ")
        args = tuple(part.strip() for part in _split(rest, ",")) if rest.strip() else ()
        if header.startswith("*"):
            answer = self._common(header.upper(), args)
            if answer is not None:
                answers.append(answer)
            return path
        asks = header.endswith("?")
        nodes = self._find(header, path)
        node, numbers = nodes[-1]
        command = node.command
        if command is None:
            raise ScpiError(-113)
        call = Call(args, numbers)
        if asks and command.query is not None:
            answers.append(self.reply(command, call, command.query(call)))
        elif not asks and command.set is not None:
            command.set(call)
        else:
            raise ScpiError(-113)
        return nodes

    def _find(self, header: str, path: _Path) -> _Path:
        """Return the nodes of a header; one that begins at the root is looked up once."""
        nodes = path[:-1] if path and not header.startswith(":") else []
        if not nodes and header in self._known:
            return self._known[header]
        begun = bool(nodes)
        node, numbers = nodes[-1] if nodes else (self._root, ())
        for word in header.strip("?").lstrip(":").upper().split(":"):
            node, numbers = _step(node, numbers, word)
            nodes = [*nodes, (node, numbers)]
        if not begun and len(self._known) < _REMEMBERED:
            self._known[header] = nodes
        return nodes

    def _common(self, header: str, args: tuple[str, ...]) -> str | None:
        if args and header not in ("*ESE", "*SRE"):
            raise ScpiError(-108)
        if header == "*IDN?":
            return self.identity
        if header == "*ESR?":
            status, self.event_status = self.event_status, 0
            return str(status)
        if header in ("*OPC?", "*TST?"):
            return "1" if header == "*OPC?" else "0"
        if header == "*STB?":
            return str((0x04 if self.errors else 0) | (0x20 if self.event_status else 0))
        if header == "*CLS":
            self.errors.clear()
            self.event_status = 0
        elif header == "*RST":
            self.reset()
        elif header == "*OPC":
            self.event_status |= 0x01
        elif header not in ("*WAI", "*ESE", "*SRE", "*TRG"):
            raise ScpiError(-113)
        return None


def _step(node: _Node, numbers: tuple[int, ...], word: str) -> tuple[_Node, tuple[int, ...]]:
    child = node.children.get(word)
    if child is not None:
        return child, (*numbers, 1) if child.numbered else numbers
    match = _TAIL.match(word)
    child = node.children.get(match[1]) if match and match[2] else None
    if child is None or match is None or not child.numbered:
        raise ScpiError(-113)
    return child, (*numbers, int(match[2]))


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator outside quotation marks."""
    if '"' not in text and "'" not in text:
        return text.split(separator)
    parts, quote = [""], ""
    for letter in text:
        if letter == separator and not quote:
            parts.append("")
            continue
        if letter in "\"'" and quote in ("", letter):
            quote = "" if quote else letter
        parts[-1] += letter
    return parts
