"""Owns the error catalogue: every failure Cesar can name, what to tell a person, and what to do about it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One entry of the catalogue.

    `http_status` is what the HTTP routes answer with; `retryable` says whether the same request may
    succeed later without being changed; `remedy` is the next step for a person.
    """

    code: str
    sentence: str
    http_status: int
    retryable: bool
    remedy: str


def _entries(*entries: ErrorEntry) -> dict[str, ErrorEntry]:
    return {entry.code: entry for entry in entries}


# fmt: off
CATALOGUE: Final = _entries(
    # What a request can get wrong.
    ErrorEntry("bad_value", "A value in the request is not allowed.", 400, False, "Correct the value named in the detail and send it again."),
    ErrorEntry("malformed", "The request could not be understood.", 422, False, "See /docs for the fields of this request."),
    ErrorEntry("not_found", "There is nothing at this address.", 404, False, "Check the address; /docs lists all of them."),
    ErrorEntry("method_not_allowed", "This address does not accept that method.", 405, False, "See /docs for the methods of this address."),
    ErrorEntry("task_not_found", "There is no task with this id.", 404, False, "Check the id; a deleted task cannot be brought back."),
    ErrorEntry("job_not_found", "There is no job with this id.", 404, False, "Check the id; a deleted job cannot be brought back."),
    ErrorEntry("file_not_found", "There is no file with this id.", 404, False, "Check the id; a deleted file cannot be brought back."),
    ErrorEntry("illegal_move", "The task cannot do that in its present state.", 409, False, "Look at the task's status first: what is unfinished can be cancelled, what failed retried, what is completed repeated from a stage that is named."),
    ErrorEntry("idempotency_conflict", "This Idempotency-Key was used for a different request.", 409, False, "Use a new key for a new request."),
    ErrorEntry("transcript_not_ready", "There is no transcript yet.", 409, True, "Wait until the task is completed."),
    ErrorEntry("segment_not_found", "There is no such segment in this transcript.", 404, False, "Read the transcript again; its segments may have changed."),
    ErrorEntry("speaker_not_found", "There is no such speaker in this transcript.", 404, False, "Read the transcript again; its speakers may have changed."),
    ErrorEntry("edit_conflict", "Somebody else changed this transcript meanwhile.", 412, False, "Read the transcript again and repeat the change on it."),
    ErrorEntry("if_match_required", "A change needs to say which version it was made on.", 428, False, "Send the transcript's ETag as If-Match."),
    ErrorEntry("too_large", "The file is larger than this server accepts.", 413, False, "Send a smaller file, or ask the admin to raise CESAR_MAX_UPLOAD_MB."),
    ErrorEntry("too_long", "The recording is longer than this server accepts.", 413, False, "Cut the recording, or ask the admin to raise CESAR_MAX_DURATION_HOURS."),
    ErrorEntry("unsupported_extension", "Files of this kind are not accepted.", 415, False, "Send an audio or video file, for example mp3, m4a, wav, flac, ogg or mp4."),
    ErrorEntry("not_media", "This file holds no audio that could be read.", 415, False, "Check that the file plays on your computer, or convert it to wav or mp3."),
    ErrorEntry("upload_interrupted", "The upload ended before the file was complete.", 400, True, "Send the file again."),
    ErrorEntry("too_many_requests", "Too many requests at once.", 429, True, "Wait a moment and try again."),
    ErrorEntry("origin_refused", "This web page may not use this server.", 403, False, "Open the server's own page, or ask the admin to add the origin to CESAR_ALLOWED_ORIGINS."),
    ErrorEntry("host_refused", "This server does not answer to that name.", 421, False, "Use the address that the server prints when it starts, or ask the admin to add the name to CESAR_ALLOWED_HOSTS."),
    ErrorEntry("unavailable", "The server cannot do this right now.", 503, True, "Try again in a moment."),
    ErrorEntry("disk_full", "The disk of this server is full.", 507, True, "Free some space on the server's disk, then retry."),
    ErrorEntry("internal", "Something went wrong inside the server.", 500, True, "Try again; if it happens again, give the request id to the admin."),
    # The library and uploads in pieces.
    ErrorEntry("duplicate_refused", "This recording was transcribed before.", 409, False, "Use the transcript that is there, or send the recording again with on_duplicate=transcribe."),
    ErrorEntry("media_gone", "The recording itself was removed.", 410, False, "Send the recording again; its transcript is kept."),
    ErrorEntry("media_not_ready", "The recording is not here yet.", 409, True, "Wait until the task is past its download or upload."),
    ErrorEntry("folder_refused", "This folder may not be imported.", 403, False, "Ask the admin to name it in CESAR_IMPORT_FOLDERS."),
    ErrorEntry("export_not_ready", "The archive is not finished yet.", 409, True, "Wait until the job is completed."),
    ErrorEntry("upload_not_found", "There is no such upload.", 404, False, "Begin a new upload."),
    ErrorEntry("upload_expired", "This upload was left alone for too long.", 410, False, "Begin a new upload."),
    ErrorEntry("upload_conflict", "The upload stands elsewhere than this piece begins.", 409, True, "Ask with HEAD where the upload stands and go on from there."),
    ErrorEntry("upload_busy", "Another connection is sending this upload.", 423, True, "Wait a moment, ask with HEAD where the upload stands and go on from there."),
    ErrorEntry("upload_version", "This server does not speak that version of the upload protocol.", 412, False, "Use a client that speaks tus 1.0.0; it sends Tus-Resumable: 1.0.0."),
    ErrorEntry("upload_content_type", "A piece of an upload has to say that it is one.", 415, False, "Send it with Content-Type: application/offset+octet-stream."),
    ErrorEntry("checksum_mismatch", "A piece of the upload was damaged on its way.", 460, True, "Send the same piece again."),
    ErrorEntry("range_unsatisfiable", "The recording is shorter than that.", 416, False, "Ask for bytes that are there; Content-Range says how many there are."),
    # What a download can meet.
    ErrorEntry("url_refused", "This address may not be fetched.", 400, False, "Use a public http or https address."),
    ErrorEntry("url_not_found", "There is no recording at this address.", 404, False, "Open the address in a browser and copy the direct link to the file."),
    ErrorEntry("url_forbidden", "The other server does not allow this download.", 403, False, "Download the file yourself and upload it."),
    ErrorEntry("url_unreachable", "The other server could not be reached.", 502, True, "Check the address, then retry."),
    ErrorEntry("url_timed_out", "The download took too long.", 504, True, "Retry later, or download the file yourself and upload it."),
    ErrorEntry("webhook_refused", "This address may not be used as a webhook.", 400, False, "Use a public https address, or ask the admin to add it to CESAR_WEBHOOK_ALLOW_PRIVATE."),
    # What a run can meet.
    ErrorEntry("PROCESSING_FAILED", "Transcription processing failed. Please try again.", 500, True, "Retry the task; the technical detail tells the admin what happened."),
    ErrorEntry("bad_media", "The recording is damaged and could not be read.", 415, False, "Check that the file plays on your computer, or convert it to wav or mp3."),
    ErrorEntry("out_of_memory", "There was not enough memory for this recording.", 503, True, "Choose a smaller model, or close other programs and retry."),
    ErrorEntry("engine_unavailable", "The chosen engine cannot run on this machine.", 503, False, "Run `cesar doctor` to see what is missing, or choose another engine."),
    ErrorEntry("model_unavailable", "The model could not be loaded.", 503, True, "Check the model's name and the network connection; `cesar doctor` shows what is in the local cache."),
    ErrorEntry("alignment_unavailable", "Words could not be given times: there is no alignment model for this language.", 503, False, "Name a model with align_model, or be content with the times of segments."),
    ErrorEntry("language_unsupported", "The engine does not know this language.", 422, False, "Leave the language out to have it detected, or name another; the small built-in engine knows English only."),
    ErrorEntry("option_unsupported", "The chosen engine cannot do this.", 422, False, "Choose the WhisperX engine, or leave the option out."),
    ErrorEntry("worker_lost", "The worker died several times while working on this recording.", 500, True, "Retry the task; if it happens again, the recording or the model is too much for this machine."),
    ErrorEntry("task_cancelled", "The task was cancelled before it was finished.", 409, False, "Retry the task, or send the recording again."),
    # Diarization: the transcript is never lost by these.
    ErrorEntry("hf_token_required", "Speakers could not be told apart: no Hugging Face token is configured.", 503, False, "Set CESAR_HF_TOKEN and retry the task."),
    ErrorEntry("hf_token_invalid", "Speakers could not be told apart: the Hugging Face token was refused.", 503, False, "Check the token and accept the model's terms on its page, then retry the task."),
    ErrorEntry("diarization_failed", "Speakers could not be told apart.", 500, True, "Retry the task; the transcript is kept."),
    # Sockets.
    ErrorEntry("bad_command", "The command could not be understood.", 400, False, "See the protocol document for the commands of this socket."),
    ErrorEntry("bad_message", "The message could not be read.", 400, False, "Send one JSON object as a text message."),
    ErrorEntry("message_too_big", "The message is too big.", 413, False, "Send smaller messages."),
    ErrorEntry("slow_consumer", "This connection reads too slowly.", 503, True, "Reconnect with after=SEQ to continue where you left off."),
    ErrorEntry("connection_limit", "There are too many connections from here.", 429, False, "Close other windows of this page."),
    ErrorEntry("server_going_away", "The server is restarting.", 503, True, "Reconnect in a moment; nothing is lost."),
)
# fmt: on

WARNINGS: Final[dict[str, str]] = {
    "engine_fallback": "WhisperX cannot run here, so the small built-in engine is used: expect more wrong words.",
    "diarization_unavailable": "This engine cannot tell speakers apart, so the transcript has none.",
    "alignment_unavailable": "There is no alignment model for this language, so words have no times of their own.",
    "alignment_failed": "Words could not be given times; segments keep theirs.",
    "batch_halved": "There was not enough memory on the graphics card, so fewer stretches of speech were decoded together.",
    "media_damaged": "Parts of the recording are damaged; they were left out.",
    "no_speech": "No speech was found in the recording.",
    "option_ignored": "An option of this request has no effect with the engine that ran.",
}


class CesarError(Exception):
    """A failure of the catalogue. `detail` is technical text for an admin, never a transcript's words or a secret.

    `code` must be an entry of `CATALOGUE` (KeyError otherwise: a programmer's mistake).
    """

    def __init__(self, code: str, detail: str | None = None) -> None:
        self.entry = CATALOGUE[code]
        self.detail = detail
        super().__init__(f"{code}: {detail}" if detail else code)

    @property
    def code(self) -> str:
        """The catalogue's code of this failure."""
        return self.entry.code


class Cancelled(Exception):
    """Raised inside a run when its Task is no longer this worker's: cancelled, deleted, or taken over."""
