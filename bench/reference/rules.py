"""The page of rules: every number with its source and mark, and the ambiguities with the reading chosen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.config.faults import pydantic_faults
from bench.config.load import read_rules
from bench.config.text import parse_toml, read_text
from bench.errors import UsageError
from bench.reference.profiles import rows
from bench.rooms import bundled_rules

__all__ = ["Ambiguity", "read_ambiguities", "rules_page"]

MARKS = {
    "seed": "stands in a document that came with the project",
    "found": "read in a public source, named",
    "unverified": "general knowledge of the field, not checked against a source",
    "proposal": "a proposal of this bench, no rule of anybody",
}


class Ambiguity(BaseModel):
    """A place where the documents can be read in more than one way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    documents: str = Field(min_length=1)
    reading: str = Field(min_length=1)
    seen_in: str = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ambiguities: tuple[Ambiguity, ...] = Field(min_length=1)


def read_ambiguities(path: Path) -> tuple[Ambiguity, ...]:
    """Return the ambiguities in the file ``path``.

    Raises:
        UsageError: everything that is wrong with it.
    """
    data = parse_toml(read_text(path), str(path))
    try:
        return _File.model_validate(data).ambiguities
    except ValidationError as error:
        raise UsageError(pydantic_faults(error, str(path), data, model=_File)) from None


def rules_page(ambiguities: Path) -> str:
    """Return ``rules.md``.

    Raises:
        UsageError: a rule file or the ambiguities are wrong.
    """
    sets = [read_rules(path)[0] for _, path in sorted(bundled_rules().items())]
    every = [rule for one in sets for rule in one.rules.values()]
    counts: Counter[tuple[str, str]] = Counter((rule.mark, rule.status) for rule in every)
    text = [
        "# Rules",
        "",
        "Made from `profiles/rules/*.toml` and `ambiguities.toml` by `make docs`; do not edit. A number of",
        "the regulation stands in those files and nowhere else.",
        "",
        *rows(
            ("mark", "means", "draft", "in force"),
            [(f"**{m}**", why, counts[m, "draft"], counts[m, "in force"]) for m, why in MARKS.items()],
        ),
        "",
        "**draft**: the document is a proposal or was put to consultation. **in force**: it holds, as far as",
        "the source tells.",
    ]
    for one in sets:
        text += [
            "",
            f"## {one.product} {one.edition}",
            "",
            f"{one.title_en} · {one.title_ja}".strip(" ·"),
            "",
        ]
        since = f"From {one.in_force_from}. " if one.in_force_from else ""
        note = f": {one.admitted_note}" if one.admitted_note else ""
        if one.admitted_condition:
            note += f"; {one.admitted_condition}"
        text += [f"{since}The market admits: {', '.join(one.admitted_points) or 'no point'}{note}.", ""]
        body = [
            (
                f"`{name}`",
                f"{r.value:g}",
                r.unit,
                f"{r.document}: {r.place}",
                f"「{r.quote}」",
                r.mark,
                r.status,
                r.note,
            )
            for name, r in one.rules.items()
        ]
        text += rows(("rule", "value", "unit", "source", "quote", "mark", "status", "note"), body)
    text += ["", "## Where the documents are ambiguous", ""]
    for number, each in enumerate(read_ambiguities(ambiguities), 1):
        text += [f"### {number}. {each.title}", "", each.documents, ""]
        text += [f"**Reading chosen**: {each.reading}", "", f"Seen in: {each.seen_in}", ""]
    return "\n".join(text).rstrip("\n") + "\n"
