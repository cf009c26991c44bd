"""``characterise``: the evaluator against synthetic truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import out
from bench.cli.options import Lang

__all__ = ["characterise"]


def characterise(
    to: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the page; the picture goes to its img/.")
    ] = Path("docs/reference"),
    trials: Annotated[
        int, typer.Option("--trials", metavar="N", min=1, help="About how many trials, over all quantities.")
    ] = 4000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything that is drawn.")] = 1,
    lang: Lang = "en",
) -> None:
    """Feed synthetic truth through measure and judge; write how often the verdict is right.

    Writes operating-characteristic.md: P(PASS) over the true value, coverage, false accept.
    """
    from bench.characterise.draw import characterise as run
    from bench.characterise.draw import plan
    from bench.characterise.page import write_page
    from bench.japanese import told as in_words

    asked = plan(trials, seed)
    found = run(asked, told=lambda done: out.note(in_words(f"{done}/{len(asked)} trials", lang)))
    out.text(str(write_page(found, to, asked=trials, seed=seed)))
