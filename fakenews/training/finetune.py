"""The torch/accelerate loop: one `Trainer` set up from a recipe, used for fine-tuning and for distillation."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    EarlyStoppingCallback,
    PreTrainedModel,
    Trainer,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_pt_utils import get_length_grouped_indices
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, get_last_checkpoint

from fakenews.classifiers.base import clean_text_as
from fakenews.classifiers.precision import cpu_has_bfloat16
from fakenews.schema import FAKE, LABELS
from fakenews.text import CLEANING
from fakenews.training.settings import FineTuning

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

Example = dict[str, Any]  # {"input_ids": int32 array (n,) without special pieces, "labels": int or float32 array}

_MULTIPLE = 64  # lengths of batches on a GPU: few different shapes, whose memory and kernels are found again
_BYTES_KEPT = 60  # for the backward pass, of each piece, layer and unit of width; 46 to 48 measured in bf16
_MEMORY_SHARE = 0.6  # of a GPU that they may take
_LEAST_STEPS = 50  # of a run; with fewer articles a GPU takes smaller steps


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, on the CPU, and how its training went; `history` holds the rows of `Trainer` (step, epoch, loss, …)."""

    model: Any  # PreTrainedModel, or another module that was trained
    tokenizer: PreTrainedTokenizerBase
    history: tuple[dict[str, Any], ...]
    seconds: float


def load_base(base: str, positions_needed: int, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load an encoder with a fresh two-class head (fake, real) and its tokenizer, from a Hub id or a folder.

    Raise `ValueError` if the base cannot be had, or has fewer positions than the recipe's `max_length`.
    """
    try:
        config = AutoConfig.from_pretrained(base)
        config.id2label = dict(enumerate(LABELS))
        config.label2id = {label: i for i, label in enumerate(LABELS)}
        tokenizer = AutoTokenizer.from_pretrained(base, use_fast=True)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # the head is new and drawn from the global generator
            model = AutoModelForSequenceClassification.from_pretrained(base, config=config, dtype=torch.float32)
    except OSError as error:
        raise ValueError(
            f"Cannot load the base {base!r}: neither a folder here nor reachable on the Hugging Face Hub. "
            "Give --base a folder with config.json, weights and tokenizer, or go online."
        ) from error
    positions = getattr(config, "max_position_embeddings", positions_needed)
    if positions < positions_needed:
        raise ValueError(f"{base} reads {positions} word pieces, the recipe asks for {positions_needed}.")
    return model, tokenizer


def encode_examples(
    texts: Sequence[str], labels: Sequence[int], tokenizer: PreTrainedTokenizerBase, cleaning: str = CLEANING
) -> list[Example]:
    """Return the word pieces of the cleaned texts, whole and without special pieces, with their labels."""
    cleaned = [clean_text_as(text, cleaning).neutral.text for text in texts]
    pieces = tokenizer(
        cleaned, add_special_tokens=False, split_special_tokens=True, truncation=False, padding=False, verbose=False
    )["input_ids"]
    return [
        {"input_ids": np.asarray(ids, dtype=np.int32), "labels": int(label)}
        for ids, label in zip(pieces, labels, strict=True)
    ]


class Passes(Dataset[Example]):
    """Training examples in the order of each pass over them, which the seed and the number of the pass decide alone.

    A run that is taken up again thus goes on with the articles, and what it would have read of them, that an
    undisturbed one goes on with.

    One optimizer step takes `step` examples, alike in length.
    """

    def __init__(self, examples: list[Example], step: int, seed: int) -> None:
        self.examples = examples
        self.lengths = [len(example["input_ids"]) for example in examples]
        self.step = step
        self.seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Go on to another pass; the loop calls it."""
        self.epoch = epoch
        generator = torch.Generator().manual_seed(self.seed + epoch)
        self.order = get_length_grouped_indices(self.lengths, self.step, generator=generator)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Example:
        """Return the example at an index of the epoch; "drawn" seeds its window."""
        return {**self.examples[self.order[index]], "drawn": (self.seed, self.epoch, index)}


class Collator:
    """Cuts each example to a window, adds special pieces and pads to the longest of the batch.

    Windows are drawn, and pieces masked, while `training`, and always for examples of `Passes`; one window in three is
    the beginning, where the title is. Otherwise the beginning is taken as it is. The length is rounded up to a
    multiple.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, recipe: FineTuning, multiple: int = 1) -> None:
        self.tokenizer = tokenizer
        self.room = recipe.max_length - 2
        self.multiple = multiple
        self.random = recipe.window == "random"
        self.mask_share = recipe.mask_share
        self.rng = np.random.default_rng(recipe.seed)
        self.training = True

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Return tensors: input_ids and attention_mask (n, length), labels (n,) or targets (n, n_targets)."""
        drawn = examples[0].get("drawn")
        rng = np.random.default_rng(drawn) if drawn else self.rng if self.training else None
        windows = [self._window(example["input_ids"], rng) for example in examples]
        longest = max(len(window) for window in windows)
        longest = min(-(-longest // self.multiple) * self.multiple, self.room + 2)
        ids = np.full((len(windows), longest), int(self.tokenizer.pad_token_id or 0), dtype=np.int64)
        mask = np.zeros_like(ids)
        for i, window in enumerate(windows):
            ids[i, : len(window)] = window
            mask[i, : len(window)] = 1
        labels = torch.from_numpy(np.asarray([example["labels"] for example in examples]))  # int64, or float32 targets
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask), "labels": labels}

    def _window(self, ids: NDArray[np.int32], rng: np.random.Generator | None) -> NDArray[np.int32]:
        start = 0
        spare = len(ids) - self.room
        if self.random and spare > 0 and rng is not None and rng.random() > 1 / 3:
            start = int(rng.integers(1, spare + 1))
        window = np.empty(min(len(ids) - start, self.room) + 2, dtype=np.int32)
        window[0], window[-1] = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        window[1:-1] = ids[start : start + self.room]
        if self.mask_share and rng is not None:
            hidden = rng.random(len(window) - 2) < rng.uniform(0.0, 2 * self.mask_share)
            window[1:-1][hidden] = self.tokenizer.mask_token_id
        return window


class EarlyStopping(EarlyStoppingCallback):
    """Early stopping that does not go on, taken up again, where it had stopped."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take one step more; the best evaluation stays what it is."""
        control.should_training_stop = self.early_stopping_patience_counter >= self.early_stopping_patience


def f1_metrics(prediction: Any) -> dict[str, float]:
    """Return the accuracy and F1 of the fake class from a `transformers.EvalPrediction`."""
    from sklearn.metrics import accuracy_score, f1_score

    logits, labels = prediction.predictions, prediction.label_ids
    predicted: NDArray[np.int64] = np.asarray(logits).argmax(axis=1)
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "f1": float(f1_score(labels, predicted, pos_label=FAKE, zero_division=0.0)),
    }


def for_gpu(recipe: FineTuning, config: PreTrainedConfig, n_examples: int, memory: int) -> tuple[FineTuning, int]:
    """Return the recipe with larger steps, and how many passes a GPU with `memory` bytes needs for one of them.

    The learning rate grows with the square root of the batch: Malladi et al., "On the SDEs and Scaling Rules for
    Adaptive Gradient Algorithms", NeurIPS 2022 (arXiv:2205.10287).
    """
    size = recipe.batch_size
    while 2 * size <= recipe.gpu_batch_size and n_examples * recipe.epochs >= 2 * size * _LEAST_STEPS:
        size *= 2
    activations = size * recipe.max_length * config.num_hidden_layers * config.hidden_size * _BYTES_KEPT
    passes = 1
    while passes < size and activations > passes * _MEMORY_SHARE * memory:
        passes *= 2
    rate = recipe.learning_rate * math.sqrt(size / recipe.batch_size)
    return replace(recipe, batch_size=size, learning_rate=rate), passes


def for_device(recipe: FineTuning, config: PreTrainedConfig, n_examples: int) -> tuple[FineTuning, int]:
    """Return `for_gpu` where there is one; otherwise the recipe as it is, in one pass."""
    if not torch.cuda.is_available():
        return recipe, 1
    return for_gpu(recipe, config, n_examples, torch.cuda.get_device_properties().total_memory)


def train(
    recipe: FineTuning,
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    train_examples: list[Example],
    validation_examples: list[Example],
    work: Path,
    *,
    max_steps: int | None = None,
    resume: bool = False,
    trainer_class: type[Trainer] = Trainer,
) -> Trained:
    """Train `model` in place by `recipe` and keep its best evaluation: of F1, or for a student of its loss.

    Checkpoints go to `work`; with `resume` the last of them is taken up again. bf16 or fp16 where the device
    has it, and larger steps on a GPU (`for_gpu`); batches of similar length, padded to their longest.

    Parameters
    ----------
    model : PreTrainedModel or Module
        With a head for labels, or a module with `config` whose `forward` returns its own loss, such as a student.
    work : Path
        Folder for checkpoints, about 3 × the model each, two kept.
    max_steps : int, optional
        End after that many optimizer steps, whatever the epochs say.
    trainer_class : type
        A subclass of `Trainer`.
    """
    cuda = torch.cuda.is_available()
    by_labels = isinstance(model, PreTrainedModel)
    recipe, passes = for_device(recipe, model.config, len(train_examples))
    steps_per_epoch = math.ceil(len(train_examples) / recipe.batch_size)
    total = max_steps or math.ceil(steps_per_epoch * recipe.epochs)
    every = max(1, min(total, steps_per_epoch // recipe.evaluations_per_epoch))
    arguments = TrainingArguments(
        output_dir=str(work),
        num_train_epochs=recipe.epochs,
        max_steps=max_steps or -1,
        learning_rate=recipe.learning_rate,
        per_device_train_batch_size=recipe.batch_size // passes,
        per_device_eval_batch_size=2 * recipe.batch_size // passes,
        gradient_accumulation_steps=passes,
        warmup_steps=math.ceil(total * recipe.warmup_ratio),
        weight_decay=recipe.weight_decay,
        label_smoothing_factor=recipe.label_smoothing,
        lr_scheduler_type="linear",
        use_cpu=not cuda,
        bf16=torch.cuda.is_bf16_supported() if cuda else not by_labels and cpu_has_bfloat16(),
        fp16=cuda and not torch.cuda.is_bf16_supported(),
        train_sampling_strategy="sequential",  # in that of `Passes`
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="f1" if by_labels else "loss",
        greater_is_better=by_labels,
        logging_steps=max(1, min(25, total // 4)),
        remove_unused_columns=False,
        dataloader_pin_memory=cuda,
        disable_tqdm=True,
        report_to=[],
        seed=recipe.seed,
        data_seed=recipe.seed,
        restore_callback_states_from_checkpoint=True,
    )
    collator = Collator(tokenizer, recipe, _MULTIPLE if cuda else 1)
    collator.training = False
    trainer = trainer_class(
        model=model,
        args=arguments,
        train_dataset=Passes(train_examples, recipe.batch_size, recipe.seed),
        eval_dataset=validation_examples,
        data_collator=collator,
        compute_metrics=f1_metrics if by_labels else None,
        callbacks=[EarlyStopping(recipe.patience)],
    )
    trainer.model_accepts_loss_kwargs = False  # all losses here are means over a pass, whatever forward() can be given
    last = _last_whole_checkpoint(work) if resume and work.is_dir() else None
    if resume and last is None:
        logger.warning("No checkpoint in %s: starting from the beginning.", work)
    result = trainer.train(resume_from_checkpoint=last)
    nn.Module.to(model, "cpu").eval()  # the stages after it compute there
    return Trained(
        model, tokenizer, tuple(dict(row) for row in trainer.state.log_history), result.metrics["train_runtime"]
    )


def _last_whole_checkpoint(work: Path) -> str | None:
    """Return the last checkpoint; remove those that were being written when the power went."""
    for folder in work.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        if not (folder / TRAINER_STATE_NAME).is_file():  # which is written last
            shutil.rmtree(folder)
    last: str | None = get_last_checkpoint(str(work))
    return last
