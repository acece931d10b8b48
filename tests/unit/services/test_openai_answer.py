"""Transcripts as answers of OpenAI's audio API."""

import orjson
import pytest
from openai.types.audio import TranscriptionDiarized, TranscriptionVerbose, TranslationVerbose

from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.schemas.tasks import Task, Transcript, TranscriptSegment, TranscriptWord
from app.services.openai_answer import answer_of, models, require_speakers, require_words
from app.services.openai_request import SpeechRequest


def transcript_of(*speakers: str | None, language: str | None = "en", duration: float | None = 4.0) -> Transcript:
    """A transcript of one segment of two words for each speaker; the second word has no times."""
    segments = [
        TranscriptSegment(
            index=index,
            id=f"s{index}",
            start=float(index),
            end=index + 0.5,
            text=f"Word\nnumber{index}",
            speaker=speaker,
            words=[
                TranscriptWord(word="Word", start=float(index), end=index + 0.2, score=1.0, speaker=speaker),
                TranscriptWord(word=f"number{index}", start=None, end=None, score=None, speaker=speaker),
            ],
        )
        for index, speaker in enumerate(speakers)
    ]
    text = " ".join(segment.text for segment in segments)
    return Transcript(
        task_id="t", filename="a.wav", language=language, engine=None, model=None, duration_seconds=duration,
        text=text, segments=segments,
    )  # fmt: skip


def answer(transcript: Transcript, response_format: str, *, task: str = "transcribe", words: bool = False) -> str:
    wanted = SpeechRequest(TranscriptionOptions(task=task), response_format, words=words)
    return answer_of(transcript, wanted)


def test_verbose_json_fits_the_clients_types() -> None:
    """Every field that the types require is there, also where the engine tells nothing; every word has times."""
    for transcript in (transcript_of(None, None), transcript_of(language=None, duration=None)):
        body = orjson.loads(answer(transcript, "verbose_json", words=True))
        read = TranscriptionVerbose.model_validate(body)
        assert len(read.words or []) == 2 * len(transcript.segments)
        assert read.usage is not None
        TranslationVerbose.model_validate(orjson.loads(answer(transcript, "verbose_json", task="translate")))


@pytest.mark.parametrize(
    ("language", "said"), [("en", "english"), ("ht", "haitian creole"), ("tlh", "tlh"), (None, "und")]
)
def test_languages_have_names(language: str | None, said: str) -> None:
    """As OpenAI says them, in transcriptions and translations alike; a code without a name stays one."""
    transcript = transcript_of(None, language=language)
    assert orjson.loads(answer(transcript, "verbose_json"))["language"] == said
    assert orjson.loads(answer(transcript, "verbose_json", task="translate"))["language"] == "english"


def test_words_alone_without_their_times_are_refused() -> None:
    """An answer that holds nothing would look like silence: it is why, and which Task keeps the transcript."""
    timed, silent = transcript_of(None), transcript_of()
    untimed = timed.model_copy(
        update={"segments": [segment.model_copy(update={"words": []}) for segment in timed.segments]}
    )
    words = SpeechRequest(TranscriptionOptions(), "verbose_json", words=True, segments=False)
    both = SpeechRequest(TranscriptionOptions(), "verbose_json", words=True)
    with pytest.raises(CesarError, match="of task t") as caught:
        require_words(untimed, words)
    assert caught.value.code == "option_unsupported"
    for transcript, wanted in ((timed, words), (silent, words), (untimed, both)):
        require_words(transcript, wanted)


def test_diarized_json_fits_the_clients_types() -> None:
    """Segments carry speakers and ids, and the text is one line."""
    body = orjson.loads(answer(transcript_of("SPEAKER_00", "SPEAKER_01", None), "diarized_json"))
    read = TranscriptionDiarized.model_validate(body)
    assert [segment.speaker for segment in read.segments] == ["SPEAKER_00", "SPEAKER_01", ""]
    assert read.text == "Word number0 Word number1 Word number2"
    assert len({segment.id for segment in read.segments}) == 3


def test_text_is_one_line() -> None:
    """Line breaks inside segments are spaces."""
    assert answer(transcript_of(None, None), "text") == "Word number0 Word number1\n"
    assert orjson.loads(answer(transcript_of(None), "json"))["text"] == "Word number0"


@pytest.mark.parametrize(("code", "told"), [("hf_token_required", "hf_token_required"), (None, "option_unsupported")])
def test_segments_without_speakers_are_not_shown_as_diarized(code: str | None, told: str) -> None:
    """Where speakers were the point and nobody was told apart, the answer is why, and which Task keeps the transcript."""
    task = Task.model_construct(id="t-1", diarization_error_code=code)
    with pytest.raises(CesarError, match="of task t-1") as caught:
        require_speakers(task, transcript_of(None, None))
    assert caught.value.code == told
    require_speakers(task, transcript_of("SPEAKER_00", None))
    require_speakers(task, transcript_of())


@pytest.mark.parametrize(
    ("default", "listed"),
    [("organisation/name", True), ("our-own", True), ("/srv/models/own", False), (r"C:\models\own", False)],
)
def test_the_default_model_is_listed_unless_it_is_a_folder(default: str, listed: bool) -> None:
    """Paths of the server do not leave it."""
    ids = [model.id for model in models(default)]
    assert (default in ids) is listed
    assert len(ids) == len(set(ids))
