"""The bench's own sentences in Japanese: notes of estimators, plans, faults of calls, files and instruments.

A pure look-up. What fills a place of a sentence is put into Japanese too; a single word only where
``japanese.toml`` has the sentence, since in the other files it is a key, a command or a name.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

__all__ = ["in_japanese", "sentence", "sentences", "speak", "spoken", "told"]

_FILES = ("japanese", "japanese_faults", "japanese_help")
_HOLE = "{}"
_spoken = "en"
_JOINTS = {"; ": "、", ". ": "。", ": ": ": "}
_LONGEST, _MOST_JOINTS = 2000, 40
"""What is longer, or made of more parts, was not written by us; it stays as it is."""
_LITTLE, _PROSE = 16, re.compile("[a-z]{2,} [a-z]{2,} [a-z]{2,}|:( |$)")
"""A sentence that says less of its own than this is not taken where it would leave English in its places."""


class _Sentence(NamedTuple):
    parts: list[str]
    japanese: str
    words: bool


def sentences() -> dict[str, str]:
    """Return every sentence: English with ``{}`` for what is filled in, Japanese with ``{0}``, ``{1}``."""
    phases = {
        f"phase {name!r}": f"区間「{ja}」" for name, (_, ja) in _tables("evidence/text.toml")["phase"].items()
    }
    return {**phases, **{en: ja for name in _FILES for en, ja in _table(name).items()}}


@cache
def _table(name: str) -> dict[str, str]:
    return dict(_tables(f"{name}.toml")["sentences"])


def _tables(file: str) -> dict[str, Any]:
    return tomllib.loads(files("bench").joinpath(file).read_text("utf-8"))


@cache
def _whole() -> dict[str, str]:
    return {en: ja for en, ja in sentences().items() if _HOLE not in en}


@cache
def _filled() -> list[_Sentence]:
    """Return the sentences with places, those that say most first: a general one must not hide them."""
    found = [
        _Sentence(en.split(_HOLE), ja, name == "japanese")
        for name in _FILES
        for en, ja in _table(name).items()
        if _HOLE in en
    ]
    return sorted(found, key=lambda one: -sum(map(len, one.parts)))


def in_japanese(text: str) -> str:
    """Return ``text`` in Japanese; what is not known stays as it is, part by part."""
    if len(text) > _LONGEST or sum(text.count(joint) for joint in _JOINTS) > _MOST_JOINTS:
        return text
    parts = text.split(": ")
    places = 1 + text.partition("; ")[0].count(": ")
    for first in range(places):  # a place, a role, a file stand before what is said of them
        known = _known(": ".join(parts[first:]))
        if known is not None:
            return ": ".join([*map(_place, parts[:first]), known])
    said = text.split("; ")
    for last in range(len(said) - 1, 0, -1):  # some sentences have a joint of their own
        known = _known("; ".join(said[:last]))
        if known is not None:
            return f"{known}、{in_japanese('; '.join(said[last:]))}"
    for joint, japanese in _JOINTS.items():
        if joint in text:
            one, _, rest = text.partition(joint)
            told_one, told_rest = (_place(one) if joint == ": " else in_japanese(one)), in_japanese(rest)
            return text if (told_one, told_rest) == (one, rest) else f"{told_one}{japanese}{told_rest}"
    return text


def told(text: str, lang: str) -> str:
    """Return ``text`` as it is, or in Japanese where ``lang`` is "ja"."""
    return in_japanese(text) if lang == "ja" else text


def speak(lang: str) -> None:
    """Say in which language this process asks its operator."""
    global _spoken
    _spoken = lang


def spoken(text: str) -> str:
    """Return ``text`` in the language of :func:`speak`: for who asks and does not know how he was called."""
    return told(text, _spoken)


def sentence(text: str, lang: str) -> str:
    """Return ``text`` as :func:`told` does, and a single word as it is: it may be a key or a name."""
    return _place(text) if lang == "ja" else text


def _place(text: str) -> str:
    return in_japanese(text) if " " in text else text


@lru_cache(maxsize=4096)
def _known(text: str) -> str | None:
    if text in _whole():
        return _whole()[text]
    said, found, value = text.rpartition(", found ")
    if found and (japanese := _known(said)) is not None:
        return f"{japanese}（指定値 {value}）"
    for one in _filled():
        fills = _fills(one.parts, text)
        if fills is None:
            continue
        told = [in_japanese(fill) if one.words or " " in fill else fill for fill in fills]
        if sum(map(len, one.parts)) >= _LITTLE or not any(map(_PROSE.search, told)):
            return one.japanese.format(*told)
    return None


def _fills(parts: list[str], text: str) -> list[str] | None:
    """Return what stands between ``parts`` in ``text``, each as short as can be; None: it is another text."""
    first, *between, last = parts
    if not (text.startswith(first) and text.endswith(last)):
        return None
    at, end, found = len(first), len(text) - len(last), []
    for part in between:
        to = text.find(part, at + 1, end)
        if to < 0:
            return None
        found.append(text[at:to])
        at = to + len(part)
    found.append(text[at:end] if at < end else "")
    return found if all(fill and "; " not in fill and "\n" not in fill for fill in found) else None
