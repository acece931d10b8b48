"""Owns the child process that downloads one model: an order as JSON on stdin, what happens as JSON lines on stdout.

Run as a file by itself, so that it starts without the rest of Cesar.
"""

import errno
import fnmatch
import json
import sys
from typing import Any, Final

CHUNK_BYTES: Final = 256 * 1024
"""Written at once; the library's own 10 MB would leave a slow connection without a sign of life for many seconds."""


def main() -> None:
    """Read the order, say which blobs it means, download them, say where they are or what went wrong."""
    order = json.load(sys.stdin)
    try:
        _download(order)
    except Exception as problem:
        full = isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT)
        _say({"error": f"{type(problem).__name__}: {problem}"[:1000], "disk_full": full})


def _download(order: dict[str, Any]) -> None:
    import huggingface_hub  # noqa: PLC0415 - inside, so that a missing library is said like any other failure
    from huggingface_hub import constants  # noqa: PLC0415

    constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
    access: dict[str, Any] = {"token": order["token"] or False}  # None would mean the one in the user's home
    info = huggingface_hub.HfApi(**access).model_info(order["repository"], files_metadata=True, timeout=10)
    left_out = _second_choices([file.rfilename for file in info.siblings or ()], order["one_of"])
    wanted = [
        file
        for file in info.siblings or ()
        if _matches(file.rfilename, order["patterns"]) and file.rfilename not in left_out
    ]
    _say({"blobs": {(file.lfs.sha256 if file.lfs else file.blob_id): file.size or 0 for file in wanted}})
    folder = huggingface_hub.snapshot_download(
        order["repository"],
        cache_dir=order["cache"],
        allow_patterns=order["patterns"],
        ignore_patterns=left_out,
        max_workers=1,  # one after another, so that the last file says that all are there
        **access,
    )
    _say({"folder": folder})


def _second_choices(names: list[str], one_of: list[str]) -> list[str]:
    """Files that say the same as another one that comes first in `one_of`."""
    return [name for name in one_of if name in names][1:]


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
