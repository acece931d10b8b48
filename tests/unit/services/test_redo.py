"""Retries that begin at a later stage: the transcript is there all the time, whatever happens to the new attempt."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.domain.errors import CATALOGUE, CesarError
from app.domain.progress import TaskProgressStage
from app.domain.transcript import Segment, Transcript
from app.services.retry import Redo
from tests.fakes.pipeline import Pipeline
from tests.workbench import Workbench

ALIGNING, DIARIZING = TaskProgressStage.ALIGNING, TaskProgressStage.DIARIZING
TEXT = "Segment number 0. Segment number 1. Segment number 2."
BROKEN = "diarize=hf_token_invalid"
MENDED = {"num_speakers": 9}


@pytest.fixture
def pipeline(bench: Workbench) -> Iterator[Pipeline]:
    """Scripted stages on a real database."""
    pipeline = Pipeline(bench)
    yield pipeline
    pipeline.emitter.close()


def text_of(pipeline: Pipeline, task_id: str) -> str:
    """What can be read now."""
    return pipeline.bench.queries.transcript(task_id).text


def speakers_of(pipeline: Pipeline, task_id: str) -> list[str | None]:
    """Whom each segment names."""
    return [segment.speaker for segment in pipeline.bench.queries.transcript(task_id).segments]


def test_a_partial_task_repeats_diarization_alone(pipeline: Pipeline) -> None:
    """A retry keeps text and word times, loads the diarizer only, and ends completed in its next attempt."""
    task_id = pipeline.transcribe(BROKEN)
    pipeline.bench.tasks.retry(task_id, Redo(options=MENDED))
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.attempt, task.diarization_error, task.warnings) == ("queued", 2, None, [])
    assert text_of(pipeline, task_id) == task.result_text == TEXT
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarized, task.diarization_error_code) == ("completed", True, None)
    assert pipeline.shelf.lent == ["engine", "aligner", "diarizer", "diarizer"]
    assert text_of(pipeline, task_id) == TEXT
    assert None not in speakers_of(pipeline, task_id)


def test_who_follows_a_redo_gets_the_transcript_again(pipeline: Pipeline) -> None:
    """The new attempt tells all kept segments right after its status, and its percentages begin at 0 and rise."""
    task_id = pipeline.transcribe(BROKEN)
    pipeline.bench.tasks.retry(task_id)
    pipeline.run_next()
    history = pipeline.history(task_id)
    (again,) = [
        place for place, event in enumerate(history) if event.get("attempt") == 2 and event["status"] == "queued"
    ]
    assert [segment["text"] for segment in history[again + 1]["segments"]] == TEXT.replace(". ", ".|").split("|")
    told = [event["percentage"] for event in history[again:] if event["type"] == "progress"]
    assert told[0] == 60
    assert told == sorted(told)
    stages = {event["stage"] for event in history[again:] if event["type"] == "progress"}
    assert stages == {"diarizing", "formatting", "complete"}


def test_a_redo_that_fails_again_is_partial_again(pipeline: Pipeline) -> None:
    """The old transcript is still there, with the new reason."""
    task_id = pipeline.transcribe(BROKEN)
    pipeline.bench.tasks.retry(task_id)
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.attempt, task.diarization_error_code) == ("partial", 2, "hf_token_invalid")
    assert task.warnings == [f"{CATALOGUE['hf_token_invalid'].sentence} {CATALOGUE['hf_token_invalid'].remedy}"]
    assert text_of(pipeline, task_id) == TEXT


def test_a_completed_task_can_be_told_apart_anew(pipeline: Pipeline) -> None:
    """With `from` and other bounds the speakers change and nothing else; the options in force are shown."""
    task_id = pipeline.transcribe(max_speakers=2)
    assert speakers_of(pipeline, task_id) == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    pipeline.bench.tasks.retry(task_id, Redo(DIARIZING, {"num_speakers": 3}))
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.speaker_count) == ("completed", 3)
    assert speakers_of(pipeline, task_id) == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]
    assert task.options["num_speakers"] == 3
    assert "max_speakers" not in task.options


def test_speakers_can_be_had_afterwards(pipeline: Pipeline) -> None:
    """Who names the stage wants speakers, although the submission did not."""
    task_id = pipeline.transcribe(diarize=False)
    pipeline.bench.tasks.retry(task_id, Redo(DIARIZING))
    pipeline.run_next()
    assert pipeline.bench.queries.task(task_id).diarized is True


def test_speakers_can_be_removed(pipeline: Pipeline) -> None:
    """`diarize` false from `diarizing` on takes the speakers out, without listening to the recording."""
    task_id = pipeline.transcribe()
    pipeline.bench.tasks.retry(task_id, Redo(DIARIZING, {"diarize": False}))
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarized, task.speaker_count) == ("completed", None, None)
    assert speakers_of(pipeline, task_id) == [None] * 3
    assert pipeline.history(task_id, "segments_revised")[-1]["segments"][0]["speaker"] is None
    assert task.duration_seconds == 3.0


def test_from_transcribing_begins_with_the_recording(pipeline: Pipeline) -> None:
    """The transcript is made anew, with the options changed."""
    task_id = pipeline.transcribe()
    pipeline.bench.tasks.retry(task_id, Redo(TaskProgressStage.TRANSCRIBING, {"initial_prompt": "segments=1"}))
    with pytest.raises(CesarError, match="transcript_not_ready"):
        pipeline.bench.queries.transcript(task_id)
    pipeline.run_next()
    assert text_of(pipeline, task_id) == "Segment number 0."


@pytest.mark.parametrize(
    ("options", "first_lent"),
    [({"num_speakers": 9}, "diarizer"), ({"align_model": "a/b"}, "aligner"), ({"language": "de"}, "engine")],
)
def test_without_a_stage_the_options_decide(pipeline: Pipeline, options: dict[str, Any], first_lent: str) -> None:
    """A retry of a partial Task begins at the first stage that the changed options concern."""
    task_id = pipeline.transcribe(BROKEN)
    pipeline.shelf.lent.clear()
    pipeline.bench.tasks.retry(task_id, Redo(options=options))
    pipeline.run_next()
    assert pipeline.shelf.lent[0] == first_lent


def test_a_completed_task_needs_a_stage(pipeline: Pipeline) -> None:
    """Options alone repeat nothing that is completed."""
    task_id = pipeline.transcribe()
    with pytest.raises(CesarError, match="illegal_move"):
        pipeline.bench.tasks.retry(task_id, Redo(options={"num_speakers": 2}))


@pytest.mark.parametrize("options", [{"min_speakers": 3, "max_speakers": 2}, {"preset": "best"}, {"model": "enormous"}])
def test_options_that_cannot_be_change_nothing(pipeline: Pipeline, options: dict[str, Any]) -> None:
    """A retry with a bad value is refused, and the Task is as it was."""
    task_id = pipeline.transcribe()
    with pytest.raises(CesarError, match="bad_value"):
        pipeline.bench.tasks.retry(task_id, Redo(DIARIZING, options))
    assert pipeline.bench.queries.task(task_id).status == "completed"


def die(pipeline: Pipeline, lease: Any) -> None:
    pipeline.bench.dead.add(lease.owner)
    pipeline.bench.tasks.recover()


@pytest.mark.parametrize("happens", [die, lambda pipeline, lease: pipeline.bench.tasks.put_back(lease)])
def test_what_ends_a_redo_early_loses_nothing(pipeline: Pipeline, happens: Callable[..., None]) -> None:
    """A worker that dies, or shuts down, during a redo: the next attempt is the same redo, with the same transcript."""
    task_id = pipeline.transcribe(BROKEN)
    pipeline.bench.tasks.retry(task_id, Redo(options=MENDED))
    lease = pipeline.bench.claim("the first").lease
    happens(pipeline, lease)
    assert text_of(pipeline, task_id) == TEXT
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.attempt) == ("completed", 3)
    assert pipeline.shelf.lent.count("engine") == 1


def test_a_cancelled_redo_keeps_the_transcript_and_can_go_on(pipeline: Pipeline) -> None:
    """Cancel in mid-redo: everything can be read, and a retry repeats the same stage."""
    task_id = pipeline.transcribe(BROKEN)
    pipeline.bench.tasks.retry(task_id, Redo(options=MENDED))
    pipeline.bench.claim()
    pipeline.bench.tasks.cancel(task_id)
    assert text_of(pipeline, task_id) == pipeline.bench.queries.task(task_id).result_text == TEXT
    pipeline.bench.tasks.retry(task_id)
    pipeline.run_next()
    assert pipeline.bench.queries.task(task_id).status == "completed"
    assert pipeline.shelf.lent.count("engine") == 1


def test_a_diarizer_that_kills_workers_costs_no_transcript(pipeline: Pipeline) -> None:
    """When three workers died while speakers were told apart, the Task is partial, not failed."""
    task_id = pipeline.transcribe(BROKEN)
    pipeline.bench.tasks.retry(task_id)
    for death in range(3):
        die(pipeline, pipeline.bench.claim(f"victim {death}").lease)
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarization_error_code, task.error_code) == ("partial", "diarization_failed", None)
    assert "worker_lost" in (task.technical_detail or "")
    assert text_of(pipeline, task_id) == task.result_text == TEXT
    assert [event["type"] for event in pipeline.history(task_id)][-3:] == ["warning", "progress", "status"]


def test_a_first_run_goes_on_where_its_worker_died(pipeline: Pipeline) -> None:
    """A worker that dies behind the text costs that stage alone: the next attempt does not transcribe again."""
    (task_id,) = pipeline.bench.submit(1, initial_prompt="")
    lease = pipeline.bench.claim("the first").lease
    pipeline.bench.tasks.engine_known(lease, "scripted", "script", "cpu")
    pipeline.bench.tasks.reached(lease, ALIGNING, Transcript((Segment(0, 0.0, 1.0, "Kept."),), "en", 0.5))
    die(pipeline, lease)
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.attempt, task.result_text) == ("completed", 2, "Kept.")
    assert (task.engine, task.detected_language, task.language_probability) == ("scripted", "en", 0.5)
    assert pipeline.shelf.lent == ["aligner", "diarizer"]


def test_a_text_that_is_not_whole_is_not_kept(pipeline: Pipeline) -> None:
    """A run that was cancelled while it transcribed begins with the recording, whatever stage is named."""
    task_id = pipeline.transcribe("after=2 raise=OSError")
    assert len(pipeline.bench.queries.transcript(task_id).segments) == 2
    pipeline.bench.tasks.retry(task_id, Redo(DIARIZING, {"initial_prompt": ""}))
    pipeline.run_next()
    assert pipeline.shelf.lent[:2] == ["engine", "engine"]
    assert text_of(pipeline, task_id) == TEXT
