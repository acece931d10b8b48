"""Uploads in pieces on a real database and a real disk."""

import errno
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.clock import utc_now
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.parts import Checksum
from app.domain.ports import MediaFacts
from app.domain.upload_metadata import write_metadata
from app.infrastructure.storage.growing import LocalGrowingFiles
from app.services.retry import Redo
from app.services.upload_finisher import UploadFinisher
from app.services.upload_rows import storage_name
from app.services.upload_service import NewUpload, UploadService
from app.services.work_filter import TaskFilter, TaskOrder
from tests.workbench import FACTS, Workbench


@dataclass
class Probe:
    """Says what it is told to say about every recording."""

    error: BaseException | None = None
    probed: list[Path] = field(default_factory=list)

    def probe(self, path: Path) -> MediaFacts:
        """Look at nothing."""
        self.probed.append(path)
        if self.error is not None:
            raise self.error
        return FACTS


class Uploads:
    """A workbench with uploads. `finish` and `sweep` do at once what threads do in a server."""

    def __init__(self, folder: Path, lifetime: timedelta = timedelta(hours=1)) -> None:
        self._folder = folder / "media" / "uploads"
        self.bench = Workbench(folder)
        self.probe = Probe()
        self.files = LocalGrowingFiles(folder / "media")
        bench = self.bench
        self.finisher = UploadFinisher(bench.store, bench.tasks, self.files, bench.storage, self.probe)  # type: ignore[arg-type]
        self.finisher.soon = lambda upload_id: None  # type: ignore[method-assign]
        self.service = UploadService(
            bench.store, bench.jobs, bench.tasks, self.files, self.finisher, lifetime=lifetime, max_bytes=1000
        )

    def begin(self, length: int, key: str | None = None, filename: str = "a.wav") -> str:
        return self.service.begin(NewUpload(filename, length), TranscriptionOptions(), key).id

    def send(self, upload_id: str, at: int, data: bytes, checksum: Checksum | None = None) -> None:
        writer = self.service.open(upload_id, at, checksum)
        try:
            writer.write(data)
            writer.complete()
        finally:
            writer.close()

    def bytes_of(self, upload_id: str) -> bytes:
        with self.bench.store.read() as tx:
            return self.bench.storage.path_of(tx.tasks.get(upload_id).file.storage_path or "").read_bytes()

    def leftovers(self) -> list[str]:
        return [path.name for path in self._folder.iterdir()]


@pytest.fixture
def uploads(tmp_path: Path) -> Iterator[Uploads]:
    """Nothing uploaded yet."""
    uploads = Uploads(tmp_path / "data")
    yield uploads
    uploads.finisher.close()
    uploads.bench.close()


def test_an_upload_is_a_task_from_the_beginning(uploads: Uploads) -> None:
    """It is queued and told as uploading, no worker gets it and nobody waits behind it; complete, it waits like any other."""
    (before,) = uploads.bench.submit()
    upload_id = uploads.begin(8)
    (after,) = uploads.bench.submit()
    queries = uploads.bench.queries
    places = [queries.task(task).queue_position for task in (before, upload_id, after)]
    assert places == [1, None, 2]
    assert queries.counts() == (2, 0)
    assert (queries.task(upload_id).status, queries.task(upload_id).message) == ("queued", "Uploading")
    assert uploads.bench.tasks.claim("worker", to_fetch=True) is None
    assert [uploads.bench.claim().task_id for _ in range(2)] == [before, after]
    assert uploads.bench.tasks.claim("worker", to_fetch=False) is None

    uploads.send(upload_id, 0, b"eight by")
    uploads.finisher.finish(upload_id)
    assert queries.task(upload_id).queue_position == 1
    assert queries.task(upload_id).message == ""
    assert uploads.bench.claim().task_id == upload_id
    assert uploads.bytes_of(upload_id) == b"eight by"
    assert uploads.leftovers() == []


def test_the_file_knows_its_bytes(uploads: Uploads) -> None:
    """Size, sha256 and what probing found are written down with the last byte."""
    upload_id = uploads.begin(6)
    uploads.send(upload_id, 0, b"abc")
    uploads.send(upload_id, 3, b"def")
    uploads.finisher.finish(upload_id)
    with uploads.bench.store.read() as tx:
        file = tx.tasks.get(upload_id).file
        assert file.file_hash_sha256 == hashlib.sha256(b"abcdef").hexdigest()
        assert (file.file_size_bytes, file.mime_type, file.duration_seconds) == (6, FACTS.mime_type, 1.0)


def test_progress_is_told_in_whole_percents_and_not_too_often(uploads: Uploads) -> None:
    """A hundred pieces in a moment are few events; the sweep tells what was left out; percentages never fall."""
    upload_id = uploads.begin(200)
    for at in range(100):
        uploads.send(upload_id, at, b"x")
    time.sleep(0.3)
    uploads.finisher.sweep()
    events = [json.loads(event.payload) for event in uploads.bench.log.since(upload_id, 0)]
    told = [event["stage_percentage"] for event in events if event["type"] == "progress"]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 50)
    assert len(told) < 50
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_a_key_leads_to_the_same_upload(uploads: Uploads) -> None:
    """The same announcement again is answered with where it stands; another one under the same key is refused."""
    upload_id = uploads.begin(8, "key")
    uploads.send(upload_id, 0, b"four")
    assert uploads.begin(8, "key") == upload_id
    assert uploads.service.find(upload_id).offset == 4
    with pytest.raises(CesarError, match="idempotency_conflict"):
        uploads.begin(9, "key")


def test_limits_hold_before_the_first_byte(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too large, no room on the disk, a name that promises no recording: nothing is made."""
    with pytest.raises(CesarError, match="too_large"):
        uploads.begin(1001)
    with pytest.raises(CesarError, match="unsupported_extension"):
        uploads.begin(1, filename="a.exe")
    monkeypatch.setattr(uploads.files, "free_bytes", lambda: 5)
    with pytest.raises(CesarError, match="disk_full"):
        uploads.begin(6)
    assert uploads.bench.queries.tasks(TaskFilter(), 1, 10).total == 0


def test_what_is_no_recording_fails_and_goes(uploads: Uploads) -> None:
    """The Task fails with the catalogue's code, its bytes go, it cannot be retried, and asking says that every byte came."""
    uploads.probe.error = CesarError("not_media")
    upload_id = uploads.begin(4)
    uploads.send(upload_id, 0, b"text")
    uploads.finisher.finish(upload_id)
    task = uploads.bench.queries.task(upload_id)
    assert (task.status, task.error_code) == ("failed", "not_media")
    assert uploads.bench.statuses(upload_id) == ["queued", "failed"]
    assert uploads.leftovers() == []
    assert list(uploads.bench.storage.keys()) == []
    assert uploads.service.find(upload_id).offset == 4
    with pytest.raises(CesarError, match="media_gone"):
        uploads.bench.tasks.retry(upload_id, Redo())


def test_whatever_looking_meets_ends_the_task(uploads: Uploads) -> None:
    """An error that nobody foresaw is no reason to wait for ever."""
    uploads.probe.error = RuntimeError("surprise")
    upload_id = uploads.begin(4)
    uploads.send(upload_id, 0, b"text")
    uploads.finisher.finish(upload_id)
    assert uploads.bench.queries.task(upload_id).error_code == "PROCESSING_FAILED"


@pytest.mark.parametrize("passing", [CesarError("unavailable"), OSError(errno.ENOSPC, "no space left")])
def test_what_passes_costs_no_recording(uploads: Uploads, passing: Exception) -> None:
    """A full disk or a busy database at the last step fails nothing: the bytes stay, and the next look goes on."""
    uploads.probe.error = passing
    upload_id = uploads.begin(4)
    uploads.send(upload_id, 0, b"four")
    with pytest.raises(CesarError):
        uploads.finisher.finish(upload_id)
    assert uploads.bench.queries.task(upload_id).status == "queued"
    uploads.probe.error = None
    uploads.finisher.finish(upload_id)
    assert uploads.bench.queries.task(upload_id).queue_position == 1
    assert uploads.bytes_of(upload_id) == b"four"


def test_a_known_upload_needs_no_room_for_all_of_it(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it is here: the repeated announcement leads to it although the whole would not fit any more."""
    upload_id = uploads.begin(8, "key")
    uploads.send(upload_id, 0, b"four")
    monkeypatch.setattr(uploads.files, "free_bytes", lambda: 5)
    assert uploads.begin(8, "key") == upload_id
    with pytest.raises(CesarError, match="disk_full"):
        uploads.begin(8, "other")


@pytest.mark.parametrize("how", ["cancel", "end", "delete"])
def test_an_upload_ends_with_its_task(uploads: Uploads, how: str) -> None:
    """Cancelled, ended or deleted: the connection that sends is told, its bytes go, and nothing more is taken."""
    upload_id = uploads.begin(8)
    writer = uploads.service.open(upload_id, 0)
    writer.write(b"four")
    ends = {
        "cancel": uploads.bench.tasks.cancel,
        "end": uploads.service.end,
        "delete": uploads.bench.jobs.delete_task,
    }
    ends[how](upload_id)
    with pytest.raises(CesarError, match="upload_not_found"):
        writer.keep()
    writer.close()
    uploads.finisher.sweep()
    assert uploads.leftovers() == []
    for request in (uploads.service.find, uploads.service.end):
        with pytest.raises(CesarError, match="upload_not_found"):
            request(upload_id)


def test_an_upload_that_is_ended_while_it_is_looked_at_leaves_nothing(uploads: Uploads) -> None:
    """Neither a Task in the queue nor bytes that nobody owns."""
    upload_id = uploads.begin(4)
    uploads.send(upload_id, 0, b"four")
    original = uploads.probe.probe

    def cancelling(path: Path) -> MediaFacts:
        uploads.bench.tasks.cancel(upload_id)
        return original(path)

    uploads.probe.probe = cancelling  # type: ignore[method-assign]
    uploads.finisher.finish(upload_id)
    assert uploads.bench.queries.task(upload_id).status == "cancelled"
    assert (uploads.leftovers(), list(uploads.bench.storage.keys())) == ([], [])


def test_nothing_for_too_long_is_the_end(tmp_path: Path) -> None:
    """The sweep fails the Task as expired and removes what came; a connection that still sends is spared."""
    uploads = Uploads(tmp_path / "data", lifetime=timedelta(seconds=-1))
    upload_id = _begin_expired(uploads)
    with pytest.raises(CesarError, match="upload_expired"):
        uploads.service.find(upload_id)
    held = uploads.files.open(storage_name(upload_id))
    uploads.finisher.sweep()
    assert uploads.bench.queries.task(upload_id).status == "queued"
    held.close()
    uploads.finisher.sweep()
    task = uploads.bench.queries.task(upload_id)
    assert (task.status, task.error_code) == ("failed", "upload_expired")
    assert uploads.leftovers() == []
    with pytest.raises(CesarError, match="upload_expired"):
        uploads.service.find(upload_id)
    uploads.bench.close()


def _begin_expired(uploads: Uploads) -> str:
    with pytest.raises(CesarError, match="upload_expired"):
        uploads.begin(8)
    return uploads.bench.queries.tasks(TaskFilter(), 1, 1).tasks[0].id


def test_a_damaged_piece_does_not_count(uploads: Uploads) -> None:
    """With a checksum a piece counts as a whole or not at all; the next one begins where it began."""
    upload_id = uploads.begin(8)
    good = Checksum("sha256", hashlib.sha256(b"four").digest())
    uploads.send(upload_id, 0, b"four", good)
    with pytest.raises(CesarError, match="checksum_mismatch"):
        uploads.send(upload_id, 4, b"FIVE", good)
    cut = uploads.service.open(upload_id, 4, good)
    cut.write(b"fo")
    cut.keep()
    cut.close()
    assert uploads.service.find(upload_id).offset == 4
    uploads.send(upload_id, 4, b"four", good)
    uploads.finisher.finish(upload_id)
    assert uploads.bytes_of(upload_id) == b"fourfour"


def test_a_server_killed_between_disk_and_database_goes_on(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Placed but not told: the sweep for orphans leaves it alone, and the next look finds it."""
    upload_id = uploads.begin(4)
    uploads.send(upload_id, 0, b"four")

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(uploads.finisher, "_arrive", killed)
        with pytest.raises(KeyboardInterrupt):
            uploads.finisher.finish(upload_id)
    assert list(uploads.bench.storage.keys()) == [storage_name(upload_id)]
    assert uploads.bench.jobs.remove_orphans(-60) == 0
    uploads.finisher.finish(upload_id)
    assert uploads.bytes_of(upload_id) == b"four"
    assert uploads.leftovers() == []


def test_bytes_that_the_disk_lost_have_to_come_again(uploads: Uploads) -> None:
    """A file shorter than it was known to be sets the offset back instead of leaving a hole."""
    upload_id = uploads.begin(8)
    uploads.send(upload_id, 0, b"sixsix")
    file = uploads.files.open(storage_name(upload_id))
    file.cut(2)
    file.close()
    with pytest.raises(CesarError, match="upload_conflict"):
        uploads.service.open(upload_id, 6)
    assert uploads.service.find(upload_id).offset == 2
    uploads.send(upload_id, 2, b"xsixsi")
    uploads.finisher.finish(upload_id)
    assert uploads.bytes_of(upload_id) == b"sixsixsi"


def test_an_empty_file_is_complete_at_once(uploads: Uploads) -> None:
    """There is nothing to wait for; what it is, probing says."""
    upload_id = uploads.begin(0)
    assert uploads.service.find(upload_id).expires_at is None
    uploads.finisher.finish(upload_id)
    assert uploads.bytes_of(upload_id) == b""


def test_what_comes_prolongs_the_wait(uploads: Uploads) -> None:
    """The time until an upload is given up begins anew with every piece."""
    upload_id = uploads.begin(8)
    first = uploads.service.find(upload_id).expires_at
    uploads.send(upload_id, 0, b"four")
    second = uploads.service.find(upload_id).expires_at
    assert first is not None
    assert second is not None
    assert utc_now() < first < second


PIECES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 30), st.sampled_from(["whole", "cut", "checked", "damaged"])),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES)
def test_offsets_follow_a_simple_model(uploads: Uploads, pieces: list[tuple[int, int, str]]) -> None:
    """Whatever is sent in whatever order: a piece counts exactly if it begins where the upload stands and is not damaged."""
    content = bytes(range(40))
    upload_id = uploads.begin(len(content))
    stands = 0
    for at, size, how in pieces:
        data = content[at : at + size]
        digest = hashlib.sha1(data if how != "damaged" else data + b"!", usedforsecurity=False).digest()
        checksum = Checksum("sha1", digest) if how in ("checked", "damaged") else None
        if at != stands:
            with pytest.raises(CesarError, match="upload_conflict"):
                uploads.service.open(upload_id, at, checksum)
            continue
        writer = uploads.service.open(upload_id, at, checksum)
        writer.write(data)
        if how == "damaged":
            with pytest.raises(CesarError, match="checksum_mismatch"):
                writer.complete()
        elif how != "cut":
            writer.complete()
        writer.close()
        stands += 0 if how == "damaged" else len(data)
        assert uploads.service.find(upload_id).offset == stands
    uploads.send(upload_id, stands, content[stands:])
    uploads.finisher.finish(upload_id)
    assert uploads.bytes_of(upload_id) == content


def test_many_uploads_are_one_job(uploads: Uploads) -> None:
    """A Task and an upload for each, in order; each goes its own way, and the Job ends with the last of them."""
    sizes = {"a.wav": 5, "b.wav": 3, "c.wav": 4}
    wanted = [NewUpload(name, size, write_metadata({"filename": name})) for name, size in sizes.items()]
    job_id = uploads.service.begin_all(wanted, TranscriptionOptions(), "key")
    assert uploads.service.begin_all(wanted, TranscriptionOptions(), "key") == job_id
    queries = uploads.bench.queries
    job = queries.job(job_id)
    assert [(task.filename, task.uploading, task.links.upload) for task in job.tasks] == [
        (f"{name}.wav", True, f"/uploads/{task.id}") for name, task in zip("abc", job.tasks, strict=True)
    ]
    assert [uploads.service.find(task.id).length for task in job.tasks] == [5, 3, 4]
    first, second, third = (task.id for task in job.tasks)
    uploads.send(first, 0, b"12345")
    uploads.finisher.finish(first)
    assert (queries.task(first).uploading, queries.task(first).links.upload) == (False, None)
    assert [task.uploading for task in queries.tasks(TaskFilter(order=TaskOrder.NAME)).tasks] == [False, True, True]
    uploads.service.end(second)
    uploads.bench.tasks.fail(uploads.bench.claim().lease, CesarError("bad_media"))
    assert (queries.job(job_id).status, queries.job(job_id).progress_current) == ("processing", 2)
    uploads.send(third, 0, b"1234")
    uploads.probe.error = CesarError("not_media")
    uploads.finisher.finish(third)
    assert (queries.job(job_id).status, queries.job(job_id).progress_current) == ("partial", 3)


def test_many_uploads_may_be_announced_again_when_one_is_gone(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is the Job without the recording that somebody removed from it; an empty one waits for nothing."""
    to_finish: list[str] = []
    monkeypatch.setattr(uploads.finisher, "soon", to_finish.append)
    wanted = [NewUpload("a.wav", 5), NewUpload("b.wav", 0), NewUpload("c.wav", 4)]
    job_id = uploads.service.begin_all(wanted, TranscriptionOptions(), "key")
    first, empty, third = (task.id for task in uploads.bench.queries.job(job_id).tasks)
    assert to_finish == [empty]
    uploads.bench.jobs.delete_task(first)
    assert uploads.service.begin_all(wanted, TranscriptionOptions(), "key") == job_id
    assert [task.id for task in uploads.bench.queries.job(job_id).tasks] == [empty, third]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ([NewUpload("a.wav", 5), NewUpload("b.wav", 1001)], "too_large"),
        ([NewUpload("a.wav", 5), NewUpload("b.exe", 5)], "unsupported_extension"),
    ],
)
def test_of_many_uploads_all_or_none_is_accepted(uploads: Uploads, wanted: list[NewUpload], code: str) -> None:
    """One that is refused leaves nothing of the others."""
    with pytest.raises(CesarError) as refused:
        uploads.service.begin_all(wanted, TranscriptionOptions())
    assert refused.value.code == code
    assert uploads.bench.queries.tasks().total == 0


def test_room_is_needed_for_all_of_them(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alone would fit."""
    monkeypatch.setattr(uploads.files, "free_bytes", lambda: 9)
    with pytest.raises(CesarError) as refused:
        uploads.service.begin_all([NewUpload("a.wav", 5), NewUpload("b.wav", 5)], TranscriptionOptions())
    assert refused.value.code == "disk_full"
