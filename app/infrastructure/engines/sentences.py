"""Owns the sentence splitters that alignment asks NLTK for, so that nothing is downloaded in the middle of a run."""

from pathlib import Path
from typing import Final

LANGUAGES: Final = (
    "czech", "danish", "dutch", "english", "estonian", "finnish", "french", "german", "greek", "italian", "malayalam",
    "norwegian", "polish", "portuguese", "russian", "slovene", "spanish", "swedish", "turkish",
)  # fmt: skip
"""The languages for which WhisperX asks for a splitter; it takes the English one for all others."""

ABBREVIATIONS: Final = ("dr", "etc", "jr", "mr", "mrs", "ms", "prof", "sr", "st", "vs")
"""Words after whose full stop a sentence goes on."""

_FILES: Final = {
    "abbrev_types.txt": "".join(f"{word}\n" for word in ABBREVIATIONS),
    "collocations.tab": "",
    "ortho_context.tab": "",
    "sent_starters.txt": "",
}


def lay_out_sentence_splitters(data_dir: Path) -> None:
    """Write untrained Punkt splitters under `data_dir` and let NLTK look there last: trained ones on this machine win.

    Untrained ones split after a full stop, a question or an exclamation mark.
    """
    from whisperx.alignment import nltk  # noqa: PLC0415 - the one that is asked

    home = (data_dir / "nltk_data").absolute()
    for language in LANGUAGES:
        folder = home / "tokenizers" / "punkt_tab" / language
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in _FILES.items():
            if not (folder / name).is_file():
                (folder / name).write_text(content)
    if str(home) not in nltk.data.path:
        nltk.data.path.append(str(home))
