"""How far weighing the models better could lead: weights fitted on the very labels that they are measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.classifiers import model_folder
from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.evidence.files import read_predictions, side_by_side
from fakenews.evidence.protocols import LEFT_OUT
from fakenews.schema import FAKE

if TYPE_CHECKING:
    import pandas as pd


def oracle_auc(answers: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Return the ROC AUC on each corpus of the best weighted sum of models, by a logistic regression fitted there.

    It flatters, because it is measured on what it was fitted on: whoever weighs the same models without these labels
    stays below, but for chance. What is still missing from there to a goal is not a matter of weights.

    Parameters
    ----------
    answers : mapping of str to DataFrame
        By model: rows of `predictions.parquet` under one protocol.

    Returns
    -------
    dict of str to float
        By corpus, of those in which all models answered articles of both classes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import scale

    auc_by_corpus: dict[str, float] = {}
    for corpus, rows in side_by_side(answers, "log_odds").groupby("corpus", sort=False) if answers else ():
        fake = rows["label"].to_numpy() == FAKE
        if fake.all() or not fake.any():
            continue
        log_odds = scale(rows[list(answers)].to_numpy(dtype=float))
        regression = LogisticRegression(C=1000.0, max_iter=2000).fit(log_odds, fake)
        auc_by_corpus[str(corpus)] = float(roc_auc_score(fake, regression.decision_function(log_odds)))
    return auc_by_corpus


def oracle_auc_left_out(folders: Sequence[Path]) -> dict[str, float]:
    """Return `oracle_auc` of the single models in `folders` on corpora left out of their training."""
    single = [folder for folder in folders if model_folder.settings(folder).get("kind") != EnsembleClassifier.kind]
    answers = {folder.name: read_predictions(folder, (LEFT_OUT,)) for folder in single}
    return oracle_auc({model: rows for model, rows in answers.items() if len(rows)})
