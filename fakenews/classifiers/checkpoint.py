"""Read a checkpoint of somebody else's training.

None of its code runs, no pickle is read, and whatever is wrong with it becomes one sentence.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fakenews.classifiers.model_folder import sha256

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from fakenews.classifiers.transformer import TransformerClassifier

MAX_LENGTH = 512  # word pieces of a window: what most checkpoints were trained on, whatever they have positions for
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spm.model", "sentencepiece.bpe.model", "spiece.model")
_SUFFIX = "ForSequenceClassification"
_AUTO = f"AutoModel{_SUFFIX}"
_OTHER_WEIGHTS = {"tf_model.h5": ("TensorFlow", "from_tf"), "flax_model.msgpack": ("Flax", "from_flax")}
_FAKE = frozenset(("fake", "false", "fakenews", "unreliable", "hoax", "misinformation", "disinformation", "untrue"))
_REAL = frozenset(("real", "true", "realnews", "reliable", "genuine", "legit", "legitimate", "trustworthy", "credible"))


class UnusableCheckpoint(ValueError):
    """Raised when a checkpoint cannot be served; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A sequence classifier as it was read."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]  # names of the columns of its head
    weights: dict[str, str]  # SHA-256 of each file of its weights


def weight_files(names: Collection[str], origin: str) -> list[str]:
    """Return which of the files of a checkpoint hold its weights: safetensors, or else what torch wrote.

    Raise `UnusableCheckpoint` if none does.
    """
    for single, shards in (("model.safetensors", "safetensors"), ("pytorch_model.bin", "bin")):
        if single in names:
            return [single]
        if f"{single}.index.json" in names:
            stem = single.partition(".")[0]
            parts = sorted(n for n in names if n.startswith(f"{stem}-") and n.endswith(f".{shards}"))
            return [f"{single}.index.json", *parts]
    for name, (library, option) in _OTHER_WEIGHTS.items():
        if name in names:
            raise UnusableCheckpoint(
                f'{origin} has {library} weights alone: convert them, in an environment with "transformers<5" and '
                f'{library.lower()}, with: python -c "from transformers import {_AUTO} as M; '
                f"M.from_pretrained('{origin}', {option}=True).save_pretrained('converted')\"."
            )
    if "adapter_config.json" in names:
        raise UnusableCheckpoint(
            f"{origin} is an adapter without its model: save what peft's merge_and_unload() returns, and add that."
        )
    raise UnusableCheckpoint(f"{origin} has no weights: model.safetensors or pytorch_model.bin is needed.")


def check_names(names: Collection[str], origin: str) -> None:
    """Refuse a checkpoint that lacks its config or tokenizer, by the names of its files.

    Raise `UnusableCheckpoint`.
    """
    if "config.json" not in names and "adapter_config.json" not in names:
        inner = sorted(name for name in names if name.startswith("checkpoint-"))
        hint = f"give one of the checkpoints in it, such as {inner[-1]}" if inner else "give a folder that has one"
        raise UnusableCheckpoint(f"{origin} has no config.json: {hint}.")
    weight_files(names, origin)
    if not set(TOKENIZER_FILES) & set(names):
        raise UnusableCheckpoint(
            f"{origin} has no tokenizer: save the one it was trained with beside it, "
            "with tokenizer.save_pretrained(FOLDER)."
        )


def read_checkpoint(folder: Path, origin: str) -> Checkpoint:
    """Read a sequence classifier and its tokenizer from a folder; `origin` names it in messages.

    Raise `UnusableCheckpoint`.
    """
    from transformers import AutoTokenizer

    names = [file.name for file in folder.iterdir()]
    check_names(names, origin)
    files = weight_files(names, origin)
    _check_config(folder, origin)
    with _quietly(), _reading(f"The weights of {origin}"):
        model = _load_model(folder, origin, files[0].startswith("model."))
    with _quietly(), _reading(f"The tokenizer of {origin}", "save it again with a fast tokenizer, as tokenizer.json"):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise UnusableCheckpoint(f"The tokenizer of {origin} is a slow one: save it as tokenizer.json.")
    embeddings: Any = model.get_input_embeddings()
    rows = len(embeddings.weight)
    if len(tokenizer) > rows:
        raise UnusableCheckpoint(
            f"The tokenizer of {origin} has {len(tokenizer):,} pieces and the model knows {rows:,}: "
            "save the tokenizer that it was trained with."
        )
    names_of: dict[int, Any] = {int(i): name for i, name in (model.config.id2label or {}).items()}
    labels = tuple(str(names_of[i]) for i in sorted(names_of))
    return Checkpoint(model, tokenizer, labels, {name: sha256(folder / name) for name in files})


def fake_columns(labels: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return the columns of a head that are fake: those `wanted` by name or index, or by what their names say.

    Empty where the names say nothing.

    Raise `ValueError` if one that is wanted is not there, or all are.
    """
    plain = [label.strip().lower() for label in labels]
    if not wanted:
        words = ["".join(c for c in name if c.isalnum()) for name in plain]
        known = all(word in _FAKE | _REAL for word in words)
        named = [i for i, word in enumerate(words) if word in _FAKE]
        return named if known and 0 < len(named) < len(labels) else []
    found = []
    for value in wanted:
        name = value.strip().lower()
        if plain.count(name) == 1:
            found.append(plain.index(name))
        elif name.isascii() and name.isdigit() and int(name) < len(labels):
            found.append(int(name))
        else:
            raise ValueError(f"The checkpoint has no label {value!r}. It has: {', '.join(labels)}.")
    columns = sorted(set(found))
    if len(columns) == len(labels):
        raise ValueError(f"With --fake for all of {', '.join(labels)} no label is left for real.")
    return columns


def positions(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return how many word pieces a window may have, special pieces included."""
    import torch

    most = int(getattr(model.config, "max_position_embeddings", 0) or MAX_LENGTH)
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa and its kin count positions from behind the id of padding.
            most = module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return min(most, int(tokenizer.model_max_length), MAX_LENGTH)


def check_answers(classifier: TransformerClassifier, origin: str) -> None:
    """Refuse a model that answers with no numbers, or otherwise in a batch or from embeddings than alone.

    Decoders do so: they read their answer at the last piece, wherever padding puts it.

    Raise `UnusableCheckpoint`.
    """
    texts = ["The council met on Tuesday.", "The council of the town met on Tuesday and spoke about the old bridge."]
    with _reading(f"Answers of {origin}", "it is of a kind that cannot be served"):
        together = classifier.decision_function(texts)
        alone = np.concatenate([classifier.decision_function([text]) for text in texts])
        from_embeddings = _from_padded_embeddings(classifier, texts[0])
    if not np.isfinite(together).all():
        raise UnusableCheckpoint(f"{origin} answers with no numbers in half precision: it cannot be served.")
    tolerance = 1e-3 * (1.0 + np.abs(alone).max())
    if np.abs(together - alone).max() > tolerance or abs(from_embeddings - alone[0]) > tolerance:
        raise UnusableCheckpoint(
            f"{origin} answers otherwise in a batch than alone: only encoders such as BERT, RoBERTa, DeBERTa, MPNet, "
            "ELECTRA and ModernBERT can be added."
        )


def _from_padded_embeddings(classifier: TransformerClassifier, text: str) -> float:
    """Return the log-odds of a text from its embeddings, with padding behind it, as gradients need them."""
    import torch

    windows = classifier.encode(text)
    pad, n_pads = int(classifier.tokenizer.pad_token_id or 0), 8
    room = classifier.max_length - windows.input_ids.shape[1]
    ids = torch.nn.functional.pad(windows.input_ids, (0, min(n_pads, room)), value=pad)
    mask = torch.nn.functional.pad(windows.attention_mask, (0, min(n_pads, room)))
    with torch.inference_mode():
        log_odds = classifier.log_odds_from_embeddings(classifier.embed(ids), mask)
    return float(log_odds.float().cpu() @ windows.weights)


def _check_config(folder: Path, origin: str) -> None:
    """Refuse code of its own, weights in another form, and models without a classification head."""
    for name in ("config.json", "tokenizer_config.json"):
        path = folder / name
        if not path.is_file():
            continue
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(config, dict):
                raise ValueError
        except ValueError as error:
            raise UnusableCheckpoint(f"{name} of {origin} is not a JSON object: save or download it again.") from error
        if config.get("auto_map") or config.get("custom_pipelines"):
            raise UnusableCheckpoint(
                f"{origin} needs code of its own (auto_map in {name}), which is never run: only architectures that "
                "transformers has can be added."
            )
        if config.get("quantization_config"):
            raise UnusableCheckpoint(f"The weights of {origin} are quantized: save them in half or single precision.")
        if name == "config.json":
            _check_head(config, origin)


def _check_head(config: dict[str, Any], origin: str) -> None:
    architectures = [str(name) for name in config.get("architectures") or ()]
    if architectures and not any(name.endswith(_SUFFIX) for name in architectures):
        raise UnusableCheckpoint(
            f"{origin} is a {architectures[0]} without a classification head: fine-tune it as a …{_SUFFIX} first."
        )
    if config.get("problem_type") not in (None, "single_label_classification"):
        raise UnusableCheckpoint(
            f"{origin} was trained for {config['problem_type']}: a classifier of two or more classes is needed."
        )


def _load_model(folder: Path, origin: str, is_safetensors: bool) -> PreTrainedModel:
    import torch
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        raise UnusableCheckpoint(f"transformers has no sequence classifier of the type {config.model_type!r}.")
    if config.is_encoder_decoder:
        raise UnusableCheckpoint(f"{origin} is an encoder with a decoder ({config.model_type}): an encoder is needed.")
    if config.num_labels < 2:
        raise UnusableCheckpoint(f"{origin} has one output: a classifier of two or more classes is needed.")
    kind: Any = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)]
    model, report = kind.from_pretrained(
        folder, config=config, dtype=torch.float32, local_files_only=True, use_safetensors=is_safetensors,
        weights_only=True, output_loading_info=True, ignore_mismatched_sizes=True,
    )  # fmt: skip
    wrong = sorted(map(str, (*report["missing_keys"], *report["mismatched_keys"])))
    if wrong:
        raise UnusableCheckpoint(
            f"The weights of {origin} lack {wrong[0]} in the shape of its config: add the checkpoint that was saved "
            "after fine-tuning."
        )
    loaded: PreTrainedModel = model
    return loaded


@contextmanager
def _reading(what: str, advice: str = "save or download them again") -> Iterator[None]:
    """While a library reads a foreign file: whatever it raises is one sentence."""
    from safetensors import SafetensorError

    try:
        yield
    except UnusableCheckpoint:
        raise
    except (
        *(OSError, ValueError, TypeError, LookupError, AttributeError, ImportError, RuntimeError, EOFError),
        *(SafetensorError, pickle.UnpicklingError),
    ) as error:
        raise UnusableCheckpoint(f"{what} cannot be read ({type(error).__name__}): {advice}.") from error
    except Exception as error:
        if type(error) is not Exception:  # tokenizers raises a bare one
            raise
        raise UnusableCheckpoint(f"{what} cannot be read: {advice}.") from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the reports and progress bars of transformers off the terminal."""
    import logging as levels

    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity(levels.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
