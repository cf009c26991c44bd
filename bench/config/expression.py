"""Field types for data files: expressions that are checked to be arithmetic when the file is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from bench.expr import ExpressionError, names_in

__all__ = ["Expression"]


def _readable(text: str | float) -> str | float:
    try:
        names_in(text)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


Expression = Annotated[
    Annotated[float, Field(strict=True)] | str,
    AfterValidator(_readable),
    Field(description="a number, or arithmetic on rules and parameters: 'response_s + duration_s'"),
]
