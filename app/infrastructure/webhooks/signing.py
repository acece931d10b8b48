"""Owns the signature of webhooks, as the Standard Webhooks specification has it, and the secret behind it."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from filelock import FileLock

from app.core.config import Settings, SettingsError

FILE_NAME: Final = "webhook_secret"
_LOCK_NAME: Final = "webhook_secret.lock"
_LOCK_SECONDS: Final = 30
_PREFIX: Final = "whsec_"
_NEW_KEY_BYTES: Final = 32
_KEY_BYTES: Final = range(24, 65)
"""Lengths that the specification allows."""


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of one message; `timestamp` in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def signing_key(settings: Settings) -> bytes:
    """The key in force: that of the settings, else the one in the data folder, which the first process to ask makes.

    A lock makes it the only one. (A link to a finished file would do as well, but not every file system has hard links.)

    Raises:
        SettingsError: the secret is not `whsec_` and base64 of 24 to 64 bytes.
    """
    if settings.webhook_secret is not None:
        return _key_of(settings.webhook_secret.get_secret_value(), "CESAR_WEBHOOK_SECRET")
    path = settings.data_dir / FILE_NAME
    if not path.exists():
        with FileLock(path.with_name(_LOCK_NAME), timeout=_LOCK_SECONDS):
            if not path.exists():
                _make(path)
    return _key_of(path.read_text(), str(path))


def _key_of(text: str, place: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise SettingsError(f"{place} must hold {_PREFIX} and the base64 of 24 to 64 bytes.")
    return key


def _make(path: Path) -> None:
    """Whole or not at all, and readable by its owner alone."""
    secret = _PREFIX + base64.b64encode(secrets.token_bytes(_NEW_KEY_BYTES)).decode()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE_NAME}-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
