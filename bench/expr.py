"""Arithmetic in data files: ``"response_s + duration_s"``, ``"band_ratio * delta_kw"``.

Names are rules, parameters and quantities of the run; nothing else is reachable from an expression.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache

__all__ = ["ExpressionError", "evaluate", "names_in", "no_time"]

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "ceil": math.ceil,
    "floor": math.floor,
}
_LONGEST = 200


_SHORTEST_S, _LONGEST_S = 0.01, 40 * 86_400.0


class ExpressionError(ValueError):
    """The expression is not arithmetic, or names something that is not known here: ``unknown``."""

    def __init__(self, message: str, unknown: str = "") -> None:
        super().__init__(message)
        self.unknown = unknown


@lru_cache(maxsize=1024)
def _parse(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression is at most {_LONGEST} characters long")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"cannot read {text!r} as arithmetic") from None


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=bool()):
            raise ExpressionError("true and false are not numbers")
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            if name not in names:
                raise ExpressionError(f"unknown name {name!r}; known here: {', '.join(sorted(names))}", name)
            return float(names[name])
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, names)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS and args:
            return float(_FUNCTIONS[name](*(_value(arg, names) for arg in args)))
    raise ExpressionError(f"only + - * / %, numbers, names and {', '.join(_FUNCTIONS)} are allowed")


def evaluate(expression: str | float, names: Mapping[str, float]) -> float:
    """Return the value of ``expression`` with ``names``.

    Raises:
        ExpressionError: not arithmetic, an unknown name, a division by zero, or a result that is not finite.
    """
    try:
        number = isinstance(expression, int | float)
        result = float(expression) if number else _value(_parse(str(expression)), names)
    except ExpressionError:
        raise
    except (ZeroDivisionError, OverflowError, TypeError, ValueError) as error:
        raise ExpressionError(f"{expression!r}: {error}") from None
    if not math.isfinite(result):
        raise ExpressionError(f"{expression!r} is not a finite number")
    return result


def no_time(name: str, value: float) -> str | None:
    """Return what is wrong with a time: below all that is sampled, beyond the longest run. None: nothing."""
    if not name.endswith("_s") or value == 0.0 or _SHORTEST_S <= abs(value) <= _LONGEST_S:
        return None
    return f"{value:g} s is no time of a test: 0, or {_SHORTEST_S:g} s to {_LONGEST_S / 86_400:g} days"


def names_in(expression: str | float) -> tuple[str, ...]:
    """Return the names that ``expression`` uses, in the order of their first use."""
    if isinstance(expression, int | float):
        return ()
    called = set()
    found: dict[str, None] = {}
    for node in ast.walk(_parse(expression)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(id(node.func))
        elif isinstance(node, ast.Name) and id(node) not in called:
            found[node.id] = None
    return tuple(found)
