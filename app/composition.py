"""Wires Cesar: the one place where adapters meet ports, for the server, the worker and the command line."""

import contextlib
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from app.api.state import Services
from app.core.config import Settings, SettingsError
from app.diagnosis import Diagnosis
from app.domain.errors import CesarError
from app.domain.job_types import EXPORT, IMPORT
from app.domain.ports import Announcer
from app.domain.webhooks import WebhookRules
from app.infrastructure.database.engine import Database, folder_of, refuse_network_share
from app.infrastructure.database.event_log import SqlEventLog
from app.infrastructure.database.migrate import upgrade
from app.infrastructure.database.progress_reader import ProgressReader
from app.infrastructure.database.store import SqlStore
from app.infrastructure.engines.background_call import stray_calls
from app.infrastructure.engines.expectation import would_run
from app.infrastructure.engines.shelf import WarmShelf
from app.infrastructure.media.fetchers import fetcher_for
from app.infrastructure.media.peaks import SandboxedPeakMaker
from app.infrastructure.media.tools import SandboxedMediaTools
from app.infrastructure.queue.embedded_worker import EmbeddedWorker
from app.infrastructure.queue.errand_lane import ErrandLane
from app.infrastructure.queue.listening_lane import ListeningLane
from app.infrastructure.queue.owner import is_dead, own_identity
from app.infrastructure.storage.derived import LocalDerived
from app.infrastructure.storage.folders import ImportFolders
from app.infrastructure.storage.growing import LocalGrowingFiles
from app.infrastructure.storage.local import LocalStorage
from app.infrastructure.webhooks.lane import WebhookLane
from app.infrastructure.webhooks.signing import signing_key
from app.infrastructure.websocket.progress_emitter import Announcements, ProgressEmitter
from app.polling import Polling
from app.services.archive_export import ArchiveExport
from app.services.duplicate_rule import DuplicateRule
from app.services.duplicate_service import DuplicateService
from app.services.edit_service import EditService
from app.services.errand_intake import ErrandIntake
from app.services.errand_runs import ErrandRuns
from app.services.errand_service import ErrandService
from app.services.file_service import FileService
from app.services.folder_import import FolderImport
from app.services.housekeeping import Housekeeping
from app.services.intake_service import IntakeService
from app.services.job_service import JobService
from app.services.keeping_service import KeepingRules, KeepingService
from app.services.late_reuse import LateReuse
from app.services.listening_service import ListeningService
from app.services.media_service import MediaService
from app.services.option_defaults import option_defaults
from app.services.peak_service import PeakService
from app.services.query_service import QueryService
from app.services.run_service import RunService
from app.services.search_service import SearchService
from app.services.sound_service import SoundService
from app.services.store import Lease
from app.services.task_directory import TaskDirectory
from app.services.task_service import TaskService
from app.services.upload_finisher import UploadFinisher
from app.services.upload_service import UploadService
from app.services.webhook_service import WebhookService
from app.services.whisperx_wrapper_service import PipelineTools

_STALE_UPLOAD_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class ServerParts:
    """What a server process is made of, beside its sockets."""

    services: Services
    event_log: SqlEventLog
    database: Database
    directory: TaskDirectory
    housekeeping: Housekeeping


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What a worker process is made of.

    `leases` are those under which it writes now; `changed` asks the database; `stray_calls` counts native calls that went on
    after their run had ended.
    """

    owner: str
    tasks: TaskService
    runs: RunService
    emitter: ProgressEmitter
    changed: Callable[[], bool]
    leases: dict[str, Lease]
    webhooks: WebhookLane
    errands: ErrandLane
    listening: ListeningLane
    stray_calls: Callable[[], int]
    closers: tuple[Callable[[], None], ...] = field(default=())

    def close(self) -> None:
        """Free models and connections."""
        for close in self.closers:
            close()


def open_database(settings: Settings) -> Database:
    """The database at its newest schema.

    Raises:
        SettingsError: the data folder cannot be written, is on a network share, or belongs to a newer release.
    """
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = settings.data_dir / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as problem:
        raise SettingsError(f"The data folder {settings.data_dir} cannot be written: {problem.strerror}.") from None
    folder, mounts = folder_of(settings.resolved_database_url), Path("/proc/mounts")
    if folder is not None and mounts.exists():
        refuse_network_share(str(folder), mounts.read_text())
    database = Database(settings.resolved_database_url)
    upgrade(database, settings.data_dir)
    return database


def build_server(settings: Settings, announcer: Announcer, worker: EmbeddedWorker | None) -> ServerParts:
    """The parts of a server process; imports no engine."""
    _raise_open_file_limit()
    database = open_database(settings)
    signing_key(settings)  # a secret that cannot work is told at the start, and one that is missing is made
    store = SqlStore(database, announcer)
    storage = LocalStorage(settings.media_dir)
    tasks = _task_service(settings, store)
    jobs = JobService(store, tasks, storage, option_defaults(settings), webhook_rules(settings), zone=settings.zone)
    derived, recordings = LocalDerived(settings.media_dir), MediaService(store, storage)
    rules = KeepingRules.of_days(settings.keep_media_days, settings.keep_transcripts_days, settings.keep_events_days)
    keeping = KeepingService(store, storage, derived, rules)
    intake, folders = IntakeService(jobs, _media(settings)), ImportFolders(settings.import_folders)
    services = Services(
        settings=settings,
        jobs=jobs,
        tasks=tasks,
        queries=QueryService(store),
        duplicates=DuplicateService(store, tasks.duplicates),
        edits=EditService(store),
        files=FileService(store),
        search=SearchService(store),
        intake=intake,
        errands=ErrandIntake(store, storage, intake, folders, webhooks=webhook_rules(settings), zone=settings.zone),
        uploads=_upload_service(settings, store, jobs, tasks, storage),
        webhooks=_webhook_service(settings, store),
        storage=storage,
        recordings=recordings,
        peaks=PeakService(recordings, derived, _peak_maker(settings)),
        keeping=keeping,
        progress=Polling(ProgressReader(database)),
        diagnosis=Diagnosis(settings, database, worker),
    )
    housekeeping = Housekeeping(
        keeping,
        (
            lambda: storage.sweep_incoming(_STALE_UPLOAD_SECONDS),
            lambda: jobs.remove_orphans(_STALE_UPLOAD_SECONDS),
        ),
    )
    return ServerParts(services, SqlEventLog(database), database, TaskDirectory(jobs, tasks), housekeeping)


def build_worker(settings: Settings, announcements: Announcements) -> WorkerParts:
    """The parts of a worker process."""
    # An HTTP client and numpy are the heavy things here that the server's own process, which has to start fast, never needs.
    from app.infrastructure.media.fingerprint import SpectralListener  # noqa: PLC0415
    from app.infrastructure.webhooks.sender import HttpSender  # noqa: PLC0415

    database = open_database(settings)
    leases: dict[str, Lease] = {}
    event_log = SqlEventLog(database, leases)
    emitter = ProgressEmitter(announcements, event_log)
    store = SqlStore(database, announcements)
    shelf = WarmShelf(settings)
    tasks = _task_service(settings, store)

    def speeds(engine: str, model: str, device: str) -> dict[str, float]:
        with store.read() as tx:
            return tx.speeds.of(engine, model, device)

    storage = LocalStorage(settings.media_dir)
    tools = PipelineTools(storage, _media(settings), shelf, speeds)
    webhooks = WebhookLane(
        _webhook_service(settings, store), HttpSender(signing_key(settings), settings.webhook_allow_private)
    )
    errands = _errand_lane(settings, store)
    sounds = SoundService(store, SpectralListener(), settings.similarity)
    listening = ListeningLane(ListeningService(store, storage, tools.media, sounds), lambda: bool(leases))
    return WorkerParts(
        owner=own_identity(),
        tasks=tasks,
        runs=RunService(
            tasks,
            emitter,
            tools,
            fetcher_for(settings, storage),
            sounds=sounds,
            reuse=LateReuse(store, tasks.duplicates),
        ),
        emitter=emitter,
        changed=event_log.changed,
        leases=leases,
        webhooks=webhooks,
        errands=errands,
        listening=listening,
        stray_calls=stray_calls,
        closers=(listening.close, errands.close, webhooks.close, emitter.close, shelf.close, database.close),
    )


def _raise_open_file_limit() -> None:
    """Every socket and every file that arrives is an open file; the usual soft limit of 1024 is for smaller programs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _task_service(settings: Settings, store: SqlStore) -> TaskService:
    return TaskService(
        store,
        lease_seconds=settings.lease_seconds,
        max_attempts=settings.max_attempts,
        is_dead=is_dead,
        defaults=option_defaults(settings),
        zone=settings.zone,
        duplicates=DuplicateRule(settings.on_duplicate, partial(would_run, settings)),
    )


def webhook_rules(settings: Settings) -> WebhookRules:
    """Where webhooks may go. Raises `SettingsError` for a default address that cannot work."""
    rules = WebhookRules(settings.webhook_url, settings.webhook_allow_private)
    try:
        if settings.webhook_url is not None:
            rules.check(settings.webhook_url)
    except CesarError as problem:
        raise SettingsError(f"CESAR_WEBHOOK_URL cannot be used: {problem.detail}.") from None
    return rules


def _webhook_service(settings: Settings, store: SqlStore) -> WebhookService:
    return WebhookService(
        store, max_attempts=settings.webhook_max_attempts, first_pause_seconds=settings.webhook_retry_seconds
    )


def _upload_service(
    settings: Settings, store: SqlStore, jobs: JobService, tasks: TaskService, storage: LocalStorage
) -> UploadService:
    files = LocalGrowingFiles(settings.media_dir)
    finisher = UploadFinisher(store, tasks, files, storage, _media(settings), zone=settings.zone)
    lifetime = timedelta(hours=settings.upload_expire_hours)
    return UploadService(store, jobs, tasks, files, finisher, lifetime=lifetime, max_bytes=settings.max_upload_bytes)


def _errand_lane(settings: Settings, store: SqlStore) -> ErrandLane:
    storage, folders = LocalStorage(settings.media_dir), ImportFolders(settings.import_folders)
    errands = ErrandService(
        store, lease_seconds=settings.lease_seconds, max_attempts=settings.max_attempts, is_dead=is_dead
    )
    importing = FolderImport(
        store, storage, _media(settings), folders, max_bytes=settings.max_upload_bytes, zone=settings.zone
    )
    exporting = ArchiveExport(store, storage, QueryService(store))
    runs = ErrandRuns(errands, {IMPORT: importing, EXPORT: exporting}, storage)
    return ErrandLane(errands, runs, own_identity(), settings.lease_seconds)


def _media(settings: Settings) -> SandboxedMediaTools:
    return SandboxedMediaTools(settings.max_duration_hours * 3600, settings.media_memory_mb)


def _peak_maker(settings: Settings) -> SandboxedPeakMaker:
    return SandboxedPeakMaker(settings.max_duration_hours * 3600, settings.media_memory_mb)
