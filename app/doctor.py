"""Owns `cesar doctor`: what is installed here, which engine would run and why, what is missing and how to get it."""

import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from app import __version__
from app.client.server import address_of, look_for_cesar
from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.infrastructure.database.installed_schema import InstalledSchema, installed_schema
from app.infrastructure.engines.choice import WHISPERX_PARTS, Choice, choose, graphics_cards, missing_parts
from app.infrastructure.engines.model_cache import ModelCache
from app.infrastructure.engines.reports import EngineReport, StageReport, describe_engines, describe_stages
from app.infrastructure.media.report import MediaReport, describe_media

_LITTLE_SPACE: Final = 1 << 30
_NO_SPACE: Final = 100 << 20
_MARKS: Final = {"ok": "ok  ", "note": "note", "problem": "FAIL"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `state`: `ok`, `note` (works, could be better), `problem` (no transcription can run).

    `facts` are the same for machines; `remedy` is the next step for a person.
    """

    topic: str
    state: str
    says: str
    remedy: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found; `ready` when a transcription can run."""

    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way."""
        return all(finding.state != "problem" for finding in self.findings)

    def as_json(self) -> str:
        """One JSON object: `version`, `ready`, `findings`."""
        body = {"version": __version__, "ready": self.ready, "findings": [asdict(finding) for finding in self.findings]}
        return json.dumps(body, indent=2)

    def as_text(self) -> str:
        """A line per finding, its remedy below."""
        width = max(len(finding.topic) for finding in self.findings)
        lines = []
        for finding in self.findings:
            lines.append(f"{_MARKS[finding.state]}  {finding.topic:<{width}}  {finding.says}")
            if finding.remedy:
                lines.append(f"{'':{width + 6}}  → {finding.remedy}")
        verdict = "A transcription can run." if self.ready else "No transcription can run before this is put right."
        return "\n".join([*lines, "", verdict])


def examine(settings: Settings) -> Diagnosis:
    """Look at everything at once; what waits for a network, a process or a disk does so beside the others.

    Imports no engine. The model hub may be asked for the default model, which takes at most about 5 s.
    """
    cache = ModelCache(settings)
    with ThreadPoolExecutor() as pool:
        engines = pool.submit(describe_engines, settings, cache)
        stages = pool.submit(describe_stages, settings, cache)
        media = pool.submit(describe_media)
        server = pool.submit(_server, settings)
        schema = installed_schema(settings.resolved_database_url)
        findings = [
            _cesar(),
            _data_folder(settings.data_dir),
            _database(settings, schema),
            *_media(media.result(), settings),
            server.result(),
            _token(settings),
            _graphics(),
            _whisperx_parts(),
            *(_engine(report) for report in engines.result()),
            *(_stage(report) for report in stages.result()),
            _choice(settings, cache),
        ]
    return Diagnosis(tuple(findings))


def _cesar() -> Finding:
    python, system = platform.python_version(), platform.platform()
    facts = {"version": __version__, "python": python, "executable": sys.executable, "platform": system}
    return Finding("Cesar", "ok", f"{__version__} on Python {python}, {system}", facts=facts)


def _data_folder(folder: Path) -> Finding:
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    facts = {"path": str(folder), "exists": folder.is_dir(), "free_bytes": free}
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        remedy = "Set CESAR_DATA_DIR to a folder you may write, or change this one's owner."
        return Finding("data folder", "problem", f"{folder} cannot be written.", remedy, facts)
    says = f"{folder}, {free / (1 << 30):.1f} GiB free" + ("" if folder.is_dir() else "; it will be made when needed")
    if free < _LITTLE_SPACE:
        remedy = "Free some space, or set CESAR_DATA_DIR to a larger disk."
        return Finding("data folder", "problem" if free < _NO_SPACE else "note", says, remedy, facts)
    return Finding("data folder", "ok", says, facts=facts)


def _database(settings: Settings, schema: InstalledSchema) -> Finding:
    facts = {"schema": schema.installed, "newest": schema.newest}
    if settings.database_url and not settings.database_url.startswith("sqlite"):
        return Finding(
            "database", "note", "The settings name a database that is asked only by the server.", None, facts
        )
    if schema.problem:
        remedy = "Restore it from a copy, or move it away; a new one is made at the next start."
        return Finding("database", "problem", f"It cannot be read: {schema.problem}.", remedy, facts)
    if schema.is_from_newer_release:
        says = f"Schema {schema.installed} was made by a newer release; this one knows {schema.newest}."
        return Finding("database", "problem", says, "Install that release, or set another CESAR_DATA_DIR.", facts)
    if schema.installed is None:
        return Finding(
            "database", "ok", f"none yet; it is made at the first start with schema {schema.newest}", None, facts
        )
    newer = "" if schema.installed == schema.newest else f", upgraded to {schema.newest} at the next start"
    return Finding("database", "ok", f"schema {schema.installed}{newer}", None, facts)


def _media(report: MediaReport, settings: Settings) -> Iterator[Finding]:
    facts = {"pyav": report.pyav, "libraries": report.ffmpeg}
    if report.pyav is None:
        yield Finding("media", "problem", f"Recordings cannot be opened: {report.why}.", "Run `pip install av`.", facts)
    else:
        versions = ", ".join(
            f"{name} {report.ffmpeg[name]}" for name in ("libavformat", "libavcodec") if name in report.ffmpeg
        )
        yield Finding("media", "ok", f"PyAV {report.pyav} with its own FFmpeg ({versions})", None, facts)
    limits = f"a process of its own, {settings.media_memory_mb} MiB of memory, bounded time"
    fence = {"bubblewrap": report.has_bubblewrap, "fenced": report.fenced}
    if report.fenced:
        yield Finding(
            "sandbox", "ok", f"media is opened behind bubblewrap: {limits}, no network, no files", None, fence
        )
    elif report.has_bubblewrap:
        remedy = "Containers often forbid it; allow user namespaces to get the stronger fence."
        yield Finding("sandbox", "note", f"bubblewrap does not work here; media is opened in {limits}", remedy, fence)
    else:
        remedy = "Install bubblewrap (`apt install bubblewrap`) to take network and files from it too."
        yield Finding("sandbox", "note", f"media is opened in {limits}", remedy, fence)


def _server(settings: Settings) -> Finding:
    address = address_of(settings)
    if address is None:
        return Finding("server", "ok", "the settings leave the port open: a free one is taken")
    facts: dict[str, Any] = {"address": address}
    health = look_for_cesar(address)
    if health is not None:
        says = f"Cesar {health['version']} runs at {address} ({health['status']})"
        return Finding("server", "ok", says, None, facts | {"running": True, "status": health["status"]})
    refusal = _why_not_listen(settings)
    if refusal is None:
        return Finding("server", "ok", f"none runs; {address} is free", None, facts | {"running": False})
    remedy = "Serve on another port: `cesar serve --port 8001`, or CESAR_PORT."
    return Finding(
        "server", "note", f"no server can listen at {address}: {refusal}", remedy, facts | {"running": False}
    )


def _why_not_listen(settings: Settings) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        return problem.strerror or str(problem)
    return None


def _token(settings: Settings) -> Finding:
    given = settings.hf_token is not None
    says = "configured" if given else "not configured; only gated models ask for one"
    return Finding("Hugging Face token", "ok", says, facts={"configured": given})


def _graphics() -> Finding:
    cards = graphics_cards()
    says = (
        f"{cards} NVIDIA card{'s' * (cards > 1)} can be used"
        if cards
        else "no NVIDIA card can be used; the processor does the work"
    )
    return Finding("graphics card", "ok", says, facts={"cards": cards})


def _whisperx_parts() -> Finding:
    missing = missing_parts()
    facts = {"installed": [part for part in WHISPERX_PARTS if part not in missing], "missing": list(missing)}
    if not missing:
        return Finding("WhisperX's parts", "ok", f"all there: {', '.join(WHISPERX_PARTS)}", None, facts)
    remedy = "Run `make run`, which installs them, or `python scripts/install_engines.py`."
    return Finding("WhisperX's parts", "note", f"missing: {', '.join(missing)}", remedy, facts)


def _engine(report: EngineReport) -> Finding:
    version = f" {report.version}" if report.version else ""
    models = f" Models here: {', '.join(report.models)}." if report.models else ""
    state = "ok" if report.usable else "note"
    return Finding(
        f"engine {report.name}",
        state,
        f"{report.name}{version}. {report.why}{models}",
        report.how_to_get,
        asdict(report),
    )


def _stage(report: StageReport) -> Finding:
    return Finding(report.name, "ok" if report.usable else "note", report.why, report.how_to_get, asdict(report))


def _choice(settings: Settings, cache: ModelCache) -> Finding:
    try:
        choice = choose(settings, TranscriptionOptions(), cache)
    except CesarError as problem:
        says = f"{problem.entry.sentence} ({problem.detail})"
        remedy = f"Set CESAR_ENGINE=auto, which takes what there is; it is {settings.engine} now."
        return Finding("would run", "problem", says, remedy, {"engine": None, "code": problem.code})
    state = "note" if choice.fallback else "ok"
    return Finding("would run", state, _describe(choice), None, asdict(choice))


def _describe(choice: Choice) -> str:
    about = ", ".join(part for part in (choice.model, choice.device, choice.compute_type) if part)
    return f"{choice.engine} ({about}). {choice.reason}"
