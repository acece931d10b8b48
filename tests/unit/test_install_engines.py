"""The set-up: which build of WhisperX is chosen, what pip is asked, and what happens when something is missing.

pip is the real one; its packages are tiny wheels made here, in a folder that is its only source.
"""

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.executable)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name in ("CESAR_TORCH", "CESAR_TORCH_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import install_engines

    return install_engines


class Wheelhouse:
    """A folder of wheels that pip takes for all there is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, version: str, *needs: str, files: dict[str, str] | None = None) -> None:
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        contents = {
            **(files or {}),
            f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {need}\n" for need in needs),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in contents.items())
        with zipfile.ZipFile(self.folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            for path, text in contents.items():
                wheel.writestr(path, text)
            wheel.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheelhouse:
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Wheelhouse(folder)


@pytest.fixture
def requirements(tmp_path: Path, engines: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "engines-cpu.txt").write_text("torch==2.13.0\ntorchaudio==2.11.0\n")
    (folder / "locked-cpu.txt").write_text("torch==2.13.0\n")
    monkeypatch.setattr(engines, "REQUIREMENTS", folder)
    return folder


@pytest.fixture(scope="module")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an empty virtual environment with pip, for tests that leave it empty."""
    return make_environment(tmp_path_factory.mktemp("bare"))


def make_environment(folder: Path, *options: str) -> Path:
    subprocess.run([sys.executable, "-m", "venv", *options, folder / "venv"], check=True)
    return folder / "venv/bin/python"


def put_nvidia_smi(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("script", "build"),
    [
        ("echo 'GPU 0: NVIDIA H100 (UUID: GPU-1)'", "cuda"),
        ("echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9", "cpu"),
        ("echo 'No devices found.'", "cpu"),
    ],
)
def test_build_follows_the_driver(
    engines: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, build: str
) -> None:
    """The CUDA build is taken where nvidia-smi lists a card, and only there."""
    put_nvidia_smi(tmp_path, script, monkeypatch)
    assert engines.choose_build() == build


@pytest.mark.parametrize("wanted", ["cpu", "cuda", "skip"])
def test_variable_decides_against_the_driver(
    engines: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    """CESAR_TORCH wins over what the machine has."""
    put_nvidia_smi(tmp_path, "echo 'GPU 0: NVIDIA H100'", monkeypatch)
    monkeypatch.setenv("CESAR_TORCH", wanted)
    assert engines.choose_build() == wanted


def test_unknown_build_is_refused(engines: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt CESAR_TORCH is named instead of ignored."""
    monkeypatch.setenv("CESAR_TORCH", "gpu")
    with pytest.raises(engines.EnginesFailed, match="CESAR_TORCH"):
        engines.choose_build()


def test_sources_with_a_cpu_build_are_enough(engines: ModuleType, wheelhouse: Wheelhouse, requirements: Path) -> None:
    """When pip's own sources give a torch without NVIDIA's libraries, no other index is named."""
    wheelhouse.add("torch", "2.13.0+cpu", "sympy")
    wheelhouse.add("sympy", "1.14.0")
    assert engines.torch_words(PYTHON, requirements / "locked-cpu.txt") == []


def test_sources_with_a_cuda_build_are_avoided(engines: ModuleType, wheelhouse: Wheelhouse, requirements: Path) -> None:
    """When torch would bring NVIDIA's libraries, CPU builds are asked for by name, from PyTorch's index."""
    wheelhouse.add("torch", "2.13.0", "nvidia_cublas")
    wheelhouse.add("nvidia_cublas", "13.1.0")
    assert engines.torch_words(PYTHON, requirements / "locked-cpu.txt") == [
        "--extra-index-url",
        "https://download.pytorch.org/whl/cpu",
        "torch==2.13.0+cpu",
        "torchaudio==2.11.0+cpu",
    ]


@pytest.mark.usefixtures("wheelhouse")
@pytest.mark.parametrize(("index", "words"), [("", 0), ("https://mirror.example/cpu", 4)])
def test_index_variable_decides(
    engines: ModuleType, requirements: Path, monkeypatch: pytest.MonkeyPatch, index: str, words: int
) -> None:
    """CESAR_TORCH_INDEX names another index, or, empty, none at all; pip is not asked (it would find no torch here)."""
    monkeypatch.setenv("CESAR_TORCH_INDEX", index)
    chosen = engines.torch_words(PYTHON, requirements / "locked-cpu.txt")
    assert len(chosen) == words
    assert not index or index in chosen


@pytest.mark.usefixtures("requirements")
def test_engines_are_installed_and_checked(
    engines: ModuleType, wheelhouse: Wheelhouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The light way: everything at its pin, whisperx without its own pins, torchaudio mended, and all of it importable."""
    wheelhouse.add("torch", "2.13.0+cpu", files={"torch.py": "__version__ = '2.13.0+cpu'\n"})
    broken = (
        "import pathlib\nif list(pathlib.Path(__file__).parent.glob('lib/*.so')): raise OSError('undefined symbol')\n"
    )
    extension = {"torchaudio/__init__.py": broken, "torchaudio/lib/__init__.py": "", "torchaudio/lib/_x.so": "?"}
    wheelhouse.add("torchaudio", "2.11.0", files=extension)
    parts = {f"whisperx/{name}.py": "" for name in ("__init__", "asr", "alignment", "diarize")}
    others = {"faster_whisper.py": "", "pyannote/audio.py": ""}
    wheelhouse.add("whisperx", "3.8.6", "torch~=2.8.0", "torchvision~=0.23.0", files={**parts, **others})
    engines.install(make_environment(tmp_path), "cpu", engines.Console(tmp_path / "log"))
    assert "whisperx 3.8.6 is ready (torch 2.13.0+cpu)" in capsys.readouterr().out


def test_cpu_build_comes_from_the_named_index(
    engines: ModuleType, wheelhouse: Wheelhouse, requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words for pip fit the locked version and bring the CPU build, although another source has a CUDA build of it."""
    wheelhouse.add("torch", "2.13.0", "nvidia_cublas")
    wheelhouse.add("nvidia_cublas", "13.1.0")
    index = Wheelhouse(tmp_path / "index/torch")
    index.folder.mkdir(parents=True)
    index.add("torch", "2.13.0+cpu")
    page = "".join(f'<a href="{wheel.name}">{wheel.name}</a>' for wheel in index.folder.glob("*.whl"))
    (index.folder / "index.html").write_text(page)
    (tmp_path / "index/index.html").write_text('<a href="torch/">torch</a>')
    monkeypatch.setattr(engines, "PYTORCH_CPU_INDEX", (tmp_path / "index").as_uri())
    option, url, torch, _torchaudio = engines.torch_words(PYTHON, requirements / "locked-cpu.txt")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index").as_uri())
    options = ("--dry-run", "--ignore-installed", "-c", requirements / "locked-cpu.txt", option, url)
    said = engines.Console(tmp_path / "log").run(engines.pip_command(PYTHON, "install", *options, torch))
    assert "Would install torch-2.13.0+cpu" in said


def test_torchaudio_that_loads_is_left_alone(engines: ModuleType, tmp_path: Path) -> None:
    """Where the compiled extension does no harm it stays."""
    environment = make_environment(tmp_path, "--without-pip")
    package = next((environment.parent.parent / "lib").glob("python*")) / "site-packages/torchaudio"
    (package / "lib").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "lib/libtorchaudio.so").write_text("?")
    engines.mend_torchaudio(environment)
    assert (package / "lib/libtorchaudio.so").exists()


@pytest.mark.usefixtures("requirements")
@pytest.mark.parametrize(
    ("present", "missing"), [((), "whisperx"), (("whisperx",), "torch"), (("whisperx", "torch"), "torchaudio")]
)
def test_a_missing_package_is_one_sentence(
    engines: ModuleType, wheelhouse: Wheelhouse, bare_environment: Path, present: tuple[str, ...], missing: str
) -> None:
    """Whatever pip cannot find ends in EnginesFailed with pip's own first error, and everything it said is in the log."""
    versions = {"whisperx": "3.8.6", "torch": "2.13.0"}
    for name in present:
        wheelhouse.add(name, versions[name])
    log = wheelhouse.folder / "log.txt"
    with pytest.raises(engines.EnginesFailed, match=f"^ERROR: .*{missing}"):
        engines.install(bare_environment, "cpu", engines.Console(log))
    assert " -m pip " in log.read_text()


def test_whisperx_has_one_version(engines: ModuleType) -> None:
    """Both builds and both lock files name the same WhisperX."""
    named = [ROOT / f"requirements/{name}.txt" for name in ("engines-cuda", "locked-cpu", "locked-cuda")]
    assert [path.name for path in named if engines.WHISPERX not in path.read_text().split()] == []
