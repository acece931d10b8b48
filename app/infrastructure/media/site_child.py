"""Owns the program that runs yt-dlp: alone, with nothing to reach but one proxy, and one folder to write in.

Started as `python -I site_child.py` in that folder, with its order as JSON on its standard input: `url`, `proxy`, `port`, `max_bytes`,
`memory_bytes`, `cpu_seconds`. Before the first request it closes the doors behind itself: an audit hook of Python, which cannot be taken
off again, refuses every socket but the proxy's, every program, and every file outside the folder and Python itself.
Lines on standard output: `{"fraction": 0.4}`, then one `{"result": {"file", "name"}}` or `{"error": code, "detail": text}`.
"""

import errno
import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_READABLE: Final = (
    "/usr",
    "/lib",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/mime.types",
    "/etc/localtime",
    "/dev",
)
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NEVER: Final = (
    "subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "ctypes.dlopen",
    "os.kill", "os.killpg", "resource.setrlimit", "sqlite3.connect", "webbrowser.open", "os.symlink",
    "socket.bind", "socket.sendto", "socket.sendmsg", "socket.gethostbyname", "socket.gethostbyaddr",
)  # fmt: skip
_CHANGES: Final = (
    "os.rename",
    "os.remove",
    "os.link",
    "os.truncate",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "os.chown",
    "os.utime",
)
_CODES: Final = {
    401: "url_forbidden",
    403: "url_forbidden",
    404: "url_not_found",
    410: "url_not_found",
    451: "url_forbidden",
}
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class TooLarge(Exception):
    """More came than may."""


def main() -> None:
    """Do what the order on standard input says, and answer."""
    order = json.loads(sys.stdin.read())
    _limit(order)
    import yt_dlp  # noqa: PLC0415 - takes a second, which the limits already count

    sys.addaudithook(_fence(order["port"], str(Path.cwd())))
    try:
        _say({"result": _fetch(yt_dlp, order)})
    except BaseException as problem:  # whatever a page provokes is the page's fault
        code, detail = _named(yt_dlp, problem)
        _say({"error": code, "detail": detail})


def _limit(order: dict[str, Any]) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: order["memory_bytes"],
        resource.RLIMIT_CPU: order["cpu_seconds"],
        resource.RLIMIT_FSIZE: order["max_bytes"] + (1 << 20),
        resource.RLIMIT_NOFILE: 64,
    }
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bound, bound))


def _fence(port: int, folder: str) -> Any:
    readable = (*_READABLE, sys.prefix, sys.base_prefix)

    def is_below(path: Any, folders: tuple[str, ...]) -> bool:
        if isinstance(path, int):
            return True
        real = os.path.realpath(os.fsdecode(path))
        return any(real == allowed or real.startswith(f"{allowed}/") for allowed in folders)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            allowed = arguments[1] == ("127.0.0.1", port)
        elif event == "socket.getaddrinfo":
            allowed = arguments[0] == "127.0.0.1"
        elif event == "open":
            writes = bool(arguments[2] & _WRITING)
            allowed = is_below(arguments[0], (folder, "/dev/null") if writes else (folder, *readable))
        elif event in _CHANGES:
            allowed = all(is_below(path, (folder,)) for path in arguments[:2] if isinstance(path, str | bytes))
        else:
            allowed = event not in _NEVER
        if not allowed:
            raise PermissionError(errno.EPERM, f"{event} is not allowed here")

    return watch


def _fetch(yt_dlp: Any, order: dict[str, Any]) -> dict[str, str]:
    complaints = _Complaints()
    with yt_dlp.YoutubeDL(_options(order, complaints)) as downloader:
        info = downloader.extract_info(order["url"], download=True)
    while info and "entries" in info:
        info = next(iter(info["entries"] or []), None)
    done = (info or {}).get("requested_downloads") or [{}]
    path = Path(done[0].get("filepath") or "nothing")
    if not path.is_file():
        raise TooLarge if complaints.about_size else LookupError("there is no recording on this page")
    return {"file": path.name, "name": f"{info.get('title') or 'recording'}.{info.get('ext') or 'media'}"}


def _options(order: dict[str, Any], complaints: "_Complaints") -> dict[str, Any]:
    return {
        "proxy": order["proxy"],
        "format": "bestaudio/best",
        "outtmpl": {"default": "recording.%(ext)s"},
        "noplaylist": True,
        "playlist_items": "1",
        "max_filesize": order["max_bytes"],
        "cachedir": False,
        "fixup": "never",
        "nopart": True,
        "updatetime": False,
        "noprogress": True,
        "retries": 1,
        "fragment_retries": 1,
        "extractor_retries": 1,
        "socket_timeout": 20,
        "hls_prefer_native": True,
        "external_downloader": {"default": "native"},
        "ffmpeg_location": "/nowhere",
        "js_runtimes": {},
        "color": "never",
        "logger": complaints,
        "progress_hooks": [_Meter(order["max_bytes"])],
    }


class _Meter:
    """Says how far it is, and stops at the limit, which servers that do not tell a length would otherwise pass."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._told = -1

    def __call__(self, state: dict[str, Any]) -> None:
        done = state.get("downloaded_bytes") or 0
        if done > self._max_bytes:
            raise TooLarge
        total = state.get("total_bytes") or state.get("total_bytes_estimate") or 0
        percent = int(100 * min(1.0, done / total)) if total else 0
        if percent > self._told:
            self._told = percent
            _say({"fraction": percent / 100})


class _Complaints:
    """What yt-dlp says is for nobody, except that it left something out because of its size."""

    def __init__(self) -> None:
        self.about_size = False

    def debug(self, message: str) -> None:
        """Also what others call information."""
        self.about_size = self.about_size or "max-filesize" in message

    def info(self, message: str) -> None:
        """The same."""
        self.debug(message)

    def warning(self, message: str) -> None:
        """The same."""
        self.debug(message)

    def error(self, message: str) -> None:
        """The same."""
        self.debug(message)


def _named(yt_dlp: Any, problem: BaseException) -> tuple[str, str]:
    """The code of the catalogue, and the words for an admin, without addresses."""
    words = " ".join(word for word in str(problem).split() if "://" not in word)[:200]
    for cause in _causes(problem):
        if (code := _code_of(yt_dlp, cause)) is not None:
            return code, words
    # What it gave up after several tries is only told in words.
    return ("url_unreachable" if "retries" in words or "HTTP Error" in words else "not_media"), words


def _code_of(yt_dlp: Any, cause: BaseException) -> str | None:
    known: tuple[tuple[Any, str], ...] = (
        (TooLarge, "too_large"),
        ((yt_dlp.utils.UnsupportedError, LookupError), "not_media"),
        (yt_dlp.utils.GeoRestrictedError, "url_forbidden"),
        (yt_dlp.networking.exceptions.TransportError, "url_unreachable"),
    )
    if isinstance(cause, yt_dlp.networking.exceptions.HTTPError):
        return _CODES.get(cause.status, "url_unreachable")
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return "too_large" if cause.errno == errno.EFBIG else "disk_full"
    return next((code for kind, code in known if isinstance(cause, kind)), None)


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting = [problem]
    while waiting:
        one = waiting.pop(0)
        if one is None or one in seen:
            continue
        seen.append(one)
        yield one
        told = getattr(one, "exc_info", None)
        waiting += [told[1] if told else None, getattr(one, "cause", None), one.__cause__, one.__context__]


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
