"""``--help`` in Japanese: what the commands say of themselves, as ``japanese_help.toml`` has it."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import typer

from bench.cli import out
from bench.japanese import in_japanese

__all__ = ["asks_for_help", "show_help"]

_PARSER = {
    r"^Usage: ": "使い方: ",
    r"^Options:$": "オプション:",
    r"^Arguments:$": "引数:",
    r"^Commands:$": "コマンド:",
    r"\[required\]": "[必須]",
    r"\[default: ": "[既定: ",
    r"Show this message and exit\.": "この説明を表示する",
}
"""The parser's own words."""


def asks_for_help(words: Sequence[str]) -> bool:
    """Return whether the call ``words`` asks for help."""
    return "--help" in words or "-h" in words


def show_help(app: Callable[..., Any], words: Sequence[str]) -> Any:
    """Show the help of ``app`` that ``words`` ask for, in Japanese, and return what came of the call."""
    command = typer.main.get_command(app)  # type: ignore[arg-type]  # a Typer, which app.py alone knows
    _put(command)
    asked = [one for one, before in zip(words, ["", *words], strict=False) if "--lang" not in (one, before)]
    with contextlib.redirect_stdout(io.StringIO()) as page:
        status = command(
            args=[one for one in asked if one != "--lang=ja"], prog_name="drready", standalone_mode=False
        )
    text = page.getvalue()
    for english, japanese in _PARSER.items():
        text = re.sub(english, japanese, text, flags=re.M)
    out.text(text.rstrip("\n"))
    return status


def _put(command: Any) -> None:
    """Put the help of a command, of its options and of the commands below it into Japanese."""
    command.help, command.epilog = _paragraphs(command.help), _paragraphs(command.epilog)
    for option in command.params:
        if getattr(option, "help", None):
            option.help = _paragraphs(option.help)
    for below in getattr(command, "commands", {}).values():
        _put(below)


def _paragraphs(text: str | None) -> str | None:
    if text is None:
        return None
    return "\n\n".join(in_japanese(" ".join(part.split())) for part in text.split("\n\n"))
