"""A form of OpenAI's audio API, understood."""

import pytest

from app.domain.errors import CesarError
from app.services.openai_request import STAND_INS, FieldRefused, SpeechRequest, model_names, understand


def of(door: str = "transcribe", /, **fields: str | list[str]) -> SpeechRequest:
    """A request from its fields; `__` in a name stands for the brackets that OpenAI's clients write behind lists."""
    form = {name.replace("__", "[]"): [value] if isinstance(value, str) else value for name, value in fields.items()}
    return understand({"model": ["whisper-1"], **form}, door, "our-own")


def test_nothing_but_a_model() -> None:
    """A plain request takes the server's defaults, without speakers, and wants json."""
    assert (of().options.diarize, of().options.model, of().response_format, of().stream) == (False, None, "json", False)


@pytest.mark.parametrize("name", STAND_INS)
def test_openais_models(name: str) -> None:
    """Each is the server's default model; one of them turns speakers on."""
    options = of(model=name).options
    assert (options.model, options.diarize) == (None, name.endswith("diarize"))


@pytest.mark.parametrize("name", ["tiny", "large-v3-turbo", "organisation/name", "/models/own"])
def test_cesars_models(name: str) -> None:
    """Names that Cesar knows are used as such."""
    assert of(model=name).options.model == name


def test_the_servers_own_default_model() -> None:
    """Whatever the admin calls it, a request may name it, as everything that is listed; that is then not an option of the Task."""
    for name in model_names("our-own"):
        of(model=name)
    assert of(model="our-own").options.model is None
    with pytest.raises(FieldRefused, match="enormous"):
        of(model="enormous")


def test_diarized_json_wants_speakers() -> None:
    """The format says so, unless the request has a field that says otherwise."""
    assert of(response_format="diarized_json").options.diarize is True
    assert of(response_format="diarized_json", diarize="false").options.diarize is False


def test_lists_come_with_or_without_brackets() -> None:
    """`timestamp_granularities[]` is how the form key is written; without brackets it is understood too."""
    for name in ("timestamp_granularities__", "timestamp_granularities"):
        both = of(response_format="verbose_json", **{name: ["word", "segment"]})
        assert (both.words, both.segments) == (True, True)


def test_languages() -> None:
    """One possible language is the language; of several the engine finds out."""
    assert of(languages__="de").options.language == "de"
    assert of(languages__=["de", "en"]).options.language is None
    assert of(languages__="de", language="en").options.language == "en"


@pytest.mark.parametrize(
    ("said", "code"),
    [("german", "de"), ("Haitian Creole", "ht"), ("de", "de"), ("de-AT", "de-AT"), ("cantonese", "yue")],
)
def test_languages_by_name(said: str, code: str) -> None:
    """What an answer calls its language may be asked for; everything else stays as it is."""
    assert of(language=said).options.language == code


def test_a_field_sent_empty_is_not_sent() -> None:
    """Some clients send every field."""
    assert of(prompt="", language="", temperature="", response_format="") == of()


@pytest.mark.parametrize("strategy", ['{"type":"server_vad","threshold":0.4}', None])
def test_threshold_of_voice_activity(strategy: str | None) -> None:
    """The one part of a chunking strategy that means something here, as JSON or as the official client sends it."""
    fields = {"chunking_strategy": strategy} if strategy else {
        "chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "0.4",
    }  # fmt: skip
    assert of(**fields).options.vad_onset == 0.4


def test_a_translation_translates() -> None:
    """Whatever the form says; speakers have no format there."""
    assert of("translate", task="transcribe").options.task == "translate"
    with pytest.raises(FieldRefused, match="response_format"):
        of("translate", response_format="diarized_json")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "enormous"}, "model"),
        ({"language": ["de", "en"]}, "language"),
        ({"stream": "perhaps"}, "stream"),
        ({"stream": "true", "response_format": "verbose_json"}, "stream"),
        ({"chunking_strategy": "{"}, "chunking_strategy"),
        ({"chunking_strategy": "[]"}, "chunking_strategy"),
        ({"chunking_strategy": '{"type":"server_vad","pauses":1}'}, "chunking_strategy"),
        ({"chunking_strategy": '{"type":"server_vad","threshold":4}'}, "chunking_strategy"),
        ({"known_speaker_references__": "data:,"}, "known_speaker_references"),
        ({"beam_size": "many"}, "beam_size"),
        ({"surprise": "1"}, "surprise"),
    ],
)
def test_refusals_name_the_field(fields: dict[str, str | list[str]], param: str) -> None:
    """What cannot be is refused as a bad value of the field that the client sent."""
    with pytest.raises(FieldRefused) as caught:
        of(**fields)
    assert (caught.value.param, caught.value.code) == (param, "bad_value")


def test_contradictions_are_refused() -> None:
    """What the options themselves refuse is no single field's fault."""
    with pytest.raises(CesarError, match="device"):
        of(device="abacus")
