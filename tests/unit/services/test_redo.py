"""Retries that begin at a later stage: the transcript is there all the time, whatever happens to the new attempt."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.domain.errors import CATALOGUE, WARNINGS, CesarError
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
    ("stage", "options", "named"),
    [
        (DIARIZING, {"model": "small"}, "model"), (DIARIZING, {"language": "de"}, "language"),
        (DIARIZING, {"align_model": "a/b"}, "align_model"),
        (DIARIZING, {"preset": "fast"}, "batch_size"), (ALIGNING, {"beam_size": 2}, "beam_size"), (ALIGNING, {"task": "translate"}, "task"),
    ],
)  # fmt: skip
def test_an_option_of_an_earlier_stage_is_refused(
    pipeline: Pipeline, stage: TaskProgressStage, options: dict[str, Any], named: str
) -> None:
    """What cannot have an effect from the named stage on is `bad_value`, by name, and the Task is as it was."""
    task_id = pipeline.transcribe()
    with pytest.raises(CesarError, match=f"bad_value: {named} concerns an earlier stage than {stage.value}"):
        pipeline.bench.tasks.retry(task_id, Redo(stage, options))
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.attempt) == ("completed", 1)


def test_aligning_heeds_the_language_that_is_named(pipeline: Pipeline) -> None:
    """Words are aligned as those of the language of the retry, which is then the Task's."""
    task_id = pipeline.transcribe()
    pipeline.bench.tasks.retry(task_id, Redo(ALIGNING, {"language": "de-CH"}))
    pipeline.run_next()
    assert pipeline.shelf.languages == ["en", "de"]
    task = pipeline.bench.queries.task(task_id)
    assert (task.detected_language, task.language_probability, task.options["language"]) == ("de", None, "de-CH")


def test_null_takes_an_option_back(pipeline: Pipeline) -> None:
    """None is the server's default again; an option that was never given stays out of it, whatever stage is named."""
    task_id = pipeline.transcribe(num_speakers=3)
    pipeline.bench.tasks.retry(task_id, Redo(DIARIZING, {"num_speakers": None, "model": None, "diarize": None}))
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.speaker_count, task.options.get("num_speakers"), task.options["diarize"]) == (2, None, True)


SPOILT = {"num_speakers": 2}
WELL = {"initial_prompt": "diarize=hf_token_invalid", "num_speakers": 9}


def failed_redo(pipeline: Pipeline, task_id: str) -> None:
    pipeline.run_next()


def dead_redo(pipeline: Pipeline, task_id: str) -> None:
    for death in range(3):
        die(pipeline, pipeline.bench.claim(f"victim {death}").lease)


@pytest.mark.parametrize("stage", [DIARIZING, ALIGNING])
@pytest.mark.parametrize("happens", [failed_redo, dead_redo])
def test_a_redo_that_fails_keeps_the_speakers(
    pipeline: Pipeline, stage: TaskProgressStage, happens: Callable[[Pipeline, str], None]
) -> None:
    """Speakers of an earlier run stay, on segments and words; the Task is partial, and its columns say what its segments say."""
    (task_id,) = pipeline.bench.submit(1, **WELL)
    pipeline.run_next()
    before = pipeline.bench.queries.transcript(task_id).segments
    pipeline.bench.tasks.retry(task_id, Redo(stage, SPOILT))
    happens(pipeline, task_id)
    if pipeline.bench.queries.task(task_id).status == "queued":  # the deaths cost the words' times; speakers are next
        pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarized, task.speaker_count) == ("partial", True, 3)
    assert task.diarization_error_code in ("hf_token_invalid", "diarization_failed")
    after = pipeline.bench.queries.transcript(task_id).segments
    assert [(part.speaker, [word.speaker for word in part.words]) for part in after] == [
        (part.speaker, [word.speaker for word in part.words]) for part in before
    ]
    assert None not in {word.speaker for part in after for word in part.words}


def test_without_speakers_there_is_no_count(pipeline: Pipeline) -> None:
    """Where nobody was told apart `diarized` is false and the count unknown, also after a redo."""
    task_id = pipeline.transcribe(BROKEN)
    pipeline.bench.tasks.retry(task_id, Redo(ALIGNING))
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarized, task.speaker_count) == ("partial", False, None)


@pytest.mark.parametrize("diarize", [True, False])
def test_an_aligner_that_kills_workers_costs_the_times_of_words_alone(pipeline: Pipeline, diarize: bool) -> None:
    """When three workers died while words were aligned, the run goes on behind that stage, with a warning."""
    task_id = pipeline.transcribe(diarize=diarize)
    pipeline.bench.tasks.retry(task_id, Redo(ALIGNING))
    for death in range(3):
        die(pipeline, pipeline.bench.claim(f"victim {death}").lease)
    if diarize:
        pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.status, task.diarized, task.error_code) == ("completed", True if diarize else None, None)
    assert task.warnings == [WARNINGS["alignment_failed"]]
    assert text_of(pipeline, task_id) == task.result_text == TEXT


def test_a_warning_ends_with_what_it_warns_of(pipeline: Pipeline) -> None:
    """A stage that is repeated takes its old warnings along; those of other stages stay, and none is there twice."""
    task_id = pipeline.transcribe("align=alignment_unavailable")
    warned = [WARNINGS["alignment_unavailable"]]
    assert pipeline.bench.queries.task(task_id).warnings == warned
    for stage in (ALIGNING, DIARIZING):
        pipeline.bench.tasks.retry(task_id, Redo(stage))
        pipeline.run_next()
        assert pipeline.bench.queries.task(task_id).warnings == warned
    pipeline.transcribe("segments=1")  # from now on the scripted aligner is well
    pipeline.bench.tasks.retry(task_id, Redo(ALIGNING, {"diarize": False}))
    pipeline.run_next()
    assert pipeline.bench.queries.task(task_id).warnings == []


def test_speakers_of_a_small_engine_s_text(pipeline: Pipeline) -> None:
    """Told apart afterwards, speakers are no longer said to be impossible."""
    pipeline.shelf.whole = False
    task_id = pipeline.transcribe()
    assert pipeline.bench.queries.task(task_id).warnings == [WARNINGS["diarization_unavailable"]]
    pipeline.bench.tasks.retry(task_id, Redo(DIARIZING))
    pipeline.run_next()
    task = pipeline.bench.queries.task(task_id)
    assert (task.diarized, task.warnings) == (True, [])


def test_nothing_kept_keeps_no_warning(pipeline: Pipeline) -> None:
    """A recording in which nobody spoke is transcribed anew, whatever stage is named, and warned of once."""
    task_id = pipeline.transcribe("segments=0")
    pipeline.bench.tasks.retry(task_id, Redo(ALIGNING))
    pipeline.run_next()
    assert pipeline.bench.queries.task(task_id).warnings == [WARNINGS["no_speech"]]
    assert pipeline.shelf.lent == ["engine", "engine"]


def test_a_job_of_one_task_shows_what_is_in_force(pipeline: Pipeline) -> None:
    """The options of a retry are the Job's to look at, too."""
    task_id = pipeline.transcribe(diarize=False)
    pipeline.bench.tasks.retry(task_id, Redo(DIARIZING, {"min_speakers": 2, "max_speakers": 3}))
    job = pipeline.bench.queries.job(pipeline.bench.queries.task(task_id).job_id)
    assert (job.diarize, job.min_speakers, job.max_speakers) == (True, 2, 3)


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
    pipeline.bench.tasks.retry(task_id, Redo(DIARIZING, MENDED))
    pipeline.run_next()
    assert pipeline.shelf.lent == ["engine", "engine"]
