"""What was said where, on a real database."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.errors import CesarError
from app.domain.progress import TaskProgressStage
from app.services.edit_service import EditService
from app.services.retry import Redo
from app.services.search_service import SearchService
from tests.unit.services.finished_tasks import finished, run, said
from tests.workbench import Workbench


@pytest.fixture
def search(bench: Workbench) -> SearchService:
    return SearchService(bench.store)


def found(search: SearchService, query: str) -> list[tuple[str, int]]:
    return [(hit.task_id, hit.index) for hit in search.search(query, 1, 50).results]


def test_a_hit_says_where_and_what(bench: Workbench, search: SearchService) -> None:
    """Task, file, place, times, speaker, and a snippet in parts."""
    task_id = finished(bench, said(("something else", "A"), ("the quick brown fox", "B")))
    page = search.search("quick", 1, 50)
    assert page.total == 1
    (hit,) = page.results
    assert (hit.task_id, hit.filename, hit.index, hit.start, hit.end, hit.speaker) == (
        task_id,
        "0.wav",
        1,
        2.0,
        4.0,
        "B",
    )
    assert [(part.text, part.match) for part in hit.snippet] == [
        ("the ", False), ("quick", True), (" brown fox", False),
    ]  # fmt: skip


def test_how_words_are_found(bench: Workbench, search: SearchService) -> None:
    """All words, in any order; phrases in order; beginnings; case and accents make no difference."""
    task_id = finished(
        bench, said(("Über den Café-Tisch", None), ("the table over there", None), ("don't table", None))
    )
    for query, places in {
        "uber": [0],
        "CAFE tisch": [0],
        "table": [2, 1],
        "over table": [1],
        '"over table"': [],
        '"table over"': [1],
        "tab*": [2, 1],
        "tab": [],
        "don't": [2],
        '"café tisch"': [0],
    }.items():
        assert found(search, query) == [(task_id, place) for place in places], query


def test_the_best_comes_first_and_pages_follow(bench: Workbench, search: SearchService) -> None:
    """A segment that says it more often ranks higher; pages neither repeat nor leave out."""
    task_id = finished(bench, said(*((f"word {'filler ' * at}", None) for at in range(7)), ("word word word", None)))
    assert found(search, "word")[0] == (task_id, 7)
    pages = [search.search("word", page, 3) for page in (1, 2, 3, 4)]
    assert [len(page.results) for page in pages] == [3, 3, 2, 0]
    assert {page.total for page in pages} == {8}
    assert sorted(hit.index for page in pages for hit in page.results) == list(range(8))


def test_what_is_shown_is_found(bench: Workbench, search: SearchService) -> None:
    """An edit changes what is found, a name whom it is found with, and the machine's text comes back with the edit's end."""
    edits = EditService(bench.store)
    task_id = finished(bench, said(("alpha beta", "A"), ("gamma delta", "A")))
    version = bench.queries.transcript(task_id).version
    version = edits.change(task_id, version, "m2000", text="omega").version
    assert (found(search, "gamma"), found(search, "omega")) == ([], [(task_id, 1)])
    version = edits.name_speaker(task_id, version, "A", "Anna").version
    assert search.search("omega", 1, 1).results[0].speaker == "Anna"
    version = edits.split(task_id, version, "m0", offset=5).version
    assert found(search, "beta omega") == []
    assert (found(search, "beta"), found(search, "omega")) == ([(task_id, 1)], [(task_id, 2)])
    edits.restore(task_id, version, "e1-0")
    assert (found(search, "omega"), found(search, "gamma")) == ([], [(task_id, 2)])


def test_only_finished_tasks_are_found(bench: Workbench, search: SearchService) -> None:
    """Not while it runs, again when it is done, with what it says then; not after it was deleted."""
    task_id = finished(bench, said(("hello world", None)))
    bench.tasks.retry(task_id, Redo(TaskProgressStage.DIARIZING))
    assert found(search, "hello") == []
    run(bench, said(("hello moon", None)))
    assert (found(search, "world"), found(search, "moon")) == ([], [(task_id, 0)])
    bench.jobs.delete_task(task_id)
    assert found(search, "moon") == []


def test_what_a_cancelled_task_has_is_found(bench: Workbench, search: SearchService) -> None:
    """What was decoded is kept, so it is found too."""
    task_id = finished(bench, said(("half a sentence", None)))
    bench.tasks.retry(task_id, Redo(TaskProgressStage.DIARIZING))
    bench.tasks.cancel(task_id)
    assert found(search, "sentence") == [(task_id, 0)]


def test_the_index_keeps_step_with_its_table(bench: Workbench, search: SearchService) -> None:
    """After edits, new runs and deletions FTS5's own check finds nothing wrong."""
    edits = EditService(bench.store)
    kept, gone = (finished(bench, said(("one two", "A"), ("three", "A"), ("four five", "B"))) for _ in range(2))
    version = bench.queries.transcript(kept).version
    version = edits.merge(kept, version, "m0", "m2000").version
    edits.change(kept, version, "m4000", text="")
    bench.tasks.retry(kept, Redo(TaskProgressStage.DIARIZING))
    run(bench, said(("one two", "B"), ("three", "A"), ("four five", "B")))
    bench.jobs.delete(bench.queries.task(gone).job_id)
    with bench.database.write() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO transcript_search(transcript_search, rank) VALUES ('integrity-check', 1)"
        )
    assert found(search, "three") == [(kept, 0)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.one_of(st.text(max_size=40), st.text(alphabet="abAND \"*():^-+{}'\\,.NEAROR\x00\t", max_size=40)))
def test_no_query_is_a_syntax_error(bench: Workbench, query: str) -> None:
    """Whatever is typed is looked for, or refused as nothing to look for."""
    try:
        page = SearchService(bench.store).search(query, 1, 10)
    except CesarError as refused:
        code = refused.code
    else:
        code = "bad_value" if page.results else "found nothing"
    assert code in ("bad_value", "found nothing")


def test_operators_are_words(bench: Workbench, search: SearchService) -> None:
    """NOT, OR and columns are looked for like anything else."""
    task_id = finished(bench, said(("to be or not to be", None), ("text is nothing", None)))
    assert found(search, "be OR not") == [(task_id, 0)]
    assert found(search, "text:is") == [(task_id, 1)]
    assert found(search, "nothing NOT text") == []
