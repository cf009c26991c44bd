"""Closing a run whose process ended before it: the record is kept, the run is ABORTED, the folder sealed.

What the watchdog did and proved stands in the record too.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from bench.clock import utc_now
from bench.config.load import read_profile, read_rules
from bench.errors import BenchError, Fault, NoRunFolder, UsageError
from bench.evidence.attest import write_attestation
from bench.evidence.integrity import changed
from bench.evidence.report import write_report
from bench.evidence.sums import ATTESTATION, SUMS, digests, files, write_sums
from bench.host.locks import folder_held
from bench.host.process import alive, says
from bench.judge import verdict_json
from bench.model import Outcome, Verdict
from bench.record.files import DamagedFile, read_json
from bench.record.info import read_info, write_info
from bench.record.load import load_run
from bench.record.salvage import add_event, interrupted, rows_of, salvage
from bench.record.texts import read_events
from bench.rescore import publish, unjudged
from bench.runinfo import ClockStep, RunInfo, SafeState
from bench.watchdog.messages import RECORD

__all__ = ["Recovered", "needs_recovery", "recover", "recover_all", "recover_quietly"]

Lang = Literal["en", "ja"]
_Shape = TypeVar("_Shape", SafeState, ClockStep)
_FILES = ("samples.arrow", "events.jsonl", "commands.csv", "run.json")


class Recovered:
    """What became of an interrupted run."""

    def __init__(self, folder: Path, info: RunInfo, verdict: Verdict, rows: int) -> None:
        self.folder = folder
        self.info = info
        self.verdict = verdict
        self.rows = rows


def needs_recovery(folder: Path) -> bool:
    """Tell whether the run in ``folder`` was left open by a process that is no longer there.

    Raises:
        NoRunFolder: there is no run, or its ``run.json`` is damaged.
    """
    info = read_info(folder)
    if _closed(folder, info):
        return False
    return not _running(info)


def recover(folder: Path, *, lang: Lang = "en") -> Recovered:
    """Close an interrupted run as ABORTED: samples, events, verdict, report, checksums, signature.

    Raises:
        NoRunFolder: there is no run, or it holds what is no plain file: nothing is written through a link.
        UsageError: the run is closed, or still running.
        BenchError: the disk refuses, or another process recovers it now.
    """
    folder = folder.resolve()
    with folder_held(folder):
        return _recover(folder, lang)


def _recover(folder: Path, lang: Lang) -> Recovered:
    info = read_info(folder)
    if _closed(folder, info):
        raise UsageError(Fault(str(folder), f"is closed already, as {info.outcome}: nothing to recover"))
    if _running(info):
        raise UsageError(Fault(str(folder), f"is still running: {says(_process(info))}"))
    _refuse_links(folder)
    if info.outcome is not None and (folder / SUMS).is_file():
        return _sign(folder, info)
    ended = _last_written(folder)
    now = digests(folder)
    changed_since = [name for name, sha256 in info.record_sha256.items() if now.get(name) != sha256]
    found = salvage(folder)
    watchdog = _watchdog(folder)
    if info.execution == "running":
        info.reason = "interrupted: the process ended before the run did" + _watchdog_words(watchdog)
        info.execution = "aborted"
        info.safe_state = next(_told(folder, "safe_state", SafeState), info.safe_state)
    elif info.execution == "done" and (damage := _damage(found, changed_since)):
        info.reason = f"the record was damaged after the run: {damage}"
        info.execution = "error"
    if watchdog is not None and info.safe_state.state == "unknown":
        with contextlib.suppress(ValidationError):
            info.safe_state = SafeState.model_validate(watchdog.get("safe_state", {}))
    info.clock_steps = info.clock_steps or list(_told(folder, "clock_stepped", ClockStep))
    if not info.clock_steps:  # else the times of files do not fit those of the run
        info.ended_utc = info.ended_utc or ended
    info.notes.append(f"recovered at {utc_now().isoformat(timespec='seconds')}: {found['rows']} samples")
    if info.execution == "done":  # it ended well, and only the judging is lacking: its record stays as it is
        verdict = publish(folder, info, None, lang=lang)
    else:
        add_event(folder, "recovered", utc=utc_now().isoformat(timespec="seconds"), **found)
        verdict = unjudged(info, Outcome.ERROR if info.execution == "error" else Outcome.ABORTED)
        info.outcome = verdict.outcome
        _write(folder / "metrics.json", "[]\n")
        _write(folder / "verdict.json", verdict_json(verdict))
        write_info(folder, info)
        _report(folder, info, verdict, lang)
    write_sums(folder)
    write_attestation(folder)
    return Recovered(folder, info, verdict, int(found["rows"]))


def _sign(folder: Path, info: RunInfo) -> Recovered:
    """Sign a run whose process ended when nothing else was left to do.

    Raises:
        BenchError: a file is no longer what it was when the sums were taken, or was never one of ours.
    """
    if faults := changed(folder):
        raise BenchError(f"{folder} is not signed: {'; '.join(faults)}")
    try:
        verdict = Verdict.model_validate(read_json(folder / "verdict.json"))
    except ValidationError as error:
        why = str(error).splitlines()[0]
        raise DamagedFile(Fault("verdict.json", f"is not a verdict of ours: {why}")) from None
    write_attestation(folder)
    return Recovered(folder, info, verdict, rows_of(folder))


def recover_quietly(folder: Path) -> Recovered | None:
    """Close ``folder`` if it was left open; None where it was not, or where that cannot be done now."""
    try:
        return recover(folder) if needs_recovery(folder) else None
    except Exception:  # noqa: BLE001  (an old run that nobody can judge must not keep the next from beginning)
        return None


def recover_all(results: Path) -> list[Recovered]:
    """Close every run in ``results`` that a process left open, and return them."""
    try:
        folders = [path for path in results.iterdir() if (path / "run.json").is_file()]
    except OSError:
        return []
    left = [
        path
        for path in folders
        if not path.is_symlink()
        and (interrupted(path) or not (path / SUMS).is_file() or not (path / ATTESTATION).is_file())
    ]
    return [found for path in sorted(left) if (found := recover_quietly(path)) is not None]


def _closed(folder: Path, info: RunInfo) -> bool:
    return info.outcome is not None and (folder / SUMS).is_file() and (folder / ATTESTATION).is_file()


def _refuse_links(folder: Path) -> None:
    odd = [name for name, plain in files(folder) if not plain]
    if odd:
        raise DamagedFile([Fault(f"{folder}/{name}", "is not a plain file: remove it first") for name in odd])


def _damage(found: Mapping[str, Any], changed_since: Sequence[str]) -> str:
    """Return what is wrong with a record that had been closed before its process ended: it was whole."""
    cut = [name.partition("_")[0] for name, value in found.items() if name.endswith("_cut_bytes") and value]
    cut += [str(name).partition(".")[0] for name in (*found["missing"], *changed_since)]
    return ", ".join(dict.fromkeys(["samples", *cut] if found["torn"] else cut))


def _running(info: RunInfo) -> bool:
    return alive(_process(info))


def _process(info: RunInfo) -> dict[str, Any]:
    return info.process


def _watchdog(folder: Path) -> dict[str, Any] | None:
    try:
        content = read_json(folder / RECORD)
    except DamagedFile:
        return None
    return content if isinstance(content, dict) else None


def _watchdog_words(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return ""
    state = record.get("safe_state")
    proved = state.get("state", "unknown") if isinstance(state, dict) else "unknown"
    tried = record.get("attempts")
    times = f" after {len(tried)} attempts" if isinstance(tried, list) and len(tried) > 1 else ""
    return f" ({record.get('cause', 'no cause given')}); the watchdog left the station {proved}{times}"


def _told(folder: Path, kind: str, shape: type[_Shape]) -> Iterator[_Shape]:
    """Return what the events of a ``kind`` say, in the shape that run.json has for it."""
    with contextlib.suppress(NoRunFolder):
        for event in read_events(folder / "events.jsonl", torn_tail=True):
            if event["kind"] == kind:
                with contextlib.suppress(ValidationError):
                    yield shape.model_validate({name: event.get(name) for name in shape.model_fields})


def _last_written(folder: Path) -> str | None:
    times = []
    for name in _FILES:
        with contextlib.suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    if not times:
        return None
    return dt.datetime.fromtimestamp(max(times), dt.UTC).isoformat(timespec="seconds")


def _report(folder: Path, info: RunInfo, verdict: Verdict, lang: Lang) -> None:
    """Draw the report with what there is; a run that was cut early may lack any of it."""
    recording = profile = rules = None
    with contextlib.suppress(NoRunFolder):
        recording = load_run(folder).recording
    with contextlib.suppress(UsageError):
        profile = read_profile(folder / "profile.toml")[0]
    with contextlib.suppress(UsageError):
        rules = read_rules(folder / "rules.toml")[0]
    write_report(folder, info, recording, [], verdict, profile, rules, lang=lang)


def _write(path: Path, text: str) -> None:
    try:
        # half a surrogate, which JSON allows, has no UTF-8: as the escape that JSON has for it
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise BenchError(f"cannot write {path}: {error.strerror or error}") from None
