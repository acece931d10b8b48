"""Near-duplicates: heard once, found, written down – and never at the cost of a run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select

from app.domain.options import TranscriptionOptions
from app.domain.ports import Audio
from app.domain.sound import SoundPrint
from app.infrastructure.media.fingerprint import SAMPLE_RATE, SpectralListener
from app.models import Duplicate, File, FingerprintKey
from app.services.duplicate_store import SimilarFile
from app.services.sound_service import SoundService, likelihood
from app.services.submission import ArrivedFile, Submission
from benchmarks.transcoded import Samples, decoded, transcoded
from tests.fakes.pipeline import Pipeline
from tests.workbench import FACTS, Workbench

AUDIO = Path(__file__).parents[2] / "fixtures" / "audio"


class _DiesAtSecondComparison(SpectralListener):
    """`meanwhile` happens after the first comparison; the second one, within the transaction, ends badly."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile: Callable[[], None] | None = meanwhile

    def likeness(self, one: bytes, other: bytes) -> float:
        """Of two fingerprints."""
        if self._meanwhile is None:
            raise MemoryError
        meanwhile, self._meanwhile = self._meanwhile, None
        meanwhile()
        return super().likeness(one, other)


class CountingListener(SpectralListener):
    """Counts how often it listens; raises where it is told to."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.listened = 0
        self._problem = problem

    def fingerprint(self, audio: Audio, check: Callable[[], None] = lambda: None) -> SoundPrint | None:
        """Count."""
        self.listened += 1
        if self._problem is not None:
            raise self._problem
        return super().fingerprint(audio, check)


@pytest.fixture(scope="module")
def jfk() -> Samples:
    return decoded(str(AUDIO / "jfk.flac"))


@pytest.fixture(scope="module")
def as_opus(jfk: Samples) -> Samples:
    """The same, smaller, quieter, and without its first second."""
    return transcoded(jfk[SAMPLE_RATE:] // 2, "ogg", "libopus", 48_000, bit_rate=24_000)


def task_about(bench: Workbench, content: bytes) -> str:
    """A Task about a File with these bytes."""
    arrived = ArrivedFile("a.wav", bench.store_bytes(content), FACTS)
    return bench.jobs.tasks_of_job(bench.jobs.submit(Submission(TranscriptionOptions(), files=(arrived,))))[0]


def hear(bench: Workbench, task_id: str, samples: Samples, listener: SpectralListener | None = None) -> None:
    """As a worker does after decoding."""
    path = bench.database_folder / "samples.s16"
    path.write_bytes(samples.astype("<i2").tobytes())
    service = SoundService(bench.store, listener or SpectralListener(), 0.8)
    service.hear(task_id, Audio(path, len(samples) / SAMPLE_RATE), lambda: None)


def pairs(bench: Workbench) -> list[tuple[int, int, str]]:
    """All pairs, by row ids."""
    with bench.database.read() as session:
        rows = session.exec(select(Duplicate).order_by(Duplicate.id)).all()  # type: ignore[arg-type]
        return [(row.file_id, row.duplicate_of_id, row.match_type) for row in rows]


def test_another_encoding_is_found(bench: Workbench, jfk: Samples, as_opus: Samples) -> None:
    """The newer File is a perceptual duplicate of the older; both carry their hash, and a stranger is no duplicate."""
    first, stranger, second = (task_about(bench, content) for content in (b"flac", b"other", b"opus"))
    hear(bench, first, jfk)
    hear(bench, stranger, decoded(str(AUDIO / "austen-0870.wav")))
    hear(bench, second, as_opus)
    assert pairs(bench) == [(3, 1, "perceptual")]
    with bench.database.read() as session:
        score = session.exec(select(Duplicate.similarity_score)).one()
        hashes = session.exec(select(File.file_hash_perceptual)).all()
    assert 0.9 <= score <= 1.0
    assert all(value is not None and len(value) == 64 for value in hashes)


def test_a_death_between_print_and_pairs_loses_neither(bench: Workbench, jfk: Samples, as_opus: Samples) -> None:
    """They are written together: who listens again finds everything, also what came while it listened."""
    first, second, third = (task_about(bench, content) for content in (b"flac", b"opus", b"quieter"))
    hear(bench, first, jfk)
    hear(bench, third, as_opus, _DiesAtSecondComparison(lambda: hear(bench, second, as_opus)))
    assert pairs(bench) == [(2, 1, "perceptual")]
    hear(bench, third, as_opus)
    assert pairs(bench) == [(2, 1, "perceptual"), (3, 1, "perceptual"), (3, 2, "perceptual")]


def test_the_older_of_two_is_the_older_whoever_is_heard_first(bench: Workbench, jfk: Samples, as_opus: Samples) -> None:
    """A File of an earlier release, which has no fingerprint until it is decoded again, does not become the newer one."""
    first, second = task_about(bench, b"flac"), task_about(bench, b"opus")
    hear(bench, second, as_opus)
    hear(bench, first, jfk)
    assert pairs(bench) == [(2, 1, "perceptual")]


def test_equal_bytes_are_not_near_duplicates_as_well(bench: Workbench, jfk: Samples) -> None:
    """They are exact duplicates already."""
    first, second = task_about(bench, b"flac"), task_about(bench, b"flac")
    hear(bench, first, jfk)
    hear(bench, second, jfk)
    assert pairs(bench) == [(2, 1, "exact")]


def test_a_file_is_listened_to_once(bench: Workbench, jfk: Samples) -> None:
    """A second run, or a second Task about it, does not listen again; its keys are there once."""
    task_id, listener = task_about(bench, b"flac"), CountingListener()
    hear(bench, task_id, jfk, listener)
    with bench.database.read() as session:
        before = session.exec(select(FingerprintKey)).all()
    hear(bench, task_id, jfk, listener)
    with bench.database.read() as session:
        assert len(session.exec(select(FingerprintKey)).all()) == len(before) == 64
    assert listener.listened == 1


@pytest.mark.parametrize("problem", [MemoryError(), ValueError("no")])
def test_what_fails_here_costs_no_run(bench: Workbench, jfk: Samples, problem: Exception) -> None:
    """A failure is told in the log; the run goes on."""
    task_id = task_about(bench, b"flac")
    hear(bench, task_id, jfk, CountingListener(problem))
    hear(bench, "no such task", jfk)
    assert pairs(bench) == []


def test_silence_is_like_nothing(bench: Workbench) -> None:
    """Two silent recordings have no fingerprint and no pair."""
    first, second = task_about(bench, b"a"), task_about(bench, b"b")
    for task_id in (first, second):
        hear(bench, task_id, np.zeros(10 * SAMPLE_RATE, dtype=np.int16))
    assert pairs(bench) == []


def test_a_run_listens_before_it_transcribes(bench: Workbench) -> None:
    """Whatever is decoded is heard; the fake's three seconds of nothing have no fingerprint, and the Task is completed."""
    pipeline, listener = Pipeline(bench), CountingListener()
    pipeline.sounds = SoundService(bench.store, listener, 0.8)
    task_id = pipeline.transcribe()
    assert listener.listened == 1
    assert bench.queries.task(task_id).status == "completed"


def test_hundreds_of_copies_do_not_slow_the_search_down(bench: Workbench, jfk: Samples, as_opus: Samples) -> None:
    """Of 300 Files with the same keys only the oldest are looked at, and those are found."""
    first = task_about(bench, b"flac")
    hear(bench, first, jfk)
    with bench.store.write() as tx:
        original = tx.tasks.get(first).file
        for number in range(300):
            copy = tx.files.add(File(original_filename=f"{number}", original_path="", file_hash_sha256=f"{number}"))
            tx.sounds.copy(original, copy)
    second = task_about(bench, b"opus")
    hear(bench, second, as_opus)
    found = pairs(bench)
    assert 1 <= len(found) <= 16
    assert (302, 1, "perceptual") in found


def test_candidates_are_ranked_by_keys_and_hash() -> None:
    """Eight bits of the hash beyond chance are worth a key; without a hash the keys alone count."""
    same, chance = "f" * 64, "0f" * 32
    assert likelihood(same, SimilarFile(1, 4, same, None)) == 4 + 16
    assert likelihood(same, SimilarFile(1, 4, chance, None)) == 4
    assert likelihood(same, SimilarFile(1, 4, None, None)) == 4
