"""Owns one run of one errand in a worker: it ends in a result, in a typed failure, or in silence if the Job is no longer ours."""

from collections.abc import Mapping
from typing import Protocol

from app.core.logging import logger
from app.domain.errors import Cancelled
from app.domain.ports import Storage
from app.services.errand_service import ErrandClaim, ErrandControl, ErrandOutcome, ErrandService
from app.services.run_service import as_cesar_error


class Work(Protocol):
    """What one kind of errand does."""

    def run(self, claim: ErrandClaim, control: ErrandControl) -> ErrandOutcome:
        """To the end. Blocking. Raises `CesarError` for what concerns all of it; `Cancelled`."""


class ErrandRuns:
    """Does claimed errands; every exception ends as an error of the catalogue. `works` by kind of Job."""

    def __init__(self, errands: ErrandService, works: Mapping[str, Work], storage: Storage) -> None:
        self._errands = errands
        self._works = works
        self._storage = storage

    def run(self, claim: ErrandClaim, control: ErrandControl) -> None:
        """Run to the end. Blocking."""
        try:
            self._finish(claim, self._works[claim.job_type].run(claim, control))
        except Cancelled:
            logger.info("errand_stopped", job_id=claim.lease.job_id, attempt=claim.lease.attempt)
        except BaseException as problem:  # no exception of a library may leave a Job `processing`
            error = as_cesar_error(problem)
            if error.code == "unavailable":
                raise error from problem  # a busy database: the lane puts it back, and it goes on where it was
            self._errands.fail(claim.lease, error)

    def _finish(self, claim: ErrandClaim, outcome: ErrandOutcome) -> None:
        try:
            self._errands.finish(claim.lease, outcome)
        except BaseException:
            if outcome.output_path is not None:
                self._storage.remove(outcome.output_path)
            raise
