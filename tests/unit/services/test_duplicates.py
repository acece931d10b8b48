"""Exact duplicates: found at submission, and then transcribed again, reused or refused."""

import json

import orjson
import pytest
from sqlmodel import select

from app.domain.errors import CesarError
from app.domain.events import SegmentsRevisedEvent
from app.domain.options import TranscriptionOptions
from app.domain.ports import MediaFacts
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Transcript
from app.domain.webhooks import WebhookTarget
from app.models import Duplicate, File, WebhookDelivery
from app.services.duplicate_rule import DuplicateRule
from app.services.duplicate_service import DuplicateService
from app.services.edit_service import EditService
from app.services.retry import Redo
from app.services.reuse import WouldRun, differing_options
from app.services.runs import RunResult
from app.services.search_service import SearchService
from app.services.submission import ArrivedFile, Submission
from app.services.work_filter import JobFilter
from tests.unit.services.finished_tasks import said
from tests.workbench import FACTS, Workbench

TEXT = said(("good morning Peter", "SPEAKER_00"), ("this is Alice", "SPEAKER_01"))
WEBHOOK = WebhookTarget("https://hooks.example.org/cesar", statuses=True)


def submit(bench: Workbench, *contents: bytes, webhook: WebhookTarget | None = None, **options: object) -> list[str]:
    """A Job over Files with these bytes; the ids of its Tasks."""
    arrived = tuple(
        ArrivedFile(f"{number}.wav", bench.store_bytes(content), FACTS) for number, content in enumerate(contents)
    )
    submission = Submission(
        TranscriptionOptions(**options),  # type: ignore[arg-type]
        files=arrived,
        **({"webhook": webhook} if webhook else {}),
    )
    return bench.jobs.tasks_of_job(bench.jobs.submit(submission))


def complete(bench: Workbench) -> str:
    """Run the next Task to its end; its id."""
    claim = bench.claim()
    bench.worker_log.append([(claim.task_id, SegmentsRevisedEvent(TEXT))])
    result = RunResult(TEXT, Transcript(TEXT).text, "scripted", "script", "cpu", 60.0, "en", 0.9, diarized=True)
    bench.tasks.complete(claim.lease, result)
    return claim.task_id


def transcribed(bench: Workbench, content: bytes = b"a", **options: object) -> str:
    """A completed Task about a File with these bytes."""
    (task_id,) = submit(bench, content, **options)
    complete(bench)
    return task_id


def pairs(bench: Workbench) -> list[tuple[int, int, str, float]]:
    """All pairs, by row ids."""
    with bench.database.read() as session:
        rows = session.exec(select(Duplicate).order_by(Duplicate.id)).all()  # type: ignore[arg-type]
        return [(row.file_id, row.duplicate_of_id, row.match_type, row.similarity_score) for row in rows]


def told(bench: Workbench, task_id: str) -> list[str]:
    """What a Task's log holds: types, and what the status was."""
    events = [json.loads(event.payload) for event in bench.log.since(task_id, 0)]
    return [event.get("status", event["type"]) for event in events]


def test_the_same_bytes_are_noted_across_jobs_against_the_oldest(bench: Workbench) -> None:
    """Every later File is a duplicate of the first one, in its own Job or another; other bytes are of none."""
    submit(bench, b"a", b"b", b"a")
    submit(bench, b"a")
    assert pairs(bench) == [(3, 1, "exact", 1.0), (4, 1, "exact", 1.0)]


def test_when_the_oldest_is_deleted_the_next_takes_its_place(bench: Workbench) -> None:
    """Copies of a File that is gone are still copies of each other; the last one is of nobody."""
    first, second, third, last = submit(bench, b"a", b"a", b"a", b"a")
    bench.jobs.delete_task(first)
    assert pairs(bench) == [(3, 2, "exact", 1.0), (4, 2, "exact", 1.0)]
    bench.jobs.delete_task(second)
    assert pairs(bench) == [(4, 3, "exact", 1.0)]
    bench.jobs.delete_task(third)
    assert pairs(bench) == []
    assert bench.queries.task(last).status == "queued"


def test_unless_asked_for_a_duplicate_is_transcribed_again(bench: Workbench) -> None:
    """It waits like any other."""
    transcribed(bench)
    (task_id,) = submit(bench, b"a")
    assert bench.queries.task(task_id).status == "queued"
    assert bench.queries.task(task_id).reused_from is None


def test_a_reused_transcript_is_there_at_once(bench: Workbench) -> None:
    """Text, segments with words and speakers, language, engine: the new Task and its Job are completed; its File is its own."""
    first = transcribed(bench)
    (second,) = submit(bench, b"a", on_duplicate="reuse")
    old, new = bench.queries.task(first), bench.queries.task(second)
    assert (new.status, new.progress_percentage, new.reused_from) == ("completed", 100, first)
    same = (
        "result_text",
        "engine",
        "model",
        "device",
        "detected_language",
        "language_probability",
        "speaker_count",
        "diarized",
    )
    assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    assert bench.queries.transcript(second).segments == bench.queries.transcript(first).segments
    job = bench.queries.job(new.job_id)
    assert (job.status, job.progress_current, job.completed_at is not None) == ("completed", 1, True)
    assert new.file_id != old.file_id
    assert len(list(bench.storage.keys())) == 2


def test_a_reused_transcript_is_told_found_and_announced_like_any_other(bench: Workbench) -> None:
    """The log has accepted, segments, complete, completed; a snapshot shows it; the search finds it; webhooks hear of it."""
    first = transcribed(bench)
    (second,) = submit(bench, b"a", on_duplicate="reuse", webhook=WEBHOOK)
    assert told(bench, second) == ["queued", "segments_revised", "progress", "completed"]
    assert bench.log.since(second, 0)[-1].final
    snapshot = bench.log.snapshot(second)
    assert snapshot is not None
    assert b"good morning Peter" in b"".join(snapshot.payloads)
    found = SearchService(bench.store).search("alice", 1, 10).results
    assert {hit.task_id for hit in found} == {first, second}
    assert second in bench.announcements.announced
    with bench.database.read() as session:
        deliveries = session.exec(select(WebhookDelivery)).all()
        bodies = [orjson.loads(row.payload) for row in deliveries]
    assert [body["type"] for body in bodies] == ["task.status", "task.status", "job.completed"]


def test_of_many_files_only_the_known_ones_are_reused(bench: Workbench) -> None:
    """The others wait, and their places in the queue are told without a hole."""
    transcribed(bench)
    known, first, second = submit(bench, b"a", b"b", b"c", on_duplicate="reuse")
    assert bench.queries.task(known).status == "completed"
    assert [bench.queries.task(task).queue_position for task in (first, second)] == [1, 2]
    last = json.loads(bench.log.since(first, 0)[-1].payload)
    assert (last["status"], last["queue_position"]) == ("queued", 1)
    assert bench.queries.job(bench.queries.task(known).job_id).status == "processing"


def test_what_people_made_of_it_is_reused_as_well(bench: Workbench) -> None:
    """Edits and names come along, and each copy can be changed without the other."""
    first = transcribed(bench)
    edits = EditService(bench.store)
    version = bench.queries.transcript(first).version
    edits.name_speaker(first, version, "SPEAKER_01", "Alice")
    shown = bench.queries.transcript(first)
    edits.change(first, shown.version, shown.segments[0].id, text="Good evening")
    (second,) = submit(bench, b"a", on_duplicate="reuse")
    copy = bench.queries.transcript(second)
    assert [(segment.text, segment.speaker) for segment in copy.segments] == [
        ("Good evening", "SPEAKER_00"),
        ("this is Alice", "Alice"),
    ]
    assert bench.queries.task(second).result_text == copy.text
    edits.name_speaker(second, copy.version, "SPEAKER_01", "Bob")
    assert bench.queries.transcript(first).segments[1].speaker == "Alice"


def test_a_transcript_that_was_made_otherwise_is_not_reused(bench: Workbench) -> None:
    """The recording is transcribed, and the answer says what differs."""
    first = transcribed(bench, beam_size=5)
    (second,) = submit(bench, b"a", on_duplicate="reuse", beam_size=2, task="translate")
    assert bench.queries.task(second).status == "queued"
    job = bench.queries.job(bench.queries.task(second).job_id)
    (task,) = DuplicateService(bench.store, bench.tasks.duplicates).answer(job).tasks
    assert task.duplicate_of is not None
    assert task.duplicate_of.task_id == first
    assert task.duplicate_of.differs == ["task", "beam_size"]


def test_of_several_transcripts_the_one_that_fits_is_reused(bench: Workbench) -> None:
    """The newest that was made with the same options, not simply the newest."""
    fitting = transcribed(bench, beam_size=2)
    transcribed(bench, beam_size=3)
    (task_id,) = submit(bench, b"a", on_duplicate="reuse", beam_size=2)
    assert bench.queries.task(task_id).reused_from == fitting


@pytest.mark.parametrize("end", ["failed", "cancelled", "queued"])
def test_only_a_completed_transcript_is_reused(bench: Workbench, end: str) -> None:
    """What failed, was cancelled or is not finished is no transcript."""
    (first,) = submit(bench, b"a")
    if end == "failed":
        bench.tasks.fail(bench.claim().lease, CesarError("bad_media"))
    elif end == "cancelled":
        bench.tasks.cancel(first)
    (second,) = submit(bench, b"a", on_duplicate="reuse")
    assert bench.queries.task(second).status == "queued"


def test_a_refused_duplicate_leaves_nothing(bench: Workbench) -> None:
    """409 names the File and the Task that are there; no Job, File or byte of the new one is kept, whatever else came with it."""
    first = transcribed(bench)
    with pytest.raises(CesarError) as refused:
        submit(bench, b"new", b"a", on_duplicate="refuse")
    assert refused.value.code == "duplicate_refused"
    assert refused.value.entry.http_status == 409
    assert first in (refused.value.detail or "")
    assert bench.queries.task(first).file_id in (refused.value.detail or "")
    assert bench.queries.jobs(JobFilter(), 1, 10).total == 1
    assert len(list(bench.storage.keys())) == 1
    with bench.database.read() as session:
        assert len(session.exec(select(File)).all()) == 1


def test_the_same_file_twice_in_one_submission_is_refused_too(bench: Workbench) -> None:
    """A duplicate of what comes with it is a duplicate."""
    with pytest.raises(CesarError, match="duplicate_refused"):
        submit(bench, b"a", b"a", on_duplicate="refuse")
    assert list(bench.storage.keys()) == []


def test_what_never_became_a_transcript_is_not_refused(bench: Workbench) -> None:
    """After a failure or a cancellation the recording may be sent again."""
    submit(bench, b"a")
    bench.tasks.fail(bench.claim().lease, CesarError("out_of_memory"))
    (task_id,) = submit(bench, b"a", on_duplicate="refuse")
    assert bench.queries.task(task_id).status == "queued"


def test_the_setting_counts_where_a_request_is_silent(bench: Workbench) -> None:
    """A request's own choice goes over it."""
    first = transcribed(bench)
    bench.tasks.duplicates = DuplicateRule("reuse")
    (reused,) = submit(bench, b"a")
    (again,) = submit(bench, b"a", on_duplicate="transcribe")
    assert bench.queries.task(reused).reused_from == first
    assert bench.queries.task(again).status == "queued"


def test_a_retry_from_the_recording_is_no_longer_reused(bench: Workbench) -> None:
    """Once it is transcribed by itself, its transcript is its own."""
    transcribed(bench)
    (task_id,) = submit(bench, b"a", on_duplicate="reuse")
    bench.tasks.retry(task_id, Redo(TaskProgressStage.TRANSCRIBING))
    assert bench.queries.task(task_id).reused_from is None
    assert complete(bench) == task_id


class FromUrl:
    """A Task whose bytes come over a URL."""

    def __init__(self, bench: Workbench, **options: object) -> None:
        self._bench = bench
        wanted = TranscriptionOptions(**options)  # type: ignore[arg-type]
        job = bench.jobs.submit(Submission(wanted, url="https://example.org/a.wav"))
        (self.task_id,) = bench.jobs.tasks_of_job(job)
        claim = bench.tasks.claim("worker", to_fetch=True)
        assert claim is not None
        self.lease = claim.lease

    def arrives(self, content: bytes, facts: MediaFacts = FACTS) -> None:
        """The download ended."""
        self._bench.tasks.arrived(self.lease, self._bench.store_bytes(content), facts, "a.wav")


def test_a_download_is_recognised_when_it_arrives(bench: Workbench) -> None:
    """Its pair is written down; with `reuse` its Task is completed without being queued for transcription."""
    first = transcribed(bench)
    download = FromUrl(bench, on_duplicate="reuse")
    download.arrives(b"a")
    assert pairs(bench) == [(2, 1, "exact", 1.0)]
    assert bench.queries.task(download.task_id).reused_from == first
    assert told(bench, download.task_id)[-4:] == ["queued", "segments_revised", "progress", "completed"]


def test_a_download_can_be_refused_when_it_arrives(bench: Workbench) -> None:
    """What arrives is not kept: the caller removes the bytes and fails the Task."""
    transcribed(bench)
    download = FromUrl(bench, on_duplicate="refuse")
    with pytest.raises(CesarError, match="duplicate_refused"):
        download.arrives(b"a")
    assert pairs(bench) == []
    assert bench.tasks.holds(download.lease)


def test_a_late_download_is_a_duplicate_of_what_is_older(bench: Workbench) -> None:
    """The File that was there first is the older one, also when its bytes come last."""
    download = FromUrl(bench)
    submit(bench, b"a")
    download.arrives(b"a")
    assert pairs(bench) == [(2, 1, "exact", 1.0)]


def test_what_matters_for_reuse(bench: Workbench) -> None:
    """Engine and model as they ran, language as it was found, and every option that changes words or speakers – and no other."""
    transcribed(bench, language=None, diarize=True, min_speakers=2, batch_size=4, device="cpu")
    with bench.store.read() as tx:
        (source,) = tx.duplicates.finished_tasks(_sha(bench))
        made = source.job.options

        def differing(would_run: WouldRun = WouldRun(), **changes: object) -> tuple[str, ...]:  # noqa: B008
            return differing_options({**made, **changes}, would_run, source)

        assert differing() == ()
        assert differing(batch_size=8, device="cuda", preset="fast") == ()
        assert differing(language="en") == ()
        assert differing(language="de") == ("language",)
        assert differing(WouldRun("scripted", "script")) == ()
        assert differing(WouldRun("whisperx", "small")) == ("engine", "model")
        assert differing(model="medium") == ("model",)
        assert differing(hotwords="Cesar", vad_onset=0.4) == ("hotwords", "vad_onset")
        assert differing(min_speakers=3) == ("min_speakers",)
        assert differing(diarize=False, min_speakers=3) == ("diarize",)


def _sha(bench: Workbench) -> str:
    with bench.database.read() as session:
        return session.exec(select(File.file_hash_sha256)).first() or ""


def test_the_answer_names_what_is_there(bench: Workbench) -> None:
    """Per Task: the oldest File, score 1.0, and the finished transcript; null for what is new."""
    first = transcribed(bench)
    known, new = submit(bench, b"a", b"b")
    job = bench.queries.job(bench.queries.task(known).job_id)
    about_known, about_new = DuplicateService(bench.store, bench.tasks.duplicates).answer(job).tasks
    assert about_known.duplicate_of is not None
    assert about_known.duplicate_of.model_dump() == {
        "file_id": bench.queries.task(first).file_id,
        "score": 1.0,
        "task_id": first,
        "transcript": f"/tasks/{first}/transcript",
        "differs": [],
    }
    assert about_new.id == new
    assert about_new.duplicate_of is None


def test_groups_show_files_pairs_and_decisions(bench: Workbench) -> None:
    """One group for all copies, oldest File first; whoever is alone is in none."""
    submit(bench, b"a", b"b", b"a")
    submit(bench, b"c", b"a", b"c")
    groups = DuplicateService(bench.store, bench.tasks.duplicates)
    page = groups.groups(1, 50)
    assert all(file.has_media for group in page.groups for file in group.files)
    assert page.total == 2
    assert [len(group.files) for group in page.groups] == [2, 3]
    oldest = page.groups[1].files[0].id
    assert {pair.duplicate_of_id for pair in page.groups[1].pairs} == {oldest}
    assert [file.decision for file in page.groups[1].files] == [None, None, None]
    assert groups.groups(2, 1).groups == page.groups[1:]


def test_a_repeated_submission_reuses_once(bench: Workbench) -> None:
    """The same Idempotency-Key answers with the first one's Job, which has its transcript already."""
    transcribed(bench)

    def again() -> str:
        arrived = ArrivedFile("a.wav", bench.store_bytes(b"a"), FACTS)
        options = TranscriptionOptions(on_duplicate="reuse")
        return bench.jobs.submit(Submission(options, files=(arrived,), idempotency_key="key"))

    assert again() == again()
    assert bench.queries.jobs(JobFilter(), 1, 10).total == 2
    assert len(list(bench.storage.keys())) == 2


def test_a_key_used_before_there_was_a_choice_stays_good() -> None:
    """A request that says nothing about duplicates has the fingerprint that it had in earlier releases."""
    quiet, loud = (Submission(TranscriptionOptions(on_duplicate=choice), url="u") for choice in (None, "reuse"))
    assert quiet.fingerprint != loud.fingerprint
    assert quiet.fingerprint == "360da7be3b63f929e7200e78938eb4f39265e82c6e023128bfcd74b2fc1e46bc"


def test_a_choice_that_there_is_not_is_refused() -> None:
    """Where options are made, whoever makes them."""
    with pytest.raises(CesarError, match="on_duplicate must be one of"):
        TranscriptionOptions(on_duplicate="perhaps")
