"""Recordings that no Task decodes are listened to when there is nothing else to do."""

import wave
from pathlib import Path

import pytest
from sqlmodel import select

from app.domain.errors import Cancelled
from app.domain.options import TranscriptionOptions
from app.infrastructure.media.fingerprint import SpectralListener
from app.infrastructure.media.tools import SandboxedMediaTools
from app.models import Duplicate, File, Fingerprint
from app.services.folder_import import keep_imported
from app.services.listening_service import ListeningService
from app.services.sound_service import SoundService
from app.services.submission import ArrivedFile, Submission
from benchmarks.transcoded import SAMPLE_RATE, decoded, transcoded
from tests.unit.services.test_sound_service import CountingListener
from tests.workbench import FACTS, Workbench, write_wav

AUDIO = Path(__file__).parents[2] / "fixtures" / "audio"


def patient() -> None:
    """Nothing else is to be done."""


def listening(bench: Workbench, listener: SpectralListener | None = None) -> ListeningService:
    """The service with the real decoder."""
    sounds = SoundService(bench.store, listener or SpectralListener(), 0.8)
    return ListeningService(bench.store, bench.storage, SandboxedMediaTools(3600), sounds)


def take_in(bench: Workbench, content: bytes, name: str = "a.flac") -> str:
    """Import a recording; the File's public id."""
    with bench.store.write() as tx:
        return keep_imported(tx, ArrivedFile(name, bench.store_bytes(content), FACTS))[0].uuid


def heard(bench: Workbench) -> list[bool]:
    """Which Files have a hash, oldest first."""
    with bench.database.read() as session:
        return [value is not None for value in session.exec(select(File.file_hash_perceptual).order_by(File.id))]  # type: ignore[arg-type]


def as_wav(folder: Path) -> bytes:
    """The speech again, through opus, quieter and shorter."""
    samples = transcoded(decoded(str(AUDIO / "jfk.flac"))[SAMPLE_RATE:] // 2, "ogg", "libopus", 48_000, bit_rate=24_000)
    path = folder / "again.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.tobytes())
    return path.read_bytes()


def test_imported_recordings_that_sound_alike_are_found(bench: Workbench, tmp_path: Path) -> None:
    """One after the other, oldest first, each once; then there is nothing left to listen to."""
    take_in(bench, (AUDIO / "jfk.flac").read_bytes())
    take_in(bench, as_wav(tmp_path), "again.wav")
    service = listening(bench)
    assert [service.listen_to_next(patient) for _ in range(3)] == [True, True, False]
    assert heard(bench) == [True, True]
    with bench.database.read() as session:
        (pair,) = session.exec(select(Duplicate)).all()
    assert (pair.file_id, pair.duplicate_of_id, pair.match_type) == (2, 1, "perceptual")
    assert not listening(bench).listen_to_next(patient)


def test_tasks_come_first(bench: Workbench) -> None:
    """Nothing is listened to while a Task waits or runs; afterwards it is."""
    take_in(bench, (AUDIO / "jfk.flac").read_bytes())
    arrived = ArrivedFile("b.wav", bench.store_bytes(b"b"), FACTS)
    job = bench.jobs.submit(Submission(TranscriptionOptions(), files=(arrived,)))
    service = listening(bench)
    assert not service.listen_to_next(patient)
    bench.claim()
    assert not service.listen_to_next(patient)
    bench.jobs.cancel(job)
    assert service.listen_to_next(patient)
    assert heard(bench) == [True, False]


def test_it_stops_when_something_else_is_to_be_done(bench: Workbench) -> None:
    """The File's turn comes again, and nothing is left behind."""
    take_in(bench, (AUDIO / "jfk.flac").read_bytes())
    service, asked = listening(bench), []

    def busy() -> None:
        asked.append(1)
        if len(asked) > 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        service.listen_to_next(busy)
    assert heard(bench) == [False]
    assert service.listen_to_next(patient)
    assert heard(bench) == [True]


@pytest.mark.parametrize("content", [b"no recording", b""])
def test_what_cannot_be_heard_is_tried_once(bench: Workbench, content: bytes) -> None:
    """A recording that cannot be decoded is remembered as such, also by the next process; those behind it get their turn."""
    take_in(bench, content)
    take_in(bench, (AUDIO / "jfk.flac").read_bytes())
    service = listening(bench)
    assert [service.listen_to_next(patient) for _ in range(3)] == [True, True, False]
    assert heard(bench) == [False, True]
    assert not listening(bench).listen_to_next(patient)


def test_silence_is_listened_to_once(bench: Workbench, tmp_path: Path) -> None:
    """That there is nothing in it is a finding, too, for whoever decodes it next."""
    take_in(bench, write_wav(tmp_path / "s.wav", 3.0).read_bytes())
    counting = CountingListener()
    assert listening(bench, counting).listen_to_next(patient)
    assert not listening(bench, counting).listen_to_next(patient)
    assert (counting.listened, heard(bench)) == (1, [False])


def test_a_fault_of_ours_is_not_the_recordings(bench: Workbench) -> None:
    """What failed for another reason is left alone by this process and tried again by the next."""
    take_in(bench, (AUDIO / "jfk.flac").read_bytes())
    service = listening(bench, CountingListener(MemoryError()))
    assert [service.listen_to_next(patient) for _ in range(2)] == [True, False]
    with bench.database.read() as session:
        assert session.exec(select(Fingerprint)).all() == []
    assert listening(bench).listen_to_next(patient)
