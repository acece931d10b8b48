"""The import rules of pyproject.toml: each of them catches what it is there for."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

VIOLATIONS = {
    "layers": [
        ("app/schemas/events.py", "import app.services"),
        ("app/core/config.py", "import app.domain.errors"),
        ("app/services/planted.py", "import app.api.errors"),
        ("app/newcomer.py", ""),
    ],
    "domain": [
        ("app/domain/events.py", "import json"),
        ("app/domain/events.py", "from pydantic import BaseModel"),
        ("app/domain/transcript.py", "def load():\n    import numpy"),
    ],
    "engines": [
        ("app/services/planted.py", "def load():\n    import torch"),
        ("app/infrastructure/media/planted.py", "import pyannote.audio"),
        ("app/worker.py", "from huggingface_hub import snapshot_download"),
    ],
    "media": [("app/infrastructure/engines/planted.py", "import av")],
    "adapters": [
        ("app/api/planted.py", "from app.infrastructure.database import engine"),
        ("app/api/planted.py", "from app.infrastructure.storage.local import LocalStorage"),
    ],
    "sql": [
        ("app/services/planted.py", "from sqlmodel import select"),
        ("app/api/planted.py", "import sqlalchemy"),
    ],
    "web": [
        ("app/services/planted.py", "from starlette.datastructures import UploadFile"),
        ("app/infrastructure/queue/planted.py", "import fastapi"),
    ],
    "endpoints": [("app/api/task_api.py", "import app.api.job_api")],
    "cycles": [("app/domain/errors.py", "import app.domain.options")],
}


def lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the package in `folder`, as `make check` does."""
    chosen = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache", *chosen],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_package_keeps_every_rule() -> None:
    """The package as it is breaks no rule."""
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in result.stdout


def test_every_rule_has_a_planted_violation() -> None:
    """No rule goes untested."""
    assert {contract["id"] for contract in CONTRACTS} == set(VIOLATIONS)


@pytest.mark.parametrize(
    ("contract", "path", "line"),
    [(contract, path, line) for contract, plants in VIOLATIONS.items() for path, line in plants],
)
def test_violation_is_caught(copy: Path, contract: str, path: str, line: str) -> None:
    """A planted violation breaks its rule, and the report names the planted module."""
    planted = copy / path
    planted.write_text((planted.read_text() if planted.exists() else "") + f"\n{line}\n")
    result = lint(copy, contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in result.stdout
    assert planted.stem in result.stdout


def test_every_endpoint_module_is_listed() -> None:
    """The rule that keeps endpoints apart speaks of all of them."""
    listed = next(contract["modules"] for contract in CONTRACTS if contract["id"] == "endpoints")
    assert sorted(listed) == sorted(f"app.api.{path.stem}" for path in (ROOT / "app/api").glob("*_api.py"))


def test_every_adapter_room_is_listed() -> None:
    """The rule that keeps adapters behind the composition root speaks of every room but the sockets, which the API uses."""
    listed = next(contract["protected_modules"] for contract in CONTRACTS if contract["id"] == "adapters")
    rooms = {path.parent.name for path in (ROOT / "app/infrastructure").glob("*/__init__.py")}
    assert sorted(listed) == sorted(f"app.infrastructure.{room}" for room in rooms - {"websocket"})
