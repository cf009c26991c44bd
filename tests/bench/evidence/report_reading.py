"""Reads a report back as a browser would, without one."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

VOID = {"br", "hr", "meta", "input", "col"}


class Page(HTMLParser):
    """Elements, visible text and scripts of a page; ``broken`` lists tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.broken: list[str] = []
        self._stack: list[str] = []
        self._text: list[str] = []
        self._title: list[str] = []
        self.feed(text)
        self.close()
        self.broken += [f"unclosed {name}" for name in self._stack]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._text).split())

    @property
    def title(self) -> str:
        return "".join(self._title)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == name]

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.elements if name in (a.get("class") or "").split()]

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag == "script":
            self.scripts.append((attributes, ""))
        if tag not in VOID:
            self._stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._stack or self._stack[-1] != tag:
            self.broken.append(f"{tag} closes {self._stack[-1:]}")
        else:
            self._stack.pop()

    def handle_data(self, data: str) -> None:
        if self._stack[-1:] == ["script"]:
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        elif self._stack[-1:] == ["title"]:
            self._title.append(data)
        elif self._stack[-1:] != ["style"]:
            self._text.append(data)
