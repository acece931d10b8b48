"""Owns the JSON that is said on a socket beside events: commands from clients, answers and complaints to them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from app.core.clock import utc_now
from app.domain.errors import CATALOGUE, CesarError
from app.domain.job_types import JobState
from app.domain.lifecycle import JobStatus

MAX_MESSAGE_BYTES = 64 * 1024
"""Larger messages of a client end its socket (4509)."""

CommandId = Annotated[str, Field(max_length=200)] | int
PublicId = Annotated[str, Field(min_length=1, max_length=100)]
Seq = Annotated[int, Field(ge=0, le=2**53)]


class _Command(BaseModel):
    """Strict: no conversions, no unknown fields. `id` is echoed in the answer."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: CommandId | None = None


class _Choice(_Command):
    task_id: PublicId | None = None
    job_id: PublicId | None = None
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(choice is not None for choice in (self.task_id, self.job_id, self.all)) != 1:
            raise ValueError("give exactly one of task_id, job_id and all")
        return self


class Subscribe(_Choice):
    """Watch a Task, the Tasks of a Job, or all. With `after` (a number) what was missed is sent, without it a snapshot."""

    type: Literal["subscribe"]
    after: Seq | None = None
    epoch: PublicId | None = None


class Unsubscribe(_Choice):
    """Stop watching."""

    type: Literal["unsubscribe"]


class Cancel(_Command):
    """Cancel an unfinished Task."""

    type: Literal["cancel"]
    task_id: PublicId


class Retry(_Command):
    """Put a finished Task back into the queue."""

    type: Literal["retry"]
    task_id: PublicId


class Ping(_Command):
    """Ask for a `pong`."""

    type: Literal["ping"]


Command = Subscribe | Unsubscribe | Cancel | Retry | Ping

_commands: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])


def read_command(message: Any) -> Command:
    """A decoded message as a command.

    Raises:
        CesarError: `bad_message` if it is no object, `bad_command` with what is wrong with it.
    """
    if not isinstance(message, dict):
        raise CesarError("bad_message", "not a JSON object")
    try:
        return _commands.validate_python(message)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "type"
        raise CesarError("bad_command", f"{place}: {first['msg']}"[:300]) from None


def id_of(message: Any) -> CommandId | None:
    """The `id` of a message that may be anything else than a command, for the complaint about it."""
    given = message.get("id") if isinstance(message, dict) else None
    if isinstance(given, str):
        return given[:200]
    return given if isinstance(given, int) and not isinstance(given, bool) else None


class _Answer(BaseModel):
    """What the server says. `optional` fields are left out when they say nothing."""

    model_config = ConfigDict(frozen=True)
    optional: ClassVar[frozenset[str]] = frozenset({"id"})

    def encode(self) -> bytes:
        """One JSON object as UTF-8."""
        fields = self.model_dump(mode="json")
        return orjson.dumps({k: v for k, v in fields.items() if v is not None or k not in self.optional})


class Subscribed(_Answer):
    """Sent before everything else about a Task.

    `seq` is the last number of the Task's log at this moment. `recovered`: the events missed since `after` follow,
    all of them; otherwise a snapshot follows, and what the client knew before is to be forgotten.
    """

    type: Literal["subscribed"] = "subscribed"
    task_id: str
    epoch: str | None
    seq: int
    recovered: bool
    id: CommandId | None = None


class JobProgress(_Answer):
    """How far a Job is now, for those who subscribed to it: not numbered, since only the present counts."""

    type: Literal["job"] = "job"
    job_id: str
    job_type: str
    status: JobStatus
    progress_current: int
    progress_total: int
    retry_count: int
    error_message: str | None
    timestamp: str

    @classmethod
    def of(cls, state: JobState, now: datetime) -> "JobProgress":
        """The state as it is told."""
        return cls(**asdict(state), timestamp=now.isoformat())


class Unsubscribed(_Answer):
    """Nothing more comes about this Task (null: about any)."""

    type: Literal["unsubscribed"] = "unsubscribed"
    task_id: str | None
    id: CommandId | None = None


class Ok(_Answer):
    """The command was carried out."""

    type: Literal["ok"] = "ok"
    id: CommandId | None = None


class Pong(_Answer):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"
    id: CommandId | None = None


class Heartbeat(_Answer):
    """Sent when nothing else was for a while."""

    type: Literal["heartbeat"] = "heartbeat"
    timestamp: str


class Problem(_Answer):
    """An `error` about a command or about the connection itself: the fields of the error event, without a number of its own.

    `seq` is the number to resume after, `positions` the same for each Task of a socket with several;
    `reconnect_after` in seconds.
    """

    optional: ClassVar[frozenset[str]] = frozenset({"id", "seq", "positions", "reconnect_after"})

    type: Literal["error"] = "error"
    task_id: str | None
    error_code: str
    user_message: str
    technical_detail: str | None
    timestamp: str
    retryable: bool
    remedy: str
    id: CommandId | None = None
    seq: int | None = None
    positions: dict[str, int] | None = None
    reconnect_after: float | None = None

    @classmethod
    def of(cls, code: str, detail: str | None = None, *, task_id: str | None = None, **extra: Any) -> "Problem":
        """The problem with this code of the catalogue."""
        entry = CATALOGUE[code]
        return cls(
            task_id=task_id,
            error_code=code,
            user_message=entry.sentence,
            technical_detail=detail,
            timestamp=utc_now().isoformat(),
            retryable=entry.retryable,
            remedy=entry.remedy,
            **extra,
        )
