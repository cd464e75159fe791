"""`fakenews train`: a table and a recipe in, a folder with weights, evidence and model card out."""

from __future__ import annotations

import json
import logging
import platform
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.classifiers.base import TextClassifier
from fakenews.classifiers.store import WEIGHTS
from fakenews.data.duplicates import near_duplicate_groups
from fakenews.data.splits import SPLITS, grouped_split
from fakenews.data.table import joined_texts, read_table
from fakenews.evaluate.evidence import latency_ms, predict_frame, predict_other_corpora
from fakenews.evaluate.report import ModelEvidence, write_evidence, write_model_card
from fakenews.text import CLEANING, CLEANING_VERSION
from fakenews.training.job import TRAINING, Job, Parts, Say
from fakenews.training.novelty import fit_novelty
from fakenews.training.recipes import Recipe, get

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

_PACKAGES = ("torch", "transformers", "scikit-learn", "numpy", "skops")  # whose versions are written down
LATENCY_ARTICLES = 20


def run(job: Job, say: Say = logger.info) -> ModelEvidence:
    """Train, calibrate on the validation part, save, and measure on the test part and every other corpus here.

    Raises
    ------
    ValueError
        If the recipe, the table, the base or a number will not do.
    ModuleNotFoundError
        If the recipe needs a package that is not installed; the message says how to install it.
    """
    recipe = get(job.recipe)
    _check(job, recipe)
    frame = with_split(read_table(job.data), say)
    parts = {name: frame[frame["split"] == name].reset_index(drop=True) for name in SPLITS}
    say(f"{job.data.name}: " + ", ".join(f"{len(part):,} {name}" for name, part in parts.items()))
    started = time.perf_counter()
    fitted = recipe.fit(recipe, job, parts, say)
    minutes = (time.perf_counter() - started) / 60 if fitted.minutes is None else fitted.minutes
    classifier = fitted.classifier
    classifier.info_ = {
        "recipe": recipe.name,
        "data": {"corpus": job.data.stem, "rows": {name: len(part) for name, part in parts.items()}},
        "seed": fitted.seed,
        "versions": {name: version(name) for name in (*_PACKAGES, *map(_package, recipe.packages))},
        **fitted.facts,
    }
    train, held_out = (joined_texts(parts[name]) for name in ("train", "validation"))
    fit_novelty(classifier, train, held_out, f"{job.data.stem}/validation", fitted.seed)
    classifier.save(job.out)
    (job.out / TRAINING).write_text(json.dumps(fitted.history, indent=1) + "\n", encoding="utf-8")
    training = {
        "recipe": recipe.title,
        "base": "none",
        "minutes": round(minutes, 1),
        **fitted.told,
        "device": device_name(),
        "rows": f"{len(parts[fitted.fitted_on]):,} of {job.data.stem}, near duplicates kept in one part",
    }
    return measure(classifier, job.out, job.data.stem, parts, training, fitted.seed, job.corpora, recipe.card, say)


def measure(
    classifier: TextClassifier,
    folder: Path,
    corpus: str,
    parts: Parts,
    training: dict[str, Any],
    seed: int,
    corpora: Path | None,
    card: str,
    say: Say = logger.info,
) -> ModelEvidence:
    """Write evaluation.json, predictions.parquet and the model card of a saved classifier into `folder`.

    `card` says in prose what the classifier is.
    """
    import pandas as pd

    def report(what: str, share: float) -> None:
        if share >= 1.0:
            say(f"measured {what}")

    frames = [predict_frame(classifier, parts[name], corpus, name, report) for name in ("test", "validation")]
    frames.append(predict_other_corpora(classifier, corpora, (corpus,), report))
    evidence = write_evidence(
        folder,
        pd.concat([f for f in frames if len(f)], ignore_index=True),
        model=classifier.name,
        seed=seed,
        cleaning={"name": CLEANING, "version": CLEANING_VERSION},
        training=training,
        size_mb=sum(f.stat().st_size for f in folder.iterdir() if f.name in WEIGHTS) / 1e6,
        latency_ms=latency_ms(classifier, joined_texts(parts["test"])[:LATENCY_ARTICLES]),
        calibration={
            "method": "temperature",
            "temperature": getattr(classifier, "temperature_", 1.0),
            "fitted_on": f"{corpus}/validation",
        },
    )
    write_model_card(folder, card)
    return evidence


def with_split(frame: pd.DataFrame, say: Say = logger.info) -> pd.DataFrame:
    """The table with its own split, or a grouped stratified 70/15/15 one where it has none."""
    if set(SPLITS) <= set(frame["split"]):
        return frame
    say("grouping near duplicates")
    groups = near_duplicate_groups(frame["text"].tolist())
    return frame.assign(split=grouped_split(frame["label"].tolist(), groups), group=groups)


def device_name() -> str:
    """What the training ran on, in words."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    n = torch.get_num_threads()
    return f"{n} CPU core{'s' if n > 1 else ''} ({platform.machine()})"


def _package(requirement: str) -> str:
    return requirement.partition("==")[0]


def _check(job: Job, recipe: Recipe) -> None:
    for requirement in recipe.packages:
        if find_spec(_package(requirement)) is None:
            raise ModuleNotFoundError(
                f"The recipe {recipe.name} needs {_package(requirement)}, which the demo does not: "
                f"pip install {requirement}"
            )
    if job.epochs is not None and job.epochs <= 0:
        raise ValueError(f"--epochs must be positive, got {job.epochs}.")
    if job.max_steps is not None and job.max_steps < 1:
        raise ValueError(f"--max-steps must be at least 1, got {job.max_steps}.")
    if recipe.settings is None and (job.base or job.epochs or job.max_steps or job.resume):
        raise ValueError(f"The recipe {recipe.name} is fitted in one go: it takes no base, epochs, steps or resume.")


def refit(recipe: Recipe, parts: Parts, cleaning: str = CLEANING) -> TextClassifier | None:
    """The recipe fitted and calibrated on other rows or otherwise cleaned text; None where that would take hours."""
    if not recipe.refits:
        return None
    job = Job(recipe.name, Path(), Path(), cleaning=cleaning)
    return recipe.fit(recipe, job, parts, logger.info).classifier
