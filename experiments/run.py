"""Train on several corpora, and calibrate on each of them as a model answers it that did without it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from experiments.left_out import by_refitting, home_rows, left_out_rows, measurable, set_calibration
from experiments.recipes import get
from fakenews.training import run as training
from fakenews.training.checkpoints import JOB
from fakenews.training.job import Fitted, Job, Log, Parts, Unseen

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.evidence.results import ModelEvidence
    from fakenews.training.settings import Recipe

logger = logging.getLogger(__name__)


def run(job: Job, log: Log = logger.info, recipe: Recipe | None = None) -> ModelEvidence:
    """Do what `fakenews.training.run.run` does, by any recipe, and leave each corpus but the first out in turn.

    Nothing is left out where there is one corpus, or the recipe can neither answer without a corpus nor be fitted again
    in minutes.
    """
    return training.run(job, log, recipe or get(job.recipe), calibrate_on_unseen)


def calibrate_on_unseen(
    recipe: Recipe, job: Job, tables: dict[str, pd.DataFrame], parts: Parts, fitted: Fitted, log: Log
) -> pd.DataFrame | None:
    """Set a calibration on corpora left out and unseen in-domain articles; return the answers to the former."""
    unseen = fitted.unseen
    if unseen is None:
        answer = fitted.answer or (by_refitting(recipe, job, log) if recipe.refits else None)
        if answer is None or not measurable(tables):
            return None
        home = home_rows(fitted.scorer or fitted.classifier, job.in_domain_rows(parts["validation"]), job.data.stem)
        checkpoints = job.out / "checkpoints"
        folder = checkpoints / "left-out" if (checkpoints / JOB).is_file() else None
        unseen = Unseen(left_out_rows(tables, answer, home, log, folder=folder), home)
    set_calibration(fitted.classifier, *unseen)
    return unseen.left_out
