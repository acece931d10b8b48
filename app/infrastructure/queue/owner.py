"""Owns a worker's identity in a lease: unique, and readable by others who want to know whether that worker still lives."""

import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STAT_STATE, _STAT_START = 0, 19
"""Places of the state and the start time in /proc/PID/stat, counted behind the command's closing bracket (proc(5))."""


def own_identity() -> str:
    """`host|boot|pid namespace|pid|start time` of this process."""
    return "|".join([*_place(), str(os.getpid()), _start_time(os.getpid()) or ""])


def is_dead(owner: str) -> bool:
    """Whether the process behind an identity certainly no longer runs.

    Only a process of this very machine, boot and pid namespace can be judged; of all others False is said, and
    their lease has to run out.
    """
    parts = owner.split("|")
    if len(parts) != 5 or tuple(parts[:3]) != _place() or not parts[4]:
        return False
    return _start_time(int(parts[3])) != parts[4]


def _place() -> tuple[str, str, str]:
    boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
    namespace = Path("/proc/self/ns/pid")
    return socket.gethostname(), boot, str(namespace.readlink()) if boot else ""


def _start_time(pid: int) -> str | None:
    """Clock ticks between boot and the process's start; None if it does not run (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STAT_STATE] in "ZX" else fields[_STAT_START]
