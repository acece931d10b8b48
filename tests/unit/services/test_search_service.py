"""What was said where, on a real database."""

import random

import pytest
from hypothesis import given, settings
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


@pytest.mark.parametrize(
    ("text", "query", "match"),
    [
        ("我们今天讨论这个问题。", "讨论", "讨论"),
        ("我们今天讨论这个问题。", "问题 今天", "今天"),
        ("我们今天讨论这个问题。", '"讨论这个"', "讨论这个"),
        ("用Python写程序", "python", "Python"),
        ("用Python写程序", "python写", "Python写"),
        ("きょうはラーメンをたべた", "ラーメン", "ラーメン"),
        ("ｷｮｳﾊﾗｰﾒﾝ", "ﾗｰﾒﾝ", "ﾗｰﾒﾝ"),
        ("ภาษาไทยไม่มีช่องว่าง", "ไม่มี", "ไม่มี"),
        ("ភាសាខ្មែរ", "ខ្មែរ", "ខ្មែរ"),
        ("안녕하세요 여러분", "여러분", "여러분"),
        ("एक हिन्दी वाक्य", "हिन्दी", "हिन्दी"),
    ],
)
def test_words_are_found_in_every_script(
    bench: Workbench, search: SearchService, text: str, query: str, match: str
) -> None:
    """Anywhere in a row of characters, and the snippet is the text as it was."""
    finished(bench, said((text, None)))
    (hit,) = search.search(query, 1, 50).results
    assert "".join(part.text for part in hit.snippet) == text
    assert match in [part.text for part in hit.snippet if part.match]


def test_characters_in_another_order_are_another_word(bench: Workbench, search: SearchService) -> None:
    """A word without spaces is a phrase; a tone mark makes another word."""
    finished(bench, said(("我们今天讨论问题", None), ("ไม้", None), ("हिन्द", None)))
    assert [found(search, query) for query in ("论讨", "天问", "ไม่", "हिन्दी")] == [[], [], [], []]


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


@pytest.mark.parametrize("stage", [TaskProgressStage.ALIGNING, TaskProgressStage.DIARIZING])
def test_what_is_kept_is_found_while_the_rest_is_redone(
    bench: Workbench, search: SearchService, stage: TaskProgressStage
) -> None:
    """The transcript is there all the time; when the run is done, what it says then; after it was deleted, nothing."""
    task_id = finished(bench, said(("hello world", "A")))
    bench.tasks.retry(task_id, Redo(stage))
    assert found(search, "hello") == [(task_id, 0)]
    run(bench, said(("hello world", "A")), said(("hello moon", "B")))
    assert (found(search, "world"), found(search, "moon")) == ([], [(task_id, 0)])
    assert search.search("moon", 1, 1).results[0].speaker == "B"
    bench.jobs.delete_task(task_id)
    assert found(search, "moon") == []


def test_what_is_cleared_is_not_found(bench: Workbench, search: SearchService) -> None:
    """A new transcription begins with an empty page, and is found when it is done."""
    task_id = finished(bench, said(("hello world", None)))
    bench.tasks.retry(task_id, Redo(TaskProgressStage.TRANSCRIBING))
    assert found(search, "hello") == []
    run(bench, said(("hello moon", None)))
    assert (found(search, "world"), found(search, "moon")) == ([], [(task_id, 0)])


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


def test_the_index_is_what_is_shown(bench: Workbench) -> None:
    """After every change, whatever came before it: only differences are written."""
    edits, chance = EditService(bench.store), random.Random(5)
    words = ["one", "two", "three", "你好世界", ""]
    task_id = finished(bench, said(*((f"word {at} {chance.choice(words)}", f"S{at % 3}") for at in range(12))))
    for step in range(120):
        now = bench.queries.transcript(task_id)
        change_somehow(edits, chance, task_id, now.version, [segment.id for segment in now.segments])
        shown = bench.queries.transcript(task_id)
        wanted = [(s.index, s.start, s.end, s.speaker, s.text) for s in shown.segments if s.text]
        with bench.database.read() as session:
            rows = (
                "SELECT position, start, \"end\", speaker, replace(text, char(31), '') FROM search_entries ORDER BY 1"
            )
            assert session.connection().exec_driver_sql(rows).all() == wanted, step
            check = "INSERT INTO transcript_search(transcript_search, rank) VALUES ('integrity-check', 1)"
            session.connection().exec_driver_sql(check)


def change_somehow(edits: EditService, chance: random.Random, task_id: str, version: int, ids: list[str]) -> None:
    at = chance.randrange(len(ids))
    try:
        match chance.randrange(6):
            case 0:
                edits.change(task_id, version, ids[at], text=chance.choice(["new text", "好的吗", "", "word two"]))
            case 1:
                edits.change(task_id, version, ids[at], speaker=chance.choice(["S0", "S1", "Zoe", None]))
            case 2:
                edits.split(task_id, version, ids[at], offset=1)
            case 3:
                edits.merge(task_id, version, ids[at], ids[min(at + chance.randrange(1, 3), len(ids) - 1)])
            case 4:
                edits.restore(task_id, version, chance.choice([one for one in ids if one.startswith("e")] or ids))
            case _:
                edits.name_speaker(task_id, version, f"S{at % 3}", chance.choice(["Anna", "Ben", None]))
    except CesarError as refused:
        assert refused.code in ("bad_value", "segment_not_found")  # noqa: PT017 - a refusal is one of the changes


QUERIES = st.one_of(st.text(max_size=40), st.text(alphabet="abAND \"*():^-+{}'\\,.NEAROR\x00\t\x1f你好", max_size=40))


def test_no_query_is_a_syntax_error(bench: Workbench) -> None:
    """Whatever is typed is looked for, or refused as nothing to look for."""
    finished(bench, said(("a b A B AND OR NEAR to", None), ('你好 "quoted" (a) b* -a +b {N} E:R', None)))
    search = SearchService(bench.store)
    told: set[str] = set()

    @settings(max_examples=300, deadline=None)
    @given(query=QUERIES)
    def look_for(query: str) -> None:
        try:
            page = search.search(query, 1, 10)
        except CesarError as refused:
            told.add(refused.code)
        else:
            told.add("found" if page.results else "not found")
            assert page.total == len(page.results)

    look_for()
    assert told == {"bad_value", "found", "not found"}


def test_operators_are_words(bench: Workbench, search: SearchService) -> None:
    """NOT, OR and columns are looked for like anything else."""
    task_id = finished(bench, said(("to be or not to be", None), ("text is nothing", None)))
    assert found(search, "be OR not") == [(task_id, 0)]
    assert found(search, "text:is") == [(task_id, 1)]
    assert found(search, "nothing NOT text") == []
