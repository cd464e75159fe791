"""How the recipes that fine-tune an encoder are carried out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.classifiers.base import Scores, fit_calibration
from fakenews.classifiers.domain import DomainHead, fit_domain_head
from fakenews.classifiers.probe import Probe, fit_probe
from fakenews.classifiers.windows import round_to_half
from fakenews.config import pick_device
from fakenews.data.mix import CORPUS
from fakenews.data.table import joined_texts
from fakenews.training.checkpoints import make_ready
from fakenews.training.job import Fitted, Job, Parts, Say, home_of, is_home, labelled, weights
from fakenews.training.settings import FineTuning, Recipe
from fakenews.training.states import STATES, States

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.classifiers.transformer import TransformerClassifier
    from fakenews.training.finetune import Trained


def fit_encoder(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Fine-tune by the recipe's settings on the first corpus, and add a probe where there are several.

    Calibrated on the validation part of the first.
    """
    from fakenews.classifiers.transformer import TransformerClassifier

    checkpoints = job.out / "checkpoints"
    if not isinstance(recipe.settings, FineTuning):
        raise TypeError(f"The recipe {recipe.name} does not say how to fine-tune.")
    settings = _override(recipe.settings, job)
    told: dict[str, str] = {}
    home = {name: rows[rows[CORPUS] == job.data.stem].reset_index(drop=True) for name, rows in parts.items()}
    make_ready(checkpoints, recipe, job, parts, keep=(STATES,))
    trained = _fine_tune(settings, job, home, checkpoints / "fine-tuning")
    round_to_half(trained.model)
    classifier = TransformerClassifier(
        recipe.model, trained.model, trained.tokenizer, settings.max_length, device=pick_device(),
        cleaning=job.cleaning, truncation=job.truncation,
    )  # fmt: skip
    answer = None
    if len(job.names) > 1:
        started = time.perf_counter()
        answer = add_probe(classifier, parts, home["validation"], checkpoints / STATES, say)
        spent = (time.perf_counter() - started) / 60
        told["probe"] = f"on the states below the last layer, {', '.join(job.names)}, {spent:.1f} min"
    say("calibrating on the validation part")
    classifier.calibrate(*labelled(home_of(parts["validation"])))
    history = {"fine-tuning": list(trained.history)}
    facts: dict[str, Any] = {"base": base_name(settings.base), "settings": {**asdict(settings), "base": ""}}
    return Fitted(classifier, settings.seed, "train", history, facts, {"base": facts["base"], **told}, answer=answer)


def add_probe(
    classifier: TransformerClassifier, parts: Parts, home: pd.DataFrame, folder: Path, say: Say
) -> Callable[[str, pd.DataFrame, pd.DataFrame], Scores]:
    """Fit probe and domain head of a fine-tuned encoder on the training parts of several corpora.

    `home` is held out of what the encoder was fine-tuned on.

    Gives what answers a corpus that is left out: the same encoder, which never saw any of them, with another probe.
    The states below the last layer are kept in `folder`, so that they are computed once, whatever happens.
    """
    remembered = States(classifier, folder, say)
    heads, _ = remembered.of(joined_texts(home))
    head = fit_calibration(Scores.out_of_domain(heads), home["label"].tolist()).slope

    def fitted_on(train: pd.DataFrame) -> tuple[Probe, DomainHead | None]:
        _, states = remembered.of(joined_texts(train))
        counts = weights(train)
        domain = fit_domain_head(states.reshape(len(states), -1), is_home(train), counts)
        return fit_probe(states, train["label"].tolist(), counts, head), domain

    def answer(corpus: str, rest: pd.DataFrame, out: pd.DataFrame) -> Scores:
        probe, domain = fitted_on(rest[rest["split"] == "train"])
        own_heads, states = remembered.of(joined_texts(out))
        heads, probed = probe.head * own_heads, probe.margins(states)
        if domain is None:
            return Scores.out_of_domain(heads + probed)
        in_domain = domain.in_domain(states.reshape(len(states), -1))
        return Scores(in_domain * heads + probed, in_domain)  # as `TransformerClassifier.head_fades` says

    say("probe: learning from the states below the last layer")
    classifier.probe_, classifier.domain_ = fitted_on(parts["train"])
    return answer


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
    """What the loop learns from and is scored on, by the name of the part."""
    from fakenews.training.finetune import encode_examples

    return {name: encode_examples(*labelled(parts[name]), tokenizer, cleaning) for name in ("train", "validation")}


def base_name(base: str) -> str:
    """A base as it may be written down: a Hub id as it is, of a folder the last part only."""
    return Path(base).name if Path(base).is_dir() else base
