"""Trains the tiny Whisper from nothing.

espeak-ng tells when every phoneme and every word is spoken. So beside the text, two helpers teach the model where to look:
a classifier of phonemes per frame on the encoder, and a guide for one cross-attention head of each decoder layer. Both are
thrown away at the end. First short windows, which are cheap; then the 30 s window that Whisper always sees.
"""

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from .dataset import FRAMES_PER_SECOND, LengthBuckets, PhonemeClasses, Placed, frame, place
from .pace import say, steps
from .synthesis import SAMPLE_RATE, Utterance
from .tokenizer import build_tokenizer

WIDTH: Final = 96
ENCODER_LAYERS: Final = 3
DECODER_LAYERS: Final = 2
HEADS: Final = 3
MEL_BANDS: Final = 80
SAMPLES_PER_FRAME: Final = SAMPLE_RATE // FRAMES_PER_SECOND
WINDOW_SECONDS: Final = 30.0
IGNORED: Final = -100

Draw = Callable[[int], tuple[list[list[Utterance]], float]]


def train_whisper(utterances: Sequence[Utterance], target: Path, short_seconds: float, long_seconds: float) -> None:
    """Train and write the CTranslate2 model folder `target`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "transformers"
        trainer = _Trainer(utterances, build_tokenizer(folder))
        trainer.run(trainer.draw_short, short_seconds, batch=16, rate=2e-3, name="whisper, short windows")
        trainer.run(trainer.draw_long, long_seconds, batch=4, rate=8e-4, name="whisper, 30 s windows")
        trainer.save(folder)
        _convert(folder, target)


def _convert(folder: Path, target: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    copied = ["tokenizer.json", "preprocessor_config.json"]
    converter = TransformersConverter(str(folder), copy_files=copied)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        made = converter.convert(str(Path(scratch) / "model"))
        for file in Path(made).iterdir():
            shutil.copy(file, target / file.name)


@dataclass(frozen=True, slots=True)
class _Batch:
    mel: Any
    inputs: Any
    labels: Any
    phonemes: Any
    attention: Any


class _Trainer:
    def __init__(self, utterances: Sequence[Utterance], tokenizer: Any) -> None:
        import torch
        from whisperx.audio import mel_filters

        self._chance = random.Random(0)
        torch.manual_seed(0)
        self._utterances = utterances
        self._buckets = LengthBuckets(utterances, self._chance)
        self._phonemes = PhonemeClasses(utterances)
        self._tokenizer = tokenizer
        self._filters = mel_filters("cpu", MEL_BANDS)
        self._window = torch.hann_window(400)
        self._model = self._new_model()
        self._classifier = torch.nn.Linear(WIDTH, len(self._phonemes))
        self._seen_by_attention: list[tuple[Any, Any]] = []
        for layer in self._model.model.decoder.layers:
            layer.encoder_attn.register_forward_hook(self._note_attention, with_kwargs=True)

    def draw_short(self, count: int) -> tuple[list[list[Utterance]], float]:
        """Windows a little longer than their speech; some hold two utterances."""
        groups = [[utterance] for utterance in self._buckets.draw(count)]
        if self._chance.random() < 0.3:
            for group, second in zip(groups, self._buckets.draw(count), strict=True):
                group.append(second)
        longest = max(sum(utterance.seconds + 0.5 for utterance in group) for group in groups)
        return groups, longest + (self._chance.uniform(0, 3) if self._chance.random() < 0.25 else 0.0)

    def draw_long(self, count: int) -> tuple[list[list[Utterance]], float]:
        """Full windows with up to some 12 s of speech."""
        groups = []
        for _ in range(count):
            goal, group = self._chance.choice((0, 0, 6, 8, 10, 12)), [self._chance.choice(self._utterances)]
            while sum(utterance.seconds + 0.5 for utterance in group) < goal - 3:
                group.append(self._chance.choice(self._utterances))
            groups.append(group)
        return groups, WINDOW_SECONDS

    def run(self, draw: Draw, seconds: float, *, batch: int, rate: float, name: str) -> None:
        """Train for so many seconds of wall time."""
        import torch

        parameters = [*self._model.parameters(), *self._classifier.parameters()]
        trainable = [parameter for parameter in parameters if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trainable, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
        self._model.train()
        for number in steps(optimizer, seconds, rate, name):
            loss = self._loss(self._batch(*draw(batch)))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trainable, 1.0)
            optimizer.step()
            say(name, number, loss.detach())

    def save(self, folder: Path) -> None:
        """Write it in the form of transformers."""
        from transformers import GenerationConfig

        end = self._token("<|endoftext|>")
        self._model.generation_config = GenerationConfig(
            suppress_tokens=[],
            begin_suppress_tokens=[end],
            decoder_start_token_id=self._token("<|startoftranscript|>"),
            eos_token_id=end,
        )
        self._model.save_pretrained(str(folder))
        features = {"feature_size": MEL_BANDS, "sampling_rate": SAMPLE_RATE, "hop_length": 160, "n_fft": 400}
        (folder / "preprocessor_config.json").write_text(json.dumps({**features, "chunk_length": 30}))

    def _token(self, name: str) -> int:
        return int(self._tokenizer.token_to_id(name))

    def _new_model(self) -> Any:
        from transformers import WhisperConfig, WhisperForConditionalGeneration

        end = self._token("<|endoftext|>")
        config = WhisperConfig(
            vocab_size=self._tokenizer.get_vocab_size(),
            d_model=WIDTH,
            encoder_layers=ENCODER_LAYERS,
            decoder_layers=DECODER_LAYERS,
            encoder_attention_heads=HEADS,
            decoder_attention_heads=HEADS,
            encoder_ffn_dim=4 * WIDTH,
            decoder_ffn_dim=4 * WIDTH,
            num_mel_bins=MEL_BANDS,
            decoder_start_token_id=self._token("<|startoftranscript|>"),
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
            dropout=0.05,
        )
        return WhisperForConditionalGeneration(config)

    def _batch(self, groups: list[list[Utterance]], seconds: float) -> _Batch:
        import torch

        frames = int(seconds * FRAMES_PER_SECOND)
        samples = np.zeros((len(groups), frames * SAMPLES_PER_FRAME), np.float32)
        phonemes = np.zeros((len(groups), frames), np.int64)
        tokens: list[list[int]] = []
        spans: list[list[tuple[float, float] | None]] = []
        for row, group in enumerate(groups):
            placed = self._lay_out(group, samples[row])
            for one in placed:
                self._phonemes.mark(phonemes[row], one)
            encoded = [self._encode(one) for one in placed]
            tokens.append([token for part, _ in encoded for token in part])
            spans.append([span for _, part in encoded for span in part])
        return self._tensors(torch.from_numpy(samples), torch.from_numpy(phonemes), tokens, spans)

    def _lay_out(self, group: list[Utterance], row: Any) -> list[Placed]:
        placed: list[Placed] = []
        at = 0
        for utterance in group:
            one = place(utterance, self._chance, at / SAMPLE_RATE)
            piece = one.samples[: len(row) - at]
            row[at : at + len(piece)] = piece
            at += len(piece)
            placed.append(one)
        return placed

    def _encode(self, placed: Placed) -> tuple[list[int], list[tuple[float, float] | None]]:
        """Tokens of the text, and for each the time in which its word is spoken."""
        encoding = self._tokenizer.encode(" " + placed.text)
        starts = [start for _, start in placed.words]
        if len(starts) != len(placed.text.split()):  # espeak-ng joins some words
            return encoding.ids, [None] * len(encoding.ids)
        ends = [*starts[1:], starts[-1] + 0.5]
        word = -1
        spans: list[tuple[float, float] | None] = []
        for token in encoding.tokens:
            word += token.startswith("Ġ")
            spans.append((starts[word] - 0.06, ends[word] + 0.06))
        return encoding.ids, spans

    def _tensors(self, samples: Any, phonemes: Any, tokens: list[list[int]], spans: list[list[Any]]) -> _Batch:
        import torch

        length = max(map(len, tokens)) + 2
        inputs = np.full((len(tokens), length), self._token("<|endoftext|>"))
        labels = np.full((len(tokens), length), IGNORED)
        attention = np.zeros((len(tokens), length, phonemes.shape[1]), np.float32)
        for row, text in enumerate(tokens):
            inputs[row, :2] = self._token("<|startoftranscript|>"), self._token("<|notimestamps|>")
            inputs[row, 2 : 2 + len(text)] = text
            labels[row, 1 : 2 + len(text)] = [*text, self._token("<|endoftext|>")]
            for at, span in enumerate(spans[row]):
                if span is not None:
                    attention[row, at + 1, frame(span[0]) : frame(span[1]) + 1] = 1
        return _Batch(
            mel=self._log_mel(samples),
            inputs=torch.from_numpy(inputs),
            labels=torch.from_numpy(labels),
            phonemes=phonemes,
            attention=torch.from_numpy(attention),
        )

    def _log_mel(self, samples: Any) -> Any:
        """The arithmetic of `whisperx.audio.log_mel_spectrogram`, for a batch."""
        import torch

        spectrum = torch.stft(samples, 400, 160, window=self._window, return_complex=True)[..., :-1].abs() ** 2
        mel = torch.clamp(self._filters @ spectrum, min=1e-10).log10()
        return (torch.maximum(mel, mel.amax((1, 2), keepdim=True) - 8.0) + 4) / 4

    def _encoded(self, mel: Any) -> Any:
        """`WhisperEncoder.forward` without its check for 30 s."""
        from torch.nn.functional import dropout, gelu

        encoder = self._model.model.encoder
        hidden = gelu(encoder.conv2(gelu(encoder.conv1(mel)))).permute(0, 2, 1)
        hidden = dropout(hidden + encoder.embed_positions.weight[: hidden.size(1)], 0.05, encoder.training)
        for layer in encoder.layers:
            hidden = layer(hidden, None, None)[0]
        return encoder.layer_norm(hidden)

    def _note_attention(self, module: Any, inputs: Any, named: dict[str, Any], _: Any) -> None:
        self._seen_by_attention.append((module, named.get("hidden_states", inputs[0] if inputs else None)))

    def _loss(self, batch: _Batch) -> Any:
        from torch.nn.functional import cross_entropy

        hidden = self._encoded(batch.mel)
        self._seen_by_attention.clear()
        decoder = self._model.model.decoder
        decoded = decoder(input_ids=batch.inputs, encoder_hidden_states=hidden, use_cache=False).last_hidden_state
        logits = self._model.proj_out(decoded).flatten(0, 1)
        text = cross_entropy(logits, batch.labels.flatten(), ignore_index=IGNORED, label_smoothing=0.02)
        phonemes = cross_entropy(self._classifier(hidden).flatten(0, 1), batch.phonemes.flatten())
        return text + phonemes + 0.3 * self._attention_loss(hidden, batch.attention)

    def _attention_loss(self, hidden: Any, wanted: Any) -> Any:
        """How little the first cross-attention head of each layer looks at the time of its word."""
        loss: Any = 0
        guided = wanted.sum(-1) > 0
        for module, queries in self._seen_by_attention:
            head = module.head_dim
            query = (module.q_proj(queries) * head**-0.5)[..., :head]
            weights = (query @ module.k_proj(hidden)[..., :head].transpose(1, 2)).softmax(-1)
            loss = loss - ((weights * wanted).sum(-1)[guided] + 1e-5).log().mean()
        return loss
