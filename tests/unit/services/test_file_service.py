"""Files are listed, looked at and decided about; what is decided takes effect by being read."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.domain.errors import CesarError
from app.domain.media import TimeTag
from app.domain.options import TranscriptionOptions
from app.domain.ports import MediaFacts
from app.models import Duplicate
from app.schemas.files import FilePage
from app.services.file_service import FileService
from app.services.library_store import FileFilter, FileOrder
from app.services.submission import ArrivedFile, Submission
from tests.workbench import FACTS, Workbench

EVERY = FileFilter()


@pytest.fixture
def files(bench: Workbench) -> FileService:
    """The service on the workbench's database."""
    return FileService(bench.store)


def arrive(bench: Workbench, *names: str, facts: MediaFacts = FACTS) -> list[str]:
    """Take recordings in; the public ids of their Files, in this order."""
    arrived = tuple(ArrivedFile(name, bench.store_bytes(name.encode()), facts) for name in names)
    job_id = bench.jobs.submit(Submission(TranscriptionOptions(), files=arrived))
    return [task.file_id for task in bench.queries.job(job_id).tasks]


def shown(page: FilePage) -> list[str]:
    """The names on a page."""
    return [file.filename for file in page.files]


def test_pages_are_newest_first(bench: Workbench, files: FileService) -> None:
    """A list goes from the newest arrival to the oldest, page by page, with the Tasks of each."""
    arrive(bench, "a.wav", "b.wav", "c.wav")
    first, second = files.files(EVERY, 1, 2), files.files(EVERY, 2, 2)
    assert (shown(first), shown(second), first.total) == (["c.wav", "b.wav"], ["a.wav"], 3)
    (task,) = first.files[0].tasks
    assert bench.queries.task(task.id).job_id == task.job_id


def test_names_are_searched(bench: Workbench, files: FileService) -> None:
    """Any part of a name finds it, in either case; signs of SQL are letters like others."""
    arrive(bench, "Talk 50%.wav", "talk_2.wav", "note.wav")
    assert shown(files.files(FileFilter(name="TALK"), 1, 9)) == ["talk_2.wav", "Talk 50%.wav"]
    assert shown(files.files(FileFilter(name="%"), 1, 9)) == ["Talk 50%.wav"]
    assert shown(files.files(FileFilter(name="k_"), 1, 9)) == ["talk_2.wav"]


def test_a_decided_time_counts_until_it_is_taken_back(bench: Workbench, files: FileService) -> None:
    """An override is in force with source `user`; what was found out stays, and counts again afterwards."""
    (file_id,) = arrive(bench, "2024-05-06 14.33.21.wav")
    found = files.file(file_id)
    assert (found.effective_timestamp.source, found.effective_timestamp.confidence) == ("filename", "low")
    files.decide(file_id, "timestamp_override", "1999-12-31T23:00:00-02:00")
    decided = files.file(file_id)
    assert decided.effective_timestamp.model_dump(mode="json") == {
        "value": "2000-01-01T01:00:00Z", "source": "user", "confidence": "high", "precision": "second",
    }  # fmt: skip
    assert (decided.detected_timestamp, decided.timestamp_source) == (found.detected_timestamp, "filename")
    files.decide(file_id, "timestamp_override", None)
    assert files.file(file_id).effective_timestamp == found.effective_timestamp


def test_the_order_of_recording_follows_decisions(bench: Workbench, files: FileService) -> None:
    """Sorted by the time in force, newest first; Files without one come last."""
    ids = arrive(bench, "2024-05-06 10.00.00.wav", "none.wav", "2024-05-08 10.00.00.wav", "2024-05-07.wav")
    by_time = FileFilter(order=FileOrder.RECORDED)
    names = shown(files.files(by_time, 1, 9))
    assert names == ["2024-05-08 10.00.00.wav", "2024-05-07.wav", "2024-05-06 10.00.00.wav", "none.wav"]
    files.decide(ids[1], "timestamp_override", "2024-05-07T12:00:00Z")
    files.decide(ids[2], "timestamp_override", "2024-05-01T12:00:00.5+05:00")
    assert shown(files.files(by_time, 1, 9)) == ["none.wav", "2024-05-07.wav", "2024-05-06 10.00.00.wav", names[0]]
    files.decide(ids[1], "timestamp_override", None)
    assert shown(files.files(by_time, 1, 9))[-1] == "none.wav"


def test_a_day_is_shown_as_a_day(bench: Workbench, files: FileService) -> None:
    """How finely a time is known comes with it."""
    (file_id,) = arrive(bench, "PTT-20240506-WA0001.opus")
    assert files.file(file_id).effective_timestamp.precision == "day"
    assert [candidate.raw for candidate in files.file(file_id).timestamp_candidates] == ["20240506"]


def test_a_discarded_copy_is_hidden_until_it_is_kept(bench: Workbench, files: FileService) -> None:
    """Lists leave it out unless asked; its own address always shows it."""
    ids = arrive(bench, "a.wav", "b.wav")
    files.decide(ids[0], "discard_duplicate", None)
    assert shown(files.files(EVERY, 1, 9)) == ["b.wav"]
    assert files.files(EVERY, 1, 9).total == 1
    everything = files.files(FileFilter(hidden=True), 1, 9)
    assert [(file.filename, file.hidden) for file in everything.files] == [("b.wav", False), ("a.wav", True)]
    assert files.file(ids[0]).hidden
    files.decide(ids[0], "keep_duplicate", None)
    assert shown(files.files(EVERY, 1, 9)) == ["b.wav", "a.wav"]


def test_tags_are_filters(bench: Workbench, files: FileService) -> None:
    """A File has the tags of its newest assignment; an empty list takes them away."""
    ids = arrive(bench, "a.wav", "b.wav")
    files.decide(ids[0], "tag_assignment", ["talk", "Übung"])
    files.decide(ids[1], "tag_assignment", '["talk"]')
    assert shown(files.files(FileFilter(tag=" talk"), 1, 9)) == ["b.wav", "a.wav"]
    assert shown(files.files(FileFilter(tag="Übung"), 1, 9)) == ["a.wav"]
    assert shown(files.files(FileFilter(tag="tal"), 1, 9)) == []
    files.decide(ids[0], "tag_assignment", ["other"])
    files.decide(ids[1], "tag_assignment", [])
    assert shown(files.files(FileFilter(tag="talk"), 1, 9)) == []
    assert [file.tags for file in files.files(EVERY, 1, 9).files] == [[], ["other"]]


def test_the_history_is_whole(bench: Workbench, files: FileService) -> None:
    """Every decision stays, oldest first, with its moment in UTC."""
    (file_id,) = arrive(bench, "a.wav")
    for kind, value in [("tag_assignment", ["a"]), ("discard_duplicate", None), ("tag_assignment", []),
                        ("timestamp_override", "2024-05-06T14:33:21+02:00"), ("keep_duplicate", None)]:  # fmt: skip
        files.decide(file_id, kind, value)
    history = files.decisions(file_id).decisions
    assert [(one.decision_type, one.decision_value) for one in history] == [
        ("tag_assignment", ["a"]),
        ("discard_duplicate", None),
        ("tag_assignment", []),
        ("timestamp_override", "2024-05-06T12:33:21.000000+00:00"),
        ("keep_duplicate", None),
    ]
    times = [one.decided_at for one in history]
    assert times == sorted(times)
    assert datetime.now(UTC) - times[-1] < timedelta(minutes=1)


def test_a_repeated_key_decides_once(bench: Workbench, files: FileService) -> None:
    """The same key gives the same decision, also when others were made since; for another one it is a conflict."""
    ids = arrive(bench, "a.wav", "b.wav")
    first = files.decide(ids[0], "discard_duplicate", None, "key")
    files.decide(ids[0], "keep_duplicate", None)
    assert files.decide(ids[0], "discard_duplicate", None, "key") == first
    assert not files.file(ids[0]).hidden
    assert len(files.decisions(ids[0]).decisions) == 2
    with pytest.raises(CesarError) as caught:
        files.decide(ids[0], "tag_assignment", [], "key")
    assert caught.value.code == "idempotency_conflict"
    files.decide(ids[1], "discard_duplicate", None, "key")
    assert files.file(ids[1]).hidden


@pytest.mark.parametrize(
    ("kind", "value"), [("rename", None), ("tag_assignment", "talk"), ("timestamp_override", "now")]
)
def test_wrong_decisions_leave_no_trace(bench: Workbench, files: FileService, kind: str, value: str | None) -> None:
    """What cannot be is refused, and nothing is appended."""
    (file_id,) = arrive(bench, "a.wav")
    with pytest.raises(CesarError) as caught:
        files.decide(file_id, kind, value)
    assert (caught.value.code, files.decisions(file_id).decisions) == ("bad_value", [])


def test_what_is_not_there_is_told(files: FileService) -> None:
    """An unknown File is unknown to every question."""
    for ask in (files.file, files.decisions, lambda unknown: files.decide(unknown, "keep_duplicate", None)):
        with pytest.raises(CesarError) as caught:
            ask("unknown")
        assert caught.value.code == "file_not_found"


def test_duplicates_are_shown_from_both_sides(bench: Workbench, files: FileService) -> None:
    """A pair stands at the older File and at the newer."""
    older, newer = arrive(bench, "a.wav", "b.wav")
    with bench.database.write(durable=True) as session:
        keys = dict(session.execute(text("SELECT uuid, id FROM files")).all())
        pair = {"match_type": "perceptual", "similarity_score": 0.93}
        session.add(Duplicate(file_id=keys[newer], duplicate_of_id=keys[older], **pair))
    for file_id in (older, newer):
        (found,) = files.file(file_id).duplicates
        assert (found.file_id, found.duplicate_of_id, found.similarity_score) == (newer, older, 0.93)


def test_no_path_of_the_server_is_shown(bench: Workbench, files: FileService) -> None:
    """Neither where the bytes rest nor the query of an address."""
    (file_id,) = arrive(
        bench, "a.wav", facts=MediaFacts("audio/wav", 1.0, "wav", "x", 8000, 1, (), (TimeTag("c", "date", "x"),))
    )
    with bench.database.write(durable=True) as session:
        session.execute(text("UPDATE files SET source_url = 'https://me:pw@example.org/a.wav?key=secret'"))
        key = session.execute(text("SELECT storage_path FROM files")).scalar_one()
    body = files.file(file_id).model_dump_json()
    assert key not in body
    assert "secret" not in body
    assert "pw" not in body
    assert files.file(file_id).source_url == "https://example.org/a.wav"


def test_tags_in_use_are_counted(bench: Workbench, files: FileService) -> None:
    """The most used first, as they are in force; what was discarded as a copy does not count."""
    first, second, third, copy = arrive(bench, "a.wav", "b.wav", "c.wav", "d.wav")
    for file_id, tags in ((first, ["work", "old"]), (second, ["work"]), (third, ["home"]), (copy, ["gone"])):
        files.decide(file_id, "tag_assignment", tags)
    files.decide(first, "tag_assignment", ["work", "home"])
    files.decide(copy, "discard_duplicate", None)
    assert [(count.tag, count.files) for count in files.tags().tags] == [("home", 2), ("work", 2)]
    files.decide(third, "tag_assignment", [])
    assert [(count.tag, count.files) for count in files.tags().tags] == [("work", 2), ("home", 1)]
