"""Owns what a person hands in: files that arrived, or a URL, with the options, and how a repeated submission is recognised."""

import hashlib
from dataclasses import asdict, dataclass

from app.domain.options import TranscriptionOptions
from app.domain.ports import MediaFacts, StoredFile
from app.domain.webhooks import NOBODY, WebhookTarget


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A received file: the client's sanitised name, where its bytes rest, what probing found."""

    filename: str
    stored: StoredFile
    facts: MediaFacts


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person asked for: files that are here, or a URL to fetch, and the options.

    `idempotency_key` makes a repeated submission answer with the first one's Job.
    """

    options: TranscriptionOptions
    files: tuple[ArrivedFile, ...] = ()
    url: str | None = None
    idempotency_key: str | None = None
    webhook: WebhookTarget = NOBODY

    @property
    def fingerprint(self) -> str:
        """Tells two submissions with the same key apart: sha256 over options, URL, the files' contents and the webhook."""
        parts = [repr(asdict(self.options)), self.url or "", *(file.stored.sha256 for file in self.files)]
        if self.webhook != NOBODY:
            parts.append(repr(asdict(self.webhook)))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
