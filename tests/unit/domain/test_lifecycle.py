"""The lifecycle: statuses, moves, and the status of a Job."""

import pytest

from app.domain.lifecycle import FINISHED, MOVES, RETRYABLE, JobStatus, job_status_of, sources_of

Q, D, P, C, PART, F, X = (
    JobStatus.QUEUED, JobStatus.DOWNLOADING, JobStatus.PROCESSING, JobStatus.COMPLETED, JobStatus.PARTIAL,
    JobStatus.FAILED, JobStatus.CANCELLED,
)  # fmt: skip


def test_old_names_are_the_same_members() -> None:
    """`pending`, `running` and `error` are other names of queued, processing and failed."""
    assert JobStatus.PENDING is JobStatus.QUEUED
    assert JobStatus.RUNNING is JobStatus.PROCESSING
    assert JobStatus.ERROR is JobStatus.FAILED


@pytest.mark.parametrize(
    ("old", "new"), [("pending", Q), ("running", P), ("error", F), ("ERROR", F), ("queued", Q), ("partial", PART)]
)
def test_old_spellings_are_accepted(old: str, new: JobStatus) -> None:
    """An old spelling is read as the member it means."""
    assert JobStatus(old) is new


def test_one_spelling_goes_out() -> None:
    """Each status has exactly one value."""
    assert sorted(status.value for status in JobStatus) == sorted(
        ["queued", "downloading", "processing", "completed", "partial", "failed", "cancelled"]
    )


def test_unknown_status_is_refused() -> None:
    """What is not a status is a ValueError."""
    with pytest.raises(ValueError, match="done"):
        JobStatus("done")


def test_moves_are_those_of_the_domain_document() -> None:
    """The table says what may follow what."""
    assert {
        Q: {D, P, X},
        D: {Q, F, X},
        P: {C, PART, F, X, Q},
        PART: {Q},
        F: {Q},
        X: {Q},
        C: {Q},
    } == MOVES


def test_sources_are_the_table_read_backwards() -> None:
    """`sources_of` is the guard of a move's UPDATE."""
    assert sources_of(Q) == {D, P, PART, F, X, C}
    assert sources_of(C) == {P}


def test_a_finished_status_is_left_only_by_retry() -> None:
    """From a finished status there is one way, back into the queue; completed is left only to repeat a stage by name."""
    for status in FINISHED:
        assert MOVES[status] == {Q}
    assert {C} == FINISHED - RETRYABLE


@pytest.mark.parametrize(
    ("tasks", "job"),
    [
        ([Q], Q), ([Q, Q], Q), ([P], P), ([D], D), ([C], C), ([F], F), ([X], X), ([PART], PART),
        ([Q, P], P), ([C, P], P), ([C, Q], P), ([F, Q], P), ([D, Q], D), ([D, C], P),
        ([C, C], C), ([F, F], F), ([X, X], X), ([C, F], PART), ([C, PART], PART), ([C, X], PART), ([F, X], PART),
        ([], C),
    ],
)  # fmt: skip
def test_a_job_follows_from_its_tasks(tasks: list[JobStatus], job: JobStatus) -> None:
    """Any processing → processing; mixed finished and not → processing; alike → the same; mixed finished → partial."""
    assert job_status_of(tasks) is job
