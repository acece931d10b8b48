"""The transcript as JSON is the transcript, with words and without, on a real database."""

import orjson
import pytest

from app.domain.transcript import Segment, Word
from app.services.edit_service import EditService
from app.services.query_service import QueryService
from tests.unit.services.finished_tasks import finished, said
from tests.workbench import Workbench

TALK = said(("good morning", "SPEAKER_00"), ("good day to you", "SPEAKER_01"), ("how are you", "SPEAKER_00"))
INTERRUPTED = Segment(
    3, 6.0, 8.0, "well no", "SPEAKER_00", (Word("well", 6.0, 7.0), Word("no", 7.0, 8.0, 0.5, "SPEAKER_02"))
)


@pytest.fixture
def task_id(bench: Workbench) -> str:
    """A finished conversation, in one segment of which somebody is heard who has none of his own."""
    return finished(bench, (*TALK, INTERRUPTED))


def edit(bench: Workbench, task_id: str) -> None:
    """A name, another text, two segments of one."""
    edits, version = EditService(bench.store), bench.queries.transcript(task_id).version
    version = edits.name_speaker(task_id, version, "SPEAKER_01", "Zoë").version
    version = edits.change(task_id, version, "m0", text="Grüß Gott").version
    edits.split(task_id, version, "m2000", offset=9)


def written(queries: QueryService, task_id: str, *, words: bool = True) -> dict[str, object]:
    return dict(orjson.loads(queries.transcript_json(task_id, words=words).body))


@pytest.mark.parametrize("edited", [False, True])
def test_it_says_what_the_body_of_the_contract_says(bench: Workbench, task_id: str, edited: bool) -> None:
    """Field by field and in the same order, edited or not."""
    if edited:
        edit(bench, task_id)
    assert list(written(bench.queries, task_id).items()) == list(
        orjson.loads(bench.queries.transcript(task_id).model_dump_json()).items()
    )


@pytest.mark.parametrize("edited", [False, True])
def test_without_words_nothing_else_is_missing(bench: Workbench, task_id: str, edited: bool) -> None:
    """Not even a speaker whom single words alone know of."""
    if edited:
        edit(bench, task_id)
    whole = written(bench.queries, task_id)
    segments = whole.pop("segments")
    assert isinstance(segments, list)
    short = written(bench.queries, task_id, words=False)
    assert short.pop("segments") == [segment | {"words": []} for segment in segments]
    assert short == whole
    assert "SPEAKER_02" in str(short["speakers"])
