"""A form is read while it arrives: files end on disk with their hash, limits hold, and no failure leaves a file behind."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest
from starlette.requests import Request

from app.api.multipart import BLOCK_BYTES, MAX_FIELD_BYTES, MAX_FIELDS, ReceivedForm, receive_form
from app.domain.errors import CesarError
from app.domain.ports import Receiver, StoredFile
from app.infrastructure.storage.local import LocalReceiver, LocalStorage
from benchmarks.upload import measure

BOUNDARY = "x-boundary-x"
MIB = 1 << 20


class _WatchedStorage(LocalStorage):
    """Abandons at the end what a test left open."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.received: list[LocalReceiver] = []

    def receive(self) -> LocalReceiver:
        self.received.append(super().receive())
        return self.received[-1]


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LocalStorage]:
    watched = _WatchedStorage(tmp_path / "media")
    yield watched
    for receiver in watched.received:
        receiver.abandon()


def _leftovers(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def _part(name: str, body: bytes, filename: str | None = None, content_type: str | None = None) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    head += "" if content_type is None else f"\r\nContent-Type: {content_type}"
    return head.encode(errors="surrogateescape") + b"\r\n\r\n" + body + b"\r\n"


def _form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _chunks(body: bytes, size: int) -> Iterable[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def _request(
    chunks: Iterable[bytes], *, length: int | None = None, content_type: str | None = None, cut: bool = False
) -> tuple[Request, list[int]]:
    """A request whose body arrives chunk by chunk, and the sizes that were read so far; `cut` ends it with a disconnect."""
    read: list[int] = []

    async def messages() -> AsyncIterator[dict[str, object]]:
        for chunk in chunks:
            read.append(len(chunk))
            yield {"type": "http.request", "body": chunk, "more_body": True}
        yield {"type": "http.disconnect"} if cut else {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"content-type", (content_type or f"multipart/form-data; boundary={BOUNDARY}").encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    return Request(scope, messages().__anext__), read  # type: ignore[arg-type]


async def _receive(
    storage: LocalStorage, body: bytes, *, chunk: int = 65_536, max_file_bytes: int = 64 * MIB, max_files: int = 10
) -> ReceivedForm:
    request, _ = _request(_chunks(body, chunk))
    return await receive_form(request, storage.receive, max_file_bytes=max_file_bytes, max_files=max_files)


async def _fails(storage: LocalStorage, body: bytes, **limits: int) -> CesarError:
    with pytest.raises(CesarError) as caught:
        await _receive(storage, body, **limits)
    return caught.value


@pytest.mark.parametrize("chunk", [1, 7, 64, 4096, 65_536])
async def test_fields_and_files_arrive_whole(storage: LocalStorage, chunk: int) -> None:
    """However the network cuts the body, fields keep their order and files their bytes, even bytes like a boundary's."""
    tricky = b"\r\n--x-boundary-\r\n--x-boundary-y\r\n-" + bytes(range(256)) * 4
    body = _form(
        _part("model", b"small"),
        _part("file", tricky, "a.wav", "audio/wav"),
        _part("model", "größer".encode()),
        _part("file", b"second", "b.mp3"),
    )
    form = await _receive(storage, body, chunk=chunk)
    assert form.fields == {"model": ["small", "größer"]}
    assert [(file.field, file.filename, file.content_type, file.size_bytes) for file in form.files] == [
        ("file", "a.wav", "audio/wav", len(tricky)),
        ("file", "b.mp3", "", 6),
    ]
    stored = [file.receiver.commit() for file in form.files]
    assert [item.sha256 for item in stored] == [hashlib.sha256(data).hexdigest() for data in (tricky, b"second")]


async def test_a_file_of_many_blocks_arrives_whole(storage: LocalStorage) -> None:
    """Bytes that are handed to the writing thread in several blocks keep their order."""
    data = os.urandom(5 * BLOCK_BYTES + 12_345)
    form = await _receive(storage, _form(_part("file", data, "a.wav")))
    stored = form.files[0].receiver.commit()
    assert (stored.size_bytes, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())


async def test_bytes_are_on_disk_before_the_last_ones_came(storage: LocalStorage, tmp_path: Path) -> None:
    """A body is written while it arrives, not collected: at the tenth MiB, most of nine are on disk."""
    body = _form(_part("file", bytes(10 * MIB), "a.wav"))
    on_disk: list[int] = []

    def chunks() -> Iterable[bytes]:
        for chunk in _chunks(body, 65_536):
            on_disk.append(sum(path.stat().st_size for path in _leftovers(tmp_path)))
            yield chunk

    request, _ = _request(chunks())
    form = await receive_form(request, storage.receive, max_file_bytes=64 * MIB, max_files=1)
    assert on_disk[-1] >= 10 * MIB - 3 * BLOCK_BYTES
    form.files[0].receiver.abandon()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.wav", "y.wav"),
        ("r\u00e9sum\u00e9.wav", "résumé.wav"),
        ("..", "recording"),
    ],
)
async def test_a_client_s_file_name_is_made_safe(storage: LocalStorage, sent: str, shown: str) -> None:
    """The name that is kept is the last part of what the client said."""
    form = await _receive(storage, _form(_part("file", b"x", sent)))
    assert form.files[0].filename == shown
    form.files[0].receiver.abandon()


async def test_the_empty_part_of_an_untouched_file_input_is_no_file(storage: LocalStorage, tmp_path: Path) -> None:
    """A browser sends filename="" when nothing was chosen; that is left out."""
    form = await _receive(storage, _form(_part("file", b"", "", "application/octet-stream"), _part("model", b"tiny")))
    assert form.files == ()
    assert _leftovers(tmp_path) == []


async def test_an_empty_file_is_a_file(storage: LocalStorage) -> None:
    """A named file without a byte is handed on, for the probe to refuse."""
    form = await _receive(storage, _form(_part("file", b"", "empty.wav")))
    assert [(file.filename, file.size_bytes) for file in form.files] == [("empty.wav", 0)]
    assert form.files[0].receiver.commit().sha256 == hashlib.sha256(b"").hexdigest()


async def test_a_file_of_exactly_the_limit_is_taken(storage: LocalStorage) -> None:
    """The limit itself is allowed."""
    form = await _receive(storage, _form(_part("file", bytes(MIB), "a.wav")), max_file_bytes=MIB)
    assert form.files[0].size_bytes == MIB


async def test_a_file_over_the_limit_is_refused_within_one_chunk(storage: LocalStorage, tmp_path: Path) -> None:
    """Without a Content-Length, no more than the limit and one chunk is read, and nothing stays on disk."""
    body = _form(_part("file", bytes(8 * MIB), "a.wav"))
    request, read = _request(_chunks(body, 65_536))
    with pytest.raises(CesarError, match="too_large"):
        await receive_form(request, storage.receive, max_file_bytes=2 * MIB, max_files=1)
    assert sum(read) <= 2 * MIB + 65_536
    assert _leftovers(tmp_path) == []


async def test_the_limit_is_per_file(storage: LocalStorage) -> None:
    """Several files that are each within the limit are taken, whatever their sum."""
    parts = [_part("file", bytes(MIB), f"{number}.wav") for number in range(4)]
    assert len((await _receive(storage, _form(*parts), max_file_bytes=MIB)).files) == 4


async def test_a_content_length_beyond_everything_is_refused_at_once(storage: LocalStorage) -> None:
    """Nothing is read of a body that says it is larger than all files together may be."""
    request, read = _request([b"never"], length=100 * MIB)
    with pytest.raises(CesarError, match="too_large"):
        await receive_form(request, storage.receive, max_file_bytes=MIB, max_files=10)
    assert read == []


async def test_too_many_files_are_refused(storage: LocalStorage, tmp_path: Path) -> None:
    """The file after the last allowed one ends the request, and those before it are gone."""
    parts = [_part("file", b"x" * BLOCK_BYTES, f"{number}.wav") for number in range(3)]
    problem = await _fails(storage, _form(*parts), max_files=2)
    assert problem.code == "bad_value"
    assert _leftovers(tmp_path) == []


async def test_a_field_that_is_too_long_is_refused(storage: LocalStorage) -> None:
    """Text fields are bounded; memory is not a place for a body."""
    problem = await _fails(storage, _form(_part("language", b"x" * (MAX_FIELD_BYTES + 1))))
    assert problem.code == "bad_value"


async def test_too_many_fields_are_refused(storage: LocalStorage) -> None:
    """So is their number."""
    problem = await _fails(storage, _form(*[_part("a", b"x")] * (MAX_FIELDS + 1)))
    assert problem.code == "bad_value"


async def test_a_field_must_be_text(storage: LocalStorage, tmp_path: Path) -> None:
    """A text field that is not UTF-8 is refused, and a file beside it is abandoned."""
    problem = await _fails(storage, _form(_part("file", b"x", "a.wav"), _part("model", b"\xff\xfe")))
    assert problem.code == "bad_value"
    assert _leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "body",
    [
        b"not a form at all",
        b"--other\r\n\r\nx\r\n--other--\r\n",
        f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nno name\r\n--{BOUNDARY}--\r\n".encode(),
        f"--{BOUNDARY}\r\nbad header\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{"x" * 100_000}"\r\n\r\n'.encode(),
        f"--{BOUNDARY}\r\n".encode() + b"A: b\r\n" * 1000,
    ],
)
async def test_what_is_no_form_is_malformed(storage: LocalStorage, body: bytes) -> None:
    """A body that breaks the rules of the format is told so."""
    assert (await _fails(storage, body)).code == "malformed"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 999,
    ],
)
async def test_a_wrong_content_type_is_malformed(storage: LocalStorage, content_type: str) -> None:
    """Only multipart/form-data with a usable boundary is read."""
    request, _ = _request([b"x"], content_type=content_type or "text/plain")
    with pytest.raises(CesarError, match="malformed"):
        await receive_form(request, storage.receive, max_file_bytes=MIB, max_files=1)


@pytest.mark.parametrize("cut", [True, False])
async def test_an_upload_that_ends_early_leaves_nothing(storage: LocalStorage, tmp_path: Path, cut: bool) -> None:
    """A disconnect, or a body that stops before its last boundary, is upload_interrupted."""
    body = _form(_part("file", bytes(3 * MIB), "a.wav"))[:-100]
    request, _ = _request(_chunks(body, 65_536), cut=cut)
    with pytest.raises(CesarError, match="upload_interrupted"):
        await receive_form(request, storage.receive, max_file_bytes=64 * MIB, max_files=1)
    assert _leftovers(tmp_path) == []


async def test_a_cancelled_request_leaves_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    """Cancelling while bytes arrive abandons what was written."""
    arrived, forever = asyncio.Event(), asyncio.Event()
    body = _form(_part("file", bytes(4 * MIB), "a.wav"))

    async def receive() -> dict[str, object]:
        if arrived.is_set():
            await forever.wait()
        arrived.set()
        return {"type": "http.request", "body": body[:-50], "more_body": True}

    headers = [(b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode())]
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)  # type: ignore[arg-type]
    task = asyncio.create_task(receive_form(request, storage.receive, max_file_bytes=64 * MIB, max_files=1))
    await arrived.wait()
    await asyncio.sleep(0.1)
    assert _leftovers(tmp_path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _leftovers(tmp_path) == []


class _FullDisk:
    """A receiver whose disk is full from the third block on."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._writes = 0
        self.threads: set[int] = set()

    @property
    def path(self) -> Path:
        return self._receiver.path

    def write(self, data: bytes) -> None:
        self.threads.add(threading.get_ident())
        self._writes += 1
        if self._writes == 3:
            raise CesarError("disk_full")
        self._receiver.write(data)

    def commit(self) -> StoredFile:
        return self._receiver.commit()

    def abandon(self) -> None:
        self._receiver.abandon()


async def test_a_full_disk_ends_the_upload(storage: LocalStorage, tmp_path: Path) -> None:
    """disk_full of the writing thread reaches the caller while the body still comes, and nothing stays."""
    request, read = _request(_chunks(_form(_part("file", bytes(32 * MIB), "a.wav")), 65_536))
    made: list[_FullDisk] = []

    def open_receiver() -> Receiver:
        made.append(_FullDisk(storage.receive()))
        return made[-1]

    with pytest.raises(CesarError, match="disk_full"):
        await receive_form(request, open_receiver, max_file_bytes=64 * MIB, max_files=1)
    assert sum(read) < 8 * MIB
    assert threading.get_ident() not in made[0].threads
    assert _leftovers(tmp_path) == []


def test_memory_stays_small_while_a_large_body_streams(tmp_path: Path) -> None:
    """A real server takes 160 MiB and grows by at most 32 MiB."""
    outcome = measure(160 * MIB, tmp_path)
    assert outcome.growth_mib <= 32
    assert outcome.ratio > 0
