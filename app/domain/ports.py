"""Owns the seams: what the services need from the outside world. Each comment says who checks what."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.domain.events import Event, LogPosition, Snapshot, StoredEvent
from app.domain.job_types import JobState
from app.domain.media import MediaStream, TimeTag
from app.domain.options import TranscriptionOptions
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Segment, SpeakerTurn, Transcript


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What probing found: `duration_seconds` None when the container does not say, `mime_type` by content."""

    mime_type: str
    duration_seconds: float | None
    container: str
    codec: str
    sample_rate: int
    channels: int
    streams: tuple[MediaStream, ...] = ()
    time_tags: tuple[TimeTag, ...] = ()


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded speech: `path` holds raw little-endian 16-bit samples, mono, 16 000 Hertz; `duration_seconds` counted from them."""

    path: Path
    duration_seconds: float
    sample_rate: int = 16_000


class RunControl(Protocol):
    """How a long step tells how far it is and learns that it should stop. Callable from the run's own thread."""

    def fraction(self, done: float, message: str = "") -> None:
        """`done` (0..1) of the present step. Raises `Cancelled` when the run is no longer wanted."""

    def segment(self, segment: Segment) -> None:
        """A finished segment, in the order of time. Raises `Cancelled`."""

    def revise(self, segments: Sequence[Segment]) -> None:
        """All segments anew, numbered from 0 in the order of time. Raises `Cancelled`."""

    def warn(self, code: str, message: str | None = None) -> None:
        """Something is not as asked for; `code` is a key of `WARNINGS`, whose sentence is the default message."""

    def check(self) -> None:
        """Raises `Cancelled` when the run is no longer wanted; cheap, to be called often."""


class MediaTools(Protocol):
    """Untrusted media is only ever opened in a child process with limits on time, memory and reach.

    Implementations check the content, the caller has checked the size.
    """

    def probe(self, path: Path) -> MediaFacts:
        """Look at a file. Raises `CesarError`: `not_media`, `too_long`."""

    def decode(self, path: Path, target: Path, control: RunControl) -> Audio:
        """Write the first audio stream of `path` to `target`. Reports `control.fraction`.

        Raises `CesarError`: `bad_media`, `too_long`, `disk_full`; `Cancelled`.
        """


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, said before it is asked to."""

    words: bool
    """Its segments have word times, so they need no alignment."""
    align: bool
    """Its segments can be aligned afterwards: those of `task="transcribe"`; translated text is not what was said."""
    diarize: bool
    """Speakers can be told apart and joined to its segments."""
    translate: bool
    languages: frozenset[str] | None
    """ISO 639-1 codes; None = detects and knows many."""


class Engine(Protocol):
    """Turns audio into segments. One run at a time; warm between runs.

    The engine checks whether it can honour the options (`option_unsupported`, `language_unsupported`).
    """

    @property
    def name(self) -> str:
        """`whisperx`, `pocketsphinx`, …"""

    @property
    def model(self) -> str:
        """The model this engine runs, for the result and for the speed table."""

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""

    @property
    def capabilities(self) -> Capabilities:
        """What this engine can do."""

    def transcribe(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> Transcript:
        """Transcribe; every segment has also gone to `control.segment` as soon as it was decoded.

        Raises `CesarError`: `language_unsupported`, `option_unsupported`, `out_of_memory`; `Cancelled`.
        """


class Aligner(Protocol):
    """Finds the time of every word of a text in the audio. One run at a time; warm between runs."""

    @property
    def model(self) -> str:
        """Name of the alignment model, for the speed table."""

    def align(self, audio: Audio, segments: Sequence[Segment], control: RunControl) -> tuple[Segment, ...]:
        """The same text as sentences with words (start, end, score), numbered anew. Reports `control.fraction`.

        A word that cannot be placed has no times. Raises `CesarError`: `out_of_memory`; `Cancelled`.
        """


class Diarizer(Protocol):
    """Tells who speaks when. One run at a time; warm between runs."""

    @property
    def model(self) -> str:
        """Name of the diarization pipeline, for the speed table."""

    def diarize(self, audio: Audio, options: TranscriptionOptions, control: RunControl) -> tuple[SpeakerTurn, ...]:
        """Speaker turns in the order of time; heeds `num_speakers`, `min_speakers`, `max_speakers`. Reports `control.fraction`.

        Raises `CesarError`: `diarization_failed`; `Cancelled`.
        """

    def join(self, turns: Sequence[SpeakerTurn], segments: Sequence[Segment]) -> tuple[Segment, ...]:
        """The segments with `speaker` set on each segment and each of its words, from the turns."""


class EngineShelf(Protocol):
    """Keeps engines, aligners and diarizers warm and hands one out for a run."""

    def lend(self, options: TranscriptionOptions, control: RunControl) -> AbstractContextManager[Engine]:
        """The engine for these options, loaded (which may download a model: `control.fraction` tells how far).

        A choice other than the one asked for is told through `control.warn("engine_fallback", why)`.
        Raises `CesarError`: `engine_unavailable`, `model_unavailable`; `Cancelled`.
        """

    def lend_aligner(
        self, language: str, options: TranscriptionOptions, control: RunControl
    ) -> AbstractContextManager[Aligner]:
        """The aligner for a language (ISO 639-1) or for `options.align_model`, loaded (which may download: `control.fraction`).

        Raises `CesarError`: `alignment_unavailable` (there is no model for the language, or it cannot be had); `Cancelled`.
        """

    def lend_diarizer(self, options: TranscriptionOptions, control: RunControl) -> AbstractContextManager[Diarizer]:
        """The diarizer that the settings name, loaded.

        Raises `CesarError`: `hf_token_required`, `hf_token_invalid`, `diarization_failed`; `Cancelled`.
        """


class Storage(Protocol):
    """Where bytes rest. Keys are made here from random ids, never from a client's names. Paths never leave the server."""

    def receive(self) -> "Receiver":
        """Open a place for one incoming file."""

    def path_of(self, key: str) -> Path:
        """Local path of a stored object. Raises `CesarError("file_not_found")` if the key is not one of ours or is gone."""

    def remove(self, key: str) -> None:
        """Delete an object; one that is already gone is no error."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A private folder for one run, removed afterwards."""

    def keys(self) -> Iterator[str]:
        """Every stored object's key, for the sweep that looks for orphans."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What a receiver knows when the last byte rests: its key, size in bytes, sha256 in lower-case hex."""

    key: str
    size_bytes: int
    sha256: str


class Receiver(Protocol):
    """One incoming file: hashed while written, durable and visible only after `commit`. Blocking; call from a thread."""

    @property
    def path(self) -> Path:
        """Where the bytes are while they arrive (for a probe before `commit`)."""

    def write(self, data: bytes) -> None:
        """Append. Raises `CesarError("disk_full")`."""

    def commit(self) -> StoredFile:
        """fsync, then an atomic rename into place. Raises `CesarError("disk_full")`."""

    def abandon(self) -> None:
        """Forget everything that was written; safe to call at any time, also after `commit` (then it does nothing)."""


@dataclass(frozen=True, slots=True)
class Download:
    """What a fetched URL told about itself."""

    filename: str


class Fetcher(Protocol):
    """Fetches a URL; every address it connects to is checked at the moment of connecting."""

    def fetch(self, url: str, receiver: Receiver, control: RunControl) -> Download:
        """Stream the body into `receiver`, at most the upload limit and within the time limit.

        Raises `CesarError`: `url_refused`, `url_not_found`, `url_forbidden`, `url_unreachable`, `url_timed_out`,
        `too_large`, `disk_full`; `Cancelled`.
        """


class EventLog(Protocol):
    """The numbered history of every Task. Blocking; each call is one transaction. Safe from any thread."""

    def append(self, drafts: Sequence[tuple[str, Event]]) -> list[StoredEvent]:
        """Number, encode and store events (task id, event), and set the progress columns that a ProgressEvent speaks of.

        Events of Tasks that do not exist are left out. Order within a Task is kept.
        """

    def since(self, task_id: str, after: int, limit: int = 1000) -> list[StoredEvent]:
        """Events of one Task with seq > after, in order."""

    def tail(self, after_row: int, limit: int = 1000) -> list[StoredEvent]:
        """Events of all Tasks with row > after_row, in the order of their commits."""

    def head(self) -> int:
        """The newest row (0 if there is none)."""

    def position(self, task_id: str) -> LogPosition | None:
        """Where the Task's log stands; None for an unknown Task."""

    def snapshot(self, task_id: str) -> Snapshot | None:
        """The Task's present state, read in one transaction; None for an unknown Task."""

    def changed(self) -> bool:
        """Whether another connection committed anything since this thread's last call. Costs microseconds."""

    def task_ids(self) -> frozenset[str]:
        """Every Task that exists, for noticing which no longer do: a deletion leaves nothing in the log."""


class TaskDirectory(Protocol):
    """What a socket may ask about and do to Tasks. Blocking."""

    def tasks_of_job(self, job_id: str) -> list[str]:
        """Public ids of a Job's Tasks in their order. Raises `CesarError("job_not_found")`."""

    def job_states(self, job_ids: Sequence[str]) -> list[JobState]:
        """How far these Jobs are; those that are gone are left out."""

    def unfinished(self) -> list[str]:
        """Public ids of all Tasks that are not finished, oldest first."""

    def cancel(self, task_id: str) -> None:
        """Raises `CesarError`: `task_not_found`, `illegal_move`."""

    def retry(self, task_id: str) -> None:
        """Raises `CesarError`: `task_not_found`, `illegal_move`."""


class Emitter(Protocol):
    """Says what happens in a run, from any thread, without waiting and without ever raising into the run.

    What is emitted is stored, numbered and then announced, in the order of the calls of one thread.
    """

    def emit(self, task_id: str, event: Event) -> None:
        """Any event."""

    def emit_progress(
        self,
        task_id: str,
        stage: TaskProgressStage,
        percentage: int,
        message: str = "",
        *,
        stage_percentage: int = 0,
        eta_seconds: float | None = None,
        stalled: bool = False,
    ) -> None:
        """How far the Task is."""

    def flush(self, timeout: float) -> bool:
        """Wait until everything emitted so far is stored; False if that took longer than `timeout` seconds."""


class Announcer(Protocol):
    """Tells the sockets that a Task's log grew. A hint: it may be lost, it never blocks, it never raises."""

    def announce(self, task_id: str) -> None:
        """Called after the commit, from any thread."""
