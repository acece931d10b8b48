"""Owns the shelf: which engine, aligner and diarizer a run gets, loaded or still warm."""

import contextlib
import importlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from app.core.config import Settings
from app.core.logging import logger
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.domain.ports import Aligner, Diarizer, Engine, RunControl
from app.infrastructure.engines.alignment_models import alignment_model, check_alignment_model, have_alignment_model
from app.infrastructure.engines.background_call import call_in_background
from app.infrastructure.engines.choice import (
    POCKETSPHINX,
    WHISPERX,
    Choice,
    choose,
    device_beside,
    is_factory,
    small_engine,
)
from app.infrastructure.engines.diarization_models import why_no_diarization
from app.infrastructure.engines.lending import Key, Lending
from app.infrastructure.engines.model_cache import ModelCache

Loader = Callable[[Choice, RunControl], Engine]
Thing = TypeVar("Thing")


class WarmShelf:
    """Engines by engine, model, device and compute type; aligners by model, language and device; diarizers by model and device.

    Of each kind at most two are in memory. What was idle for `model_ttl_seconds` is dropped by `sweep`, which a thread
    of the shelf's own calls from time to time. `close()` ends that thread and drops everything. Safe from several threads.
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
        self._loaders = loaders or {WHISPERX: self._load_whisperx, POCKETSPHINX: self._load_pocketsphinx}
        ttl = settings.model_ttl_seconds
        self._engines: Lending[Engine] = Lending("engine", ttl, clock)
        self._aligners: Lending[Aligner] = Lending("aligner", ttl, clock)
        self._diarizers: Lending[Diarizer] = Lending("diarizer", ttl, clock)
        self._closed = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_for_ever, name="engine-shelf", daemon=True)
        self._sweeper.start()

    @contextlib.contextmanager
    def lend(self, options: TranscriptionOptions, control: RunControl) -> Iterator[Engine]:
        """See `EngineShelf.lend`. Waits while another run has this engine."""
        key = self._take_engine(options, control)
        with self._engines.lent(key) as engine:
            yield engine

    @contextlib.contextmanager
    def lend_aligner(self, language: str, options: TranscriptionOptions, control: RunControl) -> Iterator[Aligner]:
        """See `EngineShelf.lend_aligner`. Waits while another run has this aligner.

        Raises also `bad_value` (a folder that a request may not name), `engine_unavailable` (WhisperX cannot be
        imported), `out_of_memory`.
        """
        name = alignment_model(self._settings, language, options)
        key = (name, language, device_beside(self._settings, options))
        self._aligners.take(key, lambda: self._load_aligner(key, control), control)
        with self._aligners.lent(key) as aligner:
            yield aligner

    @contextlib.contextmanager
    def lend_diarizer(self, options: TranscriptionOptions, control: RunControl) -> Iterator[Diarizer]:
        """See `EngineShelf.lend_diarizer`. Waits while another run has it."""
        key = (self._settings.diarize_model, device_beside(self._settings, options))
        self._diarizers.take(key, lambda: self._load_diarizer(key, control), control)
        with self._diarizers.lent(key) as diarizer:
            yield diarizer

    def sweep(self, now: float | None = None) -> int:
        """Drop what is idle for too long at `now` (default: the clock's); how many that were."""
        return sum(lending.sweep(now) for lending in self._kinds)

    def engines(self) -> tuple[Key, ...]:
        """The warm engines: (engine, model, device, compute type)."""
        return self._engines.keys()

    def aligners(self) -> tuple[Key, ...]:
        """The warm aligners: (model, language, device)."""
        return self._aligners.keys()

    def diarizers(self) -> tuple[Key, ...]:
        """The warm diarizers: (model, device)."""
        return self._diarizers.keys()

    def close(self) -> None:
        """Stop sweeping and drop everything that is not lent."""
        self._closed.set()
        self._sweeper.join(timeout=5)
        for lending in self._kinds:
            lending.clear()

    def _take_engine(self, options: TranscriptionOptions, control: RunControl) -> Key:
        check_alignment_model(self._settings, options)  # now, not when everything is transcribed
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

    def _take(self, choice: Choice, control: RunControl) -> Key:
        key = (choice.engine, choice.model, choice.device, choice.compute_type)
        self._engines.take(key, lambda: self._load(choice, control), control)
        return key

    def _load(self, choice: Choice, control: RunControl) -> Engine:
        started = time.monotonic()
        engine = self._loaders.get(choice.engine, self._load_by_name)(choice, control)
        seconds = round(time.monotonic() - started, 2)
        logger.info("engine_loaded", engine=engine.name, model=engine.model, device=engine.device, seconds=seconds)
        return engine

    def _load_whisperx(self, choice: Choice, control: RunControl) -> Engine:
        folder = self._cache.fetch(choice.model, control)
        control.fraction(1.0, f"Loading model {choice.model}")

        def load() -> Engine:
            from app.infrastructure.engines.whisperx_engine import WhisperXEngine  # noqa: PLC0415

            return WhisperXEngine(self._settings, choice, str(folder))

        key = (choice.engine, choice.model, choice.device, choice.compute_type)
        return _heard(load, control, ("engine", *key))

    def _load_pocketsphinx(self, choice: Choice, control: RunControl) -> Engine:
        control.fraction(1.0, "Loading the small engine")
        from app.infrastructure.engines.pocketsphinx_engine import PocketSphinxEngine  # noqa: PLC0415

        return PocketSphinxEngine(self._settings)

    def _load_by_name(self, choice: Choice, control: RunControl) -> Engine:
        control.fraction(1.0, f"Loading {choice.engine}")
        engine: Engine = _heard(
            lambda: _made_by(choice.engine, self._settings, "engine_unavailable"), control, ("engine", choice.engine)
        )
        return engine

    def _load_aligner(self, key: Key, control: RunControl) -> Aligner:
        name, language, device = key
        started = time.monotonic()
        aligner = self._aligner_of(name, language, device, control)
        logger.info("aligner_loaded", model=name, language=language, seconds=round(time.monotonic() - started, 2))
        return aligner

    def _aligner_of(self, name: str, language: str, device: str, control: RunControl) -> Aligner:
        owner = ("aligner", name, language, device)
        if is_factory(name):
            made: Aligner = _heard(lambda: _made_by(name, self._settings, "alignment_unavailable"), control, owner)
            return made
        place = have_alignment_model(self._cache, name, control)

        def load() -> Aligner:
            from app.infrastructure.engines.whisperx_aligner import WhisperXAligner  # noqa: PLC0415

            return WhisperXAligner(self._settings, name, place, language, device)

        return _heard(load, control, owner)

    def _load_diarizer(self, key: Key, control: RunControl) -> Diarizer:
        name, device = key
        started = time.monotonic()
        control.fraction(0.0, f"Loading {name}")

        def load() -> Diarizer:
            if is_factory(name):
                made: Diarizer = _made_by(name, self._settings, "diarization_failed")
                return made
            # Asked first and anew, because the library takes half a minute to find out what one question tells.
            refusal = why_no_diarization(self._settings, ModelCache(self._settings))
            if refusal is not None:
                raise refusal
            from app.infrastructure.engines.pyannote_diarizer import PyannoteDiarizer  # noqa: PLC0415

            return PyannoteDiarizer(self._settings, self._cache, device)

        diarizer = _heard(load, control, ("diarizer", name, device))
        logger.info("diarizer_loaded", model=name, seconds=round(time.monotonic() - started, 2))
        return diarizer

    @property
    def _kinds(self) -> tuple[Lending[Any], ...]:
        return (self._engines, self._aligners, self._diarizers)

    def _sweep_for_ever(self) -> None:
        pause = min(5.0, max(1.0, self._settings.model_ttl_seconds / 4))
        while not self._closed.wait(pause):
            self.sweep()


def _heard(load: Callable[[], Thing], control: RunControl, owner: Key) -> Thing:
    """Load in a thread of its own, since imports and models take seconds in which a run may be cancelled."""
    return call_in_background(load, lambda _: control.check(), owner)


def _made_by(name: str, settings: Settings, code: str) -> Any:
    """What the factory `package.module:factory` makes; raises `CesarError(code)` if there is no such factory."""
    module, _, factory = name.partition(":")
    try:
        create = getattr(importlib.import_module(module), factory)
    except (ImportError, AttributeError) as problem:
        raise CesarError(code, f"{name}: {problem}") from problem
    return create(settings)
