"""The text files of a run folder: ``commands.csv`` and ``events.jsonl``, written and read back."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from bench.errors import Fault
from bench.record.files import DamagedFile, parse_json, read_text
from bench.recording import Command, Gap

__all__ = ["COMMAND_COLUMNS", "csv_value", "gaps_of", "plain", "read_commands", "read_events"]

COMMAND_COLUMNS = (
    "planned_s",
    "sent_s",
    "instrument",
    "quantity",
    "value",
    "read_back",
    "phase",
    "step",
    "direction",
)
_MAX_BYTES = 512 * 1024 * 1024


def csv_value(value: float | str | bool | None) -> str:
    """Return ``value`` as it stands in the CSV: nothing for None, ``true``/``false``, the shortest number."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def plain(value: Any) -> Any:
    """Return ``value`` as JSON knows it: no NaN (null), no tuples, everything else as text.

    What a name holds that is no text (a byte of the command line that is not UTF-8) is kept as an escape.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return plain(str(value))


def read_events(path: Path, *, torn_tail: bool) -> tuple[dict[str, Any], ...]:
    """Return the events; a half-written last line is left out where ``torn_tail``.

    Raises:
        DamagedFile: a line is not an event of ours.
    """
    lines = read_text(path, _MAX_BYTES).split("\n")
    tail = lines.pop()  # empty where the last line is complete
    events = []
    for number, line in enumerate(lines, start=1):
        events.append(_event(line, f"{path.name}:{number}"))
    if tail and not torn_tail:
        raise DamagedFile(Fault(f"{path.name}:{len(lines) + 1}", "the last line is cut"))
    return tuple(events)


def gaps_of(events: tuple[dict[str, Any], ...]) -> tuple[Gap, ...]:
    """Return the gaps that the events tell of."""
    gaps = []
    for event in events:
        span = (event.get("from_s"), event.get("to_s"))
        if event["kind"] == "gap" and all(isinstance(t_s, (int, float)) for t_s in span):
            channel = event.get("channel")
            from_s, to_s = cast("tuple[float, float]", span)
            gaps.append(Gap(float(from_s), float(to_s), channel and str(channel), str(event.get("why", ""))))
    return tuple(gaps)


def read_commands(path: Path, *, torn_tail: bool) -> tuple[Command, ...]:
    """Return the set-points sent; a half-written last line is left out where ``torn_tail``.

    Raises:
        DamagedFile: a line is not a command of ours.
    """
    text = read_text(path, _MAX_BYTES)
    if torn_tail:
        text = text[: text.rfind("\n") + 1]
    elif text and not text.endswith("\n"):
        raise DamagedFile(Fault(path.name, "the last line is cut"))
    commands = []
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(rows, None)
        if header is None and torn_tail:
            return ()
        if header is None or tuple(header) != COMMAND_COLUMNS:
            raise DamagedFile(Fault(f"{path.name}:1", f"expected the columns {','.join(COMMAND_COLUMNS)}"))
        commands = [_command(row) for row in rows]
    except (csv.Error, ValueError) as error:
        raise DamagedFile(Fault(f"{path.name}:{rows.line_num}", str(error))) from None
    return tuple(commands)


def is_event(line: bytes) -> bool:
    """Tell whether a line of ``events.jsonl`` can be read."""
    try:
        return bool(_event(line.decode("utf-8"), ""))
    except (DamagedFile, UnicodeDecodeError):
        return False


def is_command(line: bytes) -> bool:
    """Tell whether a line of ``commands.csv`` can be read, its head included."""
    try:
        rows = list(csv.reader([line.decode("utf-8")], strict=True))
        return tuple(rows[0]) == COMMAND_COLUMNS or bool(_command(rows[0]))
    except (csv.Error, ValueError, IndexError):
        return False


def _event(line: str, place: str) -> dict[str, Any]:
    event = parse_json(line, place)
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        raise DamagedFile(Fault(place, "not an event"))
    return event


def _command(row: list[str]) -> Command:
    if len(row) != len(COMMAND_COLUMNS):
        raise ValueError(f"expected {len(COMMAND_COLUMNS)} fields, found {len(row)}")
    planned, sent, role, quantity, value, read_back, phase, step, direction = row
    if direction not in ("", "up", "down"):
        raise ValueError(f"direction is {direction[:20]!r}")
    return Command(
        t_s=_time(sent),
        quantity=quantity,
        value=_value(value),
        role=role,
        planned_s=_time(planned) if planned else None,
        read_back=_value(read_back) if read_back else None,
        phase=phase or None,
        step=int(step) if step else None,
        direction=cast('Literal["up", "down"] | None', direction or None),
    )


def _time(text: str) -> float:
    t_s = float(text)
    if not math.isfinite(t_s):
        raise ValueError(f"{text[:20]!r} is not a time")
    return t_s


def _value(text: str) -> float | str | bool:
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
