"""The numbers an estimator works with: its own options first, then the names of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.errors import Fault, UsageError
from bench.expr import ExpressionError, evaluate, no_time

__all__ = ["Options", "Undeclared"]


class Undeclared(UsageError):
    """An estimator needs the number ``name``, which nobody declared."""

    def __init__(self, estimator: str, name: str) -> None:
        super().__init__(Fault(f"measure.{estimator}.{name}", "needed, and the run does not know it"))
        self.name = name


class Options:
    """Options of one estimator, every expression already worked out."""

    def __init__(self, estimator: str, given: Mapping[str, float], names: Mapping[str, float]) -> None:
        self.estimator = estimator
        self._given = dict(given)
        self._names = names

    @classmethod
    def resolve(
        cls,
        estimator: str,
        given: Mapping[str, Any],
        known: frozenset[str],
        names: Mapping[str, float],
        undeclared: set[str] | None = None,
    ) -> tuple[Options, list[Fault]]:
        """Work out ``given`` with ``names``; return the options and what is wrong with them.

        With ``undeclared``, a name that nobody knows is no fault, but goes there.
        """
        faults, values = [], {}
        for key, expression in given.items():
            place = f"measure.{estimator}.{key}"
            if key not in known:
                faults.append(Fault(place, f"unknown option; known: {', '.join(sorted(known)) or 'none'}"))
                continue
            if isinstance(expression, bool) or not isinstance(expression, str | int | float):
                faults.append(Fault(place, "expected a number or arithmetic"))
                continue
            try:
                values[key] = evaluate(expression, names)
                if wrong := no_time(key, values[key]):
                    faults.append(Fault(place, wrong))
            except ExpressionError as error:
                if undeclared is not None and error.unknown:
                    undeclared.add(error.unknown)
                else:
                    faults.append(Fault(place, str(error)))
        return cls(estimator, values, names), faults

    def get(self, name: str) -> float | None:
        """Return the number ``name``, or None where neither the options nor the run know it."""
        if name in self._given:
            return self._given[name]
        value = self._names.get(name)
        return None if value is None else float(value)

    def number(self, name: str, default: float | None = None) -> float:
        """Return the number ``name``, or ``default``.

        Raises:
            Undeclared: unknown, and no default.
        """
        value = self.get(name)
        if value is None:
            value = default
        if value is None:
            raise Undeclared(self.estimator, name)
        return value
