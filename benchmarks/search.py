"""How long a search over 100 000 segments takes, against a scan of the same rows with LIKE in the same run.

The words of the segments follow Zipf's law, as in any language; looked for are a rare word, a common one, a phrase and a beginning.
A tenth of the segments is Chinese, where a word is a phrase of characters.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import insert

from app.domain.search_query import read_query
from app.infrastructure.database.engine import Database
from app.infrastructure.database.migrate import upgrade
from app.infrastructure.database.repositories.search import SearchRepository, indexed
from app.models import File, Job, SearchEntry, Task
from benchmarks.machine import describe_machine

TASKS = 100
SEGMENTS = 1000
VOCABULARY = 20_000
ROUNDS = 7
TARGET_SECONDS = 0.5
QUERIES = {
    "a rare word": "w19000",
    "a common word": "w0",
    "a phrase": '"w1 w2"',
    "a beginning": "w123*",
    "a word without spaces": "一丁",
}


def fill(database: Database) -> None:
    """Finished Tasks with segments of a dozen words each."""
    chance = random.Random(0)
    words = [f"w{rank}" for rank in range(VOCABULARY)]
    weights = [1 / (rank + 1) for rank in range(VOCABULARY)]
    for number in range(TASKS):
        with database.write() as session:
            job, file = Job(), File(original_filename=f"{number}.wav", original_path=f"{number}.wav")
            session.add_all((job, file))
            session.flush()
            task = Task(job_id=job.id, file_id=file.id)
            session.add(task)
            session.flush()
            said = chance.choices(words, weights, k=SEGMENTS * 12)
            if number % 10 == 9:
                said = [chr(0x4E00 + int(word[1:])) for word in said]
            session.execute(insert(SearchEntry), [_entry(task.id, at, said) for at in range(SEGMENTS)])


def _entry(task_id: int, at: int, said: list[str]) -> dict[str, object]:
    text = indexed((" " if said[0].isascii() else "").join(said[at * 12 : at * 12 + 12]))
    return {"task_id": task_id, "position": at, "start": at * 4.0, "end": at * 4.0 + 4, "speaker": None, "text": text}


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main() -> int:
    """Print both times and their ratio for each kind of query; 1 if the promise is not kept."""
    print(describe_machine("sqlalchemy"))
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/cesar.db")
        upgrade(database, Path(folder))
        fill(database)
        for kind, query in QUERIES.items():
            scan, search, total = _compare(database, query)
            slowest = max(slowest, search)
            figures = f"LIKE {scan * 1000:.0f} ms (baseline), search {search * 1000:.1f} ms, ratio {search / scan:.3f}"
            print(f"{kind}: {total} segments, {figures}")
        database.close()
    print(f"slowest {slowest:.3f} s (promised: ≤ {TARGET_SECONDS})")
    return 0 if slowest <= TARGET_SECONDS else 1


def _compare(database: Database, query: str) -> tuple[float, float, int]:
    terms = read_query(query)
    words = indexed(query.strip('"*'))
    pattern = f"%{words}%"
    # The same question: how many, and the fifty that say it in the fewest other words.
    scan = "SELECT *, count(*) OVER () FROM search_entries WHERE text LIKE ? ORDER BY length(text), id DESC LIMIT 50"
    scans, searches, total = [], [], 0
    with database.read() as session:
        connection = session.connection()
        search = SearchRepository(session)
        for _ in range(ROUNDS):
            scans.append(seconds(lambda: connection.exec_driver_sql(scan, (pattern,)).fetchall()))
            searches.append(seconds(lambda: search.find(terms, 1, 50)))
        total = search.find(terms, 1, 50)[1]
    return median(scans), median(searches), total


if __name__ == "__main__":
    sys.exit(main())
