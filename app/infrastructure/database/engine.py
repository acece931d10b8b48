"""Owns the connection to the database: its pragmas, and transactions that begin as what they are.

SQLite: write-ahead log, foreign keys on, five seconds of patience. `synchronous` is NORMAL (a power cut may lose
the last moments of progress) but FULL for what was promised to somebody: an accepted Task, a result.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.core.config import SettingsError
from app.domain.errors import CesarError
from app.domain.filenames import name_order

_NETWORK_FILESYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "glusterfs", "ceph"}
)


class Database:
    """Hands out transactions. `write` takes SQLite's one write lock at the start, so it never fails half-way for want of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        # What a failed statement quotes would be somebody's words.
        self.engine: Engine = create_engine(
            url, pool_size=10, max_overflow=40, pool_pre_ping=not self.is_sqlite, hide_parameters=True
        )
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database; nothing it changes is kept."""
        with (
            _as_cesar_errors(),
            self.engine.connect() as connection,
            Session(bind=connection, autoflush=False) as session,
        ):
            yield session

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Session]:
        """One transaction: everything or nothing. `durable` waits until the disk has it.

        Raises:
            CesarError: `unavailable` when the database stays locked or is out of reach, `disk_full`.
        """
        with _as_cesar_errors(), self.engine.connect() as plain:
            connection = plain.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            with (
                self._synchronous(connection, durable),
                connection.begin(),
                Session(bind=connection, expire_on_commit=False) as session,
            ):
                yield session
                session.flush()

    @contextmanager
    def _synchronous(self, connection: Connection, durable: bool) -> Iterator[None]:
        """SQLite takes this pragma only between transactions, and keeps it for the connection."""
        raw = connection.connection.driver_connection
        if not (durable and isinstance(raw, sqlite3.Connection)):
            yield
            return
        raw.execute("PRAGMA synchronous=FULL")
        try:
            yield
        finally:
            raw.execute("PRAGMA synchronous=NORMAL")

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()


@contextmanager
def _as_cesar_errors() -> Iterator[None]:
    try:
        yield
    except OperationalError as problem:
        reason = str(problem.orig)
        raise CesarError("disk_full" if "disk is full" in reason else "unavailable", reason) from problem


def folder_of(url: str) -> Path | None:
    """The folder of a SQLite database's file; None for a database that has none."""
    parts = make_url(url)
    name = (parts.database or "").removeprefix("file:").partition("?")[0]
    if parts.get_backend_name() != "sqlite" or name in ("", ":memory:"):
        return None
    return Path(name).resolve().parent


def refuse_network_share(path: str, mounts: str) -> None:
    """SQLite's locks do not hold on network file systems.

    Args:
        path: absolute path of the database's folder.
        mounts: text of /proc/mounts.

    Raises:
        SettingsError: the folder is on one.
    """
    best = ("", "")
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) > 2 and (path + "/").startswith(fields[1].rstrip("/") + "/") and len(fields[1]) > len(best[0]):
            best = (fields[1], fields[2])
    if best[1] in _NETWORK_FILESYSTEMS:
        raise SettingsError(
            f"The database would be on a network share ({best[1]}), where SQLite loses data: "
            "choose a local CESAR_DATA_DIR or CESAR_DATABASE_URL."
        )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver would otherwise begin transactions by its own rules, too late for BEGIN IMMEDIATE.
    connection.isolation_level = None
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    connection.create_function("name_order", 1, name_order, deterministic=True)
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout=5000",
        "journal_mode=WAL",
        "foreign_keys=ON",
        "synchronous=NORMAL",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
