"""Answers that are stored already, weighed and calibrated anew: what an ensemble makes of its members, and the rest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import recipes
from experiments.ensemble import member_answers
from experiments.left_out import calibrated_on_each_other, set_calibration
from fakenews.classifiers import model_folder, store
from fakenews.classifiers.base import TextClassifier
from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.evidence.files import ARTICLE, read_evaluation, read_predictions
from fakenews.evidence.predictions import scores_of
from fakenews.evidence.protocols import LEFT_OUT, SHIPPED, Protocol, get
from fakenews.metrics.flips import FlipRates
from fakenews.training.job import Unseen
from fakenews.training.run import calibrations, device_name

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Measured:
    """What measuring one protocol gave: rows of predictions, facts of its own training, flip rates."""

    rows: pd.DataFrame
    training: dict[str, Any] | None = None
    formatting: FlipRates | None = None


def weighed_again(
    classifier: EnsembleClassifier,
    stored: model_folder.StoredModel,
    protocol: Protocol,
    by_name: Mapping[str, pd.DataFrame],
) -> Measured | None:
    """Return an ensemble of members that were trained for a protocol, by what they answered under it.

    Weights and calibration come from the validation part; its own rows are answered by weights that had not seen them.
    None where a member was not measured under the protocol.
    """
    beside = [store.find(name, stored.folder.parent) for name in classifier.members]
    answers = member_answers(beside, [protocol.name], classifier.with_domain)
    if answers is None:
        return None
    started = time.perf_counter()
    ids = {id_ for rows in by_name.values() for id_ in rows["id"]}
    answers = answers[answers["id"].isin(ids)].reset_index(drop=True)
    log_odds = answers[list(classifier.members)].to_numpy(dtype=np.float64)
    in_domain = answers["in_domain"].to_numpy(dtype=np.float64)
    held = (answers["split"] == "validation").to_numpy()
    again = EnsembleClassifier(members=classifier.members, n_folds=classifier.n_folds, seed=classifier.seed)
    combined = np.zeros(len(answers))
    combined[held] = again.fit_held_out(log_odds[held], in_domain[held], answers.loc[held, "label"].tolist())
    combined[~held] = again.combine(log_odds[~held], in_domain[~held])
    rows = answers[[*ARTICLE, "in_domain"]].assign(log_odds=combined)
    rows = rows.assign(p_fake=again.calibrated(scores_of(rows)))
    training = {
        "cleaning": protocol.cleaning,
        "text": protocol.text,
        "rows": {name: len(part) for name, part in by_name.items()},
        "recipe": recipes.get(classifier.info_["recipe"]).title,
        "minutes": round((time.perf_counter() - started) / 60, 2),
        "device": device_name(),
        "calibration": calibrations(again),
    }
    return Measured(rows, training)


def calibrated_again(classifier: EnsembleClassifier, stored: model_folder.StoredModel, home: str) -> Measured | None:
    """Return an ensemble's answers to corpora left out, calibrated with what its members are today.

    None where it was not weighed by such corpora, or a member was not measured on them.
    """
    beside = [store.find(name, stored.folder.parent) for name in classifier.members]
    answers = member_answers(beside, [LEFT_OUT], classifier.with_domain)
    own = read_predictions(stored.folder, ["grouped", LEFT_OUT])
    left_out = own[own["protocol"] == LEFT_OUT]
    if answers is None or not len(left_out):
        return None
    left_out = left_out.drop(columns="in_domain").merge(answers[[*ARTICLE, "in_domain"]], on=ARTICLE)
    unseen = Unseen(left_out, own[(own["corpus"] == home) & (own["split"] == "validation")])
    set_calibration(classifier, *unseen)
    facts = dict(read_evaluation(stored.folder).protocols[LEFT_OUT].training)
    return Measured(calibrated_on_each_other(*unseen), facts)


def answered_again(
    classifier: TextClassifier, stored: model_folder.StoredModel, left_out: pd.DataFrame
) -> dict[str, Measured]:
    """Return what the model as it is was measured on, by protocol, with the calibration of today."""
    answers = {}
    for name in SHIPPED:
        rows = read_predictions(stored.folder, [name])
        if not len(rows):
            continue
        rows = rows.assign(p_fake=classifier.calibrated(scores_of(rows)))
        formatting = read_evaluation(stored.folder).protocols[name].formatting
        others = get(name).rows == "others"
        answers[name] = Measured(as_left_out(rows, left_out) if others else rows, formatting=formatting)
    return answers


def as_left_out(rows: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the p_fake of those in `left_out`: calibrated without the corpus they are from."""
    keys = ["corpus", "id"]
    known = rows[keys].merge(left_out[[*keys, "p_fake"]].drop_duplicates(keys), on=keys, how="left")["p_fake"]
    return rows.assign(p_fake=np.where(known.isna(), rows["p_fake"], known))
