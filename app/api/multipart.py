"""Owns the reading of multipart/form-data: files go to disk and are hashed while they arrive, and memory stays small.

The parser runs on the event loop; writing and hashing run in a worker thread, one block at a time. While a block is
being written the next one is collected; when that is full, reading waits. So at most two blocks and one chunk
of the network are in memory, however large the body is.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from app.domain.errors import CesarError
from app.domain.filenames import safe_filename
from app.domain.ports import Receiver

BLOCK_BYTES: Final = 1 << 20
MAX_FIELDS: Final = 100
MAX_FIELD_BYTES: Final = 64 * 1024
_OVERHEAD_BYTES: Final = 8192
"""What a part may cost beside its content: boundary and headers."""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """One file of a form, complete on disk and not yet committed: the caller commits or abandons `receiver`."""

    field: str
    filename: str
    content_type: str
    receiver: Receiver
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """A form: text fields by name in the order of arrival, and files."""

    fields: dict[str, list[str]]
    files: tuple[ReceivedFile, ...]


class FileNameMissing(CesarError):
    """`bad_value`: what has to be a file was sent as a text."""

    def __init__(self, name: str) -> None:
        super().__init__("bad_value", f"{name} was sent without a file name")


async def receive_form(
    request: Request,
    open_receiver: Callable[[], Receiver],
    *,
    max_file_bytes: int,
    max_files: int,
    file_field: str | None = None,
) -> ReceivedForm:
    """Read the request's form. After any failure, cancellation included, every receiver has been abandoned.

    Args:
        open_receiver: makes a place for one file; called in a worker thread.
        max_file_bytes: largest file, in bytes. max_files: most files in the form.
        file_field: a field that has to be a file.

    Raises:
        CesarError: `too_large` (at once if the Content-Length says so, else with the first byte too many),
            `upload_interrupted`, `malformed`, `bad_value` (too many parts, or a text field over 64 KiB), `disk_full`;
            `FileNameMissing` as soon as `file_field` comes without a file's name, which makes it a text.
    """
    _refuse_by_length(request, max_file_bytes * max_files + MAX_FIELDS * MAX_FIELD_BYTES, max_files + MAX_FIELDS)
    intake = _Intake(open_receiver)
    try:
        form = _FormReader(_boundary_of(request), intake, max_file_bytes, max_files, file_field)
        async for chunk in request.stream():
            form.feed(chunk)
            await intake.drain()
        await intake.finish()
        return form.result()
    except ClientDisconnect as problem:
        await intake.abandon()
        raise CesarError("upload_interrupted") from problem
    except FormParserError as problem:
        await intake.abandon()
        raise CesarError("malformed", str(problem)) from problem
    except BaseException:
        await intake.abandon()
        raise


def _refuse_by_length(request: Request, most_bytes: int, most_parts: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > most_bytes + most_parts * _OVERHEAD_BYTES:
        raise CesarError("too_large", f"the request has {length} bytes")


def _boundary_of(request: Request) -> bytes:
    content_type, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if content_type != b"multipart/form-data" or not boundary:
        raise CesarError("malformed", "the body must be multipart/form-data with a boundary")
    return boundary


@dataclass(slots=True)
class _Part:
    """A part while it arrives: a text field collects its `value`, a file its `receiver` once its first block is written."""

    name: str
    filename: str | None
    content_type: str
    size: int = 0
    value: bytearray = field(default_factory=bytearray)
    receiver: Receiver | None = None


class _Intake:
    """Carries bytes to disk in blocks; one block is being written while the next is collected."""

    def __init__(self, open_receiver: Callable[[], Receiver]) -> None:
        self._open_receiver = open_receiver
        self._receivers: list[Receiver] = []
        self._waiting: list[tuple[_Part, bytes]] = []
        self._waiting_bytes = 0
        self._writing: asyncio.Future[None] | None = None

    def add(self, part: _Part, data: bytes) -> None:
        self._waiting.append((part, data))
        self._waiting_bytes += len(data)

    async def drain(self) -> None:
        if self._waiting_bytes >= BLOCK_BYTES:
            await self._settle()
            self._start()

    async def finish(self) -> None:
        await self._settle()
        if self._waiting:
            self._start()
            await self._settle()

    async def abandon(self) -> None:
        """Wait for the block that is being written, then forget everything."""
        self._waiting.clear()
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing.exception()
        await asyncio.to_thread(self._forget)

    def _start(self) -> None:
        block, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._write, block)

    async def _settle(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    def _write(self, block: list[tuple[_Part, bytes]]) -> None:
        start = 0
        for end in range(1, len(block) + 1):
            if end == len(block) or block[end][0] is not block[start][0]:
                part = block[start][0]
                if part.receiver is None:
                    part.receiver = self._open_receiver()
                    self._receivers.append(part.receiver)
                part.receiver.write(b"".join(data for _, data in block[start:end]))
                start = end

    def _forget(self) -> None:
        for receiver in self._receivers:
            receiver.abandon()


class _FormReader:
    """Follows the parser from part to part and holds the limits."""

    def __init__(
        self, boundary: bytes, intake: _Intake, max_file_bytes: int, max_files: int, file_field: str | None
    ) -> None:
        self._intake = intake
        self._file_field = file_field
        self._max_file_bytes = max_file_bytes
        self._max_files = max_files
        self._headers: dict[bytes, bytes] = {}
        self._header = (bytearray(), bytearray())
        self._part = _Part("", None, "")
        self._fields: list[_Part] = []
        self._files: list[_Part] = []
        self._complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_end": self._on_end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        self._parser.write(chunk)

    def result(self) -> ReceivedForm:
        if not self._complete:
            raise CesarError("upload_interrupted", "the form has no end")
        fields: dict[str, list[str]] = {}
        for part in self._fields:
            fields.setdefault(part.name, []).append(_text(part))
        return ReceivedForm(fields, tuple(file for part in self._files if (file := _file_of(part)) is not None))

    def _on_part_begin(self) -> None:
        self._headers = {}

    def _on_header_end(self) -> None:
        self._headers[bytes(self._header[0]).lower()] = bytes(self._header[1])
        self._header = (bytearray(), bytearray())

    def _on_headers_finished(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        if disposition != b"form-data" or b"name" not in options:
            raise CesarError("malformed", "a part of the form has no name")
        filename = options.get(b"filename")
        self._part = _Part(
            name=options[b"name"].decode(errors="replace"),
            filename=None if filename is None else _as_typed(filename.decode(errors="replace")),
            content_type=self._headers.get(b"content-type", b"").decode("latin-1"),
        )
        if self._part.name == self._file_field and not self._part.filename:
            raise FileNameMissing(self._part.name)
        self._admit()
        if self._part.filename:
            self._intake.add(self._part, b"")  # a named file exists even if no byte follows

    def _admit(self) -> None:
        parts, most = (self._fields, MAX_FIELDS) if self._part.filename is None else (self._files, self._max_files)
        if len(parts) >= most:
            raise CesarError("bad_value", f"more than {most} {'fields' if parts is self._fields else 'files'}")
        parts.append(self._part)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if part.filename is None:
            if part.size > MAX_FIELD_BYTES:
                raise CesarError("bad_value", f"a field is longer than {MAX_FIELD_BYTES} bytes")
            part.value += data[start:end]
        elif part.size > self._max_file_bytes:
            raise CesarError("too_large", f"more than {self._max_file_bytes} bytes")
        else:
            self._intake.add(part, data[start:end])

    def _on_end(self) -> None:
        self._complete = True


def _as_typed(filename: str) -> str:
    """Browsers escape just these three characters in a form's file names (HTML, "multipart/form-data encoding")."""
    return filename.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _text(part: _Part) -> str:
    try:
        return part.value.decode()
    except UnicodeDecodeError as problem:
        raise CesarError("bad_value", "a field is not UTF-8") from problem


def _file_of(part: _Part) -> ReceivedFile | None:
    """None for the nameless, empty part that a browser sends when no file was chosen: it has no receiver."""
    if part.receiver is None:
        return None
    return ReceivedFile(part.name, safe_filename(part.filename or ""), part.content_type, part.receiver, part.size)
