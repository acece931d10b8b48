"""Owns exporting: the transcripts of a selection become one zip archive, written as it grows, with one transcript in memory at a time."""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.core.clock import utc_now
from app.domain.archive_names import ArchiveNames
from app.domain.errors import CesarError
from app.domain.ports import Receiver, Storage
from app.services.errand_service import ErrandClaim, ErrandControl, ErrandOutcome
from app.services.errand_store import Selected, Selection
from app.services.export.options import RenderOptions
from app.services.export_service import ending_of, render_file
from app.services.query_service import QueryService
from app.services.store import Store

_FAULTS_OF_ONE: Final = ("transcript_not_ready", "task_not_found")


class ArchiveExport:
    """The work of an export Job. Begun anew when its worker died: an archive is there as a whole or not at all."""

    def __init__(self, store: Store, storage: Storage, queries: QueryService) -> None:
        self._store = store
        self._storage = storage
        self._queries = queries

    def run(self, claim: ErrandClaim, control: ErrandControl) -> ErrandOutcome:
        """To the end; without a single transcript there is no archive. Raises `CesarError("disk_full")`; `Cancelled`."""
        formats, options = tuple(claim.request["formats"]), RenderOptions(**claim.request["rendering"])
        with self._store.read() as tx:
            chosen = tx.selections.resolve(read_selection(claim.request["selection"]))
        receiver = self._storage.receive()
        try:
            with zipfile.ZipFile(_Outgoing(receiver), "w", zipfile.ZIP_DEFLATED) as archive:
                failures = self._fill(_Shelf(archive, formats), chosen, formats, options, control)
            is_empty = len(failures) == len(chosen)
            key = None if is_empty else receiver.commit().key
        finally:
            receiver.abandon()
        return ErrandOutcome(len(chosen), tuple(failures), key)

    def _fill(
        self,
        shelf: "_Shelf",
        chosen: Sequence[Selected],
        formats: Sequence[str],
        options: RenderOptions,
        control: ErrandControl,
    ) -> list[tuple[str, CesarError]]:
        failures: list[tuple[str, CesarError]] = []
        for done, one in enumerate(chosen):
            control.count(done, len(chosen))
            try:
                self._add(shelf, one, formats, options)
            except CesarError as problem:
                if problem.code not in _FAULTS_OF_ONE:
                    raise
                failures.append((one.filename, problem))
        return failures

    def _add(self, shelf: "_Shelf", one: Selected, formats: Sequence[str], options: RenderOptions) -> None:
        if one.task_id is None:
            raise CesarError("transcript_not_ready")
        transcript = self._queries.transcript(one.task_id)
        shelf.put(transcript.filename, {wanted: render_file(transcript, wanted, options) for wanted in formats})


def read_selection(stored: dict[str, Any]) -> Selection:
    """A selection as it was stored with its Job."""
    named = {name: tuple(stored.get(name, ())) for name in ("files", "tasks", "jobs")}
    return Selection(**named, tag=stored.get("tag"))


class _Shelf:
    """The archive, and the names that are taken in it."""

    def __init__(self, archive: zipfile.ZipFile, formats: Sequence[str]) -> None:
        self._archive = archive
        self._names = ArchiveNames([ending_of(wanted) for wanted in formats])

    def put(self, filename: str, files: dict[str, bytes]) -> None:
        """What was made of one recording, by format."""
        stem = self._names.stem(filename)
        for wanted, content in files.items():
            entry = zipfile.ZipInfo(f"{stem}.{ending_of(wanted)}", _moment(utc_now()))
            entry.compress_type = zipfile.ZIP_DEFLATED
            self._archive.writestr(entry, content)


def _moment(time: datetime) -> tuple[int, int, int, int, int, int]:
    return (time.year, time.month, time.day, time.hour, time.minute, time.second)


class _Outgoing(io.RawIOBase):
    """A receiver as the file that an archive is written to: it can only grow."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self._receiver = receiver

    def writable(self) -> bool:
        """It is what it is for."""
        return True

    def write(self, data: Any) -> int:
        """Append."""
        block = bytes(data)
        self._receiver.write(block)
        return len(block)
