"""What keys a schema knows at a place: for overrides, and for "did you mean" beside an unknown key."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

__all__ = ["known_keys", "nearest", "nearest_text", "step_into"]


def _strip(annotation: Any) -> Any:
    """Return what stands below ``Annotated`` and ``... | None``: the arm that holds keys, if there is one."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            arms = [arm for arm in get_args(annotation) if arm is not type(None)]
            tables = [arm for arm in arms if _holds_keys(arm)]
            if not tables and len(arms) != 1:
                return object
            annotation = (tables or arms)[0]
        else:
            return annotation


def _holds_keys(annotation: Any) -> bool:
    plain = _strip(annotation)
    return get_origin(plain) is dict or (isinstance(plain, type) and issubclass(plain, BaseModel))


def step_into(annotation: Any, key: str | int) -> Any:
    """Return the annotation of ``key`` inside ``annotation``; None where there is no such key.

    ``Any`` comes back below a table that takes every key.
    """
    plain = _strip(annotation)
    if plain is Any:
        return Any
    origin = get_origin(plain)
    if origin is dict:
        key_type, value_type = get_args(plain)
        if get_origin(key_type) is Literal and key not in get_args(key_type):
            return None
        return value_type
    if origin in (tuple, list) and isinstance(key, int):
        return get_args(plain)[0]
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        for name, field in plain.model_fields.items():
            if key in (name, field.alias):
                return field.annotation
        return Any if plain.model_config.get("extra") == "allow" else None
    return None


def known_keys(model: type[BaseModel], path: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys that ``model`` declares in the table at ``path``; empty where any or none are taken."""
    annotation: Any = model
    for key in path:
        annotation = step_into(annotation, key)
        if annotation is None:
            return ()
    plain = _strip(annotation)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return tuple(field.alias or name for name, field in plain.model_fields.items())
    if get_origin(plain) is dict and get_origin(get_args(plain)[0]) is Literal:
        return tuple(str(key) for key in typing.get_args(get_args(plain)[0]))
    return ()


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that ``word`` was probably meant to be."""
    close = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def nearest_text(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)``, or nothing where nothing is near."""
    close = nearest(word, known)
    return f" (did you mean {close!r}?)" if close else ""
