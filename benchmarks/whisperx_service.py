"""What the service adds to WhisperX: the same recording, the same small models, through the server and through WhisperX's own calls.

Transcription and alignment, both warm, from the submission to the answer that says `completed`; then the second Task of a server
against a WhisperX program that has to start and load its models first, as a command line does.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from statistics import median

from benchmarks.bare_whisperx import ALIGNER, BATCH, CHUNK_SECONDS, WHISPER
from benchmarks.http_servers import ROOT, CesarServer
from benchmarks.machine import describe_machine

RECORDING = ROOT / "tests" / "fixtures" / "speech" / "long.wav"
REPEATED = 10
RUNS = 5
ALLOWED = 1.05
TIMES_FASTER = 5.0


class Bare:
    """A process with WhisperX's own calls, its models loaded; it rests until it is asked."""

    def __init__(self, recording: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.bare_whisperx", str(recording)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.run()  # the first one warms up

    def run(self) -> float:
        """Seconds of one run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            with contextlib.suppress(ValueError):  # WhisperX's own log goes the same way
                return float(line)
        raise RuntimeError(f"WhisperX's own calls ended with {self._process.wait()}")

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def cold(recording: Path) -> float:
    """Seconds of a program that starts, loads the models, and transcribes once."""
    begun = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.bare_whisperx", str(recording)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, input=b"\n")
    return time.perf_counter() - begun


def served(server: CesarServer, recording: Path) -> float:
    """Seconds from the submission to the answer that the Task is completed."""
    begun = time.perf_counter()
    server.finish(server.submit(recording))
    return time.perf_counter() - begun


def main() -> int:
    """Print the figures; 1 if a promise is not kept."""
    print(describe_machine("whisperx", "faster-whisper", "ctranslate2", "torch"), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        long = repeated(RECORDING, REPEATED, Path(folder) / "long.wav")
        with CesarServer(
            str(Path(folder) / "data"),
            engine="whisperx",
            model=str(WHISPER),
            align_model=str(ALIGNER),
            diarize="false",
            language="en",
            chunk_size=str(CHUNK_SECONDS),
            batch_size=str(BATCH),
        ) as server:
            served(server, RECORDING)
            second = median(served(server, RECORDING) for _ in range(RUNS))
            bare = Bare(long)
            served(server, long)
            pairs = [(served(server, long), bare.run()) for _ in range(RUNS)]  # in turn: these machines have moods
            bare.close()
        start = median(cold(RECORDING) for _ in range(RUNS))
    ours, theirs = zip(*pairs, strict=True)
    ratio, faster = median(a / b for a, b in pairs), start / second
    minutes = REPEATED * seconds_of(RECORDING) / 60
    print(f"WhisperX's own calls on {minutes:.1f} min: {median(theirs):.2f} s (baseline)")
    print(f"the same through the server: {median(ours):.2f} s, ratio {ratio:.2f} (promised: at most {ALLOWED})")
    print(f"a program that loads the models first, {seconds_of(RECORDING):.0f} s of speech: {start:.2f} s (baseline)")
    print(f"the server's second Task: {second:.2f} s, {faster:.1f} times as fast (promised: {TIMES_FASTER:.0f} times)")
    return 0 if ratio <= ALLOWED and faster >= TIMES_FASTER else 1


def repeated(recording: Path, times: int, target: Path) -> Path:
    """The recording several times over, in a file of its own."""
    with wave.open(str(recording)) as source, wave.open(str(target), "wb") as out:
        out.setparams(source.getparams())
        out.writeframes(source.readframes(source.getnframes()) * times)
    return target


def seconds_of(recording: Path) -> float:
    """Its length."""
    with wave.open(str(recording)) as audio:
        return float(audio.getnframes() / audio.getframerate())


if __name__ == "__main__":
    sys.exit(main())
