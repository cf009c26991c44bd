"""With what a run was made: the versions of the bench and its libraries, and the commit if there is one."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

__all__ = ["commit", "versions"]

_LIBRARIES = ("drready-bench", "numpy", "scipy", "pyarrow", "pydantic", "pymodbus", "pyvisa", "pyvisa-py")


def versions() -> dict[str, str]:
    """Return name -> version of Python, the bench, and the libraries that touch a number or a wire."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def commit() -> str | None:
    """Return the commit of a source checkout, with ``+changes`` where it was changed; None outside one."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return None
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+changes", "--abbrev=40", "--exclude=*"],  # noqa: S607  (git as the user has it)
            cwd=here,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip() or None if said.returncode == 0 else None
