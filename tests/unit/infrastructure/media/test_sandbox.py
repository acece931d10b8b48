"""The fence holds: limits bite, the dead are named, the hung are killed, and behind the door nothing can be opened."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.domain.errors import CesarError
from app.infrastructure.media import sandbox
from app.infrastructure.media.sandbox import Order, Sandbox

AUDIO = Path(__file__).parents[3] / "fixtures" / "audio"
PROBE = Order("probe", max_seconds=3600, cpu_seconds=10)


@contextmanager
def _impostor(monkeypatch: pytest.MonkeyPatch, folder: Path, program: str) -> Iterator[Sandbox]:
    """A sandbox whose child is another program."""
    path = folder / "child.py"
    path.write_text(f"import os, sys, time, signal, json\n{program}\n")
    monkeypatch.setattr(sandbox, "CHILD", path)
    yield Sandbox(512, silence_seconds=1.0)


def _detail(fence: Sandbox) -> str:
    with (AUDIO / "jfk.flac").open("rb") as source, pytest.raises(CesarError) as caught:
        fence.run(PROBE, source)
    assert caught.value.code == "bad_media"
    assert caught.value.detail is not None
    return caught.value.detail


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("os.abort()", "SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("sys.exit(3)", "code 3"),
        ("raise RuntimeError('what went wrong')", "what went wrong"),
        ("print('{\"fraction\": 0.5}')", "no answer"),
        ("print('not json')", "nonsense"),
        ("time.sleep(60)", "no progress"),
        ("os.write(1, b'x' * 1_000_000); time.sleep(60)", "no progress"),
        ("os.close(1); os.close(2); time.sleep(60)", "no progress"),
        ("sys.stderr.write('noise ' * 1_000_000); sys.exit(4)", "code 4"),
    ],
)
def test_a_child_that_breaks_is_bad_media(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, words: str
) -> None:
    """However the child ends, the caller gets one typed error that says how, soon."""
    started = time.monotonic()
    with _impostor(monkeypatch, tmp_path, program) as fence:
        assert words in _detail(fence)
    assert time.monotonic() - started < 15


def test_a_child_that_breaks_leaves_no_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hung child and what it started are killed together."""
    program = "import subprocess; s = subprocess.Popen(['sleep', '60']); print(json.dumps({'fraction': s.pid}), flush=True); s.wait()"
    pids: list[float] = []
    with (
        _impostor(monkeypatch, tmp_path, program) as fence,
        (AUDIO / "jfk.flac").open("rb") as source,
        pytest.raises(CesarError, match="no progress"),
    ):
        fence.run(PROBE, source, on_fraction=pids.append)
    assert len(pids) == 1
    assert _ends(int(pids[0]))


def test_the_child_gets_no_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its environment holds none of ours, and none of our open files is its own."""
    monkeypatch.setenv("CESAR_HF_TOKEN", "secret")
    program = "print(json.dumps({'result': {'env': list(os.environ), 'files': os.listdir('/proc/self/fd')}}))"
    with (
        (tmp_path / "private").open("w") as private,
        _impostor(monkeypatch, tmp_path, program) as fence,
        (AUDIO / "jfk.flac").open("rb") as source,
    ):
        os.set_inheritable(private.fileno(), True)
        answer = fence.run(PROBE, source)
    assert set(answer["env"]) <= {"LC_CTYPE", "LD_LIBRARY_PATH", "PWD"}
    assert len(answer["files"]) == 4  # the three standard ones and the folder that is being listed


def test_the_limit_of_processor_time_bites(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A child that works without end is stopped, even if it keeps telling progress."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (json.loads(sys.argv[1])['cpu_seconds'],) * 2)\n"
        "while True: print(json.dumps({'fraction': 0.1}), flush=True)"
    )
    with (
        _impostor(monkeypatch, tmp_path, program) as fence,
        (AUDIO / "jfk.flac").open("rb") as source,
        pytest.raises(CesarError, match="ended by"),
    ):
        fence.run(Order("probe", max_seconds=1, cpu_seconds=1), source)


def test_too_little_memory_is_an_answer() -> None:
    """A child that cannot have what it needs says so or dies, and the caller gets bad_media."""
    with (AUDIO / "jfk.flac").open("rb") as source, pytest.raises(CesarError) as caught:
        Sandbox(40).run(PROBE, source)
    assert caught.value.code == "bad_media"


@pytest.mark.parametrize("target_fd", [None, 3, 200])
def test_behind_the_door_nothing_can_be_opened(target_fd: int | None) -> None:
    """After the child has set its limits it can open neither a file nor a socket, whatever number its output had."""
    program = (
        "import importlib.util, os, socket, sys\n"
        "spec = importlib.util.spec_from_file_location('child', sys.argv[1])\n"
        "child = importlib.util.module_from_spec(spec); spec.loader.exec_module(child)\n"
        f"{target_fd} and os.dup2(1, {target_fd})\n"
        f"limits = {{'target_fd': {target_fd}}}\n"
        "child._limit(limits | {'max_seconds': 1, 'memory_bytes': 1 << 30, 'cpu_seconds': 5})\n"
        "for attempt in (lambda: open('/etc/hostname'), lambda: open('/tmp/x', 'w'), socket.socket, socket.socketpair):\n"
        "    try: attempt(); print('opened')\n"
        "    except OSError as problem: print(problem.errno)"
    )
    command = [sys.executable, "-I", "-c", program, str(sandbox.CHILD)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["24"] * 4  # EMFILE


@pytest.mark.parametrize("script", ["exit 1", "sleep 0; exec /nonexistent"])
def test_bubblewrap_that_does_not_work_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    """Where containers forbid it, reading media works without it."""
    _install_bubblewrap(monkeypatch, tmp_path, script)
    with (AUDIO / "jfk.flac").open("rb") as source:
        assert Sandbox(512).run(PROBE, source)["codec"] == "flac"


def test_bubblewrap_is_used_where_it_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The child is started through it, without a network and with a view that leaves the data out."""
    script = f'echo "$@" >> {tmp_path}/calls; while [ "$1" != {sys.executable} ]; do shift; done; exec "$@"'
    _install_bubblewrap(monkeypatch, tmp_path, script)
    with (AUDIO / "jfk.flac").open("rb") as source:
        assert Sandbox(512).run(PROBE, source)["codec"] == "flac"
    trial, call = (tmp_path / "calls").read_text().splitlines()
    assert "import av" in trial
    assert "--unshare-all" in call
    assert str(AUDIO) not in call


def _install_bubblewrap(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_child_stands_alone() -> None:
    """It imports PyAV and the standard library only, so it starts fast and brings nothing of the service along."""
    program = (
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('child', sys.argv[1])\n"
        "child = importlib.util.module_from_spec(spec); spec.loader.exec_module(child)\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names - {'__main__', 'child'}))"
    )
    command = [sys.executable, "-I", "-c", program, str(sandbox.CHILD)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "'av'" in loaded
    assert not {"app", "numpy", "torch", "pydantic"} & set(loaded.replace("'", "").strip("[]\n").split(", "))
    assert importlib.util.find_spec("numpy") is not None


def test_a_child_ends_when_its_parent_was_killed(tmp_path: Path) -> None:
    """SIGKILL of the process that decodes leaves no decoder behind: its next sign of life finds nobody."""
    from tests.fakes.media_files import Kind, make

    source = make(tmp_path / "long.flac", Kind("flac", "flac", "flac", 8_000, "mono"), seconds=5 * 3600, hertz=0)
    program = (
        "import sys; from pathlib import Path; from app.infrastructure.media.tools import SandboxedMediaTools\n"
        "from tests.fakes.recorded_control import RecordedControl\n"
        "class Told(RecordedControl):\n"
        "    def fraction(self, done, message=''): print('moving', flush=True)\n"
        "SandboxedMediaTools(86_400).decode(Path(sys.argv[1]), Path(sys.argv[2]), Told())"
    )
    command = [sys.executable, "-c", program, str(source), str(tmp_path / "samples")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        children = _children(parent.pid)
        parent.kill()
    assert len(children) == 1
    assert _ends(children[0])


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _ends(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
