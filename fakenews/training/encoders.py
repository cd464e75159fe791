"""How the recipes that fine-tune an encoder are carried out."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.classifiers.windows import round_to_half
from fakenews.config import pick_device
from fakenews.training.checkpoints import make_ready
from fakenews.training.job import Fitted, Job, Log, Parts, labeled
from fakenews.training.settings import FineTuning, Recipe

if TYPE_CHECKING:
    from fakenews.training.finetune import Trained


def fit_encoder(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
    """Fine-tune by the recipe's settings on all corpora; calibrate on the validation part of the first."""
    from fakenews.classifiers.transformer import TransformerClassifier

    checkpoints = job.out / "checkpoints"
    if not isinstance(recipe.settings, FineTuning):
        raise TypeError(f"The recipe {recipe.name} does not say how to fine-tune.")
    settings = _override(recipe.settings, job)
    make_ready(checkpoints, recipe, job, parts)
    trained = _fine_tune(settings, job, parts, checkpoints / "fine-tuning")
    round_to_half(trained.model)
    classifier = TransformerClassifier(
        recipe.model, trained.model, trained.tokenizer, settings.max_length, device=pick_device(),
        cleaning=job.cleaning, truncation=job.truncation,
    )  # fmt: skip
    log("calibrating on the validation part")
    classifier.calibrate(*labeled(job.in_domain_rows(parts["validation"])))
    history = {"fine-tuning": list(trained.history)}
    facts: dict[str, Any] = {"base": base_name(settings.base), "settings": {**asdict(settings), "base": ""}}
    return Fitted(classifier, settings.seed, "train", history, facts, {"base": facts["base"]})


def _override(settings: FineTuning, job: Job) -> FineTuning:
    return replace(
        settings,
        base=job.base or settings.base,
        epochs=job.epochs or settings.epochs,
        window="first" if job.truncation else settings.window,
    )


def _fine_tune(settings: FineTuning, job: Job, parts: Parts, work: Path) -> Trained:
    from fakenews.training import finetune

    model, tokenizer = finetune.load_base(settings.base, settings.max_length, settings.seed)
    examples = examples_of(parts, tokenizer, job.cleaning)
    return finetune.train(
        settings, model, tokenizer, examples["train"], examples["validation"], work,
        max_steps=job.max_steps, resume=job.resume,
    )  # fmt: skip


def examples_of(parts: Parts, tokenizer: Any, cleaning: str) -> dict[str, list[dict[str, Any]]]:
    """Return what the loop learns from and is scored on, by the name of the part."""
    from fakenews.training.finetune import encode_examples

    return {name: encode_examples(*labeled(parts[name]), tokenizer, cleaning) for name in ("train", "validation")}


def base_name(base: str) -> str:
    """Return a base as it may be written down: a Hub id as it is, of a folder the last part only."""
    return Path(base).name if Path(base).is_dir() else base
