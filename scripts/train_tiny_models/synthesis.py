"""Owns speech synthesis: espeak-ng through ctypes, because its library tells when every word and phoneme is spoken."""

import ctypes
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly  # type: ignore[import-untyped]

SAMPLE_RATE: Final = 16_000

ACCENTS: Final = ("en", "en-us", "en-gb-x-rp", "en-us-nyc", "en-029", "en-gb-scotland")
TRAINED_SPEAKERS: Final = (
    "", "+m1", "+m2", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f4", "+f5",
    "+Andy", "+Annie", "+Michael", "+Alicia", "+Denis", "+Lee", "+linda", "+steph",
)  # fmt: skip
HELD_OUT_SPEAKERS: Final = ("+m3", "+f3", "+john", "+belinda")
"""Never heard in training."""

_WORD_EVENT: Final = 1
_PHONEME_EVENT: Final = 7
_SYNCHRONOUS: Final = 1  # audio goes to the callback, not to a sound card
_PHONEME_EVENTS_WANTED: Final = 1
_UTF8: Final = 1
_RATE, _PITCH, _RANGE = 1, 3, 4


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class Voice:
    """An espeak-ng voice (`en-us+f3`), words a minute, and pitch and its range (0..100)."""

    name: str
    rate: int = 160
    pitch: int = 50
    pitch_range: int = 50


@dataclass(frozen=True, slots=True)
class Utterance:
    """Spoken text: 16 kHz samples (-1..1), and when each word and each phoneme begins, in seconds."""

    text: str
    voice: Voice
    samples: npt.NDArray[np.float32]
    words: tuple[tuple[str, float], ...]
    phonemes: tuple[tuple[str, float], ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / SAMPLE_RATE


class Synthesizer:
    """One per process: the library keeps its state to itself."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 200, None, _PHONEME_EVENTS_WANTED))
        self._pieces: list[npt.NDArray[np.int16]] = []
        self._events: list[tuple[int, int, int, float, str]] = []
        self._callback = _Callback(self._hear)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: Voice) -> Utterance:
        """Say it. Raises ValueError for a voice that espeak-ng does not have."""
        self._pieces.clear()
        self._events.clear()
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice.name}")
        for parameter, value in ((_RATE, voice.rate), (_PITCH, voice.pitch), (_RANGE, voice.pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode() + b"\0"
        self._library.espeak_Synth(encoded, len(encoded), 0, 0, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        words = tuple(
            (text[at - 1 : at - 1 + size], start) for kind, at, size, start, _ in self._events if kind == _WORD_EVENT
        )
        phonemes = tuple((name, start) for kind, _, _, start, name in self._events if kind == _PHONEME_EVENT)
        return Utterance(text, voice, self._samples(), tuple(word for word in words if word[0]), phonemes)

    def _hear(self, wave: Any, count: int, events: Any) -> int:
        if count > 0 and wave:
            self._pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        at = 0
        while events[at].type != 0:
            event = events[at]
            name = event.id.string.decode(errors="replace") if event.type == _PHONEME_EVENT else ""
            self._events.append((event.type, event.text_position, event.length, event.audio_position / 1000, name))
            at += 1
        return 0

    def _samples(self) -> npt.NDArray[np.float32]:
        joined = np.concatenate(self._pieces).astype(np.float32) / 32768
        common = int(np.gcd(SAMPLE_RATE, self._rate))
        resampled: npt.NDArray[np.float32] = resample_poly(joined, SAMPLE_RATE // common, self._rate // common)
        return resampled.astype(np.float32)
