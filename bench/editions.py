"""What an edition changed beside its numbers, and the products that a comparison of editions leaves out."""

from __future__ import annotations

from typing import Any

from bench.config.load import read_rules
from bench.rooms import bundled_rules

__all__ = ["heads_changed", "not_compared"]

_HEAD = ("in_force_from", "admitted_points", "admitted_note", "admitted_condition")


def _pairs(first: str, second: str) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    have = bundled_rules()
    named = {f"{product}_{edition}": (product, edition) for product, edition in have}
    if first in named and second in named:
        return [(named[first], named[second])]
    products = sorted({product for product, _ in have})
    both = [product for product in products if (product, first) in have and (product, second) in have]
    return [((product, first), (product, second)) for product in both]


def heads_changed(first: str, second: str, lang: str = "en") -> list[dict[str, Any]]:
    """Return ``product what first second`` for every head of a rule file that differs, notes in ``lang``.

    ``first`` and ``second`` are as :func:`bench.catalogue.editions_diff` takes them: what holds from when,
    and which metering points the market admits.
    """
    have, rows = bundled_rules(), []
    for ours, theirs in _pairs(first, second):
        old, new = read_rules(have[ours])[0], read_rules(have[theirs])[0]
        product = ours[0] if ours[0] == theirs[0] else f"{ours[0]}/{theirs[0]}"
        for what in _HEAD:
            before, after = getattr(old, what), getattr(new, what)
            if before != after:
                told = f"{what}_ja" if lang == "ja" and hasattr(old, f"{what}_ja") else what
                before, after = getattr(old, told) or before, getattr(new, told) or after
                rows.append(
                    {"product": product, "what": what, "first": _plain(before), "second": _plain(after)}
                )
    return rows


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def not_compared(first: str, second: str) -> dict[str, list[str]]:
    """Return the products that lack either edition, with those they have; none where rule sets were named."""
    have = bundled_rules()
    if (first, second) not in {(a, b) for _, a in have for _, b in have}:
        return {}
    found: dict[str, list[str]] = {}
    for product, edition in sorted(have):
        if (product, first) not in have or (product, second) not in have:
            found.setdefault(product, []).append(edition)
    return found
