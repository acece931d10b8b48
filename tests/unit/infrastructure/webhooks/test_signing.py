"""Signatures as the reference library reads them, and the secret behind them."""

import base64
import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from app.core.config import Settings, SettingsError
from app.infrastructure.webhooks.signing import FILE_NAME, signature, signing_key

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_reference_library_accepts_the_signature(tmp_path: Path) -> None:
    """`standardwebhooks` verifies what was signed with the configured secret."""
    now, body = int(time.time()), '{"type":"job.completed","data":"ä"}'.encode()
    key = signing_key(Settings(data_dir=tmp_path, webhook_secret=SECRET))
    headers = {"webhook-id": "m1", "webhook-timestamp": str(now), "webhook-signature": signature(key, "m1", now, body)}
    assert Webhook(SECRET).verify(body, headers)["data"] == "ä"
    assert list(tmp_path.iterdir()) == []


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    """Without a configured one it is made in the data folder with mode 0600, and stays the same."""
    settings = Settings(data_dir=tmp_path, webhook_secret=None)
    key = signing_key(settings)
    path = tmp_path / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing_key(settings) == key
    assert Webhook(path.read_text().strip())._whsecret == key
    assert {child.name for child in tmp_path.iterdir()} <= {FILE_NAME, f"{FILE_NAME}.lock"}


def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Network shares and memory cards may have none: the secret is made there too."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    settings = Settings(data_dir=tmp_path, webhook_secret=None)
    assert signing_key(settings) == signing_key(settings)


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Six processes that find no secret end up with the same one."""
    code = (
        "from pathlib import Path; from app.core.config import Settings; import sys;"
        "from app.infrastructure.webhooks.signing import signing_key;"
        "input(); print(signing_key(Settings(data_dir=Path(sys.argv[1]))).hex())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CESAR_WEBHOOK_SECRET"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0] for process in processes}
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 64


@pytest.mark.parametrize("secret", ["hunter2", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_")])
def test_a_secret_that_cannot_work_stops_the_start(tmp_path: Path, secret: str) -> None:
    """Too short, not base64 or without its prefix: one sentence, which does not repeat the secret."""
    with pytest.raises(SettingsError) as refused:
        signing_key(Settings(data_dir=tmp_path, webhook_secret=secret))
    assert "CESAR_WEBHOOK_SECRET" in str(refused.value)
    assert secret not in str(refused.value).replace("whsec_ and", "")


def test_a_spoilt_file_is_named(tmp_path: Path) -> None:
    """A secret file that somebody emptied stops the start and is named."""
    (tmp_path / FILE_NAME).write_text("")
    with pytest.raises(SettingsError, match=FILE_NAME):
        signing_key(Settings(data_dir=tmp_path))
