"""Owns the MIME type of a recording: from what FFmpeg found inside, never from its name."""

from typing import Final

_TYPES: Final[dict[str, tuple[str, str]]] = {
    "aac": ("audio/aac", "audio/aac"),
    "loas": ("audio/aac", "audio/aac"),
    "ac3": ("audio/ac3", "audio/ac3"),
    "eac3": ("audio/eac3", "audio/eac3"),
    "aiff": ("audio/aiff", "audio/aiff"),
    "amr": ("audio/amr", "audio/amr"),
    "amrnb": ("audio/amr", "audio/amr"),
    "amrwb": ("audio/amr-wb", "audio/amr-wb"),
    "ape": ("audio/x-ape", "audio/x-ape"),
    "asf": ("audio/x-ms-wma", "video/x-ms-wmv"),
    "au": ("audio/basic", "audio/basic"),
    "avi": ("video/x-msvideo", "video/x-msvideo"),
    "caf": ("audio/x-caf", "audio/x-caf"),
    "dts": ("audio/vnd.dts", "audio/vnd.dts"),
    "dtshd": ("audio/vnd.dts.hd", "audio/vnd.dts.hd"),
    "flac": ("audio/flac", "audio/flac"),
    "flv": ("video/x-flv", "video/x-flv"),
    "matroska": ("audio/x-matroska", "video/x-matroska"),
    "mov": ("audio/mp4", "video/mp4"),
    "mp3": ("audio/mpeg", "audio/mpeg"),
    "mpeg": ("video/mpeg", "video/mpeg"),
    "mpegts": ("video/mp2t", "video/mp2t"),
    "ogg": ("audio/ogg", "video/ogg"),
    "rm": ("audio/vnd.rn-realaudio", "application/vnd.rn-realmedia"),
    "tta": ("audio/x-tta", "audio/x-tta"),
    "voc": ("audio/x-voc", "audio/x-voc"),
    "w64": ("audio/x-w64", "audio/x-w64"),
    "wav": ("audio/wav", "audio/wav"),
    "wv": ("audio/x-wavpack", "audio/x-wavpack"),
}
"""By the first name of FFmpeg's container: the type of sound alone, and of sound with a picture."""

_WEBM_CODECS: Final = frozenset({"opus", "libopus", "vorbis"})


def mime_type_of(container: str, codec: str, *, video: bool) -> str:
    """The MIME type for FFmpeg's container name (`"mov,mp4,m4a,3gp,3g2,mj2"`) and the sound's codec."""
    name = container.partition(",")[0]
    if name == "matroska" and codec in _WEBM_CODECS:
        return "video/webm" if video else "audio/webm"
    sound, picture = _TYPES.get(name, (f"audio/x-{name}", f"video/x-{name}"))
    return picture if video else sound
