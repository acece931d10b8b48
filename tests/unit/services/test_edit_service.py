"""People change transcripts, on a real database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from app.domain.errors import CesarError
from app.domain.progress import TaskProgressStage
from app.schemas.tasks import Transcript
from app.services.edit_service import EditService
from app.services.retry import Redo
from app.services.store import Transaction
from tests.unit.services.finished_tasks import finished, run, said
from tests.workbench import Workbench

TALK = said(("good morning", "SPEAKER_00"), ("good day to you", "SPEAKER_01"), ("how are you", "SPEAKER_00"))


@pytest.fixture
def edits(bench: Workbench) -> EditService:
    return EditService(bench.store)


@pytest.fixture
def task_id(bench: Workbench) -> str:
    """A finished conversation of two."""
    return finished(bench, TALK)


def shown(bench: Workbench, task_id: str) -> Transcript:
    return bench.queries.transcript(task_id)


def texts(bench: Workbench, task_id: str) -> list[str]:
    return [segment.text for segment in shown(bench, task_id).segments]


def refusal(action) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(CesarError) as refused:
        action()
    return refused.value.code


def test_a_change_is_shown_everywhere(bench: Workbench, edits: EditService, task_id: str) -> None:
    """Transcript, the Task's text and the answer say the same; the machine's segments stay as they are."""
    version = shown(bench, task_id).version
    changed = edits.change(task_id, version, "m2000", text="good evening to you")
    assert changed.version == version + 1 == shown(bench, task_id).version
    assert [(segment.id, segment.index, segment.text) for segment in changed.segments] == [
        ("e1-0", 1, "good evening to you")
    ]
    assert changed.removed == ["m2000"]
    assert changed.segments[0] == shown(bench, task_id).segments[1]
    assert bench.queries.task(task_id).result_text == "good morning good evening to you how are you"
    with bench.store.read() as tx:
        assert [row.text for row in tx.transcripts.of(tx.tasks.get(task_id))] == [segment.text for segment in TALK]


def test_the_answers_lead_from_one_transcript_to_the_next(bench: Workbench, edits: EditService, task_id: str) -> None:
    """Whoever drops and inserts what each answer says has what the server shows."""
    steps = [
        lambda version: edits.split(task_id, version, "m2000", offset=8),
        lambda version: edits.merge(task_id, version, "m0", "e1-0"),
        lambda version: edits.name_speaker(task_id, version, "SPEAKER_00", "Anna"),
        lambda version: edits.change(task_id, version, "m4000", text="", speaker="Zoe"),
        lambda version: edits.restore(task_id, version, "e1-1"),
    ]
    begun = shown(bench, task_id)
    mine, version = list(begun.segments), begun.version
    for step in steps:
        told = step(version)
        gone = {*told.removed, *(segment.id for segment in told.segments)}
        mine = [segment for segment in mine if segment.id not in gone]
        for segment in told.segments:
            mine.insert(segment.index, segment)
        version = told.version
        now = shown(bench, task_id)
        assert [segment.model_copy(update={"index": at}) for at, segment in enumerate(mine)] == now.segments
        assert (told.version, told.speakers, told.unplaced_edits) == (now.version, now.speakers, now.unplaced_edits)


def test_a_change_on_an_old_version_is_refused(bench: Workbench, edits: EditService, task_id: str) -> None:
    """The first of two editors wins, the second changes nothing."""
    version = shown(bench, task_id).version
    edits.change(task_id, version, "m0", text="first")
    assert refusal(lambda: edits.change(task_id, version, "m4000", text="second")) == "edit_conflict"
    assert refusal(lambda: edits.name_speaker(task_id, version, "SPEAKER_00", "x")) == "edit_conflict"
    assert texts(bench, task_id) == ["first", "good day to you", "how are you"]


class Meanwhile:
    """A store in which something happens before each write."""

    def __init__(self, bench: Workbench, happens) -> None:  # type: ignore[no-untyped-def]
        self._store, self._happens = bench.store, happens
        self.read = bench.store.read

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Transaction]:
        """Let it happen, then write."""
        self._happens()
        with self._store.write(durable=durable) as tx:
            yield tx


def test_who_is_overtaken_between_reading_and_writing_is_refused(
    bench: Workbench, edits: EditService, task_id: str
) -> None:
    """By another editor, or by the machine; what the other did stays as it is, in the search too."""
    version = shown(bench, task_id).version
    other = EditService(Meanwhile(bench, lambda: edits.change(task_id, version, "m0", text="first")))
    assert refusal(lambda: other.split(task_id, version, "m2000", offset=5)) == "edit_conflict"
    assert texts(bench, task_id) == ["first", "good day to you", "how are you"]
    machine = EditService(Meanwhile(bench, lambda: bench.tasks.retry(task_id, Redo(TaskProgressStage.DIARIZING))))
    assert refusal(lambda: machine.change(task_id, version + 1, "m2000", text="second")) == "illegal_move"
    assert texts(bench, task_id) == ["first", "good day to you", "how are you"]


def test_nobody_waits_while_a_long_transcript_is_read(bench: Workbench) -> None:
    """While an edit holds the database's one lock it reads no segment."""
    words = "this is one of the many segments of a rather long talk"
    task_id = finished(bench, said(*((f"{words} {at}", f"SPEAKER_0{at // 7 % 3}") for at in range(2000))))
    asked: list[str] = []

    class Overheard(Meanwhile):
        @contextmanager
        def write(self, *, durable: bool = False) -> Iterator[Transaction]:
            with bench.store.write(durable=durable) as tx:
                event.listen(bench.database.engine, "before_cursor_execute", listen)
                yield tx
                event.remove(bench.database.engine, "before_cursor_execute", listen)

    def listen(_connection, _cursor, statement, *_others) -> None:  # type: ignore[no-untyped-def]
        asked.append(statement)

    edits = EditService(Overheard(bench, None))
    version = edits.change(task_id, shown(bench, task_id).version, "m4000", text="something else").version
    version = edits.split(task_id, version, "m8000", offset=8).version
    version = edits.name_speaker(task_id, version, "SPEAKER_01", "Anna").version
    edits.restore(task_id, version, "e1-0")
    assert {statement.split()[0] for statement in asked} >= {"INSERT", "UPDATE", "DELETE"}
    assert [statement for statement in asked if statement.startswith("SELECT") and "segment" in statement] == []


def test_a_change_that_changes_nothing_is_no_change(bench: Workbench, edits: EditService, task_id: str) -> None:
    """The version stays, so nobody else is refused for it; but it has to be the present one."""
    version = shown(bench, task_id).version
    for told in (
        edits.change(task_id, version, "m0", text=" good  morning "),
        edits.change(task_id, version, "m0", speaker=None),
        edits.name_speaker(task_id, version, "SPEAKER_00", None),
    ):
        assert (told.version, told.segments, told.removed) == (version, [], [])
        assert told.speakers == shown(bench, task_id).speakers
    assert shown(bench, task_id).version == version
    changed = edits.change(task_id, version, "m0", text="hello").version
    assert edits.change(task_id, changed, "e1-0", text="hello").version == changed == version + 1
    assert refusal(lambda: edits.change(task_id, version, "e1-0", text="hello")) == "edit_conflict"


def test_a_refused_change_counts_for_nothing(bench: Workbench, edits: EditService, task_id: str) -> None:
    """What was not found or not allowed leaves the version as it is."""
    version = shown(bench, task_id).version
    assert refusal(lambda: edits.change(task_id, version, "m1", text="x")) == "segment_not_found"
    assert refusal(lambda: edits.split(task_id, version, "m0", at=99)) == "bad_value"
    assert refusal(lambda: edits.name_speaker(task_id, version, "SPEAKER_07", "x")) == "speaker_not_found"
    assert refusal(lambda: edits.name_speaker(task_id, version, "SPEAKER_00", "SPEAKER_01")) == "bad_value"
    assert refusal(lambda: edits.restore(task_id, version, "m0")) == "segment_not_found"
    assert refusal(lambda: edits.speakers("nobody")) == "task_not_found"
    assert shown(bench, task_id).version == version


def test_a_running_task_is_not_edited(bench: Workbench, edits: EditService) -> None:
    """Its segments are still the machine's to change."""
    (task_id,) = bench.submit()
    assert refusal(lambda: edits.change(task_id, 0, "m0", text="x")) == "illegal_move"
    bench.claim()
    assert refusal(lambda: edits.change(task_id, 0, "m0", text="x")) == "illegal_move"


def test_a_name_is_shown_wherever_the_speaker_is(bench: Workbench, edits: EditService, task_id: str) -> None:
    """On segments and words; an empty name takes it back."""
    told = edits.name_speaker(task_id, shown(bench, task_id).version, "SPEAKER_00", "  Anna  B. ")
    assert [segment.id for segment in told.segments] == ["m0", "m4000"]
    assert {word.speaker for segment in told.segments for word in segment.words} == {"Anna B."}
    assert [(s.label, s.name, s.seconds) for s in edits.speakers(task_id).speakers] == [
        ("SPEAKER_00", "Anna B.", 4.0),
        ("SPEAKER_01", None, 2.0),
    ]
    told = edits.name_speaker(task_id, told.version, "SPEAKER_00", "")
    assert {segment.speaker for segment in told.segments} == {"SPEAKER_00"}


def test_a_name_of_one_segment_is_counted_by_itself(bench: Workbench, edits: EditService, task_id: str) -> None:
    """It has no label."""
    edits.change(task_id, shown(bench, task_id).version, "m0", speaker="Zoe")
    assert [(s.label, s.name, s.seconds) for s in edits.speakers(task_id).speakers] == [
        ("SPEAKER_00", None, 2.0),
        ("SPEAKER_01", None, 2.0),
        (None, "Zoe", 2.0),
    ]


PERMUTED = said(("good morning", "SPEAKER_01"), ("good day to you", "SPEAKER_00"), ("how are you", "SPEAKER_01"))
SILENT = said(*((segment.text, None) for segment in TALK))


@pytest.mark.parametrize("revisions", [[PERMUTED], [SILENT, PERMUTED]])
def test_edits_and_names_survive_a_new_diarization(
    bench: Workbench,
    edits: EditService,
    task_id: str,
    revisions: list[tuple],  # type: ignore[type-arg]
) -> None:
    """Labels are dealt out anew; names and chosen speakers follow the people, also when segments lost their speakers in between."""
    version = edits.name_speaker(task_id, shown(bench, task_id).version, "SPEAKER_00", "Anna").version
    version = edits.name_speaker(task_id, version, "SPEAKER_01", "Ben").version
    version = edits.change(task_id, version, "m2000", text="good evening", speaker="Anna").version
    bench.tasks.retry(task_id, Redo(TaskProgressStage.DIARIZING))
    run(bench, *revisions)
    after = shown(bench, task_id)
    assert [(s.text, s.speaker, s.speaker_label) for s in after.segments] == [
        ("good morning", "Anna", "SPEAKER_01"),
        ("good evening", "Anna", "SPEAKER_01"),
        ("how are you", "Anna", "SPEAKER_01"),
    ]
    assert [(speaker.label, speaker.name) for speaker in after.speakers] == [
        ("SPEAKER_01", "Anna"),
        ("SPEAKER_00", "Ben"),
    ]
    assert after.version > version
    assert bench.queries.task(task_id).result_text == "good morning good evening how are you"


def test_a_speaker_who_is_gone_leaves_the_name_where_it_was_chosen(
    bench: Workbench, edits: EditService, task_id: str
) -> None:
    """A person said that this segment is Ben's; that nobody is Ben any more to the machine does not change it."""
    version = edits.name_speaker(task_id, shown(bench, task_id).version, "SPEAKER_01", "Ben").version
    edits.change(task_id, version, "m0", speaker="Ben")
    bench.tasks.retry(task_id, Redo(TaskProgressStage.DIARIZING))
    run(bench, said(*((segment.text, "SPEAKER_00") for segment in TALK)))
    after = shown(bench, task_id)
    assert [(s.speaker, s.speaker_label) for s in after.segments[:2]] == [("Ben", None), ("SPEAKER_00", "SPEAKER_00")]


def test_names_survive_a_new_transcription(bench: Workbench, edits: EditService, task_id: str) -> None:
    """The recording is the same, so who spoke when is too; an edit whose segment is gone waits and is counted."""
    version = edits.name_speaker(task_id, shown(bench, task_id).version, "SPEAKER_00", "Anna").version
    edits.change(task_id, version, "m4000", text="how is it")
    bench.tasks.retry(task_id, Redo(TaskProgressStage.TRANSCRIBING))
    run(bench, said(("a", None)), said(("a", "SPEAKER_05")))
    after = shown(bench, task_id)
    assert (after.segments[0].speaker, after.unplaced_edits, after.text) == ("Anna", 1, "a")
    bench.tasks.retry(task_id, Redo(TaskProgressStage.TRANSCRIBING))
    run(bench, TALK)
    assert (texts(bench, task_id)[2], shown(bench, task_id).unplaced_edits) == ("how is it", 0)


def test_edits_go_with_their_task(bench: Workbench, edits: EditService, task_id: str) -> None:
    """Nothing of them is left in the database."""
    version = edits.change(task_id, shown(bench, task_id).version, "m0", text="x").version
    edits.name_speaker(task_id, version, "SPEAKER_00", "Anna")
    bench.jobs.delete_task(task_id)
    with bench.database.read() as session:
        for table in ("segment_edits", "speaker_names", "search_entries"):
            assert session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0  # noqa: S608


def test_watchers_are_told_of_every_change(bench: Workbench, edits: EditService, task_id: str) -> None:
    """An edit and a name each make an event with the new version and no text; what changes nothing, or is refused, makes none."""
    before = bench.queries.task(task_id).seq
    version = shown(bench, task_id).version
    version = edits.change(task_id, version, "m2000", text="good evening").version
    version = edits.name_speaker(task_id, version, "SPEAKER_00", "Zoe").version
    edits.name_speaker(task_id, version, "SPEAKER_00", "Zoe")
    assert refusal(lambda: edits.change(task_id, version - 1, "m0", text="late")) == "edit_conflict"
    events = [json.loads(event.payload) for event in bench.log.since(task_id, before)]
    assert [(event["type"], event["seq"], event["version"]) for event in events] == [
        ("transcript_changed", before + 1, version - 1),
        ("transcript_changed", before + 2, version),
    ]
    assert events[0].keys() == {"type", "task_id", "seq", "version", "timestamp"}
    assert bench.announcements.announced[-1] == task_id
    assert bench.queries.task(task_id).seq == before + 2
