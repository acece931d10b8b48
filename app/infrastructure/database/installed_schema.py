"""Owns looking at a database without touching it: which schema it has, which one this code is written for."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


@dataclass(frozen=True, slots=True)
class InstalledSchema:
    """`installed` is None without a database; `problem` says why it could not be read; `known` lists this code's revisions."""

    installed: str | None
    newest: str
    known: tuple[str, ...]
    problem: str | None = None

    @property
    def is_from_newer_release(self) -> bool:
        """Whether this code cannot use it."""
        return self.installed is not None and self.installed not in self.known


def installed_schema(url: str) -> InstalledSchema:
    """The schema of the SQLite database at this SQLAlchemy URL; opened read-only, and never created. Other databases are not asked."""
    known = tuple(sorted(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py")))
    prefix, _, path = url.partition(":///")
    if not prefix.startswith("sqlite") or not Path(path).is_file():
        return InstalledSchema(None, known[-1], known)
    try:
        return InstalledSchema(_revision(Path(path)), known[-1], known)
    except sqlite3.Error as problem:
        return InstalledSchema(None, known[-1], known, str(problem))


def _revision(file: Path) -> str | None:
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=1)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None
    finally:
        connection.close()
