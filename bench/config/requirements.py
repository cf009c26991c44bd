"""The schema of a requirement table: what DR-ready asks, which runs show it, and the routes to the market."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.config.faults import pydantic_faults
from bench.config.text import parse_toml, read_text
from bench.errors import UsageError
from bench.model import Source

__all__ = ["Asked", "Item", "Product", "Proof", "Requirements", "Route", "Text", "read_requirements"]

Point = Literal["device", "receiving"]
Group = Literal["economic_dr", "capacity", "balancing"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Table):
    """A text in both languages."""

    en: str = Field(min_length=1)
    ja: str = Field(min_length=1)


class Proof(_Table):
    """What a run must have come to: a profile that passed, or a quantity that was read or commanded.

    Exactly one of ``profile``, ``reads`` and ``writes``; ``findings`` (short ids) narrow a profile down to
    some of its findings.
    """

    profile: str | None = None
    point: Point | None = None
    findings: tuple[str, ...] = ()
    reads: tuple[str, ...] = Field(default=(), description="canonical quantities; any of them will do")
    writes: tuple[str, ...] = Field(default=(), description="canonical quantities or sequences commanded")

    @model_validator(mode="after")
    def _one(self) -> Proof:
        if sum((self.profile is not None, bool(self.reads), bool(self.writes))) != 1:
            raise ValueError("give exactly one of profile, reads, writes")
        return self


class Asked(_Table):
    """Whether a line asks for it: 〇 yes, △ partly, - no, as the document prints it."""

    economic_dr: Literal["〇", "△", "-"]
    capacity: Literal["〇", "△", "-"]
    balancing: Literal["〇", "△", "-"]


class Item(_Table):
    """One line of the requirement table."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    group: Literal["function", "communication", "command", "document"]
    title: Text
    need: Literal["required", "competitive", "uncertain"]
    need_mark: Literal["seed", "inferred"]
    asked: Asked
    asked_mark: Literal["seed", "inferred"]
    why: Text
    proofs: tuple[Proof, ...] = Field(default=(), description="none: only documents can show it")
    prove: Literal["all", "any"] = "all"
    documents: tuple[Text, ...] = Field(default=(), description="what only a document can show")
    note: Text | None = None
    source: Source


class Product(_Table):
    """A product of a market, and the profiles that must pass for it; the first gives ``qualified_kw``."""

    id: str
    group: Group
    title: Text
    profiles: tuple[str, ...] = Field(min_length=1)
    points: tuple[Point, ...] = Field(min_length=1)
    source: Source


class Route(_Table):
    """One way to the market: where it is metered, through what, and which value counts for what."""

    group: Group
    point: Point
    by: Literal["cloud", "gateway"]
    control: Text
    settlement: Text
    ready: bool
    unless_item: str | None = Field(default=None, description="an item whose proof makes the route ready")
    missing: Text | None = None
    source: Source


class Requirements(_Table):
    """A requirement table."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    title: Text
    about: Text
    items: tuple[Item, ...] = Field(min_length=1)
    products: tuple[Product, ...] = Field(min_length=1)
    routes: tuple[Route, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Requirements:
        ids = [item.id for item in self.items]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"items are there twice: {', '.join(twice)}")
        unknown = sorted({route.unless_item for route in self.routes if route.unless_item} - set(ids))
        if unknown:
            raise ValueError(f"routes name no item: {', '.join(unknown)}")
        return self


def read_requirements(path: Path) -> Requirements:
    """Return the requirement table in the file ``path``.

    Raises:
        UsageError: everything that is wrong with it.
    """
    data = parse_toml(read_text(path), str(path))
    try:
        return Requirements.model_validate(data)
    except ValidationError as error:
        raise UsageError(pydantic_faults(error, str(path), data, model=Requirements)) from None
