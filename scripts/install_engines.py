"""Owns how WhisperX and pyannote.audio get into the virtual environment: which build of torch, and what has to be mended.

`CESAR_TORCH` = `auto` (default: `cuda` where `nvidia-smi` works, else `cpu`), `cpu`, `cuda`, or `skip`.
`CESAR_TORCH_INDEX` = where CPU builds of torch come from when pip's own sources would bring CUDA libraries.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from console import CommandFailed, Console, constrained, pip_command

ROOT: Final = Path(__file__).resolve().parent.parent
REQUIREMENTS: Final = ROOT / "requirements"
WHISPERX: Final = "whisperx==3.8.6"
PYTORCH_CPU_INDEX: Final = "https://download.pytorch.org/whl/cpu"
BUILDS: Final = ("cpu", "cuda", "skip")

_CHECK = (
    "import torch, torchaudio, faster_whisper, pyannote.audio, whisperx.asr, whisperx.alignment, whisperx.diarize; "
    "print('torch', torch.__version__)"
)


class EnginesFailed(Exception):
    """WhisperX could not be installed; the message says why in one sentence."""


def choose_build() -> str:
    """`cpu`, `cuda` or `skip`.

    Raises:
        EnginesFailed: `CESAR_TORCH` has another value.
    """
    wanted = os.environ.get("CESAR_TORCH", "auto")
    if wanted == "auto":
        return "cuda" if has_nvidia_gpu() else "cpu"
    if wanted not in BUILDS:
        raise EnginesFailed("CESAR_TORCH must be auto, cpu, cuda or skip.")
    return wanted


def has_nvidia_gpu() -> bool:
    """Whether the driver answers: a card without a working driver is of no use."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        return subprocess.run([tool, "-L"], capture_output=True, timeout=30, check=False).stdout.startswith(b"GPU")
    except (OSError, subprocess.TimeoutExpired):
        return False


def constraints_of(build: str) -> Path:
    """The exact versions that belong to a build; without engines those of the CPU build."""
    return REQUIREMENTS / f"locked-{'cuda' if build == 'cuda' else 'cpu'}.txt"


def pinned(name: str, requirements: Path) -> str:
    """The line of a requirements file that pins `name`."""
    return next(line.strip() for line in requirements.read_text().splitlines() if line.startswith(f"{name}=="))


def brings_cuda(python: Path, torch: str, constraints: Path) -> bool:
    """Whether pip's own sources would give a torch that comes with NVIDIA's libraries. Nothing is installed.

    Raises:
        CommandFailed: pip found no such torch, or could not reach its sources.
    """
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = pip_command(
            python,
            "install",
            "--quiet",
            "--dry-run",
            "--ignore-installed",
            "--report",
            report,
            "-c",
            constraints,
            torch,
        )
        Console(Path(os.devnull)).run(command)
        chosen = json.loads(report.read_text())["install"]
    names = (item["metadata"]["name"].lower().replace("_", "-") for item in chosen)
    return any(name.startswith(("nvidia-", "cuda-")) for name in names)


def torch_words(python: Path, constraints: Path) -> list[str]:
    """What pip has to be told so that torch is a CPU build: nothing, or another index and that build's names."""
    requirements = REQUIREMENTS / "engines-cpu.txt"
    torch, torchaudio = pinned("torch", requirements), pinned("torchaudio", requirements)
    index = os.environ.get("CESAR_TORCH_INDEX")
    if index is None and brings_cuda(python, torch, constraints):
        index = PYTORCH_CPU_INDEX
    return ["--extra-index-url", index, f"{torch}+cpu", f"{torchaudio}+cpu"] if index else []


def install(python: Path, build: str, console: Console) -> None:
    """Install the engines of `build` (`cpu` or `cuda`) into the environment of `python`, and see that they load.

    Raises:
        EnginesFailed: a registry could not be reached, or what was installed does not load.
    """
    constraints = constraints_of(build)
    env = constrained(constraints)
    try:
        # One quick question first: without a network, pip's patience would cost minutes at every start.
        console.run(
            pip_command(
                python, "install", "-q", "--dry-run", "--ignore-installed", "--no-deps", "--retries", "1", WHISPERX
            ),
            env,
        )
        if build == "cuda":
            console.run(pip_command(python, "install", "-r", REQUIREMENTS / "engines-cuda.txt"), env)
        else:
            words = torch_words(python, constraints)
            console.run(pip_command(python, "install", *words, "-r", REQUIREMENTS / "engines-cpu.txt"), env)
            console.run(pip_command(python, "install", "--no-deps", WHISPERX), env)
            mend_torchaudio(python)
        console.say("  seeing whether they load …")
        loaded = console.run([python, "-W", "ignore", "-c", _CHECK], {**os.environ, "PYANNOTE_METRICS_ENABLED": "0"})
    except CommandFailed as failure:
        raise EnginesFailed(_reason(failure)) from failure
    console.say(f"{WHISPERX.replace('==', ' ')} is ready ({loaded.strip().splitlines()[-1]})")


def _reason(failure: CommandFailed) -> str:
    lines = failure.tail.splitlines() or [str(failure)]
    error = next((line for line in lines if line.startswith("ERROR")), lines[-1]).strip()
    return f"a package index could not be reached ({error})" if "connection broken" in failure.tail else error


def mend_torchaudio(python: Path) -> None:
    """Remove torchaudio's compiled extension where it cannot be loaded: built for CUDA, it does not fit beside a CPU torch.

    Nothing that WhisperX or pyannote.audio call needs it, but importing torchaudio fails while it is there.
    """
    if _loads(python, "torchaudio"):
        return
    find = "import importlib.util as u; print(u.find_spec('torchaudio').submodule_search_locations[0])"
    folder = subprocess.run([python, "-c", find], capture_output=True, text=True, check=False).stdout.strip()
    for extension in Path(folder, "lib").glob("*.so") if folder else ():
        extension.unlink()


def _loads(python: Path, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
