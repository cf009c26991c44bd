"""The bench's own sentences in Japanese: notes of estimators, plans, looks at a station. A pure look-up."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

__all__ = ["in_japanese", "sentences", "told"]

_HOLE = "{}"
_JOINTS = ("; ", ". ")


def sentences() -> dict[str, str]:
    """Return ``japanese.toml``: English with ``{}`` for what is filled in, Japanese with ``{0}``, ``{1}``."""
    text = files("bench").joinpath("japanese.toml").read_text("utf-8")
    return dict(tomllib.loads(text)["sentences"])


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return the sentences as patterns, those that say most first: a general one must not hide them."""
    known = sorted(sentences().items(), key=lambda pair: -len(pair[0].replace(_HOLE, "")))
    return [
        (re.compile("((?:(?!; ).)+?)".join(re.escape(part) for part in en.split(_HOLE))), ja)
        for en, ja in known
    ]


def in_japanese(text: str) -> str:
    """Return ``text`` in Japanese; what is not known stays as it is, part by part.

    What fills a place is put into Japanese too; names of keys and commands have none and stay.
    """
    whole = _known(text)
    if whole is not None:
        return whole
    for joint in _JOINTS:
        if joint in text:
            first, _, rest = text.partition(joint)
            return f"{in_japanese(first)}{'。' if joint == '. ' else '、'}{in_japanese(rest)}"
    return text


def told(text: str, lang: str) -> str:
    """Return ``text`` as it is, or in Japanese where ``lang`` is "ja"."""
    return in_japanese(text) if lang == "ja" else text


def _known(text: str) -> str | None:
    for pattern, ja in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            return ja.format(*((_known(part) or part) for part in match.groups()))
    return None
