"""Weigh the models that lie beside one another by what they answered on articles that they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.left_out import HOME_SHARE, calibrated_on_each_other, set_calibration
from fakenews.classifiers import model_folder, store
from fakenews.data.registry import family_of
from fakenews.evidence.files import read_predictions, side_by_side
from fakenews.evidence.protocols import LEFT_OUT
from fakenews.training.job import Fitted, Job, Log, Parts, Unseen, labeled

if TYPE_CHECKING:
    from fakenews.classifiers.ensemble import EnsembleClassifier
    from fakenews.training.settings import Recipe


def fit_ensemble(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
    """Fit weights of the members beside the ensemble's folder.

    Where the members have answered corpora that were left out of their training, the weights come from these answers
    and from held-out articles of the first corpus; else from the
    validation part, and the calibration from the cross-validation there.
    """
    from fakenews.classifiers.ensemble import MEMBERS, EnsembleClassifier

    beside = job.out.resolve().parent
    members = [store.find(name, beside) for name in MEMBERS[recipe.model] if name in store.shipped(beside)]
    log(f"members in {beside.name}: {', '.join(stored.name for stored in members) or 'none'}")
    classifier = EnsembleClassifier(recipe.model, members={stored.name: store.load(stored) for stored in members})
    card_facts = {"members": ", ".join(f"{stored.name} {stored.revision}" for stored in members)}
    answers = member_answers(members, ("grouped", LEFT_OUT), classifier.with_domain)
    if answers is None:
        classifier.fit(*labeled(job.in_domain_rows(parts["validation"])))
        return Fitted(classifier, classifier.seed, "validation", card_facts=card_facts)
    held = answers[(answers["protocol"] == LEFT_OUT) | (answers["split"] == "validation")]
    unseen = _weigh_by_left_out(classifier, held, job.data.stem, log)
    return Fitted(classifier, classifier.seed, "validation", card_facts=card_facts, unseen=unseen)


def member_answers(
    members: Sequence[model_folder.StoredModel], protocols: Sequence[str], with_domain: Sequence[str]
) -> pd.DataFrame | None:
    """Return the rows of `predictions.parquet` that all members answered, with log-odds of each and in_domain.

    The latter is the mean of the members `with_domain`, or 0 if there are none. None where a member was not measured
    under one of the protocols.
    """
    answers = {stored.name: read_predictions(stored.folder, protocols) for stored in members}
    if not answers or any(not set(protocols) <= set(rows["protocol"]) for rows in answers.values()):
        return None
    rows = side_by_side(answers, "log_odds")
    measured = side_by_side(answers, "in_domain")[list(with_domain)].fillna(0.0)
    return rows.assign(in_domain=measured.mean(axis="columns") if with_domain else 0.0)


def _weigh_by_left_out(classifier: EnsembleClassifier, answers: pd.DataFrame, home: str, log: Log) -> Unseen:
    """Fit the weights of an ensemble; gives its own answers to unseen articles, by weights that had not seen them.

    The calibration is fitted on these, as that of any other model.
    """
    log_odds = answers[list(classifier.members)].to_numpy(dtype=np.float64)
    out = (answers["protocol"] == LEFT_OUT).to_numpy()
    chosen = out | (answers["corpus"] == home).to_numpy()
    corpora = list(dict.fromkeys(answers.loc[out, "corpus"]))
    sizes = answers.loc[chosen].groupby("corpus")["corpus"].transform("size").to_numpy(dtype=np.float64)
    # As in the calibration, in-domain articles have `HOME_SHARE` of the weight.
    sample_weight = np.where(out[chosen], (1.0 - HOME_SHARE) / len(corpora), HOME_SHARE) / sizes
    # Articles of home are spread over the folds, one for each family, so that no fold is without them.
    families = list(dict.fromkeys(map(family_of, corpora)))
    fold_of = {corpus: families.index(family_of(corpus)) for corpus in corpora}
    folds = np.array([fold_of.get(c, i % len(families)) for i, c in enumerate(answers.loc[chosen, "corpus"])])
    labels = answers["label"].to_numpy(dtype=np.int64)
    log(f"weighing on {', '.join(corpora)}, each left out in turn, and held-out articles of {home}")
    in_domain = answers["in_domain"].to_numpy(dtype=np.float64)
    unseen = classifier.fit_log_odds(log_odds[chosen], in_domain[chosen], labels[chosen], folds, sample_weight)
    columns = ["protocol", "id", "corpus", "split", "label", "in_domain"]
    rows = answers.loc[chosen, columns].assign(log_odds=unseen).reset_index(drop=True)
    left_out, home_rows = (rows[mask].reset_index(drop=True) for mask in (out[chosen], ~out[chosen]))
    set_calibration(classifier, left_out, home_rows)
    return Unseen(calibrated_on_each_other(left_out, home_rows), home_rows)
