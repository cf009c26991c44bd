"""The Ed25519 key that signs attestations."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bench.errors import Fault, UsageError

__all__ = ["KEY_VARIABLE", "key_id", "public_pem", "read_public_key", "signing_key", "user_key_path"]

KEY_VARIABLE = "DRREADY_KEY"
_TOO_LONG = 65_536


def user_key_path(environment: Mapping[str, str]) -> Path:
    """Return where the user's own key is kept: below the configuration folder of the platform."""
    for variable in ("XDG_CONFIG_HOME", "APPDATA"):
        if environment.get(variable):
            return Path(environment[variable]) / "drready" / "signing-key.pem"
    return Path("~/.config/drready/signing-key.pem").expanduser()


def signing_key(environment: Mapping[str, str] | None = None) -> tuple[Ed25519PrivateKey | None, str]:
    """Return the signing key, made on first use, and where it is; or None and why there is none.

    ``$DRREADY_KEY`` names a key file (PEM, PKCS 8, no password). A key that was asked for and cannot be read
    is not replaced by another.
    """
    given = os.environ if environment is None else environment
    try:
        path = Path(given[KEY_VARIABLE]) if given.get(KEY_VARIABLE) else user_key_path(given)
        if not given.get(KEY_VARIABLE) and not path.exists():
            _make(path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, RuntimeError, UnsupportedAlgorithm) as error:
        return None, f"no signing key: {error}"
    if not isinstance(key, Ed25519PrivateKey):
        return None, f"no signing key: {path} is not an Ed25519 key"
    return key, str(path)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    part.replace(path)


def public_pem(key: Ed25519PublicKey) -> str:
    """Return the public key as PEM."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of the public key (DER), by which people may compare keys."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def read_public_key(source: Path | str | bytes) -> Ed25519PublicKey:
    """Return the public key in a PEM file (a path) or in PEM text (bytes).

    Raises:
        UsageError: it cannot be read, or is no Ed25519 public key.
    """
    place = "public key" if isinstance(source, bytes) else str(source)
    try:
        text = source if isinstance(source, bytes) else Path(source).read_bytes()
        if len(text) > _TOO_LONG:
            raise ValueError("too long for a key")
        key = serialization.load_pem_public_key(text)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(Fault(place, f"cannot be read as a public key: {error}")) from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(Fault(place, "is not an Ed25519 public key"))
    return key
