"""Read run folders for the matrix: each checked against its own signature before it is believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from bench.errors import BenchError, Fault, NoRunFolder, UsageError
from bench.evidence.integrity import check
from bench.matrix.model import MatrixRun
from bench.model import Verdict
from bench.record.files import DamagedFile, check_file, read_json
from bench.record.info import read_info
from bench.record.load import MAX_SAMPLES_BYTES
from bench.record.schema import CLOSED
from bench.record.stream import ParquetReader
from bench.record.texts import read_commands, read_events
from bench.recording import Command

__all__ = ["find_folders", "one_device", "read_runs"]

_DEVICES = ("battery", "gateway")
_SAME = 1e-3


def find_folders(paths: Sequence[Path]) -> list[Path]:
    """Return the run folders that ``paths`` name: a run folder itself, or every run in a folder of runs.

    Raises:
        NoRunFolder: a path is neither; each one is named.
    """
    found, faults = [], []
    for path in paths:
        if (path / "run.json").is_file():
            found.append(path)
            continue
        try:
            inside = sorted(each for each in path.iterdir() if (each / "run.json").is_file())
        except OSError:
            inside = []
        if not inside:
            faults.append(Fault(str(path), "is no run folder, and holds none"))
        found += inside
    if faults:
        raise NoRunFolder(faults)
    return list({folder.resolve(): folder for folder in found}.values())


def read_runs(folders: Iterable[Path]) -> list[MatrixRun]:
    """Return the runs in ``folders``, newest first; a damaged one comes back with its faults."""
    return sorted((_read(folder) for folder in folders), key=lambda run: (run.started_utc, run.folder.name))[
        ::-1
    ]


def one_device(runs: Sequence[MatrixRun], named: str | None) -> list[MatrixRun]:
    """Return the runs of one device: a matrix of several would lend one the passes of another.

    A device is its maker, model and serial together: makers number alike. ``named`` is a serial, or all three
    as one text. A folder that does not tell whose it is stays, since it counts for nothing.

    Raises:
        UsageError: there are several and ``named`` names none, or not only one, of them.
    """
    devices = sorted({run.device for run in runs if run.serial})
    if named is not None:
        chosen = sorted({run.device for run in runs if run.serial and named in (run.serial, run.device)})
        if not chosen:
            raise UsageError(
                Fault("--device", f"no run of {named!r}; there are: {', '.join(devices) or 'none'}")
            )
        devices = chosen
    if len(devices) > 1:
        raise UsageError(
            Fault("--device", f"the runs are of several devices: {', '.join(devices)}; choose one")
        )
    return [run for run in runs if not run.serial or run.device in devices]


def _read(folder: Path) -> MatrixRun:
    faults = [*check(folder)]
    try:
        info = read_info(folder)
    except BenchError as error:
        return MatrixRun(folder=folder, faults=(*faults, f"cannot be read: {str(error).splitlines()[0]}"))
    verdict = None
    try:
        verdict = Verdict.model_validate(read_json(folder / "verdict.json"))
    except (DamagedFile, ValidationError) as error:
        faults.append(f"verdict.json: cannot be read: {str(error).splitlines()[0]}")
    if verdict is not None:
        faults += [
            f"verdict.json: {name} is {getattr(verdict, name)}, run.json says {getattr(info, name)}"
            for name in ("profile", "edition", "point", "simulated", "outcome")
            if getattr(verdict, name) != getattr(info, name)
        ]
    device = info.device
    return MatrixRun(
        folder=folder,
        profile=info.profile,
        product=info.product,
        edition=info.edition,
        point=info.point,
        started_utc=info.started_utc,
        serial=str(device.get("serial", "")),
        device=" ".join(str(device.get(key) or "") for key in ("maker", "model", "serial")).strip(),
        firmware=str(device.get("firmware", "")),
        simulated=info.simulated or any(one.simulated for one in info.instruments),
        dry_run=info.dry_run or (verdict is not None and verdict.dry_run),
        outcome=verdict.outcome if verdict is not None else info.outcome,
        reason=verdict.reason if verdict is not None else info.reason,
        verdict=verdict,
        reads=frozenset() if faults else _reads(folder),
        writes=frozenset() if faults else _writes(folder),
        faults=tuple(faults),
    )


def _events(folder: Path) -> list[dict[str, Any]]:
    """Return the events of the device under test.

    Raises:
        DamagedFile: the file cannot be read.
    """
    events = read_events(folder / "events.jsonl", torn_tail=False)
    return [event for event in events if event.get("role") in _DEVICES]


def _reads(folder: Path) -> frozenset[str]:
    """Return what the device under test told, with at least one value: sampled, or all asked once."""
    channels: set[str] = set()
    try:
        check_file(folder / CLOSED, MAX_SAMPLES_BYTES)
        for batch in ParquetReader(folder / CLOSED):
            told = batch.filter(pc.is_valid(batch.column("value"))).column("channel")
            channels |= {str(name) for name in pc.unique(told).to_pylist()}
        once = [event.get("readable") for event in _events(folder) if event.get("kind") == "inventory"]
    except (BenchError, OSError, ValueError, KeyError, MemoryError, pa.ArrowException):
        return frozenset()
    split = [name.partition(".") for name in channels]
    listed = {str(name) for names in once if isinstance(names, list) for name in names}
    return frozenset({quantity for role, _, quantity in split if role in _DEVICES} | listed)


def _writes(folder: Path) -> frozenset[str]:
    """Return what the device was commanded by the test itself and, where it can be read, took over."""
    found = set()
    try:
        for one in read_commands(folder / "commands.csv", torn_tail=False):
            if one.role in _DEVICES and one.planned_s is not None and _taken(one):
                found.add(one.quantity)
        told = [
            (event.get("kind"), str(event.get("sequence")).removesuffix("?")) for event in _events(folder)
        ]
        refused = {sequence for kind, sequence in told if kind == "sequence_failed"}
        found |= {sequence for kind, sequence in told if kind == "sequence"} - refused
    except DamagedFile:
        return frozenset()
    return frozenset(found)


def _taken(command: Command) -> bool:
    value, seen = command.value, command.read_back
    if isinstance(value, float) and isinstance(seen, float):
        return abs(value - seen) <= _SAME * max(1.0, abs(value))
    return value == seen
