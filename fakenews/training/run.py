"""`fakenews train`: a table and a recipe in, a folder with weights, evidence and model card out."""

from __future__ import annotations

import json
import logging
import math
import platform
import time
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fakenews.classifiers import model_folder
from fakenews.classifiers.base import CalibratedClassifier, TextClassifier
from fakenews.classifiers.model_folder import ADDED, WEIGHTS
from fakenews.classifiers.precision import fast_products
from fakenews.data.mix import CORPUS, leave_out, mix, with_split
from fakenews.data.registry import for_training
from fakenews.data.splits import SPLITS
from fakenews.data.table import joined_texts, read_labeled
from fakenews.evidence.files import write_evidence
from fakenews.evidence.predictions import latency_ms, other_corpora, predict_frame, predict_other_corpora
from fakenews.evidence.protocols import LEFT_OUT
from fakenews.evidence.results import ModelEvidence
from fakenews.metrics.evaluation import Evaluation
from fakenews.metrics.flips import FlipRates, flip_rates
from fakenews.metrics.verdicts import labels_warning
from fakenews.reporting.card import write_model_card
from fakenews.reporting.digits import metric_text
from fakenews.text import CLEANING, CLEANING_VERSION
from fakenews.training.job import TRAINING, Fitted, Job, Log, Parts
from fakenews.training.ood import fit_ood
from fakenews.training.recipes import get
from fakenews.training.settings import Recipe

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

_PACKAGES = ("torch", "transformers", "scikit-learn", "numpy", "skops")  # whose versions are written down
LATENCY_ARTICLES = 20
LEFT_OUT_CORPORA = "left_out"  # those that a calibration was fitted on, in evaluation.json
Calibrate = Callable[[Recipe, Job, dict[str, "pd.DataFrame"], Parts, Fitted, Log], "pd.DataFrame | None"]
FLIP_ARTICLES = 500  # of the test part: at no flip at all, the interval ends at 0.8 %


def run(
    job: Job, log: Log = logger.info, recipe: Recipe | None = None, calibrate: Calibrate | None = None
) -> ModelEvidence:
    """Train, calibrate on the validation part, save, and measure on the test part and every other corpus here.

    A model that lies in `job.out` is replaced once all of that is done. `recipe` is the one that `job` names, where
    `recipes.RECIPES` does not know it. `calibrate` sets the calibration anew on articles that the model was not trained
    on, and returns the rows of `predictions.parquet` that say so; without it, the recipe's own stands.

    Raise `ValueError` if the recipe, a table, the base or a number will not do; `ModuleNotFoundError` if the recipe
    needs a package that is not installed; the message says how to install it.
    """
    recipe = recipe or get(job.recipe)
    check(job, recipe)
    tables = read_tables((job.data, *job.more), log, job.encoding, job.fake)
    frame, left_out = leave_out(tables, job.leave_out) if job.leave_out else (mix(tables), None)
    parts = split_parts(frame)
    sizes = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    log(f"{', '.join(job.names)}: {sizes}")
    for name, rows in other_corpora(job.corpora, {*job.names, job.leave_out}):
        logger.info("%s: %d rows to be measured on", name, len(rows))  # a broken file is found before hours of training
    with model_folder.replacing(job.out) as folder:
        started = time.perf_counter()
        fitted = recipe.fit(recipe, job, parts, log)
        minutes = (time.perf_counter() - started) / 60 if fitted.minutes is None else fitted.minutes
        classifier = fitted.classifier
        classifier.info_ = facts_of(recipe, job, parts, fitted)
        if job.name:
            classifier.name = job.name
        train, held_out = (joined_texts(parts[name]) for name in ("train", "validation"))
        in_turn = calibrate(recipe, job, tables, parts, fitted, log) if calibrate and not job.leave_out else None
        with fast_products():
            fit_ood(classifier, train, held_out, f"{'+'.join(job.names)}/validation", fitted.seed)
        classifier.save(folder)
        (folder / TRAINING).write_text(json.dumps(fitted.history, indent=1) + "\n", encoding="utf-8")
        training = {
            "recipe": recipe.title,
            "base": "none",
            "minutes": round(minutes, 1),
            **fitted.card_facts,
            "device": device_name(),
            "rows": f"{len(parts[fitted.fitted_on]):,} of {', '.join(job.names)}, near duplicates kept in one part",
        }
        evidence = measure(
            classifier, folder, parts, in_turn, left_out, training, fitted.seed, job.corpora, recipe.card, log,
            fitted.scorer,
        )  # fmt: skip
        if job.name:
            model_folder.pin_inside(folder)
        return evidence


def summary(evidence: ModelEvidence, fake: str = "") -> list[str]:
    """Say what a model reached, a line for each corpus and one where its labels may be the other way round.

    `fake` is the label that means fake, where the user named it.
    """
    lines = []
    for name, evaluation in evidence.corpora.items():
        lines.append(f"{name}: {figures(evaluation)}")
        if warning := labels_warning(evaluation, {fake: "fake"} if fake else {}):
            lines.append(f"{name}: {warning}")
    return lines


def figures(evaluation: Evaluation) -> str:
    """Return the figures of one corpus in a line."""
    accuracy, auc = (metric_text(evaluation, metric).value for metric in ("accuracy", "roc_auc"))
    return f"n {evaluation.n:,}, accuracy {accuracy}, ROC AUC {auc}"


def facts_of(recipe: Recipe, job: Job, parts: Parts, fitted: Fitted) -> dict[str, Any]:
    """Return what travels with the weights, of the training."""
    base = fitted.facts.get("base")
    source = {"kind": "trained", "from": f"{recipe.name} on {', '.join(job.names)}", "date": date.today().isoformat()}
    added = {"title": job.name, model_folder.SOURCE: {**source, **({"base": base} if base else {})}}
    return {
        **(added if job.name else {}),
        "recipe": recipe.name,
        "data": {"corpora": list(job.names), "rows": {name: len(part) for name, part in parts.items()}},
        "seed": fitted.seed,
        "versions": {name: version(name) for name in (*_PACKAGES, *map(_package, recipe.packages))},
        **fitted.facts,
    }


def measure(
    classifier: TextClassifier,
    folder: Path,
    parts: Parts,
    in_turn: pd.DataFrame | None,
    left_out: pd.DataFrame | None,
    training: dict[str, Any],
    seed: int,
    corpora: Path | None,
    card: str,
    log: Log = logger.info,
    scorer: TextClassifier | None = None,
) -> ModelEvidence:
    """Write evaluation.json, predictions.parquet and the model card of a saved classifier into `folder`.

    Every corpus of `parts` has its own results; `in_turn` are answers of other weights, to corpora left out of training
    one by one, and `left_out` is the one corpus that these weights did without. `card` says in prose what the
    classifier is. `scorer` answers tables in its place (`Fitted.scorer`).
    """
    import pandas as pd

    scorer = scorer or classifier
    names = list(dict.fromkeys(parts["train"][CORPUS]))

    def report(what: str, share: float) -> None:
        if share >= 1.0:
            log(f"measured {what}")

    frames = [
        predict_frame(scorer, rows, str(corpus), split, report)
        for split in ("test", "validation")
        for corpus, rows in parts[split].groupby(CORPUS, sort=False)
    ]
    if left_out is not None:
        frames.append(predict_frame(scorer, left_out, left_out[CORPUS].iloc[0], "all", report))
    if in_turn is not None:
        frames.append(in_turn)
    home = parts["test"][parts["test"][CORPUS] == names[0]]
    flips = measured_flips(scorer, home, names[0], seed)
    log("measured formatting")
    known = {*names, *([] if left_out is None else left_out[CORPUS])}
    frames.append(predict_other_corpora(scorer, corpora, known, report))
    evidence = write_evidence(
        folder,
        pd.concat([f for f in frames if len(f)], ignore_index=True),
        model=classifier.name,
        seed=seed,
        cleaning={"name": CLEANING, "version": CLEANING_VERSION},
        training=training,
        size_mb=sum(f.stat().st_size for f in folder.iterdir() if f.name in (*WEIGHTS, ADDED)) / 1e6,
        latency_ms=latency_ms(classifier, joined_texts(parts["test"])[:LATENCY_ARTICLES]),
        calibration={
            "method": "Platt",
            **calibrations(classifier),
            "fitted_on": f"{names[0]}/validation",
            **({} if in_turn is None else {LEFT_OUT_CORPORA: names_in(in_turn)}),
        },
        formatting={"grouped": flips},
        own_training=None if in_turn is None else {LEFT_OUT: _in_turn_facts(in_turn, training)},
    )
    write_model_card(folder, card)
    return evidence


def measured_flips(classifier: TextClassifier, rows: pd.DataFrame, corpus: str, seed: int) -> FlipRates:
    """Measure how formatting moves a model on up to `FLIP_ARTICLES` unseen articles of a corpus, drawn by `seed`."""
    chosen = np.random.default_rng(seed).permutation(len(rows))[:FLIP_ARTICLES]
    return flip_rates(classifier, joined_texts(rows.iloc[np.sort(chosen)]), f"{corpus}/test")


def calibrations(classifier: TextClassifier) -> dict[str, Any]:
    """Return what turns its scores into probabilities; nothing for a foreign classifier."""
    return classifier.calibration_.to_dict() if isinstance(classifier, CalibratedClassifier) else {}


def split_parts(frame: pd.DataFrame) -> Parts:
    """Return the rows of a table by their split."""
    return {name: frame[frame["split"] == name].reset_index(drop=True) for name in SPLITS}


def _in_turn_facts(rows: pd.DataFrame, training: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {key: training[key] for key in ("recipe", "device") if key in training}
    return {**facts, "left out in turn": names_in(rows)}


def names_in(rows: pd.DataFrame) -> str:
    """Return the corpora of rows of `predictions.parquet`, in words."""
    return ", ".join(dict.fromkeys(rows["corpus"]))


def read_tables(
    paths: Sequence[Path], log: Log = logger.info, encoding: str = "", fake: str = ""
) -> dict[str, pd.DataFrame]:
    """Read labeled tables with their splits, by name of the corpus: of the file, without its suffix.

    Raise `ValueError` if two files have the same name, or one is no labeled table.
    """
    names = [path.stem for path in paths]
    if len(set(names)) < len(names):
        raise ValueError(f"Each --data must have another file name, got {', '.join(names)}.")
    tables = {}
    for path in paths:
        read = read_labeled(path, encoding, fake)
        tables[path.stem] = with_split(for_training(path.stem, read.frame))
        log(f"{path.stem}: {len(tables[path.stem]):,} rows. {' '.join(read.notes())}")
    return tables


def device_name() -> str:
    """Return what the training ran on, in words."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    n = torch.get_num_threads()
    return f"{n} CPU core{'s' if n > 1 else ''} ({platform.machine()})"


def _package(requirement: str) -> str:
    return requirement.partition("==")[0]


def check(job: Job, recipe: Recipe) -> None:
    """Refuse what the recipe cannot do before anything is read.

    Raise `ValueError` if a number will not do, or the recipe takes no such option; `ModuleNotFoundError` if the recipe
    needs a package that is not installed; the message says how to install it.
    """
    for requirement in recipe.packages:
        if find_spec(_package(requirement)) is None:
            raise ModuleNotFoundError(
                f"The recipe {recipe.name} needs {_package(requirement)}, which the demo does not: "
                f"pip install {requirement}"
            )
    if job.epochs is not None and not 0 < job.epochs < math.inf:
        raise ValueError(f"--epochs must be positive and finite, got {job.epochs}.")
    if job.max_steps is not None and job.max_steps < 1:
        raise ValueError(f"--max-steps must be at least 1, got {job.max_steps}.")
    if recipe.settings is None and (job.base or job.epochs or job.max_steps or job.resume):
        raise ValueError(f"The recipe {recipe.name} is fitted in one go: it takes no base, epochs, steps or resume.")
