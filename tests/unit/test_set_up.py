"""The set-up: what it does again, what it goes on without, and what it shows meanwhile."""

from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import set_up

    return set_up


@pytest.fixture
def venv(set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / ".venv"
    folder.mkdir()
    monkeypatch.setattr(set_up, "VENV", folder)
    return folder


def test_failed_engines_do_not_stop_the_set_up(
    set_up: ModuleType, venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The person is told what runs instead, and the next start tries again."""
    tries = []

    def unreachable(*_arguments: object) -> None:
        tries.append(1)
        raise set_up.EnginesFailed("no network")

    monkeypatch.setattr(set_up, "install", unreachable)
    console = set_up.Console(tmp_path / "log")
    set_up.install_engines(console, "cpu", required=False)
    set_up.install_engines(console, "cpu", required=False)
    said = capsys.readouterr().out
    assert "no network" in said
    assert "pocketsphinx" in said
    assert len(tries) == 2


def test_failed_engines_stop_the_tests(
    set_up: ModuleType, venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the engines are required, their failure ends the set-up with status 1."""

    def unreachable(*_arguments: object) -> None:
        raise set_up.EnginesFailed("no network")

    monkeypatch.setattr(set_up, "install", unreachable)
    with pytest.raises(SystemExit) as end:
        set_up.install_engines(set_up.Console(tmp_path / "log"), "cpu", required=True)
    assert end.value.code == 1


def test_engines_are_installed_once_for_each_build(
    set_up: ModuleType, venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second set-up does nothing; another build is another set-up."""
    installed: list[str] = []
    monkeypatch.setattr(set_up, "install", lambda _python, build, _console: installed.append(build))
    for build in ("cpu", "cpu", "cuda", "cuda", "skip"):
        set_up.install_engines(set_up.Console(tmp_path / "log"), build, required=False)
    assert installed == ["cpu", "cuda"]


def test_changed_ingredient_is_noticed(set_up: ModuleType, venv: Path, tmp_path: Path) -> None:
    """A stamp holds for exactly the content it was made from."""
    pins = tmp_path / "pins.txt"
    pins.write_text("torch==2.13.0\n")
    set_up.stamp("engines", set_up.fingerprint("cpu", pins))
    assert set_up.is_stamped("engines", set_up.fingerprint("cpu", pins))
    pins.write_text("torch==2.13.1\n")
    assert not set_up.is_stamped("engines", set_up.fingerprint("cpu", pins))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Collecting torch==2.13.0 (from -r engines-cpu.txt)", "fetching torch …"),
        (
            "  Downloading https://x.example/a/torch-2.13.0-cp311-none-any.whl (190.2 MB)",
            "downloading torch (190.2 MB)",
        ),
        ("  Downloading scikit_learn-1.9.1-cp311.whl (9.2 MB)", "downloading scikit_learn (9.2 MB)"),
        ("Installing collected packages: a, b, c", "putting 3 packages in place …"),
        ("  Preparing metadata (pyproject.toml): started", "preparing a build …"),
        ("  Building wheel for pocketsphinx (pyproject.toml): started", "building pocketsphinx …"),
        ("Requirement already satisfied: numpy", None),
        ("WARNING: Location 'file:///x' is ignored", None),
    ],
)
def test_progress_is_the_gist_of_what_pip_says(set_up: ModuleType, line: str, shown: str | None) -> None:
    """The person who waits sees what is at work in a few words."""
    import console

    assert console.describe(line) == shown


def test_failed_command_says_its_last_words(set_up: ModuleType, tmp_path: Path) -> None:
    """A command that fails raises with the end of what it said; all of it is in the log."""
    with pytest.raises(set_up.CommandFailed) as failure:
        set_up.Console(tmp_path / "log").run(["sh", "-c", "seq 100; echo at last >&2; exit 3"])
    assert failure.value.tail.endswith("100\nat last\n")
    assert "\n1\n" not in failure.value.tail
    assert "\n1\n" in (tmp_path / "log").read_text()


def test_missing_browser_is_asked_of_debian(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a browser on the path, chromium is needed; with one, nothing but perhaps a font."""
    packages = set_up.debian_packages
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "chromium" in packages.missing()
    (tmp_path / "chromium").write_text("#!/bin/sh\n")
    (tmp_path / "chromium").chmod(0o755)
    assert "chromium" not in packages.missing()


def test_missing_font_is_asked_of_debian(set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any font, one is needed: a page without letters shows nothing."""
    packages = set_up.debian_packages
    monkeypatch.setattr(packages, "_FONT_FOLDERS", (tmp_path,))
    assert "fonts-dejavu-core" in packages.missing()
    (tmp_path / "dejavu").mkdir()
    (tmp_path / "dejavu/DejaVuSans.ttf").write_text("?")
    assert "fonts-dejavu-core" not in packages.missing()


def test_without_apt_get_the_packages_are_named(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a system without apt-get the person is told what to install, and the status is 1."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        set_up.debian_packages.install(["chromium"], set_up.Console(tmp_path / "log"))
    assert end.value.code == 1
    assert "chromium" in capsys.readouterr().err


def test_apt_get_is_asked_without_questions(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lists are renewed first, then exactly the missing packages installed, and nobody is asked anything."""
    tool = tmp_path / "apt-get"
    tool.write_text(f'#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> {tmp_path}/calls\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(set_up.debian_packages.os, "geteuid", lambda: 0)
    set_up.debian_packages.install(["chromium"], set_up.Console(tmp_path / "log"))
    assert (tmp_path / "calls").read_text().splitlines() == [
        "noninteractive update -q",
        "noninteractive install -q -y --no-install-recommends chromium",
    ]
