"""The stages behind the text: what they add, and that nothing which goes wrong there costs the text."""

from collections.abc import Iterator

import pytest

from app.domain.errors import CATALOGUE, WARNINGS
from tests.fakes.pipeline import Pipeline
from tests.workbench import Workbench

SPEAKER_CODES = ("hf_token_required", "hf_token_invalid", "diarization_failed")


@pytest.fixture
def pipeline(bench: Workbench) -> Iterator[Pipeline]:
    """Scripted stages on a real database."""
    pipeline = Pipeline(bench)
    yield pipeline
    pipeline.emitter.close()


def test_words_and_speakers_are_added(pipeline: Pipeline) -> None:
    """A run that succeeds is completed, its words have times, its segments speakers, and both changes were told."""
    task_id = pipeline.transcribe("segments=4 speakers=2")
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarized, task.speaker_count, task.warnings) == ("completed", True, 2, [])
    transcript = pipeline.bench.queries.transcript(task_id)
    assert [segment.speaker for segment in transcript.segments] == ["SPEAKER_00", "SPEAKER_01"] * 2
    assert all(word.start is not None and word.speaker for segment in transcript.segments for word in segment.words)
    aligned, diarized = pipeline.history(task_id, "segments_revised")
    assert [segment["speaker"] for segment in aligned["segments"]] == [None] * 4
    assert [segment["speaker"] for segment in diarized["segments"]] == ["SPEAKER_00", "SPEAKER_01"] * 2


def test_percentages_rise_through_the_anchors(pipeline: Pipeline) -> None:
    """Each stage begins at its anchor, and no percentage falls."""
    task_id = pipeline.transcribe("segments=2 delay=0.2 align_delay=0.4 diarize_delay=0.4")
    told = [(event["stage"], event["percentage"]) for event in pipeline.history(task_id, "progress")]
    assert [percentage for _, percentage in told] == sorted(percentage for _, percentage in told)
    first: dict[str, int] = {}
    for stage, percentage in told:
        first.setdefault(stage, percentage)
    assert first == {"transcribing": 10, "aligning": 40, "diarizing": 60, "formatting": 90, "complete": 100}
    assert {percentage for stage, percentage in told if stage == "aligning"} & set(range(42, 60))
    assert {percentage for stage, percentage in told if stage == "diarizing"} & set(range(62, 80))


def test_every_stage_is_timed(pipeline: Pipeline) -> None:
    """After a run the speed of every stage is known, and the next run plans with the stages it will have."""
    pipeline.transcribe("segments=1 align_delay=0.1 diarize_delay=0.1")
    with pipeline.bench.store.read() as tx:
        assert set(tx.speeds.of("scripted", "script", "cpu")) == {"transcribing", "aligning", "diarizing"}


@pytest.mark.parametrize("code", SPEAKER_CODES)
def test_a_diarizer_that_cannot_be_had_leaves_the_transcript(pipeline: Pipeline, code: str) -> None:
    """The Task is partial with the code, the sentence and the detail; a warning says what to do; the end is 100 %, then partial."""
    pipeline.shelf.refusals["diarizer"] = code
    task_id = pipeline.transcribe()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarized, task.diarization_error_code) == ("partial", False, code)
    assert (task.diarization_error, task.error, task.error_code) == (CATALOGUE[code].sentence, None, None)
    assert task.technical_detail == "the shelf says so"
    assert task.result_text == "Segment number 0. Segment number 1. Segment number 2."
    assert pipeline.bench.queries.job(task.job_id).status == "partial"
    warning, progress, status = [
        event for event in pipeline.history(task_id) if event.get("stage") not in ("diarizing", "formatting")
    ][-3:]
    assert (warning["code"], warning["user_message"]) == (
        code,
        f"{CATALOGUE[code].sentence} {CATALOGUE[code].remedy}",
    )
    assert (progress["stage"], progress["percentage"], status["status"]) == ("complete", 100, "partial")


@pytest.mark.parametrize("raised", ["MemoryError", "OSError", "ValueError", "SystemExit", "out_of_memory", "disk_full"])
def test_whatever_a_diarizer_raises_leaves_the_transcript(pipeline: Pipeline, raised: str) -> None:
    """Any exception in this stage is `diarization_failed`, and its text is kept for the admin."""
    task_id = pipeline.transcribe(f"diarize={raised}")
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarization_error_code) == ("partial", "diarization_failed")
    assert raised in (task.technical_detail or "")
    words = [word for segment in pipeline.bench.queries.transcript(task_id).segments for word in segment.words]
    assert len(words) == 9


@pytest.mark.parametrize(
    ("refusal", "script", "code"),
    [
        ("alignment_unavailable", "", "alignment_unavailable"),
        ("model_unavailable", "", "alignment_failed"),
        *[
            ("", f"align={raised}", "alignment_failed")
            for raised in ("ValueError", "MemoryError", "SystemExit", "out_of_memory")
        ],
    ],
)
def test_without_alignment_the_run_goes_on(pipeline: Pipeline, refusal: str, script: str, code: str) -> None:
    """Words without times are a warning; speakers are told apart all the same."""
    if refusal:
        pipeline.shelf.refusals["aligner"] = refusal
    task_id = pipeline.transcribe(script)
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarized, task.warnings) == ("completed", True, [WARNINGS[code]])


def test_an_engine_without_speakers_completes(pipeline: Pipeline) -> None:
    """Where the engine cannot do it, missing speakers are a warning and no failure."""
    pipeline.shelf.whole = False
    task = pipeline.bench.queries.task(pipeline.transcribe())
    assert (task.status, task.diarized, task.warnings) == ("completed", False, [WARNINGS["diarization_unavailable"]])
    assert pipeline.shelf.lent == ["engine"]


def test_nothing_said_needs_no_later_stage(pipeline: Pipeline) -> None:
    """An empty transcript is completed without loading anything else."""
    task = pipeline.bench.queries.task(pipeline.transcribe("segments=0"))
    assert (task.status, task.warnings) == ("completed", [WARNINGS["no_speech"]])
    assert pipeline.shelf.lent == ["engine"]


@pytest.mark.parametrize(
    ("options", "lent"),
    [
        ({"diarize": False}, ["engine", "aligner"]),
        ({"task": "translate"}, ["engine", "diarizer"]),
        ({"task": "translate", "diarize": False}, ["engine"]),
    ],
)
def test_only_what_was_asked_for_is_done(pipeline: Pipeline, options: dict[str, object], lent: list[str]) -> None:
    """Without `diarize` nobody listens for speakers; the words of a translation have no place in the recording."""
    task = pipeline.bench.queries.task(pipeline.transcribe(**options))
    assert (task.status, pipeline.shelf.lent) == ("completed", lent)
    assert task.diarized is (True if options.get("diarize", True) else None)


def test_the_version_grows_with_every_change(pipeline: Pipeline) -> None:
    """Each change of the stored segments, by whatever stage, gives the transcript another version."""
    versions = []
    for script in ("segments=1", "segments=3"):
        task_id = pipeline.transcribe(script)
        with pipeline.bench.store.read() as tx:
            versions.append(tx.tasks.get(task_id).transcript_version)
    assert 4 <= versions[0] < versions[1]


def test_a_run_whose_events_cannot_be_stored_does_not_complete(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the log does not take what was told, the Task fails as unavailable instead of ending with a hole."""
    monkeypatch.setattr("app.services.run_service._FLUSH_SECONDS", 0.1)
    monkeypatch.setattr("app.services.run_service._FLUSH_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(pipeline.emitter, "flush", lambda timeout: False)
    task = pipeline.bench.queries.task(pipeline.transcribe())
    assert (task.status, task.error_code) == ("failed", "unavailable")
