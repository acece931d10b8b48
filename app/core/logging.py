"""Owns the log: one renderer on stderr for Cesar's own lines and its libraries', without secrets and without anybody's words.

A line is a snake_case fact with ids as keys: `logger.info("task_claimed", task_id=…, attempt=1)`. Until `configure_logging` is
called only warnings and errors are seen, so importing this module costs nothing and prints nothing.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REFUSED_KEYS: Final = frozenset({"text", "words", "transcript"})
"""What somebody said is personal data: these keys lose their value wherever they turn up."""

REDACTED: Final = "[redacted]"
REFUSED: Final = "[refused]"

_SECRET_KEY = re.compile(r"token|ticket|secret|password|authorization|api_?key|cookie|credential", re.IGNORECASE)
_SECRET_VALUES: Final = (
    (re.compile(r"\bhf_\w+"), REDACTED),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"(://)[^/\s@]+@"), rf"\1{REDACTED}@"),
    (
        re.compile(r"([?&][\w-]*(?:token|ticket|secret|password|key|sig|auth|cred)[\w-]*=)[^&\s\"']+", re.I),
        rf"\1{REDACTED}",
    ),
    # A failed statement quotes its parameters, and those of `segments` are what somebody said.
    (re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL), f"[parameters: {REFUSED}]"),
)

# Their own handlers would write past ours; at `info` they tell every statement and every request to the model hub.
_WITH_OWN_HANDLERS: Final = ("uvicorn", "uvicorn.error", "alembic", "sqlalchemy")
_QUIETER: Final = (
    "sqlalchemy",
    "alembic.runtime.plugins",
    "httpx2",
    "httpcore2",
    "httpx",
    "httpcore",
    "urllib3",
    "filelock",
    "asyncio",
)


def without_secrets(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Processor: secrets become `[redacted]`, the values of `REFUSED_KEYS` become `[refused]`, at any depth.

    It never raises: a log line must not be able to end a run.
    """
    return {key: _clean(key, value) for key, value in event_dict.items()}


def _clean(key: object, value: object) -> Any:
    if key in REFUSED_KEYS:
        return REFUSED
    if isinstance(key, str) and _SECRET_KEY.search(key) and isinstance(value, str | bytes):
        return REDACTED
    return _clean_value(value)


def _clean_value(value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _clean(key, inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_value(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _clean_string(value if isinstance(value, str) else str(value))


def _clean_string(value: str) -> str:
    for pattern, replacement in _SECRET_VALUES:
        value = pattern.sub(replacement, value)
    return value


_BEFORE_EVERY_LINE: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_BEFORE_EVERY_LINE,
        structlog.processors.format_exc_info,
        without_secrets,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)

logger: structlog.stdlib.BoundLogger = structlog.get_logger("cesar")
"""The log of every module. Event names are snake_case; ids are keys."""


class _Stderr:
    """Whatever stderr is at this moment: it is replaced in tests and when output is redirected."""

    def write(self, line: str) -> None:
        sys.stderr.write(line)

    def flush(self) -> None:
        sys.stderr.flush()


class _CesarHandler(logging.StreamHandler[_Stderr]):
    """Our one handler, recognisable when logging is configured a second time."""


def configure_logging(level: str = "info", json: bool = False, *, process: str | None = None) -> None:
    """Write everything from `level` (debug, info, warning, error) on to stderr; calling it again replaces what was set.

    Args:
        level: least important level that is written; libraries known to be talkative stay at warning unless it is debug.
        json: one JSON object per line instead of text for people.
        process: name of this process (`web`, `worker`), put on every line, since several share one stderr.
    """
    handler = _CesarHandler(_Stderr())
    handler.setFormatter(_formatter(json, process))
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if not isinstance(kept, _CesarHandler)] + [handler]
    root.setLevel(level.upper())
    for name in _WITH_OWN_HANDLERS:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
    for name in _QUIETER:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "debug" else max(logging.WARNING, root.level))
    logging.captureWarnings(True)


def _formatter(json: bool, process: str | None) -> logging.Formatter:
    def name_process(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
        return event_dict if process is None else {"process": process, **event_dict}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            *_BEFORE_EVERY_LINE,
            structlog.stdlib.add_logger_name,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            name_process,
            structlog.processors.format_exc_info,
            without_secrets,
            structlog.processors.JSONRenderer() if json else _text_renderer(),
        ],
    )


def _text_renderer() -> Processor:
    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    # The default formatter of exceptions prints local variables, and those hold what this log must not.
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
