"""Which process wrote something, and whether it still lives: its number, its start, its machine.

A number alone is not enough, since the system gives it out again.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["alive", "boot_id", "me", "says", "started"]


def me(what: str = "") -> dict[str, Any]:
    """Return the record of this process; ``what`` is what it does."""
    pid = os.getpid()
    return {
        "pid": pid,
        "started": started(pid),
        "boot": boot_id(),
        "host": socket.gethostname(),
        "what": what,
    }


def boot_id() -> str | None:
    """Return what names this boot of the machine, None where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def started(pid: int) -> str | None:
    """Return when a process was started, in the system's own words; None where it does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return fields[19] if len(fields) > 19 else None  # proc(5): field 22, starttime


def alive(record: Mapping[str, Any]) -> bool:
    """Tell whether the process of ``record`` still lives (stopped counts as living).

    A record of another machine cannot be looked up and counts as living: nobody may take its things away.
    """
    pid = record.get("pid")
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return False
    if record.get("host") not in (None, socket.gethostname()):
        return True
    boot = boot_id()
    if boot is not None and record.get("boot") not in (None, boot):
        return False
    if not _exists(pid):
        return False
    begun = started(pid)
    if begun is None or record.get("started") is None:
        return True
    return begun == record["started"] and not _zombie(pid)


def says(record: Mapping[str, Any]) -> str:
    """Return one line that names the process of ``record``."""
    what = f", {record['what']}" if record.get("what") else ""
    since = f", since {record['since_utc']}" if record.get("since_utc") else ""
    return f"process {record.get('pid', '?')} on {record.get('host', 'this machine')}{what}{since}"


def _zombie(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] in (["Z"], ["X"])


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        return _exists_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True


def _exists_windows(pid: int) -> bool:
    """Ask Windows without os.kill, which ends the process there."""
    import ctypes

    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009  (the name exists on Windows only)
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == 259  # STILL_ACTIVE
