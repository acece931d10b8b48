"""The cues of subtitles: what has to hold for any transcript, and what makes them pleasant to read."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.schemas.tasks import Transcript, TranscriptSegment
from app.services.export.cues import LONGEST_SECONDS, SHORTEST_SECONDS, Cue, cues_of
from app.services.export.options import RenderOptions
from app.services.export.typography import letters, one_line, width
from tests.transcripts import segment_of, spoken, transcript_of, word_of

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Z"]), min_size=1, max_size=14)
PLAIN = st.sampled_from(
    ["a", "to", "word,", "sentence.", "Well!", "extraordinarily", "Rindfleischetikettierung", "1984"]
)
UNSPACED = st.sampled_from(
    [
        "我们今天来讨论一下这个问题，",
        "因为它非常重要。",
        "ภาษาไทยไม่มีช่องว่าง",
        "きょうはとてもいいてんきですね。",
        "「ー」",
    ]
)
SECONDS = st.floats(0, 30, allow_nan=False).map(lambda seconds: round(seconds, 3))


@st.composite
def segments(draw: st.DrawFn, start: float) -> TranscriptSegment:
    """Text of any script; words with times, some without, or none at all; sometimes several speakers."""
    chosen = draw(st.lists(st.one_of(PLAIN, WORDS, UNSPACED), max_size=40))
    end = start + draw(SECONDS)
    speaker = draw(st.sampled_from([None, "SPEAKER_00", "Anna Maria"]))
    said, clock = [], start
    for word in chosen if draw(st.booleans()) else []:
        length = draw(st.floats(0, 1))
        timed = draw(st.integers(0, 5)) > 0
        said.append(word_of(word, clock if timed else None, clock + length if timed else None, speaker))
        clock += length
    return segment_of(" ".join(chosen), start, max(end, clock), speaker, said)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Segments one after the other, with gaps, touching or overlapping."""
    made: list[TranscriptSegment] = []
    for _ in range(draw(st.integers(0, 4))):
        gap = draw(st.sampled_from([0.0, 0.0, 0.2, 3.0, -0.5]))
        made.append(draw(segments(max(0.0, made[-1].end + gap) if made else draw(SECONDS))))
    end = max((segment.end for segment in made), default=0.0)
    return transcript_of(*made, duration=draw(st.sampled_from([None, end, end + 5])))


OPTIONS = st.builds(
    RenderOptions,
    max_line_length=st.integers(8, 60),
    max_lines=st.integers(1, 3),
    max_cps=st.floats(8, 30),
)


def words_of(cues: list[Cue]) -> str:
    return "".join(letters(line) for cue in cues for line in cue.lines)


@given(transcripts(), OPTIONS)
def test_every_word_appears_once_and_in_order(transcript: Transcript, options: RenderOptions) -> None:
    """Nothing is lost, doubled or moved on the way into cues."""
    said = "".join(letters(one_line(segment.text)) for segment in transcript.segments)
    assert words_of(cues_of(transcript, options, labelled=False)) == said


@given(transcripts(), OPTIONS)
def test_no_word_is_cut(transcript: Transcript, options: RenderOptions) -> None:
    """A line ends where a word of a language with spaces ends."""
    whole = {
        word for segment in transcript.segments for word in one_line(segment.text).split(" ") if word and word.isascii()
    }
    shown = {
        word for cue in cues_of(transcript, options, labelled=False) for line in cue.lines for word in line.split(" ")
    }
    assert whole <= shown


@given(transcripts(), OPTIONS, st.booleans())
def test_lines_are_short_and_few(transcript: Transcript, options: RenderOptions, labelled: bool) -> None:
    """No line is wider than allowed unless it is a single word; no cue has more lines, with a label or without."""
    for cue in cues_of(transcript, options, labelled=labelled):
        for line in cue.lines:
            assert width(line) <= options.max_line_length or " " not in line
        assert len(cue.lines) <= options.max_lines


@given(transcripts(), OPTIONS, st.booleans())
def test_cues_follow_each_other_within_the_recording(
    transcript: Transcript, options: RenderOptions, labelled: bool
) -> None:
    """Each cue has a duration, begins when the one before it has ended, and ends with the recording at the latest."""
    cues = cues_of(transcript, options, labelled=labelled)
    assert all(0 <= cue.start < cue.end for cue in cues)
    assert all(before.end <= after.start for before, after in pairwise(cues))
    end = max((segment.end for segment in transcript.segments), default=0.0)
    last = max(transcript.duration_seconds or end, end)
    assert all(cue.end <= max(math.ceil(last * 1000), len(cues)) for cue in cues)


@given(transcripts(), OPTIONS)
def test_cues_can_be_read_where_time_allows(transcript: Transcript, options: RenderOptions) -> None:
    """A cue that is faster than the reading speed, or very short, stays until the next one begins or the recording ends."""
    cues = cues_of(transcript, options, labelled=False)
    end = math.floor((transcript.duration_seconds or max((s.end for s in transcript.segments), default=0)) * 1000)
    for cue, following in zip(cues, [cue.start for cue in cues[1:]] + [end], strict=bool(cues)):
        seconds = (cue.end - cue.start) / 1000
        columns = sum(width(line) for line in cue.lines)
        if columns / seconds > options.max_cps or seconds < SHORTEST_SECONDS:
            assert cue.end >= following


def test_a_segment_that_fits_is_one_cue() -> None:
    """Its times are those of its words, and lines are of similar length."""
    (cue,) = cues_of(
        transcript_of(spoken("I will have nothing more to do with you and so on.")), RenderOptions(), labelled=False
    )
    assert cue.lines == ("I will have nothing more", "to do with you and so on.")
    assert (cue.start, cue.end) == (0, 3540)


def test_a_long_segment_is_cut_at_the_end_of_a_sentence() -> None:
    """Not where the cue happens to be full."""
    text = "The first sentence has nearly as many words as a cue can hold here. Then there is another one which follows it."
    cues = cues_of(transcript_of(spoken(text)), RenderOptions(), labelled=False)
    assert [" ".join(cue.lines) for cue in cues] == [
        "The first sentence has nearly as many words as a cue can hold here.",
        "Then there is another one which follows it.",
    ]


def test_a_new_speaker_begins_a_new_cue() -> None:
    """Also within a segment, where words know who says them."""
    words = [word_of("Really?", 0, 0.5, "A"), word_of("Yes,", 0.6, 1, "B"), word_of("really.", 1, 1.5, "B")]
    cues = cues_of(
        transcript_of(segment_of("Really? Yes, really.", 0, 1.5, "B", words)), RenderOptions(), labelled=False
    )
    assert [(cue.speaker, *cue.lines) for cue in cues] == [("A", "Really?"), ("B", "Yes, really.")]


def test_a_speaker_named_by_a_person_says_the_whole_segment() -> None:
    """Labels of words that do not know the segment's speaker do not count."""
    words = [word_of("One", 0, 0.5, "SPEAKER_00"), word_of("two", 0.6, 1, "SPEAKER_01")]
    (cue,) = cues_of(transcript_of(segment_of("One two", 0, 1, "Anna", words)), RenderOptions(), labelled=True)
    assert cue.lines == ("Anna: One two",)


def test_a_pause_ends_a_cue() -> None:
    """Words are not shown while nobody has said them yet."""
    words = [word_of("Wait", 0, 0.5), word_of("here", 6, 6.5)]
    cues = cues_of(transcript_of(segment_of("Wait here", 0, 6.5, None, words)), RenderOptions(), labelled=False)
    assert [(cue.start, cue.lines) for cue in cues] == [(0, ("Wait",)), (6000, ("here",))]


def test_a_fast_cue_stays_into_the_silence_that_follows() -> None:
    """Forty columns need two seconds at twenty a second, and no more."""
    fast = segment_of("x" * 19 + " " + "y" * 20, 0, 0.5)
    cues = cues_of(transcript_of(fast, segment_of("later", 10, 11)), RenderOptions(max_cps=20), labelled=False)
    assert [(cue.start, cue.end) for cue in cues] == [(0, 2000), (10_000, 11_000)]


def test_a_fast_cue_takes_from_one_that_has_time_to_spare() -> None:
    """The next one waits, a second at most and as long as it can still be read; it ends when it did."""
    fast, slow = segment_of("x" * 19 + " " + "y" * 20, 0, 1), segment_of("Calm.", 1, 4)
    cues = cues_of(transcript_of(fast, slow, segment_of("later", 4, 5)), RenderOptions(max_cps=25), labelled=False)
    assert [(cue.start, cue.end) for cue in cues] == [(0, 1600), (1600, 4000), (4000, 5000)]
    cues = cues_of(transcript_of(fast, slow, segment_of("later", 4, 5)), RenderOptions(max_cps=10), labelled=False)
    assert [(cue.start, cue.end) for cue in cues] == [(0, 2000), (2000, 4000), (4000, 5000)]
    hurried = segment_of("Calm.", 1, 2.2)
    cues = cues_of(transcript_of(fast, hurried, segment_of("later", 2.2, 3)), RenderOptions(), labelled=False)
    assert [cue.start for cue in cues] == [0, 1200, 2200]


def test_slow_speech_does_not_stand_for_ever() -> None:
    """Words that take long are told in several cues."""
    slow = spoken("one two three four five six seven eight nine ten", pace=2.0)
    cues = cues_of(transcript_of(slow), RenderOptions(), labelled=False)
    assert all((cue.end - cue.start) / 1000 <= LONGEST_SECONDS + 2 for cue in cues)
    assert len(cues) >= 3


def test_two_who_speak_at_once_share_the_time() -> None:
    """Each of them can be read."""
    cues = cues_of(
        transcript_of(segment_of("Me first!", 5, 8, "A"), segment_of("No, me!", 5, 8, "B")),
        RenderOptions(),
        labelled=False,
    )
    assert [(cue.start, cue.end) for cue in cues] == [(5000, 6500), (6500, 8000)]


@pytest.mark.parametrize(
    "text",
    [
        "我们今天来讨论一下这个问题因为它非常重要你觉得呢我认为我们应该先了解一下基本概念然后再继续学习其他的内容",
        "わたしはきのうともだちといっしょにえいがをみにいきましたがとてもおもしろかったのでまたいきたいとおもいます",
        "ภาษาไทยเป็นภาษาที่ไม่มีการเว้นวรรคระหว่างคำดังนั้นการตัดบรรทัดจึงต้องทำอย่างระมัดระวังเป็นพิเศษ",
        "你觉得呢？我认为，我们应该先了解「基本概念」，然后再继续学习、讨论其他的内容！对不对？",
        "「そうですね、」と彼女は言った。「でも、ちょっと待って！」それから、しばらく黙っていた。",
        "ｷｮｳﾊ､ﾄﾃﾓｲｲﾃﾝｷﾃﾞｽﾈ｡ﾃﾞﾓ､ｱｼﾀﾊｱﾒｶﾞﾌﾙｿｳﾃﾞｽ｡",
    ],
)
@pytest.mark.parametrize("longest", [8, 13, 42])
def test_languages_without_spaces_are_wrapped(text: str, longest: int) -> None:
    """No line is longer than the limit, no accent is torn off its letter, and no space comes in."""
    cues = cues_of(transcript_of(segment_of(text, 0, 20)), RenderOptions(max_line_length=longest), labelled=False)
    lines = [line for cue in cues for line in cue.lines]
    assert max(map(width, lines)) <= longest
    assert "".join(lines) == text
    assert [line for line in lines if line[0] in "ัิีึืุู็่้๊๋์ำะา、。，！？」ょっｮｯﾞﾟ､｡"] == []
    assert [line for line in lines if line[-1] in "เแโใไ「"] == []


def test_latin_words_between_chinese_ones_stay_whole() -> None:
    """A line may end before and behind them only."""
    text = "我们使用Transcription这个词"
    cues = cues_of(transcript_of(segment_of(text, 0, 9)), RenderOptions(max_line_length=15), labelled=False)
    assert (
        "Transcription"
        in " ".join(line for cue in cues for line in cue.lines).replace("这", " ").replace("用", " ").split()
    )


def test_words_without_times_lie_between_their_neighbours() -> None:
    """A number that alignment could not place is shown when it is said."""
    words = [word_of("In", 10, 10.4), word_of("1984", None, None), word_of("everything", 13, 13.5)]
    cues = cues_of(
        transcript_of(segment_of("In 1984 everything", 10, 14, None, words)), RenderOptions(max_line_length=10, max_lines=1),
        labelled=False,
    )  # fmt: skip
    assert [(cue.start, *cue.lines) for cue in cues] == [(10_000, "In 1984"), (13_000, "everything")]


def test_a_name_of_any_length_leaves_room_for_words() -> None:
    """A name as long as a line is shortened; the words stand below it."""
    named = segment_of("Good evening to all of you.", 0, 3, "The Right Honourable Member for Somewhere Far Away")
    for cue in cues_of(transcript_of(named), RenderOptions(max_line_length=20), labelled=True):
        assert cue.lines[0] == "The Right Honourab…:"
        assert len(cue.lines) == 2


def test_a_name_leaves_room_in_cues_of_one_line() -> None:
    """It is shortened to half a line, further before a long word, and left out where nothing of it would be left."""
    named = segment_of("We establish something incomprehensibly long.", 0, 9, "The Right Honourable Member")
    narrow = RenderOptions(max_line_length=24, max_lines=1)
    assert [cue.lines for cue in cues_of(transcript_of(named), narrow, labelled=True)] == [
        ("The Right…: We establish",),
        ("The Right…: something",),
        ("The R…: incomprehensibly",),
        ("The Right…: long.",),
    ]
    tiny = RenderOptions(max_line_length=12, max_lines=1)
    lines = [cue.lines for cue in cues_of(transcript_of(named), tiny, labelled=True)]
    assert ("establish",) in lines
    assert all(len(cue) == 1 for cue in lines)
