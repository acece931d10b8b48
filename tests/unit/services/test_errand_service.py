"""Errands: claimed once, fenced, recovered, given up, cancelled, retried."""

import pytest

from app.domain.errors import Cancelled, CesarError
from app.domain.job_types import EXPORT
from app.models import Job, JobStatus
from app.services.errand_service import ErrandClaim, ErrandOutcome, ErrandService
from tests.workbench import Workbench

ERROR = CesarError("not_media")


@pytest.fixture
def errands(bench: Workbench) -> ErrandService:
    """The service on the workbench's database."""
    return ErrandService(bench.store, lease_seconds=30, max_attempts=3, is_dead=bench.dead.__contains__)


def add(bench: Workbench) -> str:
    """A waiting errand."""
    with bench.store.write() as tx:
        return tx.errands.add(Job(job_type=EXPORT, options={"formats": ["txt"]}), ()).uuid


def claimed(errands: ErrandService, owner: str = "worker") -> ErrandClaim:
    """The next errand."""
    claim = errands.claim(owner)
    assert claim is not None
    return claim


def test_an_errand_is_claimed_once_and_the_oldest_first(bench: Workbench, errands: ErrandService) -> None:
    """No other worker gets it, and no worker takes it for a Task."""
    first, second = add(bench), add(bench)
    assert [claimed(errands).lease.job_id for _ in range(2)] == [first, second]
    assert errands.claim("other") is None
    assert bench.tasks.claim("worker", to_fetch=False) is None
    assert bench.queries.job(first).status == "processing"


def test_an_outcome_decides_how_it_ends(bench: Workbench, errands: ErrandService) -> None:
    """All served, some, none; each failure has a line, and very many are counted."""
    for failures, status in ((0, "completed"), (1, "partial"), (60, "failed")):
        job = add(bench)
        told = tuple((f"{number}.wav", ERROR) for number in range(failures))
        errands.finish(claimed(errands).lease, ErrandOutcome(60, told))
        shown = bench.queries.job(job)
        assert (shown.status, shown.progress_current, shown.progress_total) == (status, 60, 60)
        assert len((shown.error_message or "").splitlines()) == min(failures, 51)
    assert (shown.error_message or "").endswith("and 10 more")


def test_a_dead_workers_errand_goes_on_and_is_given_up_in_the_end(bench: Workbench, errands: ErrandService) -> None:
    """What the dead worker still says has no effect; after three deaths the Job fails."""
    job = add(bench)
    for death in range(3):
        claim = claimed(errands, f"worker-{death}")
        assert errands.recover() == []
        bench.dead.add(f"worker-{death}")
        assert errands.recover() == [job]
        with pytest.raises(Cancelled):
            errands.finish(claim.lease, ErrandOutcome(1))
        errands.fail(claim.lease, ERROR)
    shown = bench.queries.job(job)
    assert (shown.status, "several times" in (shown.error_message or "")) == ("failed", True)


def test_a_cancelled_errand_is_no_longer_its_workers(bench: Workbench, errands: ErrandService) -> None:
    """A retry begins anew, with a lease of its own; neither works twice."""
    job = add(bench)
    claim = claimed(errands)
    bench.jobs.cancel(job)
    assert not errands.renew(claim.lease)
    with pytest.raises(Cancelled):
        errands.count(claim.lease, 1, 2)
    with pytest.raises(CesarError, match="illegal_move"):
        bench.jobs.cancel(job)
    bench.jobs.retry(job)
    with pytest.raises(CesarError, match="illegal_move"):
        bench.jobs.retry(job)
    again = claimed(errands)
    assert (again.lease.attempt, bench.queries.job(job).retry_count) == (2, 1)
    assert not errands.holds(claim.lease)


def test_an_archive_is_no_orphan_and_goes_with_a_retry(bench: Workbench, errands: ErrandService) -> None:
    """The sweep leaves it alone; what is exported anew replaces it."""
    job, archive = add(bench), bench.store_bytes()
    errands.finish(claimed(errands).lease, ErrandOutcome(2, (("a.wav", ERROR),), archive.key))
    assert bench.jobs.remove_orphans(older_than_seconds=-1) == 0
    assert bench.queries.archive(job).key == archive.key
    bench.jobs.retry(job)
    assert list(bench.storage.keys()) == []
    with pytest.raises(CesarError, match="export_not_ready"):
        bench.queries.archive(job)


def test_what_is_put_back_goes_on_elsewhere(bench: Workbench, errands: ErrandService) -> None:
    """A worker that stops costs no life of the errand."""
    job = add(bench)
    claim = claimed(errands)
    errands.put_back(claim.lease)
    errands.put_back(claim.lease)
    assert claimed(errands, "other").lease.attempt == 2
    with bench.store.read() as tx:
        assert (tx.jobs.get(job).recoveries, tx.jobs.get(job).status) == (0, JobStatus.PROCESSING)
