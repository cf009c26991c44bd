"""What the documentation names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.cli.app import app

HOUSE = Path(__file__).resolve().parent.parent
PAGES = [HOUSE / "README.md", HOUSE / "CHANGELOG.md", *sorted((HOUSE / "docs").rglob("*.md"))]
COMMANDS = {info.name or info.callback.__name__ for info in app.registered_commands} | {"twin"}
GROUPS = {group.name for group in app.registered_groups}


def names(page: Path) -> str:
    return page.relative_to(HOUSE).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_command_named_exists(page):
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|bat)\n(.*?)```", text, flags=re.S)
    spans = re.findall(r"`([^`\n]+)`", text)
    used = {word for part in (*blocks, *spans) for word in re.findall(r"\bdrready ([a-z]+)", part)}

    assert used <= COMMANDS | GROUPS


def test_the_readme_names_every_command():
    text = (HOUSE / "README.md").read_text(encoding="utf-8")

    assert {name for name in COMMANDS if f"`{name}" not in text and f"drready {name}" not in text} == set()


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_page_is_reached_from_the_readme_or_the_index(page):
    index = [(HOUSE / "README.md"), (HOUSE / "docs" / "README.md")]
    linked = {
        (start.parent / link).resolve()
        for start in index
        for link in re.findall(r"\]\((?!https?://)([^)#]+)", start.read_text(encoding="utf-8"))
    }

    assert page in linked or page in index
