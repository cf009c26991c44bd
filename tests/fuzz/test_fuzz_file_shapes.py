"""Files of a run folder in shapes that no damage by chance makes, and such folders on the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.evidence.attest import write_attestation
from bench.evidence.sums import write_sums
from bench.recover import recover
from bench.rescore import verify
from bench.runs import list_runs
from tests.fuzz.folders import FILES, copy, everything
from tests.fuzz.hostile import TEXTS, cases, commanded, folder, survives

_NUMBER = re.compile(rb"(?<=[:\[ ,])-?\d+(\.\d+)?(?=[,\s}\]])")
_BIG = b"1" + b"0" * 400  # whole, and beyond every float


def _numbers(number: bytes) -> Callable[[bytes], bytes]:
    return lambda content: _NUMBER.sub(number, content)


CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "deep lists": lambda content: b"[" * 100_000,
    "deep tables": lambda content: b'{"a":' * 100_000,
    "a deep value": lambda content: content.rstrip()[:-1] + b',"x":' + b"[" * 900 + b"]" * 900 + b"}\n",
    "a deep line": lambda content: content + b'{"kind":"x","t_s":1,"a":' + b"[" * 100_000 + b"\n",
    "a list": lambda content: b"[]\n",
    "a list of numbers": lambda content: b"[1]\n",
    "null": lambda content: b"null\n",
    "a number": lambda content: b"7\n",
    "a word": lambda content: b'"x"\n',
    "an empty table": lambda content: b"{}\n",
    "nothing": lambda content: b"",
    "numbers beyond a float": _numbers(_BIG),
    "numbers at the end of a float": _numbers(b"1e308"),
    "events of impossible numbers": lambda content: (
        content
        + b'{"kind":"gap","t_s":%s,"from_s":%s,"to_s":1e308}\n' % (_BIG, _BIG)
        + b'{"kind":"mode_code","code":%s}\n' % _BIG
        + b'{"kind":"set_again","t_s":%s}\n{"kind":"safe_state","t_s":%s,"state":[]}\n' % (_BIG, _BIG)
    ),
}  # fmt: skip


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _sparse(path: Path) -> None:
    os.truncate(path, 2**40)


def _elsewhere(path: Path) -> None:
    aside = path.parent.parent.parent / f"aside_{path.name}"
    shutil.move(path, aside)
    path.symlink_to(aside)


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


KINDS: dict[str, Callable[[Path], None]] = {
    "missing": Path.unlink,
    "a pipe": _pipe,
    "a folder": _folder,
    "of a terabyte": _sparse,
    "a link": _elsewhere,
    "a loop": _loop,
}
pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes and sparse files are those of POSIX")


def _plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size < 2**30


def spoil(path: Path, shape: str) -> None:
    if shape in KINDS:
        KINDS[shape](path)
    else:
        path.write_bytes(CONTENTS[shape](path.read_bytes()))


@cases(8)
@given(st.sampled_from(FILES), st.sampled_from([*CONTENTS, *KINDS]))
def test_files_that_are_not_what_they_were(run: Path, name: str, shape: str) -> None:
    with folder() as at:
        found = copy(run, at)
        spoil(found / name, shape)
        everything(found, at)
        survives("folder: recover", lambda: recover(found), at)


BROKE = {
    "runs": ("run.json", "deep lists"), "verify": ("verdict.json", "deep tables"),
    "verify metrics": ("metrics.json", "numbers beyond a float"), "pipe": ("verdict.json", "a pipe"),
    "sums": ("SHA256SUMS", "of a terabyte"), "samples": ("samples.parquet", "of a terabyte"),
    "report": ("events.jsonl", "numbers beyond a float"), "wire": ("wire.jsonl", "a deep line"),
    "wire times": ("wire.jsonl", "numbers beyond a float"), "signer": ("attestation.json", "deep lists"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "shape"), BROKE.values(), ids=BROKE)
def test_shapes_that_once_broke_something(run: Path, tmp_path: Path, name: str, shape: str) -> None:
    found = copy(run, tmp_path)
    spoil(found / name, shape)
    everything(found, tmp_path)
    assert verify(found), "it is not what was sealed"
    assert [entry.folder for entry in list_runs(found.parent)] == [found]


def test_a_verdict_that_is_no_table_beside_a_run_that_did_not_end(run: Path, tmp_path: Path) -> None:
    found = copy(run, tmp_path)
    info = json.loads((found / "run.json").read_text(encoding="utf-8"))
    (found / "run.json").write_text(json.dumps(info | {"execution": "aborted"}), encoding="utf-8")
    (found / "verdict.json").write_text("[]", encoding="utf-8")
    assert any("outcome None" in problem for problem in verify(found))


def test_a_verdict_that_is_none_is_not_signed(run: Path, tmp_path: Path) -> None:
    found = copy(run, tmp_path)
    (found / "verdict.json").write_text("{}", encoding="utf-8")
    (found / "attestation.json").unlink()
    info = json.loads((found / "run.json").read_text(encoding="utf-8"))
    (found / "run.json").write_text(json.dumps(info | {"process": {}}), encoding="utf-8")
    write_sums(found)
    assert survives("folder: recover", lambda: recover(found), tmp_path) is None
    assert not (found / "attestation.json").exists()


def test_half_a_character_in_the_matrix(run: Path, tmp_path: Path) -> None:
    found = copy(run, tmp_path)
    text = (found / "run.json").read_text(encoding="utf-8")
    (found / "run.json").write_text(text.replace('"SIM-B5-0001"', r'"SIM\ud800"'), encoding="utf-8")
    commanded("command: matrix", "matrix", found, "--out", tmp_path / "matrix.html", inside=tmp_path)
    assert json.loads((tmp_path / "matrix.json").read_text(encoding="utf-8"))["schema"] == 1


def test_what_a_terminal_would_obey_is_shown_as_an_escape(run: Path, tmp_path: Path) -> None:
    found = copy(run, tmp_path)
    info = json.loads((found / "run.json").read_text(encoding="utf-8"))
    info["device"]["serial"] = "\x1b]0;4lert\x07\u202eB5"
    (found / "run.json").write_text(json.dumps(info), encoding="utf-8")
    listed = commanded("command: runs", "runs", found.parent, inside=tmp_path)
    assert r"\x1b]0;4lert" in listed
    assert r"\u202eB5" in listed
    told = json.loads(commanded("command: runs", "runs", found.parent, "--json", inside=tmp_path))
    assert told["runs"][0]["serial"] == info["device"]["serial"]


def _calls(found: Path, at: Path) -> list[list[object]]:
    return [
        ["runs", found.parent], ["runs", found.parent, "--json"], ["verify", found], ["score", found],
        ["report", found, "--out", at / "page.html", "--lang", "ja"],
        ["matrix", found.parent, "--out", at / "matrix.html"], ["wire", "check", found],
    ]  # fmt: skip


@cases(2)
@given(st.data())
def test_spoilt_folders_on_the_command_line(run: Path, data: st.DataObject) -> None:
    """What the last resort would have to say is a defect; and nothing that is written steers a terminal."""
    with folder() as at:
        found = copy(run, at)
        if data.draw(st.booleans()):
            spoil(found / data.draw(st.sampled_from(FILES)), data.draw(st.sampled_from([*CONTENTS, *KINDS])))
        words = st.sampled_from([text for text in TEXTS if len(text) < 100])
        path = found / "run.json"
        if path.is_file():
            try:
                info = json.loads(path.read_text(encoding="utf-8"))
            except (ValueError, RecursionError):
                info = None
            if isinstance(info, dict):
                keys = ("started_utc", "profile", "operator", "reason", "station", "product", "edition")
                info |= {key: data.draw(words) for key in keys}
                info["device"] = {key: data.draw(words) for key in ("maker", "model", "serial", "firmware")}
                path.write_text(json.dumps(info), encoding="utf-8")
        if data.draw(st.booleans()) and all(map(_plain, found.iterdir())):
            write_sums(found)  # signed, and hostile all the same
            write_attestation(found)
        for call in _calls(found, at):
            commanded(f"command: {call[0]}", *call, inside=at)
