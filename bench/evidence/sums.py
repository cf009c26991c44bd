"""``SHA256SUMS``: the digest of every file of a run folder, as ``sha256sum -c`` reads it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bench.errors import BenchError
from bench.host.places import put

__all__ = [
    "ATTESTATION",
    "SUMS",
    "digest",
    "digests",
    "files",
    "is_plain",
    "parse_sums",
    "write_sums",
    "write_whole",
]

SUMS = "SHA256SUMS"
ATTESTATION = "attestation.json"
_LARGEST_BYTES = 8 * 1024**3  # of samples; a sparse file claims more than anybody can read
_RECORD = ("samples.parquet", "commands.csv", "events.jsonl")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def is_plain(name: str) -> bool:
    """Tell whether ``name`` is a relative path that stays inside the folder and prints on one line."""
    path = PurePosixPath(name)
    return (
        bool(name)
        and name.isprintable()
        and "\\" not in name
        and not re.match(r"[A-Za-z]:", name)
        and not path.is_absolute()
        and ".." not in path.parts
        and str(path) == name
    )


def files(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield each entry below ``folder`` that is not a folder: its name, and whether it is a regular file.

    Links are not followed: what lies behind one is not part of the folder.
    """
    for root, folders, names in os.walk(folder, followlinks=False):
        linked = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in [*names, *linked]:
            path = Path(root) / name
            yield path.relative_to(folder).as_posix(), path.is_file() and not path.is_symlink()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises:
        OSError: it cannot be read, or is larger than any file of a run.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > _LARGEST_BYTES:
            raise OSError(errno.EFBIG, "larger than any file of a run", str(path))
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file of the record in ``folder`` that is there, by name.

    Raises:
        BenchError: one cannot be read.
    """
    try:
        return {name: digest(folder / name) for name in _RECORD if (folder / name).is_file()}
    except OSError as error:
        raise BenchError(f"cannot read {error.filename}: {error.strerror or error}") from None


def write_sums(folder: Path) -> Path:
    """Write ``SHA256SUMS`` of every file in ``folder`` but itself and the attestation, sorted by name.

    Raises:
        BenchError: an entry is not a regular file, or its name is not fit for the list; the disk refused.
    """
    listed = sorted((name, plain) for name, plain in files(folder) if name not in (SUMS, ATTESTATION))
    refused = [name for name, plain in listed if not plain or not is_plain(name)]
    if refused:
        raise BenchError(f"{folder.name}: not fit for {SUMS}: {', '.join(map(ascii, refused))}")
    try:
        text = "".join(f"{digest(folder / name)}  {name}\n" for name, _ in listed)
    except OSError as error:
        raise BenchError(f"cannot read {error.filename}: {error.strerror or error}") from None
    return write_whole(folder, SUMS, text)


def write_whole(folder: Path, name: str, text: str) -> Path:
    """Write a file of the folder, whole or not at all; what is in the making lies beside the folder.

    Raises:
        BenchError: the disk refused.
    """
    target, part = folder / name, folder.parent / f".{folder.name}.{name}.part"
    try:
        part.write_bytes(text.encode())
        put(part, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise BenchError(f"cannot write {target}: {error.strerror or error}") from None
    return target


def parse_sums(text: str) -> tuple[dict[str, str], list[str]]:
    """Return name -> digest, and what is wrong with the list itself."""
    found: dict[str, str] = {}
    faults = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        match = _LINE.fullmatch(line)
        if match is None or not is_plain(match[2]):
            faults.append(f"{SUMS}: line {number} is not '<sha256>  <name inside the folder>'")
        elif match[2] in found:
            faults.append(f"{SUMS}: {match[2]} is listed twice")
        else:
            found[match[2]] = match[1]
    if not text.endswith("\n"):
        faults.append(f"{SUMS}: cut off")
    return found, faults
