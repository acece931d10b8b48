"""Owns `cesar db check`: whether the database is sound, the disk holds what it says and nothing else, the search finds what is there."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from app.composition import open_database
from app.core.config import Settings, SettingsError
from app.domain.errors import CesarError
from app.infrastructure.database.consistency import Consistency, Finding, Inventory
from app.infrastructure.database.engine import Database, folder_of
from app.infrastructure.database.installed_schema import installed_schema
from app.infrastructure.database.store import SqlStore
from app.infrastructure.queue.channel import NoAnnouncer
from app.infrastructure.storage.derived import LocalDerived
from app.infrastructure.storage.growing import LocalGrowingFiles
from app.infrastructure.storage.local import LocalStorage
from app.services.search_check import SearchCheck

ON_ITS_WAY_SECONDS: Final = 60.0
"""Bytes are there a moment before their row: so young they are not called orphans."""

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was looked at, and how many rows there are."""

    findings: tuple[Finding, ...]
    counts: dict[str, int]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not any(finding.found for finding in self.findings)


class DatabaseCheck:
    """Looks at one data folder; a server may run meanwhile.

    Raises:
        SettingsError: there is no database, or it has another schema than this release.
    """

    def __init__(self, settings: Settings) -> None:
        _refuse_unknown_schema(settings)
        self._database: Database = open_database(settings)
        self._consistency = Consistency(self._database)
        self._storage = LocalStorage(settings.media_dir)
        self._derived = LocalDerived(settings.media_dir)
        self._growing = LocalGrowingFiles(settings.media_dir)
        self._search = SearchCheck(SqlStore(self._database, NoAnnouncer()))

    def examine(self) -> Report:
        """Look at everything."""
        findings = (*self._consistency.examine(), *self._look_at_disk(), Finding("search", tuple(self._search.stale())))
        return Report(findings, self._consistency.counts())

    def repair(self) -> None:
        """What is derived is made anew, and what nobody points to is removed; everything else stays as it is."""
        self._consistency.rebuild_index()
        self._search.refresh()
        stored, outlined = set(self._storage.keys()), set(self._derived.keys())
        known = self._consistency.inventory().keys
        for key in self._orphans(stored - known):
            self._storage.remove(key)
        for key in outlined - known:
            self._derived.remove(key)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _look_at_disk(self) -> Iterator[Finding]:
        # The disk first: what arrives while this looks around is then no orphan, however long it takes.
        parts, stored, outlined = self._old_parts(), set(self._storage.keys()), set(self._derived.keys())
        inventory = self._consistency.inventory()
        wrong = dict(self._wrong_recordings(inventory))
        if wrong:  # deleted since the inventory was made?
            still = self._consistency.inventory().recordings
            wrong = {key: says for key, says in wrong.items() if key in still}
        yield Finding("recordings on the disk", tuple(wrong.values()))
        archives = (job for key, job in inventory.archives.items() if not self._has(key))
        yield Finding("archives on the disk", tuple(f"the archive of job {job} is missing" for job in archives))
        yield Finding("bytes without a file", tuple(self._orphans(stored - inventory.keys)))
        yield Finding("outlines without a file", tuple(sorted((outlined - inventory.keys) & set(self._derived.keys()))))
        yield Finding("parts without an upload", tuple(sorted(parts - inventory.uploads)))

    def _old_parts(self) -> set[str]:
        oldest = time.time() - ON_ITS_WAY_SECONDS
        return {name for name in self._growing.names() if self._growing.changed_at(name) < oldest}

    def _wrong_recordings(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        for key, (file, size) in inventory.recordings.items():
            try:
                found = self._storage.path_of(key).stat().st_size
            except (CesarError, FileNotFoundError):
                yield key, f"the bytes of file {file} are missing"
                continue
            if size is not None and found != size:
                yield key, f"file {file} has {found} bytes instead of {size}"

    def _has(self, key: str) -> bool:
        try:
            return self._storage.path_of(key).is_file()
        except CesarError:
            return False

    def _orphans(self, unclaimed: Iterable[str]) -> list[str]:
        oldest = time.time() - ON_ITS_WAY_SECONDS
        return sorted(key for key in unclaimed if self._is_older(key, oldest))

    def _is_older(self, key: str, moment: float) -> bool:
        try:
            return self._storage.path_of(key).stat().st_mtime < moment
        except (CesarError, FileNotFoundError):
            return False


def check(settings: Settings, *, repair: bool) -> bool:
    """Print what was found; whether all is well (after the repair, if there was one).

    Raises:
        SettingsError: the database cannot be looked at.
    """
    console = Console()
    examined = DatabaseCheck(settings)
    try:
        report = examined.examine()
        if repair and not report.is_sound:
            examined.repair()
            report = examined.examine()
    except CesarError as problem:
        raise SettingsError(f"The database cannot be looked at: {problem.detail or problem.code}.") from problem
    finally:
        examined.close()
    console.print(_table(report))
    console.print(
        ", ".join(f"{number} {table}" for table, number in report.counts.items()), highlight=False, soft_wrap=True
    )
    return report.is_sound


def _refuse_unknown_schema(settings: Settings) -> None:
    url = settings.resolved_database_url
    if folder_of(url) is None:
        raise SettingsError("Only a SQLite database can be checked.")
    schema = installed_schema(url)
    if schema.problem is not None:
        raise SettingsError(f"The database cannot be read: {schema.problem}.")
    if schema.installed is None:
        raise SettingsError(f"There is no database at {Path(url.partition(':///')[2])}.")
    if schema.installed != schema.newest:
        raise SettingsError("The database belongs to another release; a start of the server upgrades an older one.")


def _table(report: Report) -> Table:
    table = Table("looked at", "found")
    for finding in report.findings:
        shown = "\n".join(finding.found[:_SHOWN])
        more = f"\nand {len(finding.found) - _SHOWN} more" if len(finding.found) > _SHOWN else ""
        table.add_row(finding.topic, f"{shown}{more}" if finding.found else "ok")
    return table
