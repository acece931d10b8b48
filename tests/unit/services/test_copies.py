"""Copies of one recording: what stays true of them when one is deleted, discarded, or imported again."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app.core.clock import utc_now
from app.domain.options import TranscriptionOptions
from app.infrastructure.storage.derived import LocalDerived
from app.models import Duplicate
from app.services.file_service import FileService
from app.services.folder_import import keep_imported
from app.services.keeping_service import KeepingRules, KeepingService
from app.services.submission import ArrivedFile, Submission
from tests.workbench import FACTS, Workbench

NOW = timedelta(0)


def arrived(bench: Workbench, content: bytes) -> ArrivedFile:
    """A received recording with these bytes."""
    return ArrivedFile("a.wav", bench.store_bytes(content), FACTS)


def send(bench: Workbench, *contents: bytes) -> list[str]:
    """A Job over Files with these bytes, of which nothing is to be transcribed; their public ids."""
    files = tuple(arrived(bench, content) for content in contents)
    job = bench.queries.job(bench.jobs.submit(Submission(TranscriptionOptions(), files=files)))
    bench.jobs.cancel(job.id)
    return [task.file_id for task in job.tasks]


def keeping(bench: Workbench) -> KeepingService:
    """The service that removes what was discarded at once."""
    rules, derived = KeepingRules(discarded=NOW), LocalDerived(bench.database_folder / "media")
    return KeepingService(bench.store, bench.storage, derived, rules, now=lambda: utc_now() + timedelta(seconds=1))


def pair(bench: Workbench, newer: int, older: int, kind: str, score: float) -> None:
    """Write a pair down, by row ids."""
    with bench.store.write() as tx:
        files = {file.id: file for file in tx.duplicates.files([newer, older])}
        tx.duplicates.add(files[newer], files[older], kind, score)


def pairs(bench: Workbench) -> set[tuple[int, int, str, float]]:
    """All pairs, by row ids."""
    with bench.database.read() as session:
        rows = session.exec(select(Duplicate)).all()
        return {(row.file_id, row.duplicate_of_id, row.match_type, row.similarity_score) for row in rows}


def with_bytes(bench: Workbench, file_ids: list[str]) -> list[bool]:
    """Which of them still have their bytes, in the database and on the disk."""
    keys = set(bench.storage.keys())
    with bench.store.read() as tx:
        return [tx.files.get(file_id).storage_path in keys for file_id in file_ids]


def test_what_sounded_like_a_deleted_file_sounds_like_its_copy(bench: Workbench) -> None:
    """The copy stands for the original in every pair that this was in, towards older and newer Files."""
    _, original, _, _ = ids = send(bench, b"old", b"a", b"a", b"new")
    pair(bench, 2, 1, "perceptual", 0.9)
    pair(bench, 4, 2, "perceptual", 0.95)
    keeping(bench).delete_file(original)
    assert pairs(bench) == {(3, 1, "perceptual", 0.9), (4, 3, "perceptual", 0.95)}
    keeping(bench).delete_file(ids[2])
    assert pairs(bench) == set()


def test_a_pair_that_is_known_is_not_handed_on_twice(bench: Workbench) -> None:
    """The copy's own finding stays as it is."""
    original, *_ = send(bench, b"a", b"a", b"b")
    pair(bench, 3, 1, "perceptual", 0.9)
    pair(bench, 3, 2, "perceptual", 0.97)
    keeping(bench).delete_file(original)
    assert pairs(bench) == {(3, 2, "perceptual", 0.97)}


def test_copies_stay_copies_when_the_one_between_them_goes(bench: Workbench) -> None:
    """A download that came last though it was asked for first is the oldest; the others are linked to it all the same."""
    late, middle, _ = send(bench, b"other", b"a", b"a")
    with bench.store.write() as tx:
        file = tx.files.get(late)
        file.file_hash_sha256 = tx.files.get(middle).file_hash_sha256
        bench.tasks.duplicates.note(tx, file)
    assert pairs(bench) == {(3, 2, "exact", 1.0), (2, 1, "exact", 1.0)}
    keeping(bench).delete_file(middle)
    assert pairs(bench) == {(3, 1, "exact", 1.0)}


@pytest.mark.parametrize("discarded", [(0,), (1,), (0, 1), (1, 2), (0, 2)])
def test_discarded_copies_lose_their_bytes_while_one_is_kept(bench: Workbench, discarded: tuple[int, ...]) -> None:
    """Whichever of three copies are discarded, the oldest among them or not: the kept ones have their bytes, the others none."""
    ids = send(bench, b"a", b"a", b"a")
    for index in discarded:
        FileService(bench.store).decide(ids[index], "discard_duplicate", None)
    keeping(bench).forget_expired()
    assert with_bytes(bench, ids) == [index not in discarded for index in range(3)]


def test_the_last_copies_keep_their_bytes(bench: Workbench) -> None:
    """Where all are discarded, none loses its bytes."""
    ids = send(bench, b"a", b"a")
    for file_id in ids:
        FileService(bench.store).decide(file_id, "discard_duplicate", None)
    keeping(bench).forget_expired()
    assert with_bytes(bench, ids) == [True, True]


def test_what_is_imported_again_is_the_copy_that_is_shown(bench: Workbench) -> None:
    """An import finds the File that people kept, not the older one that they discarded."""
    ids = send(bench, b"a", b"a")
    FileService(bench.store).decide(ids[0], "discard_duplicate", None)
    with bench.store.write() as tx:
        kept, is_new = keep_imported(tx, arrived(bench, b"a"))
        assert (kept.uuid, is_new) == (ids[1], False)
