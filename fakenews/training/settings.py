"""What a recipe of training consists of: frozen settings, no code that trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from fakenews.training.job import Fitted, Job, Log, Parts

# MPNet: Song et al. 2020 (arXiv:2004.09297); the sentence-transformers checkpoint is Apache-2.0.
MPNET_BASE = "sentence-transformers/all-mpnet-base-v2"
TINYBERT_BASE = "huawei-noah/TinyBERT_General_4L_312D"  # Jiao et al. 2020 (arXiv:1909.10351)
DISTILBERT_BASE = "distilbert-base-uncased"  # Sanh et al. 2019 (arXiv:1910.01108)


@dataclass(frozen=True, slots=True)
class FineTuning:
    """One run of the training loop."""

    base: str  # Hub id or folder of the encoder
    max_length: int = 512  # word pieces per example, special pieces included
    # which part of a longer article an example shows: always its beginning, or another part each time
    window: Literal["first", "random"] = "first"
    # epochs, learning_rate, batch_size, warmup_ratio, weight_decay: as in `transformers.TrainingArguments`; learning
    # rate decays linearly
    epochs: float = 3
    learning_rate: float = 2e-5
    batch_size: int = 16
    # articles a step on a GPU, where small steps cost as much as large ones (`finetune.for_gpu`)
    gpu_batch_size: int = 128
    warmup_ratio: float = 0.1
    weight_decay: float = 0.01
    patience: int = 2  # evaluations without a better F1 before the run stops
    evaluations_per_epoch: int = 1  # how often the validation part is scored
    label_smoothing: float = 0.0  # share of each label spread over both classes
    # mean share of word pieces hidden behind the mask token; each example draws its own between 0 and twice that. Makes
    # explanations that remove words ask the model something it has seen.
    mask_share: float = 0.0
    seed: int = 42


@dataclass(frozen=True, slots=True)
class Probing:
    """The first layers of a pretrained encoder, left as they are, and a logistic regression on their mean states."""

    base: str = MPNET_BASE  # Hub id or folder of the encoder
    n_layers: int = 6  # how many of its layers are kept
    max_length: int = 256  # word pieces per window, special pieces included; windows do not overlap
    # windows of an article, from its beginning, that the probe is fitted on; verdicts read all of them
    n_windows: int = 2
    # articles of the first corpus that the probe is fitted on: more would teach its publishers, not its classes
    home_rows: int = 2000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What `fakenews train NAME` does, which classifier it leaves, and what its model card says of it."""

    # name, model, title: of the recipe; key of the classifier in the registry; for people
    name: str
    model: str
    title: str
    # of the training loop, such as `FineTuning`; None where the classifier's own defaults are the settings and nothing
    # is resumed
    settings: DataclassInstance | None
    card: str
    fit: Callable[[Recipe, Job, Parts, Log], Fitted]  # carries the recipe out; imports what it needs when it is called
    refits: bool = False  # whether it is fitted in minutes from nothing but rows, so that protocols may fit it again
    # what it uses beyond the requirements of the demo, as pip reads it; versions are written down
    packages: tuple[str, ...] = ()
