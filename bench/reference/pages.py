"""Make every reference page from the data, compare them with what is there, write what differs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.errors import Fault, UsageError
from bench.reference.instruments import instruments_page
from bench.reference.profiles import profile_pages
from bench.reference.rules import rules_page

__all__ = ["changed", "pages", "write_pages"]


def pages(folder: Path) -> dict[str, str]:
    """Return the pages by their name in ``folder``, whose ``ambiguities.toml`` is one of the sources.

    Raises:
        UsageError: a profile, a rule file or the ambiguities are wrong.
    """
    rules = rules_page(folder / "ambiguities.toml")
    return {**profile_pages(), "rules.md": rules, "instruments.md": instruments_page()}


def changed(folder: Path, wanted: Mapping[str, str] | None = None) -> list[str]:
    """Return the pages that are missing, out of date, or left over; ``wanted`` where already made."""
    wanted = pages(folder) if wanted is None else wanted
    # pictures that another page of the folder shows are that page's
    others = "".join(
        path.read_text(encoding="utf-8") for path in folder.glob("*.md") if path.name not in wanted
    )
    there = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in (*folder.glob("*.md"), *folder.glob("img/*.svg"))
        if path.name in wanted or (path.parent.name == "img" and f"img/{path.name}" not in others)
    }
    return sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))


def write_pages(folder: Path, wanted: Mapping[str, str] | None = None) -> list[Path]:
    """Write the pages that differ and remove pictures of profiles that are gone; return the paths.

    ``wanted`` are the pages where they are made already.

    Raises:
        UsageError: the sources are wrong, or ``folder`` cannot be written.
    """
    wanted = pages(folder) if wanted is None else wanted
    done = []
    try:
        (folder / "img").mkdir(parents=True, exist_ok=True)
        for name in changed(folder, wanted):
            path = folder / name
            if name in wanted:
                path.write_text(wanted[name], encoding="utf-8", newline="\n")
            else:
                path.unlink()
            done.append(path)
    except OSError as error:
        raise UsageError(Fault(str(folder), f"cannot write: {error.strerror or error}")) from None
    return done
