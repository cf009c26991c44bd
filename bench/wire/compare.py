"""Two conversations side by side: where the replies to one request differ in form, and where in value."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.wire import echonet_words
from bench.wire.exchanges import Exchange
from bench.wire.shape import Shape, shape

__all__ = ["Difference", "compare"]

UNITS_RATIO = 300.0  # a factor of a thousand, whatever the load was
_NUMBERS = ("whole", "decimal", "exponent")


@dataclass(frozen=True)
class Difference:
    """One way in which the replies to ``request`` differ; ``count`` of ``of`` exchanges show it.

    ``kind``: ``answer`` (one answers where the other does not, or refuses), ``terminator``, ``header``,
    ``fields`` (number or separator), ``notation``, ``length`` (registers), ``units``, ``value``.
    """

    role: str
    request: str
    kind: str
    count: int
    of: int
    recorded: str
    replayed: str


Pair = tuple[Exchange, Exchange]


def compare(role: str, request: str, pairs: Sequence[Pair], tolerance_ratio: float) -> list[Difference]:
    """Return the differences between the recorded and the replayed replies to one kind of request.

    Form is compared exchange by exchange. Values are compared by their medians over all exchanges, so that
    noise is no difference: ``tolerance_ratio`` of the largest value seen in that field. Registers are
    compared where both sides held them still.
    """
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        for kind in _forms(*pair):
            found.setdefault(kind, []).append(pair)
    both = [(a, b) for a, b in pairs if a.reply and b.reply and not (_refused(a) or _refused(b))]
    modbus = request.startswith(("read of ", "write of "))
    if echonet_words.is_request(request):
        steady = [(a.reply or "", b.reply or "") for a, b in both if not _forms(a, b)]
        kinds = echonet_words.values(steady)
    elif modbus:
        kinds = _registers(both)
    elif not {"fields", "answer"} & set(found):
        kinds = _values(both, tolerance_ratio)
    else:
        kinds = []
    for kind, text, other in kinds:
        example = (Exchange(0.0, role, request, text), Exchange(0.0, role, request, other))
        found.setdefault(kind, []).append(example)
    return [
        Difference(
            role,
            request,
            kind,
            len(some) if kind not in ("units", "value") else len(both),
            len(pairs),
            _told(some[0][0], kind),
            _told(some[0][1], kind),
        )
        for kind, some in found.items()
    ]


def _told(exchange: Exchange, kind: str) -> str:
    if kind == "terminator":
        return repr(exchange.end)
    if exchange.reply is None:
        return "no answer" if exchange.silent else "nothing, as to a command"
    return exchange.reply


def _refused(exchange: Exchange) -> bool:
    return exchange.reply is not None and exchange.reply.startswith("exception ")


def _forms(recorded: Exchange, replayed: Exchange) -> list[str]:
    """Return the kinds of difference in form between two replies."""
    if recorded.reply is None or replayed.reply is None or _refused(recorded) or _refused(replayed):
        return [] if (recorded.reply, recorded.silent) == (replayed.reply, replayed.silent) else ["answer"]
    if echonet_words.is_request(recorded.request):
        return echonet_words.differences(recorded.reply, replayed.reply)
    if recorded.request.startswith("read of "):
        same = len(recorded.reply.split()) == len(replayed.reply.split())
        return [] if same else ["length"]
    one, other = shape(recorded.reply), shape(replayed.reply)
    kinds = []
    if recorded.end and replayed.end and recorded.end != replayed.end:
        kinds.append("terminator")
    if one.header != other.header:
        kinds.append("header")
    if len(one.fields) != len(other.fields) or one.separators != other.separators:
        return [*kinds, "fields"]
    if any(_unlike(a.kind, b.kind) for a, b in zip(one.fields, other.fields, strict=True)):
        kinds.append("notation")
    return kinds


def _unlike(one: str, other: str) -> bool:
    """Return whether two fields are written differently; no data now and then is no difference in form."""
    return one != other and "no data" not in (one, other)


def _values(pairs: Sequence[Pair], tolerance_ratio: float) -> list[tuple[str, str, str]]:
    shapes = [(shape(a.reply or ""), shape(b.reply or "")) for a, b in pairs]
    found = []
    for place in range(min((len(one.fields) for one, _ in shapes), default=0)):
        ours = _numbers([one for one, _ in shapes], place)
        theirs = _numbers([other for _, other in shapes], place)
        if not ours or not theirs:
            continue
        a, b = statistics.median(ours), statistics.median(theirs)
        large, other_large = max(map(abs, ours)), max(map(abs, theirs))
        told = (f"field {place + 1}: median {a:g}", f"median {b:g}")
        low, high = sorted((large, other_large))
        if low > 0 and high / low >= UNITS_RATIO:
            found.append(("units", *told))
        elif abs(a - b) > tolerance_ratio * high:
            found.append(("value", *told))
    return found


def _numbers(shapes: Sequence[Shape], place: int) -> list[float]:
    fields = [one.fields[place] for one in shapes if place < len(one.fields)]
    return [field.value for field in fields if field.kind in _NUMBERS and field.value is not None]


def _registers(pairs: Sequence[Pair]) -> list[tuple[str, str, str]]:
    ours = {a.reply for a, _ in pairs}
    theirs = {b.reply for _, b in pairs}
    if len(ours) == 1 and len(theirs) == 1 and ours != theirs:
        one, other = ours.pop(), theirs.pop()
        if one is not None and other is not None and len(one.split()) == len(other.split()):
            return [("value", one, other)]
    return []
