"""Owns how WhisperX comes to life: what is switched off before it is imported, and its models with our listening VAD."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.infrastructure.engines.choice import Choice

VAD_ONSET: Final = 0.500
VAD_OFFSET: Final = 0.363
"""WhisperX's own thresholds: speech begins above the first and ends below the second."""

_SILERO: Final = "snakers4_silero-vad"

_NO_SUCH_NUMBERS: Final = "do not support efficient"
"""What CTranslate2 says of a compute type that exists, but not on this device."""

_OUT_OF_MEMORY: Final = (
    "out of memory",  # CTranslate2 and torch on a graphics card
    "can't allocate memory",  # torch on the processor
    "cannot allocate memory",  # the operating system
    "_status_alloc_failed",  # cuBLAS and cuDNN
    "cudaerrormemoryallocation",
    "bad_alloc",
)


@contextlib.contextmanager
def whisperx_at_hand(settings: Settings) -> Iterator[Any]:
    """WhisperX, imported, for a time in which models are loaded; torch has the settings' number of threads, if they name one.

    Raises `CesarError("engine_unavailable")` if it cannot be imported.
    """
    _prepare_environment(settings)
    with _quiet():
        try:
            # Before torch, or it shares torch's OpenMP: the threads that its worker keeps there are then more than there
            # are cores, libgomp lets no thread spin any more, and all of torch takes up to twice the time.
            import ctranslate2  # noqa: F401, PLC0415
            import torch  # noqa: PLC0415
            import whisperx  # noqa: PLC0415
            import whisperx.alignment  # noqa: PLC0415
            import whisperx.diarize  # noqa: PLC0415
            import whisperx.vads  # noqa: PLC0415
        except (ImportError, OSError) as problem:  # OSError: a compiled part that does not fit this machine
            raise CesarError("engine_unavailable", f"WhisperX cannot be imported: {problem}") from problem
        if settings.threads:  # unasked, torch chooses better: set to what it has already, it takes twice the time
            torch.set_num_threads(settings.threads)
        yield whisperx


def load_pipeline(settings: Settings, choice: Choice, model_folder: str) -> Any:
    """WhisperX's `FasterWhisperPipeline` for a model folder.

    Raises `CesarError`: `engine_unavailable` (WhisperX cannot be imported), `model_unavailable` (the folder cannot
    be loaded), `option_unsupported` (the device does not know this compute type), `out_of_memory`.
    """
    with whisperx_at_hand(settings) as whisperx:
        try:
            return whisperx.load_model(
                model_folder,
                choice.device,
                compute_type=choice.compute_type,
                vad_model=_listening_vad(whisperx.vads.Pyannote, torch_device(choice.device)),
                threads=settings.threads or len(os.sched_getaffinity(0)),
            )
        except (RuntimeError, ValueError, OSError, MemoryError) as problem:
            raise CesarError(_why_not_loaded(problem), f"{choice.model}: {problem}") from problem


def _why_not_loaded(problem: Exception) -> str:
    if is_out_of_memory(problem):
        return "out_of_memory"
    return "option_unsupported" if _NO_SUCH_NUMBERS in str(problem) else "model_unavailable"


def load_silero(settings: Settings) -> Any:
    """WhisperX's silero voice activity detection, whose model comes through torch.hub.

    One that is here already is taken as it is: torch.hub would ask GitHub for its branch first.
    Raises `CesarError("model_unavailable")`.
    """
    with whisperx_at_hand(settings) as whisperx:
        import torch  # noqa: PLC0415

        folders = (Path(torch.hub.get_dir()) / f"{_SILERO}_{branch}" for branch in ("master", "main"))
        here = next((folder for folder in folders if (folder / "hubconf.py").is_file()), None)
        if here is None and settings.offline:
            raise CesarError("model_unavailable", "silero is not on this machine and CESAR_OFFLINE is set")
        try:
            if here is None:
                return whisperx.vads.Silero(vad_onset=VAD_ONSET, chunk_size=settings.chunk_size)
            return _silero_from(here, whisperx.vads.Silero, torch)
        except Exception as problem:  # torch.hub downloads and runs somebody's program: anything can happen
            raise CesarError("model_unavailable", f"silero: {type(problem).__name__}: {problem}") from problem


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether a library says that memory ran out; each has words of its own."""
    said = str(problem).lower()
    return isinstance(problem, MemoryError) or any(words in said for words in _OUT_OF_MEMORY)


def torch_device(device: str) -> Any:
    """torch's device for `cpu` or `cuda`. A CPU build of torch may sit beside a CTranslate2 that uses the graphics card;
    then what runs on torch runs on the processor."""
    import torch  # noqa: PLC0415

    return torch.device("cuda" if device == "cuda" and torch.cuda.is_available() else "cpu")


def _prepare_environment(settings: Settings) -> None:
    """These libraries read the environment when they are imported, and two of them would call home."""
    quiet = {
        "PYANNOTE_METRICS_ENABLED": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # only the settings' token is ever sent
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    if settings.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what is of no use to an admin away from the output: a missing decoder that is never used, an upgrade hint.

    WhisperX's own log quotes the words it could not align; nothing of it gets out.
    """
    whisperx_log = logging.getLogger("whisperx")
    whisperx_log.handlers = [logging.NullHandler()]  # without one WhisperX would give itself one for stdout
    whisperx_log.setLevel(logging.CRITICAL + 1)
    logging.getLogger("lightning.pytorch.utilities.migration.utils").setLevel(logging.WARNING)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.filterwarnings(
            "ignore", message=r"\s*torchcodec is not installed correctly", module=r"pyannote\.audio"
        )
        yield


def _listening_vad(pyannote_vad: Any, device: Any) -> Any:
    """The voice activity model inside WhisperX's wheel, with a way to hear how far it is.

    WhisperX's own wrapper drops the hook that the sliding window offers.
    """

    class ListeningVad(pyannote_vad):  # type: ignore[misc]
        def detect(self, samples: Any, told: Callable[[float], None]) -> Any:
            """Speech scores over time; `told(fraction)` after each block of windows, and may raise."""
            return self.vad_pipeline._segmentation(
                {"waveform": self.preprocess_audio(samples), "sample_rate": 16_000},
                hook=lambda completed, total: told(min(1.0, float(completed) / max(1, float(total)))),
            )

    return ListeningVad(device, vad_onset=VAD_ONSET, vad_offset=VAD_OFFSET)


def _silero_from(folder: Path, silero: Any, torch: Any) -> Any:
    """WhisperX's silero without its constructor, which always goes through GitHub."""
    found = silero.__new__(silero)
    model, functions = torch.hub.load(str(folder), "silero_vad", source="local", onnx=False)
    found.vad_pipeline, found.get_speech_timestamps = model, functions[0]
    found.vad_onset, found.chunk_size = VAD_ONSET, 30
    return found
