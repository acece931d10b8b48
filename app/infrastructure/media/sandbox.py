"""Owns the fence around the program that opens untrusted media: starts it with nothing, watches it, kills it.

The child gets the media as its standard input, no environment, a session of its own, and limits on memory, processor
time, output size and open files (it sets them itself, before the first byte of the media is read). Where bubblewrap works
it also gets no network and a read-only view that holds Python and nothing else.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final

from app.domain.errors import CATALOGUE, CesarError

POLL_SECONDS: Final = 0.1
EXIT_SECONDS: Final = 5.0
LINE_BYTES: Final = 65_536
STDERR_BYTES: Final = 4_096
CHILD: Final = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Order:
    """What the child is to do. `target_fd` is an open descriptor for 16-bit samples, None for a probe; limits in seconds."""

    command: str
    max_seconds: float
    cpu_seconds: int
    target_fd: int | None = None


class Sandbox:
    """Runs the child program, one process per call. Safe for use from several threads.

    Args:
        memory_mb: address space of the child, in MiB.
        silence_seconds: a child that says nothing for so long is taken for hung and killed.
    """

    def __init__(self, memory_mb: int, *, silence_seconds: float = 30.0) -> None:
        self._memory_bytes = memory_mb * 1024 * 1024
        self._silence_seconds = silence_seconds

    def run(
        self,
        order: Order,
        source: BinaryIO,
        *,
        on_fraction: Callable[[float], None] = lambda _: None,
        check: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """The child's answer; `check` is called at least every 0.2 s and may raise to stop the child.

        Raises:
            CesarError: what the child answered, or `bad_media` if it crashed, hung or hit a limit.
        """
        with self._child(order, source) as child:
            talk = Talk(child, self._silence_seconds)
            answer = None
            for message in talk.messages(check):
                if "fraction" in message:
                    on_fraction(float(message["fraction"]))
                else:
                    answer = message
            return _result_of(answer, child, talk)

    @contextmanager
    def _child(self, order: Order, source: BinaryIO) -> Iterator[subprocess.Popen[bytes]]:
        child = subprocess.Popen(  # noqa: S603 - our own program, with an argument made of numbers
            [*self.wrapper, sys.executable, "-I", str(CHILD), self._argument(order)],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=() if order.target_fd is None else (order.target_fd,),
            start_new_session=True,
            cwd="/",
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
        )
        try:
            yield child
        finally:
            end_child(child)

    def _argument(self, order: Order) -> str:
        return json.dumps(
            {
                "command": order.command,
                "target_fd": order.target_fd,
                "max_seconds": order.max_seconds,
                "memory_bytes": self._memory_bytes,
                "cpu_seconds": order.cpu_seconds,
            }
        )

    @cached_property
    def wrapper(self) -> tuple[str, ...]:
        """Bubblewrap's command if it is installed and works here (many containers forbid it), else nothing."""
        program = shutil.which("bwrap")
        if program is None:
            return ()
        wrapper = (program, *_bubblewrap_options())
        trial = [*wrapper, sys.executable, "-I", "-c", "import av"]
        try:
            subprocess.run(trial, capture_output=True, check=True, timeout=30, cwd="/")  # noqa: S603
        except (subprocess.SubprocessError, OSError):
            return ()
        return wrapper


def _bubblewrap_options() -> Iterator[str]:
    yield from ("--unshare-all", "--die-with-parent", "--dev", "/dev", "--proc", "/proc")
    system = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")
    for folder in dict.fromkeys((*system, sys.base_prefix, sys.prefix, str(CHILD))):
        yield from ("--ro-bind-try", folder, folder)


class Talk:
    """What a child says: JSON lines on standard output, and the end of its standard error for the case that it dies."""

    def __init__(self, child: subprocess.Popen[bytes], silence_seconds: float) -> None:
        self._child = child
        self._silence_seconds = silence_seconds
        self._heard = time.monotonic()
        self._line = b""
        self.complaint = b""
        self.hung = False

    def messages(self, check: Callable[[], None]) -> Iterator[dict[str, Any]]:
        """Every message until the child closes its output; ends early, with `hung`, when it falls silent or talks nonsense."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
            selector.register(self._child.stderr, selectors.EVENT_READ)  # type: ignore[arg-type]
            while selector.get_map():
                check()
                for key, _ in selector.select(POLL_SECONDS):
                    data = os.read(key.fd, LINE_BYTES)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._child.stderr:
                        self.complaint = (self.complaint + data)[-STDERR_BYTES:]
                    else:
                        yield from self._take(data)
                if self._is_hung():
                    self.hung = True
                    return

    def _take(self, data: bytes) -> Iterator[dict[str, Any]]:
        self._heard = time.monotonic()
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError as problem:
                raise CesarError("bad_media", "the decoder answered nonsense") from problem

    def _is_hung(self) -> bool:
        return time.monotonic() - self._heard > self._silence_seconds or len(self._line) > LINE_BYTES


def _result_of(answer: dict[str, Any] | None, child: subprocess.Popen[bytes], talk: Talk) -> dict[str, Any]:
    code = None if talk.hung else _exit_code(child)
    if code is None:
        raise CesarError("bad_media", "the decoder made no progress and was stopped")
    if answer is None:
        raise CesarError("bad_media", _epitaph(code, talk.complaint))
    if "error" in answer:
        raise CesarError(answer["error"] if answer["error"] in CATALOGUE else "bad_media", str(answer["detail"]))
    result: dict[str, Any] = answer["result"]
    return result


def _exit_code(child: subprocess.Popen[bytes]) -> int | None:
    try:
        return child.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _epitaph(code: int, complaint: bytes) -> str:
    if code < 0:
        return f"the decoder was ended by {_signal_name(-code)}"
    lines = complaint.decode(errors="replace").strip().splitlines()
    return f"the decoder ended with code {code}: {lines[-1] if lines else 'no answer'}"[:300]


def _signal_name(number: int) -> str:
    if number == signal.SIGXCPU:
        return "the limit of processor time"
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def end_child(child: subprocess.Popen[bytes]) -> None:
    """Nothing of the child's session stays behind, whatever happened."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
