"""Owns what the health routes tell about this machine: worker, engines, database."""

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.infrastructure.database.engine import Database
from app.infrastructure.engines.choice import choose
from app.infrastructure.engines.model_cache import ModelCache
from app.infrastructure.engines.reports import describe_engines
from app.infrastructure.queue.embedded_worker import EmbeddedWorker
from app.schemas.service import EngineChoice, EngineHealth, WorkerHealth


class Diagnosis:
    """`app.api.state.Diagnosis` on this machine."""

    def __init__(self, settings: Settings, database: Database, worker: EmbeddedWorker | None) -> None:
        self._settings = settings
        self._database = database
        self._worker = worker
        self._models = ModelCache(settings)

    def worker(self) -> WorkerHealth:
        """This server's own worker."""
        if self._worker is None:
            return WorkerHealth(status="none", pid=None, restarts=0)
        return WorkerHealth(status=self._worker.status, pid=self._worker.pid, restarts=self._worker.restarts)

    def engines(self) -> tuple[EngineHealth, ...]:
        """Every engine, and whether it could run. Blocking."""
        return tuple(
            EngineHealth(
                name=report.name, usable=report.usable, version=report.version, why=report.why, remedy=report.how_to_get
            )
            for report in describe_engines(self._settings, self._models)
        )

    def engine_choice(self) -> EngineChoice | None:
        """What a request without an engine of its own gets, and why; None if nothing can run. Blocking."""
        try:
            choice = choose(self._settings, TranscriptionOptions(), self._models)
        except CesarError:
            return None
        return EngineChoice(engine=choice.engine, model=choice.model, device=choice.device, reason=choice.reason)

    def database(self) -> str:
        """`ok`, or what is wrong. Blocking."""
        try:
            with self._database.read() as session:
                session.connection().exec_driver_sql("SELECT 1")
        except CesarError as problem:
            return problem.detail or problem.code
        return "ok"
