"""A very small HTML writer: what is not :class:`Markup` is escaped, so no name from a file can be code."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

__all__ = ["Content", "Markup", "join", "table", "tag"]

_VOID = {"br", "hr", "meta", "input", "col"}
# half characters, control characters but for line feed and tab, marks that turn text round
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class Markup(str):
    """Text that is HTML already. Only this module and literals of ours make it."""

    __slots__ = ()


Content = str | int | float | Iterable["Content"] | None


def join(parts: Content) -> Markup:
    """Return the parts one after another, escaped unless they are markup; None is nothing."""
    if parts is None:
        return Markup("")
    if isinstance(parts, Markup):
        return parts
    if isinstance(parts, str):
        return Markup(html.escape(_printable(parts), quote=True))
    if isinstance(parts, int | float):
        return Markup(html.escape(str(parts)))
    return Markup("".join(join(part) for part in parts))


def tag(name: str, /, *children: Content, **attributes: str | None) -> Markup:
    """Return an element. ``class_`` writes ``class``, ``data_x`` writes ``data-x``; None leaves one out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{join(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def table(head: Sequence[str], rows: Iterable[Sequence[Content]], class_: str = "") -> Markup:
    """Return a table whose cells carry their column's name, so that a phone can show rows as cards."""
    header = tag("thead", tag("tr", [tag("th", name, scope="col") for name in head]))
    body = [
        tag("tr", [tag("td", cell, data_label=name) for name, cell in zip(head, row, strict=True)])
        for row in rows
    ]
    return tag("table", header, tag("tbody", body), class_=f"cards {class_}".strip())


def _printable(text: str) -> str:
    """Replace what cannot stand in a page: half characters, control characters, marks that turn text round.

    The last can disguise a name; half a surrogate pair (JSON allows ``"\\ud800"``) has no UTF-8 at all.
    """
    return _UNFIT.sub("\ufffd", text)
