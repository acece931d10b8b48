"""Owns the question whether the search finds what is shown, Task by Task, and making it so."""

from collections.abc import Iterator
from typing import Final

from app.domain.lifecycle import FINISHED
from app.models import Task
from app.services.shown_transcript import follow_move, searched_segments, shown_transcript
from app.services.store import Store, Transaction
from app.services.work_filter import ALL_TASKS

_BATCH: Final = 100


class SearchCheck:
    """Compares every Task's transcript, as it is shown, with what is found of it. Blocking."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def stale(self) -> list[str]:
        """Public ids of the Tasks of which something else is found than is shown."""
        return [task_id for batch in self._batches() for task_id in batch]

    def refresh(self) -> None:
        """Make what is shown what is found."""
        for task_id in self.stale():
            with self._store.write() as tx:
                follow_move(tx, tx.tasks.get(task_id))

    def _batches(self) -> Iterator[list[str]]:
        page, seen = 1, 0
        while True:
            with self._store.read() as tx:
                tasks, total = tx.tasks.list_all(ALL_TASKS, page, _BATCH)
                yield [task.uuid for task in tasks if not _is_in_step(tx, task)]
            page, seen = page + 1, seen + len(tasks)
            if not tasks or seen >= total:
                return


def _is_in_step(tx: Transaction, task: Task) -> bool:
    if task.status not in FINISHED:  # what is found of a running one follows at its end
        return True
    return tx.search.holds(task, searched_segments(shown_transcript(tx, task)))
