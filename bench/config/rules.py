"""The schema of a rule file: every number of the regulation with document, place, unit, mark, status."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.model import Source

__all__ = ["Rule", "RuleSet"]


_SOMETHING = r"\S"  # spaces are no source


class Rule(BaseModel):
    """One number of the regulation, or of a proposal marked as such."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Annotated[float, Field(strict=True, allow_inf_nan=False)]
    unit: str = Field(min_length=1, description="s, Hz, kW, %, 1 (dimensionless), ...")
    document: str = Field(min_length=1, pattern=_SOMETHING)
    place: str = Field(min_length=1, pattern=_SOMETHING, description="clause, slide title or page")
    quote: str = Field(min_length=1, pattern=_SOMETHING, description="a few words of the document")
    mark: Literal["seed", "found", "unverified", "proposal"]
    status: Literal["draft", "in force"]
    note: str = ""

    def source(self) -> Source:
        """Return what a finding prints of this rule."""
        return Source(
            document=self.document, place=self.place, mark=self.mark, status=self.status, quote=self.quote
        )


class RuleSet(BaseModel):
    """A rule file ``<product>_<edition>.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    product: str
    edition: str
    title_en: str = ""
    title_ja: str = ""
    in_force_from: str = ""
    admitted_points: tuple[Literal["device", "receiving"], ...] = Field(
        default=("receiving",), description="metering points that the market admits under this edition"
    )
    admitted_note: str = ""
    admitted_note_ja: str = ""
    admitted_condition: str = Field(default="", description="what the market asks that no run can show")
    admitted_condition_ja: str = ""
    rules: dict[str, Rule] = Field(min_length=1)
