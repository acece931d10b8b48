"""Owns what a person hands in: files that arrived, or a URL, with the options, and how a repeated submission is recognised."""

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import MediaFacts, StoredFile
from app.domain.webhooks import NOBODY, WebhookTarget
from app.models import Job
from app.services.store import Transaction


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A received file: the client's sanitised name, where its bytes rest, what probing found.

    `modified_at` is when it was last changed where it comes from, if that is known.
    """

    filename: str
    stored: StoredFile
    facts: MediaFacts
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file that will come in pieces: its sanitised name and size, what the client told of it, until when its bytes are waited for."""

    filename: str
    size_bytes: int
    metadata: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person asked for: files that are here or announced, a URL to fetch, or Files of the library by their public ids; the options.

    `idempotency_key` makes a repeated submission answer with the first one's Job.
    """

    options: TranscriptionOptions
    files: tuple[ArrivedFile, ...] = ()
    url: str | None = None
    idempotency_key: str | None = None
    webhook: WebhookTarget = NOBODY
    library: tuple[str, ...] = ()
    expected: tuple[ExpectedFile, ...] = ()

    @property
    def wanted(self) -> TranscriptionOptions:
        """The options. The setting `on_duplicate` is about recordings that come in: who names one that is here wants it transcribed."""
        if self.library and self.options.on_duplicate is None:
            return replace(self.options, on_duplicate="transcribe")
        return self.options

    @property
    def fingerprint(self) -> str:
        """Tells two submissions with the same key apart: sha256 over options, URL, the files' contents or ids, and the webhook."""
        options = asdict(self.options)
        if options["on_duplicate"] is None:
            # Keys that were used before there was this choice stay good for the same request.
            del options["on_duplicate"]
        parts = [repr(options), self.url or "", *(file.stored.sha256 for file in self.files)]
        if self.webhook != NOBODY:
            parts.append(repr(asdict(self.webhook)))
        parts += self.library
        for expected in self.expected:
            parts += [expected.filename, str(expected.size_bytes)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def job_row(submission: Submission, options: TranscriptionOptions, webhook: WebhookTarget) -> Job:
    """A new Job, not stored yet; `options` and `webhook` are what the settings made of the submission's."""
    return Job(
        model_size=options.model,
        language=options.language,
        diarize=bool(options.diarize),
        min_speakers=options.min_speakers,
        max_speakers=options.max_speakers,
        options=options.given(),
        idempotency_key=submission.idempotency_key,
        request_fingerprint=submission.fingerprint,
        webhook_url=webhook.url,
        webhook_statuses=webhook.statuses,
    )


def earlier_job(tx: Transaction, wanted: Job) -> Job | None:
    """The Job that was accepted for the same request. Raises `CesarError("idempotency_conflict")` if the key was another request's."""
    job = tx.jobs.by_key(wanted.idempotency_key) if wanted.idempotency_key is not None else None
    if job is not None and job.request_fingerprint != wanted.request_fingerprint:
        raise CesarError("idempotency_conflict")
    return job
