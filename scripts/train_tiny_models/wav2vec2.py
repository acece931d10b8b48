"""Trains the tiny aligner: a Wav2Vec2 that names the letter spoken in each 20 ms frame (CTC).

CTC alone would let letters drift away from where they are spoken. espeak-ng's times keep them in place: a classifier of
phonemes per frame (thrown away at the end), and a penalty for letters outside the time of their word.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from .dataset import LengthBuckets, PhonemeClasses, Placed, frame, place
from .pace import say, steps
from .synthesis import SAMPLE_RATE, Utterance

WIDTH: Final = 96
BATCH: Final = 16
RATE: Final = 2e-3
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz'"
VOCABULARY: Final = {"[PAD]": 0, "[UNK]": 1, "|": 2, **{letter: number for number, letter in enumerate(LETTERS, 3)}}
BLANK, WORD_BORDER = VOCABULARY["[PAD]"], VOCABULARY["|"]


def train_aligner(utterances: Sequence[Utterance], target: Path, seconds: float) -> None:
    """Train for so many seconds of wall time and write the transformers folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    _save_processor(target)
    trainer = _Trainer(utterances)
    trainer.run(seconds)
    trainer.model.save_pretrained(str(target))


def _save_processor(target: Path) -> None:
    from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2Processor

    vocabulary = target / "vocab.json"
    vocabulary.write_text(json.dumps(VOCABULARY))
    extractor = Wav2Vec2FeatureExtractor(
        feature_size=1, sampling_rate=SAMPLE_RATE, padding_value=0.0, do_normalize=False, return_attention_mask=False
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "word_delimiter_token": "|"}
    tokenizer = Wav2Vec2CTCTokenizer(str(vocabulary), **special)
    Wav2Vec2Processor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(str(target))


class _Trainer:
    def __init__(self, utterances: Sequence[Utterance]) -> None:
        import torch

        self._chance = random.Random(0)
        torch.manual_seed(0)
        self._buckets = LengthBuckets(utterances, self._chance)
        self._phonemes = PhonemeClasses(utterances)
        self.model = _new_model()
        self._classifier = torch.nn.Linear(WIDTH, len(self._phonemes))

    def run(self, seconds: float) -> None:
        """Train for so many seconds of wall time."""
        import torch

        parameters = [*self.model.parameters(), *self._classifier.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
        self.model.train()
        for number in steps(optimizer, seconds, RATE, "aligner"):
            loss = self._loss([place(utterance, self._chance) for utterance in self._buckets.draw(BATCH)])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            say("aligner", number, loss.detach())

    def _loss(self, batch: list[Placed]) -> Any:
        import torch
        from torch.nn.functional import cross_entropy, ctc_loss

        length = max(len(placed.samples) for placed in batch)
        samples = np.stack([np.pad(placed.samples, (0, length - len(placed.samples))) for placed in batch])
        hidden = self.model.wav2vec2(torch.from_numpy(samples)).last_hidden_state
        scores = self.model.lm_head(hidden).log_softmax(-1)
        texts = [_letters(placed.text) for placed in batch]
        sizes = torch.tensor([len(text) for text in texts])
        frames = torch.full((len(batch),), scores.size(1))
        joined = torch.tensor([letter for text in texts for letter in text])
        spelled = ctc_loss(scores.transpose(0, 1), joined, frames, sizes, zero_infinity=True)
        labels = np.zeros(scores.shape[:2], np.int64)
        allowed = np.stack([_allowed(placed, scores.size(1)) for placed in batch])
        for row, placed in zip(labels, batch, strict=True):
            self._phonemes.mark(row, placed)
        heard = cross_entropy(self._classifier(hidden).flatten(0, 1), torch.from_numpy(labels).flatten())
        in_place = -((scores.exp() * torch.from_numpy(allowed)).sum(-1) + 1e-5).log().mean()
        return spelled + heard + 2 * in_place


def _new_model() -> Any:
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    config = Wav2Vec2Config(
        vocab_size=len(VOCABULARY),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=4 * WIDTH,
        conv_dim=(48, 48, 96, 96, 96, 96, 96),
        num_feat_extract_layers=7,
        num_conv_pos_embeddings=32,
        num_conv_pos_embedding_groups=4,
        feat_extract_norm="group",
        apply_spec_augment=False,
        layerdrop=0.0,
        hidden_dropout=0.05,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        final_dropout=0.0,
        mask_time_prob=0.0,
        pad_token_id=BLANK,
    )
    return Wav2Vec2ForCTC(config)


def _words(text: str) -> list[list[int]]:
    return [[VOCABULARY[letter] for letter in word.lower() if letter in VOCABULARY] for word in text.split()]


def _letters(text: str) -> list[int]:
    letters: list[int] = []
    for word in _words(text):
        letters += [WORD_BORDER, *word] if letters else word
    return letters


def _allowed(placed: Placed, frames: int) -> Any:
    """Frames by letters: 1 where a letter may be; blanks may be everywhere, borders at a word's begin."""
    allowed = np.zeros((frames, len(VOCABULARY)), np.float32)
    allowed[:, BLANK] = 1
    starts = [start for _, start in placed.words]
    words = _words(placed.text)
    if len(starts) != len(words):  # espeak-ng joins some words
        allowed[:] = 1
        return allowed
    for word, start, end in zip(words, starts, [*starts[1:], placed.seconds], strict=True):
        allowed[frame(start - 0.05) : frame(start + 0.05) + 1, WORD_BORDER] = 1
        for letter in word:
            allowed[frame(start - 0.02) : frame(end + 0.02) + 1, letter] = 1
    return allowed
