"""Whether a run folder is what was signed. Reads only; writes nothing."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bench.errors import Fault, NoRunFolder, UsageError
from bench.evidence.attest import PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, pae
from bench.evidence.keys import key_id, read_public_key
from bench.evidence.sums import ATTESTATION, SUMS, digest, files, parse_sums

__all__ = ["UNSIGNED", "changed", "check", "signer"]

UNSIGNED = f"{ATTESTATION}: not signed, so a change cannot be shown"

_TOO_LONG = 32 * 1024 * 1024


def check(folder: Path, public_key: Path | str | bytes | None = None) -> list[str]:
    """Return everything that does not match in ``folder``; an empty list when it is as it was signed.

    ``public_key`` (PEM file, or PEM as bytes) is the key that must have signed. Without it the key that the
    attestation carries is taken: that shows a change by anybody who did not sign again.

    Raises:
        NoRunFolder: there is no folder, or it holds no run.
        UsageError: ``public_key`` cannot be read.
    """
    if not folder.is_dir() or not ((folder / "run.json").exists() or (folder / SUMS).exists()):
        raise NoRunFolder(Fault(str(folder), "is not a run folder"))
    expected = None if public_key is None else read_public_key(public_key)
    sums, faults = _summed(folder)
    return faults + _attested(folder, sums, expected)


def changed(folder: Path) -> list[str]:
    """Return what in ``folder`` is not as its ``SHA256SUMS`` has it, whoever signed that."""
    return _summed(folder)[1]


def _summed(folder: Path) -> tuple[dict[str, str], list[str]]:
    faults: list[str] = []
    text = _text(folder / SUMS, faults)
    sums, wrong = ({}, []) if text is None else parse_sums(text)
    return sums, faults + wrong + _compare(folder, sums)


def signer(folder: Path) -> str | None:
    """Return the id of the key that a folder found faultless by :func:`check` names as its signer."""
    try:
        envelope = json.loads(_text(folder / ATTESTATION, []) or "")
        return str(envelope["signatures"][0]["keyid"])
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None


def _text(path: Path, faults: list[str]) -> str | None:
    try:
        if path.is_symlink() or not path.is_file():
            raise ValueError("missing")
        if path.stat().st_size > _TOO_LONG:
            raise ValueError("too long")
        return path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        faults.append(f"{path.name}: {error}")
        return None


def _compare(folder: Path, sums: dict[str, str]) -> list[str]:
    present = dict(files(folder))
    faults = []
    for name, sha256 in sums.items():
        if name not in present:
            faults.append(f"{name}: missing")
        elif not present[name]:
            faults.append(f"{name}: not a regular file")
        else:
            try:
                if digest(folder / name) != sha256:
                    faults.append(f"{name}: changed")
            except OSError as error:
                faults.append(f"{name}: cannot be read: {error.strerror}")
    extra = sorted(present.keys() - sums.keys() - {SUMS, ATTESTATION})
    return faults + [f"{ascii(name)[1:-1]}: added after the run was closed" for name in extra]


def _attested(folder: Path, sums: dict[str, str], expected: Ed25519PublicKey | None) -> list[str]:
    faults: list[str] = []
    text = _text(folder / ATTESTATION, faults)
    if text is None:
        return faults
    try:
        envelope = json.loads(text)
        payload = base64.b64decode(envelope["payload"], validate=True)
        if envelope["payloadType"] != PAYLOAD_TYPE:
            raise ValueError("wrong payload type")
        signed = _signed(payload, list(envelope["signatures"]), expected)
        statement = json.loads(payload)
        subjects = {str(s["name"]): str(s["digest"]["sha256"]) for s in statement["subject"]}
        kinds = (statement["_type"], statement["predicateType"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError) as error:
        return [f"{ATTESTATION}: cannot be read: {error}"]
    if signed is not None:
        faults.append(signed)
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE):
        faults.append(f"{ATTESTATION}: not a test result")
    listed = dict(sums)
    if (folder / SUMS).is_file():
        with contextlib.suppress(OSError):  # a list that cannot be read was told of
            listed[SUMS] = digest(folder / SUMS)
    differ = sorted(
        name for name in listed.keys() | subjects.keys() if listed.get(name) != subjects.get(name)
    )
    return faults + [f"{ATTESTATION}: does not agree with {SUMS} on {ascii(name)[1:-1]}" for name in differ]


def _signed(
    payload: bytes, signatures: list[dict[str, Any]], expected: Ed25519PublicKey | None
) -> str | None:
    """Return what is wrong with the signature, or None."""
    if not signatures:
        return UNSIGNED
    message = pae(PAYLOAD_TYPE, payload)
    for signature in signatures:
        key = expected or read_public_key(str(signature["public_key"]).encode())
        if expected is None and signature["keyid"] != key_id(key):
            return f"{ATTESTATION}: the key it carries is not the key it names"
        try:
            key.verify(base64.b64decode(signature["sig"], validate=True), message)
        except InvalidSignature:
            continue
        return None
    if expected is None:
        return f"{ATTESTATION}: the signature does not fit"
    return f"{ATTESTATION}: not signed by the key given ({key_id(expected)[:16]}…)"
