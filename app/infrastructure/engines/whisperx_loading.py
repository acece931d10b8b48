"""Owns how WhisperX comes to life: what is switched off before it is imported, and the pipeline with our listening VAD."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

from app.core.config import Settings
from app.domain.errors import CesarError
from app.infrastructure.engines.choice import Choice

VAD_ONSET: Final = 0.500
VAD_OFFSET: Final = 0.363
"""WhisperX's own thresholds: speech begins above the first and ends below the second."""


def load_pipeline(settings: Settings, choice: Choice, model_folder: str) -> Any:
    """WhisperX's `FasterWhisperPipeline` for a model folder.

    Raises `CesarError`: `engine_unavailable` (WhisperX cannot be imported), `model_unavailable` (the folder cannot
    be loaded), `out_of_memory`.
    """
    threads = settings.threads or len(os.sched_getaffinity(0))
    _prepare_environment(settings, threads)
    with _quiet():
        try:
            import torch  # noqa: PLC0415
            import whisperx  # noqa: PLC0415
            from whisperx.vads import Pyannote  # noqa: PLC0415
        except (ImportError, OSError) as problem:  # OSError: a compiled part that does not fit this machine
            raise CesarError("engine_unavailable", f"WhisperX cannot be imported: {problem}") from problem
        torch.set_num_threads(threads)
        try:
            return whisperx.load_model(
                model_folder,
                choice.device,
                compute_type=choice.compute_type,
                vad_model=_listening_vad(Pyannote, torch, choice.device),
                threads=threads,
            )
        except (RuntimeError, ValueError, OSError, MemoryError) as problem:
            code = "out_of_memory" if _is_out_of_memory(problem) else "model_unavailable"
            raise CesarError(code, f"{choice.model}: {problem}") from problem


def _is_out_of_memory(problem: BaseException) -> bool:
    return isinstance(problem, MemoryError) or "out of memory" in str(problem).lower()


def _prepare_environment(settings: Settings, threads: int) -> None:
    """These libraries read the environment when they are imported, and two of them would call home."""
    quiet = {
        "PYANNOTE_METRICS_ENABLED": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": str(threads),
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    if settings.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what is of no use to an admin away from the output: a missing decoder that is never used, an upgrade hint."""
    whisperx_log = logging.getLogger("whisperx")
    if not whisperx_log.handlers:  # WhisperX would write its own lines to stdout
        whisperx_log.addHandler(logging.NullHandler())
    logging.getLogger("lightning.pytorch.utilities.migration.utils").setLevel(logging.WARNING)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.filterwarnings(
            "ignore", message=r"\s*torchcodec is not installed correctly", module=r"pyannote\.audio"
        )
        yield


def _listening_vad(pyannote_vad: Any, torch: Any, device: str) -> Any:
    """The voice activity model inside WhisperX's wheel, with a way to hear how far it is.

    WhisperX's own wrapper drops the hook that the sliding window offers. A CPU build of torch may sit beside a
    CTranslate2 that uses the graphics card; then this small model runs on the processor.
    """

    class ListeningVad(pyannote_vad):  # type: ignore[misc]
        def detect(self, audio: dict[str, Any], told: Callable[[int, int], None]) -> Any:
            """Speech scores over time; `told(completed, total)` after each block of windows, and may raise."""
            return self.vad_pipeline._segmentation(
                audio, hook=lambda completed, total: told(int(completed), int(total))
            )

    vad_device = "cuda" if device == "cuda" and torch.cuda.is_available() else "cpu"
    return ListeningVad(torch.device(vad_device), vad_onset=VAD_ONSET, vad_offset=VAD_OFFSET)
