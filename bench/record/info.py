"""``run.json``, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from bench.errors import Fault, NoRunFolder
from bench.record.files import DamagedFile, read_json
from bench.record.folder import write_json
from bench.runinfo import RunInfo

__all__ = ["read_info", "write_info"]

NAME = "run.json"


def write_info(folder: Path, info: RunInfo) -> None:
    """Write ``run.json``: at the start (``execution`` is ``running``), and again at the end.

    Raises:
        BenchError: the disk refused; an earlier ``run.json`` is intact.
    """
    write_json(folder / NAME, info.model_dump(mode="json", by_alias=True))


def read_info(folder: Path) -> RunInfo:
    """Return the contents of ``run.json``.

    Raises:
        NoRunFolder: ``folder`` is none, or the file is damaged.
    """
    if not folder.is_dir():
        raise NoRunFolder(Fault(str(folder), "no such folder"))
    path = folder / NAME
    if not os.path.lexists(path):
        raise NoRunFolder(Fault(str(folder), f"not a run folder: it has no {NAME}"))
    content = read_json(path)
    try:
        return RunInfo.model_validate(content)
    except ValidationError as error:
        faults = [
            Fault(f"{NAME}: {'.'.join(map(str, one['loc']))}", one["msg"]) for one in error.errors()[:20]
        ]
        raise DamagedFile(faults) from None
