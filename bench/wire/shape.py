"""What a reply looks like, without what it says: fields, header, kind and notation of each."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Field", "Shape", "form", "shape"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ANY_NUMBER = re.compile(r"(?<![A-Za-z_])[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_HEADER = re.compile(r"(:?[A-Za-z][A-Za-z0-9_:]*)\s+(?=\S)")
_SPLIT = re.compile(r"""[,;](?=(?:[^"]*"[^"]*")*[^"]*$)""")
_NO_DATA = ("nan", "inf", "-inf", "+inf", "9.91e+37", "9.9e+37")


@dataclass(frozen=True)
class Field:
    """One field: ``kind`` is ``whole``, ``decimal``, ``exponent``, ``no data``, ``quoted`` or ``word``."""

    kind: str
    value: float | None


@dataclass(frozen=True)
class Shape:
    """A reply: its header (empty where it has none), what separates its fields, and the fields."""

    header: str
    separators: str
    fields: tuple[Field, ...]


def shape(reply: str) -> Shape:
    """Return the shape of one SCPI reply."""
    text = reply.strip()
    header = ""
    match = _HEADER.match(text)
    if match is not None and _NUMBER.fullmatch(text[match.end() :].split(",")[0].strip()):
        header, text = match[1].upper(), text[match.end() :]
    separators = "".join(sorted(set(re.findall(r"[,;]", re.sub(r'"[^"]*"', "", text)))))
    return Shape(header, separators, tuple(_field(part.strip()) for part in _SPLIT.split(text)))


def _field(text: str) -> Field:
    if text.lower() in _NO_DATA:
        return Field("no data", None)
    match = _NUMBER.fullmatch(text)
    if match is not None:
        kind = "exponent" if match[2] else "decimal" if "." in text else "whole"
        return Field(kind, float(text))
    return Field("quoted" if text[:1] in "\"'" else "word", None)


def form(request: str) -> str:
    """Return a request with its numbers left out, so that set-points of one kind stand together."""
    return _ANY_NUMBER.sub("#", request)
