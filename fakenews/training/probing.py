"""A probe on the first layers of a pretrained encoder, which stay as they are."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from fakenews.classifiers.base import fit_calibration
from fakenews.classifiers.domain import DomainHead, fit_domain_head
from fakenews.classifiers.probe import Probe, fit_probe, linear_scores
from fakenews.config import pick_device
from fakenews.data.table import joined_texts
from fakenews.training.bases import first_layers
from fakenews.training.checkpoints import make_ready
from fakenews.training.job import Fitted, Job, Log, Parts, labeled, weights
from fakenews.training.states import STATES, FromStates, States

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from fakenews.classifiers.base import Scores, TextClassifier
    from fakenews.classifiers.transformer import TransformerClassifier
    from fakenews.training.settings import Probing, Recipe


def fit_probing(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
    """Fit probe and domain head on the training parts of all corpora; calibrate on the validation part of the first.

    Corpora that are left out are answered by probes fitted without them, on the same states.
    """
    from fakenews.training.encoders import base_name
    from fakenews.training.settings import Probing

    settings = recipe.settings
    if not isinstance(settings, Probing):
        raise TypeError(f"The recipe {recipe.name} does not say how to probe.")
    settings = replace(settings, base=job.base or settings.base)
    checkpoints = job.out / "checkpoints"
    make_ready(checkpoints, recipe, job, parts, keep=(STATES,))
    started = time.perf_counter()
    classifier = bare_classifier(recipe.model, settings, job.cleaning)
    states = States(classifier, checkpoints / STATES, log, settings.n_windows)

    def answer(corpus: str, rest: pd.DataFrame, out: pd.DataFrame) -> Scores:
        probe, domain = fit_on(states, rest[rest["split"] == "train"], settings, job)
        return linear_scores(probe, domain, states.of(joined_texts(out)))

    log("fitting the probe on the states of all corpora")
    classifier.probe_, classifier.domain_ = fit_on(states, parts["train"], settings, job)
    for part in parts.values():  # before the weights are rounded: what is left out in turn is answered from these
        states.articles(joined_texts(part[~job.in_domain(part)]))
    classifier.weights = "int8"
    classifier.round_weights()
    scorer = cast("TextClassifier", FromStates(classifier, States(classifier, checkpoints / STATES, log)))
    log("calibrating on the validation part")
    texts, labels = labeled(job.in_domain_rows(parts["validation"]))
    classifier.calibration_ = fit_calibration(scorer.predict_scores(texts), labels)
    facts: dict[str, Any] = {"base": base_name(settings.base), "n_layers": settings.n_layers}
    minutes = (time.perf_counter() - started) / 60
    return Fitted(
        classifier,
        settings.seed,
        facts=facts,
        card_facts={"base": facts["base"]},
        minutes=minutes,
        answer=answer,
        scorer=scorer,
    )


def bare_classifier(name: str, settings: Probing, cleaning: str) -> TransformerClassifier:
    """Return the first layers of the base as a classifier without probe and head.

    Raise `ValueError` if the base cannot be had.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    from fakenews.classifiers.transformer import TransformerClassifier

    try:
        encoder = AutoModel.from_pretrained(settings.base, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(settings.base, use_fast=True)
    except OSError as error:
        raise ValueError(
            f"Cannot load the base {settings.base!r}: neither a folder here nor reachable on the Hugging Face Hub. "
            'Run "fakenews fetch-base mpnet", or go online.'
        ) from error
    encoder = first_layers(encoder, settings.n_layers)
    return TransformerClassifier(
        name, encoder, tokenizer, settings.max_length, overlap=0, device=pick_device(), cleaning=cleaning
    )


def trained_on(train: pd.DataFrame, home: NDArray[np.bool_], home_rows: int, seed: int) -> pd.DataFrame:
    """Return the rows a probe is fitted on: of those at `home` at most `home_rows`, drawn by `seed`, and the others."""
    if home.all() or home.sum() <= home_rows:
        return train
    import pandas as pd

    drawn = train[home].sample(frac=1.0, random_state=seed).iloc[:home_rows]
    return pd.concat([drawn, train[~home]], ignore_index=True)


def fit_on(states: States, train: pd.DataFrame, settings: Probing, job: Job) -> tuple[Probe, DomainHead | None]:
    """Fit a probe, and what tells articles of the first corpus from the others, on training rows."""
    rows = trained_on(train, job.in_domain(train), settings.home_rows, settings.seed)
    known = states.of(joined_texts(rows))
    counts = weights(rows)
    domain = fit_domain_head(known.reshape(len(known), -1), job.in_domain(rows), counts)
    return fit_probe(known, rows["label"].tolist(), counts), domain
