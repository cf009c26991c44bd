"""A run folder that was touched says so; one that was not does not."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.errors import BenchError, NoRunFolder, UsageError
from bench.evidence.attest import PREDICATE_TYPE, Attestation, pae, write_attestation
from bench.evidence.integrity import check
from bench.evidence.keys import public_pem, signing_key, user_key_path
from bench.evidence.sums import write_sums

VERDICT = {
    "outcome": "FAIL",
    "findings": [
        {"id": "demo.delay", "counts": True, "outcome": "FAIL"},
        {"id": "demo.hold", "counts": True, "outcome": "PASS"},
        {"id": "demo.info", "counts": False, "outcome": "FAIL"},
    ],
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Path:
    folder = tmp_path / "20260101T000000Z_demo_A1"
    (folder / "inputs").mkdir(parents=True)
    (folder / "run.json").write_text('{"profile": "demo"}')
    (folder / "verdict.json").write_text(json.dumps(VERDICT))
    (folder / "station.toml").write_text("# 実験室\n", encoding="utf-8")
    (folder / "inputs" / "grid 50Hz.csv").write_text("t_s,frequency_hz\n0,50\n")
    (folder / "commands.csv").write_text("planned_s,value\n" + "".join(f"{n},{n}\n" for n in range(9)))
    pq.write_table(pa.table({"t_s": [float(n) for n in range(50)]}), folder / "samples.parquet")
    write_sums(folder)
    assert write_attestation(folder, environment).key_id is not None
    return folder


def flip(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at if at >= 0 else len(content) // 2] ^= 1
    path.write_bytes(content)


def drop_row(folder: Path) -> None:
    table = pq.read_table(folder / "samples.parquet")
    pq.write_table(pa.concat_tables([table.slice(0, 20), table.slice(21)]), folder / "samples.parquet")


def drop_row_and_list_again(folder: Path) -> None:
    drop_row(folder)
    write_sums(folder)


def replace_by_link(folder: Path) -> None:
    (folder / "run.json").rename(folder.parent / "elsewhere")
    (folder / "run.json").symlink_to(folder.parent / "elsewhere")


def test_an_untouched_run_is_genuine(run: Path) -> None:
    assert check(run) == []


def test_the_list_is_what_sha256sum_reads(run: Path) -> None:
    names = [line[66:] for line in (run / "SHA256SUMS").read_text().splitlines()]
    assert names == sorted(names)
    assert "inputs/grid 50Hz.csv" in names
    assert not {"SHA256SUMS", "attestation.json"} & set(names)
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not on this machine")
    assert subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=run, check=False).returncode == 0
    flip(run / "run.json")
    assert subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=run, check=False).returncode == 1


CHANGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "flipped byte": (lambda run: flip(run / "samples.parquet"), "samples.parquet: changed"),
    "flipped byte of text": (lambda run: flip(run / "station.toml", 0), "station.toml: changed"),
    "dropped row": (drop_row, "samples.parquet: changed"),
    "dropped line": (
        lambda run: (run / "commands.csv").write_text("planned_s,value\n0,0\n"),
        "commands.csv: changed",
    ),
    "truncated": (lambda run: os.truncate(run / "samples.parquet", 100), "samples.parquet: changed"),
    "emptied": (lambda run: os.truncate(run / "commands.csv", 0), "commands.csv: changed"),
    "removed": (lambda run: (run / "commands.csv").unlink(), "commands.csv: missing"),
    "added": (lambda run: (run / "inputs" / "more.csv").write_text(""), "inputs/more.csv: added"),
    "renamed": (lambda run: (run / "run.json").rename(run / "run2.json"), "run.json: missing"),
    "no list": (lambda run: (run / "SHA256SUMS").unlink(), "SHA256SUMS: missing"),
    "list again": (
        drop_row_and_list_again,
        "attestation.json: does not agree with SHA256SUMS on samples.parquet",
    ),
    "flipped list": (lambda run: flip(run / "SHA256SUMS", 3), "attestation.json: does not agree"),
    "cut list": (lambda run: os.truncate(run / "SHA256SUMS", 100), "SHA256SUMS: cut off"),
    "climbing list": (
        lambda run: (run / "SHA256SUMS").write_text("0" * 64 + "  ../../etc/passwd\n"),
        "SHA256SUMS: line 1 is not",
    ),
    "no attestation": (lambda run: (run / "attestation.json").unlink(), "attestation.json: missing"),
    "empty attestation": (
        lambda run: os.truncate(run / "attestation.json", 0),
        "attestation.json: cannot be",
    ),
    "attestation is a list": (
        lambda run: (run / "attestation.json").write_text("[]"),
        "attestation.json: cannot be read",
    ),
    "deep attestation": (
        lambda run: (run / "attestation.json").write_text("[" * 100_000),
        "attestation.json: cannot be read",
    ),
    "link": (
        replace_by_link,
        "run.json: not a regular file",
    ),
    "linked folder": (
        lambda run: (run / "more").symlink_to(run.parent, target_is_directory=True),
        "more: added",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_found(run: Path, name: str) -> None:
    change, expected = CHANGES[name]
    change(run)
    assert any(fault.startswith(expected) for fault in check(run)), check(run)


def test_every_byte_of_the_attestation_matters(run: Path) -> None:
    path = run / "attestation.json"
    whole = path.read_bytes()
    envelope = json.loads(whole)
    unnoticed = []
    for at in range(0, len(whole), 37):
        changed = bytearray(whole)
        changed[at] ^= 4
        path.write_bytes(changed)
        if not check(run):
            unnoticed.append(bytes(changed))
    for content in unnoticed:
        again = json.loads(content)
        assert again["payload"] == envelope["payload"]
        assert again["signatures"][0]["sig"] == envelope["signatures"][0]["sig"]
    assert len(unnoticed) <= 2  # white space, or a line break inside the PEM text
    path.write_bytes(whole)
    assert check(run) == []


def test_a_stranger_who_signs_again_is_found_by_the_key_given(
    run: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    key, _ = signing_key(environment)
    assert key is not None
    mine = tmp_path / "mine.pem"
    mine.write_text(public_pem(key.public_key()))
    assert check(run, mine) == []
    assert check(run, mine.read_bytes()) == []
    (run / "verdict.json").write_text(json.dumps({**VERDICT, "outcome": "PASS"}))
    write_sums(run)
    write_attestation(run, {"XDG_CONFIG_HOME": str(tmp_path / "stranger")})
    assert check(run) == []
    assert any("not signed by the key given" in fault for fault in check(run, mine))


def test_a_signature_taken_away_is_found(run: Path) -> None:
    path = run / "attestation.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "signatures": []}))
    assert any("not signed" in fault for fault in check(run))


def test_the_statement_is_a_test_result_of_in_toto(run: Path, environment: dict[str, str]) -> None:
    envelope = json.loads((run / "attestation.json").read_text())
    payload = base64.b64decode(envelope["payload"])
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == PREDICATE_TYPE
    assert statement["predicate"]["result"] == "FAILED"
    assert statement["predicate"]["failedTests"] == ["demo.delay"]
    assert statement["predicate"]["passedTests"] == ["demo.hold"]
    assert "SHA256SUMS" in [subject["name"] for subject in statement["subject"]]
    assert pae("a", b"bc") == b"DSSEv1 1 a 2 bc"
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    files = {"sig": base64.b64decode(envelope["signatures"][0]["sig"])}
    files |= {"pae": pae(envelope["payloadType"], payload)}
    files |= {"pem": envelope["signatures"][0]["public_key"].encode()}
    for name, content in files.items():
        (run.parent / name).write_bytes(content)
    verify = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-rawin",
        "-pubin",
        "-inkey",
        "pem",
        "-in",
        "pae",
        "-sigfile",
        "sig",
    ]
    assert subprocess.run(verify, cwd=run.parent, check=False, capture_output=True).returncode == 0
    flip(run.parent / "pae")
    assert subprocess.run(verify, cwd=run.parent, check=False, capture_output=True).returncode != 0


def test_the_key_is_made_once_and_kept_private(environment: dict[str, str]) -> None:
    first, where = signing_key(environment)
    second, _ = signing_key(environment)
    assert first is not None
    assert second is not None
    assert public_pem(first.public_key()) == public_pem(second.public_key())
    assert where == str(user_key_path(environment))
    if os.name == "posix":
        assert Path(where).stat().st_mode & 0o077 == 0


def attested(run: Path, key_file: Path) -> Attestation:
    return write_attestation(run, {"DRREADY_KEY": str(key_file)})


def test_without_a_key_it_says_that_it_is_not_signed(run: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is needed")
    written = write_attestation(run, {"XDG_CONFIG_HOME": str(blocked)})
    assert written.key_id is None
    assert written.note.startswith("NOT SIGNED")
    assert any("not signed" in fault for fault in check(run))


def test_a_key_that_was_asked_for_is_used_or_none(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "lab.pem"
    assert attested(run, path).key_id is None
    path.write_text("no key")
    assert attested(run, path).key_id is None
    key = Ed25519PrivateKey.generate()
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    assert attested(run, path).key_id is not None
    assert check(run, public_pem(key.public_key()).encode()) == []


def test_a_read_only_folder_can_be_checked(run: Path) -> None:
    for path in [*run.rglob("*"), run]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = sorted(path.name for path in run.rglob("*"))
    try:
        assert check(run) == []
        assert sorted(path.name for path in run.rglob("*")) == before
    finally:
        for path in [run, *run.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.skipif(os.name != "posix", reason="other systems do not allow such names")
@pytest.mark.parametrize("name", ["two\nlines", "back\\slash", "bell\a", "C:drive", "rtl\u202eoverride"])
def test_hostile_names_are_refused_and_found(run: Path, name: str) -> None:
    (run / name).write_text("")
    with pytest.raises(BenchError, match="not fit for SHA256SUMS"):
        write_sums(run)
    faults = check(run)
    assert len(faults) == 1
    assert "added" in faults[0]
    assert faults[0].isprintable()


def test_what_is_no_run_folder(tmp_path: Path, run: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path, run / "run.json"):
        with pytest.raises(NoRunFolder):
            check(path)
    with pytest.raises(UsageError):
        check(run, tmp_path / "no key")
