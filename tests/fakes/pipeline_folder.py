"""A small diarization pipeline in a folder, made without a network: real pyannote code on models that cost nothing.

Segmentation is the model inside WhisperX's wheel. The embedding is a random network on the sound's spectrum, which is enough
to tell a man from a woman; the transform of the embeddings is the identity.
"""

import importlib.util
import json
import warnings
from pathlib import Path

from app.core.config import Settings
from app.infrastructure.engines.whisperx_loading import whisperx_at_hand

DIMENSION = 128


def make_pipeline(folder: Path, threshold: float = 0.01) -> Path:
    """Write the pipeline into a folder and return it. `threshold`: distance from which two voices are two speakers;
    between 0.004 and 0.02 a man and a woman are two, each of them one."""
    for part in ("segmentation", "embedding", "plda"):
        (folder / part).mkdir(parents=True)
    whisperx = importlib.util.find_spec("whisperx")
    assert whisperx is not None
    assert whisperx.origin is not None
    (folder / "segmentation" / "pytorch_model.bin").symlink_to(
        Path(whisperx.origin).parent / "assets/pytorch_model.bin"
    )
    with whisperx_at_hand(Settings(_env_file=None, threads=2)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own spectrum has an empty band
        _write_embedding(folder / "embedding" / "pytorch_model.bin")
    _write_plda(folder / "plda")
    (folder / "config.yaml").write_text(json.dumps(_config(threshold)))  # JSON is YAML, too
    return folder


def _write_embedding(file: Path) -> None:
    import lightning
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import XVectorMFCC

    torch.manual_seed(0)
    model = XVectorMFCC(dimension=DIMENSION)
    model.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=3.0, classes=["one", "two"]
    )
    model.eval()
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
        "epoch": 0,
        "global_step": 0,
    }
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, file)


def _write_plda(folder: Path) -> None:
    import numpy as np

    zeros, one = np.zeros(DIMENSION), np.eye(DIMENSION)
    np.savez(folder / "xvec_transform.npz", mean1=zeros, mean2=zeros, lda=one)
    np.savez(folder / "plda.npz", mu=zeros, tr=one, psi=np.linspace(2.0, 0.5, DIMENSION))


def _config(threshold: float) -> dict[str, object]:
    return {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {
            "name": "pyannote.audio.pipelines.SpeakerDiarization",
            "params": {
                "segmentation": "$model/segmentation",
                "embedding": "$model/embedding",
                "plda": "$model/plda",
                "clustering": "AgglomerativeClustering",
                "segmentation_batch_size": 8,
                "embedding_batch_size": 8,
                "embedding_exclude_overlap": True,
            },
        },
        "params": {
            "segmentation": {"threshold": 0.5, "min_duration_off": 0.0},
            "clustering": {"method": "average", "min_cluster_size": 3, "threshold": threshold},
        },
    }
