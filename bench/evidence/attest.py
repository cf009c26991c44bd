"""``attestation.json``: a signed statement about a closed run folder.

A DSSE envelope (secure-systems-lab/dsse, protocol 1.0.0) around an in-toto Statement v1 with the predicate
test-result v0.1. Its subjects are the files of ``SHA256SUMS`` and that list itself.
A key beside the bench proves that nothing changed since signing; it does not prove the operator's honesty.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.evidence.keys import key_id, public_pem, signing_key
from bench.evidence.sums import ATTESTATION, SUMS, digest, parse_sums, write_whole

__all__ = ["PAYLOAD_TYPE", "PREDICATE_TYPE", "STATEMENT_TYPE", "Attestation", "pae", "write_attestation"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_RESULT = {"PASS": "PASSED", "FAIL": "FAILED"}
_CONFIGURATION = ("station.toml", "profile.toml", "rules.toml")


@dataclass(frozen=True)
class Attestation:
    """What was written: ``key_id`` is None where it could not be signed, and ``note`` then says why."""

    path: Path
    key_id: str | None
    note: str


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def write_attestation(folder: Path, environment: Mapping[str, str] | None = None) -> Attestation:
    """Write ``attestation.json`` about ``folder``, whose ``SHA256SUMS`` has just been written.

    ``environment`` replaces the process's, for ``DRREADY_KEY`` and the place of the user's own key.

    Raises:
        BenchError: there is no ``SHA256SUMS``, or it cannot be read; the disk refused.
    """
    statement = _statement(folder)
    payload = json.dumps(statement, ensure_ascii=False, allow_nan=False, sort_keys=True).encode()
    key, where = signing_key(environment)
    signatures = []
    if key is not None:
        public = key.public_key()
        signature = base64.b64encode(key.sign(pae(PAYLOAD_TYPE, payload))).decode()
        signatures = [{"keyid": key_id(public), "sig": signature, "public_key": public_pem(public)}]
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": signatures,
    }
    path = write_whole(folder, ATTESTATION, json.dumps(envelope, indent=1) + "\n")
    if key is None:
        return Attestation(path, None, f"NOT SIGNED: {where}")
    return Attestation(path, signatures[0]["keyid"], f"signed with {where}")


def _statement(folder: Path) -> dict[str, Any]:
    try:
        sums, faults = parse_sums((folder / SUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"{folder.name}: no {SUMS} to sign: {error}") from None
    if faults:
        raise BenchError("\n".join(faults))
    subjects = {**sums, SUMS: digest(folder / SUMS)}
    verdict = _read_verdict(folder)
    tests: dict[str, list[str]] = {"PASSED": [], "FAILED": [], "WARNED": []}
    for finding in verdict.get("findings", []):
        if finding.get("counts"):
            tests[_RESULT.get(finding.get("outcome"), "WARNED")].append(finding.get("id"))
    return {
        "_type": STATEMENT_TYPE,
        "subject": [_resource(name, sha256) for name, sha256 in sorted(subjects.items())],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": _RESULT.get(verdict.get("outcome", ""), "WARNED"),
            "configuration": [_resource(name, sums[name]) for name in _CONFIGURATION if name in sums],
            "passedTests": tests["PASSED"],
            "failedTests": tests["FAILED"],
            "warnedTests": tests["WARNED"],
        },
    }


def _resource(name: str, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}


def _read_verdict(folder: Path) -> dict[str, Any]:
    """Return the verdict; a run that broke has none, and is then attested as warned."""
    path = folder / "verdict.json"
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BenchError(f"{path.name}: cannot be read: {error}") from None
    return content if isinstance(content, dict) else {}
