"""Owns the warm engines: loads them, lends each to one run at a time, and lets go of those that nobody wants."""

import contextlib
import ctypes
import gc
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.core.config import Settings
from app.core.logging import logger
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Engine, RunControl
from app.infrastructure.engines.choice import POCKETSPHINX, WHISPERX, Choice, choose, small_engine
from app.infrastructure.engines.model_cache import ModelCache

MOST_ENGINES: Final = 2
"""Engines in memory at once: the one in use and the one before it."""

_WAIT_SECONDS: Final = 0.1

Loader = Callable[[Choice, RunControl], Engine]
Key = tuple[str, str, str, str]


@dataclass(slots=True)
class _Warm:
    engine: Engine
    idle_since: float


class WarmShelf:
    """Engines by engine, model, device and compute type. Safe from several threads.

    An engine that was idle for `model_ttl_seconds` is dropped by `sweep`, which a thread of the shelf's own calls
    from time to time. `close()` ends that thread and drops everything.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cache: ModelCache | None = None,
        clock: Callable[[], float] = time.monotonic,
        loaders: Mapping[str, Loader] | None = None,
    ) -> None:
        self._settings = settings
        self._cache = cache or ModelCache(settings)
        self._clock = clock
        self._loaders = loaders or {WHISPERX: self._load_whisperx, POCKETSPHINX: self._load_pocketsphinx}
        self._warm: dict[Key, _Warm] = {}
        self._busy: set[Key] = set()  # lent, or being loaded for a run
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_for_ever, name="engine-shelf", daemon=True)
        self._sweeper.start()

    @contextlib.contextmanager
    def lend(self, options: TranscriptionOptions, control: RunControl) -> Iterator[Engine]:
        """See `EngineShelf.lend`. Waits while another run has this engine."""
        key, engine = self._obtain(options, control)
        try:
            yield engine
        finally:
            del engine  # or it could not be freed below
            self._give_back(key)

    def sweep(self, now: float | None = None) -> int:
        """Drop the engines whose time is up at `now` (default: the clock's); how many that were."""
        now = self._clock() if now is None else now
        ttl = self._settings.model_ttl_seconds
        with self._changed:
            return self._drop([key for idle_since, key in self._idle() if now - idle_since >= ttl])

    def engines(self) -> tuple[Key, ...]:
        """What is warm: (engine, model, device, compute type)."""
        with self._changed:
            return tuple(self._warm)

    def close(self) -> None:
        """Stop sweeping and drop every engine that is not lent."""
        self._closed.set()
        self._sweeper.join(timeout=5)
        with self._changed:
            self._drop([key for _, key in self._idle()])

    def _obtain(self, options: TranscriptionOptions, control: RunControl) -> tuple[Key, Engine]:
        choice = choose(self._settings, options, self._cache)
        if choice.engine == WHISPERX and not self._asked_by_name(options):
            try:
                return self._take(choice, control)
            except CesarError as problem:
                if problem.code not in ("engine_unavailable", "model_unavailable"):
                    raise
                choice = small_engine(f"WhisperX cannot run: {problem.detail}.", fallback=True)
        if choice.fallback:
            logger.warning("engine_fallback", reason=choice.reason)
            control.warn(
                "engine_fallback", f"{choice.reason} The small built-in engine is used: expect more wrong words."
            )
        return self._take(choice, control)

    def _asked_by_name(self, options: TranscriptionOptions) -> bool:
        return WHISPERX in (options.engine, None if options.engine else self._settings.engine)

    def _take(self, choice: Choice, control: RunControl) -> tuple[Key, Engine]:
        key = (choice.engine, choice.model, choice.device, choice.compute_type)
        with self._changed:
            while key in self._busy:
                self._changed.wait(_WAIT_SECONDS)
                control.check()
            self._busy.add(key)
            warm = self._warm.get(key)
            if warm is not None:
                return key, warm.engine
            self._make_room()
        try:
            engine = self._load(choice, control)
        except BaseException:
            self._free(key)
            raise
        with self._changed:
            self._warm[key] = _Warm(engine, self._clock())
        return key, engine

    def _give_back(self, key: Key) -> None:
        self._warm[key].idle_since = self._clock()
        self._free(key)
        if self._settings.model_ttl_seconds == 0:
            self.sweep()

    def _free(self, key: Key) -> None:
        with self._changed:
            self._busy.discard(key)
            self._changed.notify_all()

    def _idle(self) -> list[tuple[float, Key]]:
        """Engines that nobody has, the longest idle first."""
        return sorted((warm.idle_since, key) for key, warm in self._warm.items() if key not in self._busy)

    def _make_room(self) -> None:
        excess = len(self._warm) - MOST_ENGINES + 1
        self._drop([key for _, key in self._idle()[: max(0, excess)]])

    def _load(self, choice: Choice, control: RunControl) -> Engine:
        started = time.monotonic()
        engine = self._loaders.get(choice.engine, self._load_by_name)(choice, control)
        seconds = round(time.monotonic() - started, 2)
        logger.info("engine_loaded", engine=engine.name, model=engine.model, device=engine.device, seconds=seconds)
        return engine

    def _load_whisperx(self, choice: Choice, control: RunControl) -> Engine:
        folder = self._cache.fetch(choice.model, control)
        control.fraction(1.0, f"Loading model {choice.model}")
        from app.infrastructure.engines.whisperx_engine import WhisperXEngine  # noqa: PLC0415

        return WhisperXEngine(self._settings, choice, str(folder))

    def _load_pocketsphinx(self, choice: Choice, control: RunControl) -> Engine:
        control.fraction(1.0, "Loading the small engine")
        from app.infrastructure.engines.pocketsphinx_engine import PocketSphinxEngine  # noqa: PLC0415

        return PocketSphinxEngine(self._settings)

    def _load_by_name(self, choice: Choice, control: RunControl) -> Engine:
        control.fraction(1.0, f"Loading {choice.engine}")
        module, _, factory = choice.engine.partition(":")
        try:
            create = getattr(importlib.import_module(module), factory)
        except (ImportError, AttributeError) as problem:
            raise CesarError("engine_unavailable", f"{choice.engine}: {problem}") from problem
        engine: Engine = create(self._settings)
        return engine

    def _drop(self, keys: list[Key]) -> int:
        for key in keys:
            del self._warm[key]
            logger.info("engine_dropped", engine=key[0], model=key[1])
        if keys:
            _return_memory()
        return len(keys)

    def _sweep_for_ever(self) -> None:
        pause = min(30.0, max(1.0, self._settings.model_ttl_seconds / 4))
        while not self._closed.wait(pause):
            self.sweep()


def _return_memory() -> None:
    """Give the memory of dropped models back: pipelines hold themselves in cycles, torch and the C library keep pools."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
