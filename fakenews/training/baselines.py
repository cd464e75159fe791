"""How the recipes that are fitted in one go are carried out: from the baseline to the ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fakenews.classifiers import store
from fakenews.classifiers.base import fit_calibration, read
from fakenews.config import pick_device
from fakenews.data.table import joined_texts, read_table
from fakenews.evaluate.protocols import LEFT_OUT
from fakenews.evaluate.report import read_predictions, side_by_side
from fakenews.training.job import Fitted, Job, Parts, Say, at_home, labelled, weights

if TYPE_CHECKING:
    from fakenews.classifiers.ensemble import EnsembleClassifier
    from fakenews.training.recipes import Recipe


def fit_tfidf(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """TF-IDF of the training part and logistic regression."""
    from fakenews.classifiers.tfidf import TfidfClassifier

    classifier = TfidfClassifier(cleaning=job.cleaning).fit(*labelled(parts["train"]), weights(parts["train"]))
    return Fitted(classifier.calibrate(*labelled(at_home(parts["validation"]))), seed=42)


def fit_word2vec(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Word vectors of the training part, their mean, logistic regression."""
    from fakenews.classifiers.word2vec import Word2VecClassifier

    classifier = (
        Word2VecClassifier(cleaning=job.cleaning)
        .fit(*labelled(parts["train"]), weights(parts["train"]))
        .calibrate(*labelled(at_home(parts["validation"])))
    )
    return Fitted(classifier, classifier.seed)


def fit_cnn(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Word vectors of the training part and a convolution, stopped by the validation part."""
    from fakenews.classifiers.cnn import CnnClassifier

    held_out = labelled(at_home(parts["validation"]))
    classifier = CnnClassifier(device=pick_device(), cleaning=job.cleaning).fit(
        *labelled(parts["train"]), held_out, say, weights(parts["train"])
    )
    return Fitted(classifier.calibrate(*held_out), classifier.seed, history={"convolution": classifier.history_})


def fit_features(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Style features of the training part and gradient boosting."""
    from fakenews.classifiers.features import FeaturesClassifier

    classifier = (
        FeaturesClassifier(cleaning=job.cleaning)
        .fit(*labelled(parts["train"]), weights(parts["train"]))
        .calibrate(*labelled(at_home(parts["validation"])))
    )
    return Fitted(classifier, classifier.seed)


def fit_ensemble(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Weights of the members found beside the ensemble's folder.

    Where the members have answered corpora that were left out of their training, the weights come from these answers
    and from held-out articles of the first corpus, which count as much as all the others together; else from the
    validation part, and the calibration from the cross-validation there.
    """
    from fakenews.classifiers.ensemble import MEMBERS, EnsembleClassifier

    beside = job.out.resolve().parent
    here = [store.find(name, beside) for name in MEMBERS if name in store.shipped(beside)]
    say(f"members in {beside.name}: {', '.join(stored.name for stored in here) or 'none'}")
    classifier = EnsembleClassifier(members={stored.name: store.load(stored) for stored in here})
    told = {"members": ", ".join(f"{stored.name} {stored.revision}" for stored in here)}
    answers = member_answers(here, ("grouped", LEFT_OUT))
    if answers is None:
        classifier.fit(*labelled(at_home(parts["validation"])))
        return Fitted(classifier, classifier.seed, "validation", told=told)
    held = answers[(answers["protocol"] == LEFT_OUT) | (answers["split"] == "validation")]
    left_out = _weigh_by_left_out(classifier, held, job, say)
    return Fitted(classifier, classifier.seed, "validation", told=told, left_out=left_out)


def member_answers(members: Sequence[store.StoredModel], protocols: Sequence[str]) -> pd.DataFrame | None:
    """Rows of `predictions.parquet` that all members answered: the mean of p_fake, and a column of margins for each.

    None where a member was not measured under one of the protocols.
    """
    answers = {stored.name: read_predictions(stored.folder, protocols) for stored in members}
    if not answers or any(not set(protocols) <= set(rows["protocol"]) for rows in answers.values()):
        return None
    said = side_by_side(answers, "p_fake")
    return side_by_side(answers, "margin").assign(p_fake=said[list(answers)].mean(axis="columns"))


def _weigh_by_left_out(classifier: EnsembleClassifier, answers: pd.DataFrame, job: Job, say: Say) -> pd.DataFrame:
    """Fit and calibrate an ensemble; gives its own answers on corpora left out, by weights fitted on the others.

    Their p_fake is what the members say of them, each calibrated on the other corpora.
    """
    home = job.data.stem
    words: dict[tuple[str, str], int] = {}
    for path in (job.data, *job.more):
        table = read_table(path)
        counts_of = (len(read(text).words) for text in joined_texts(table))
        words |= {(path.stem, id_): n for id_, n in zip(table["id"], counts_of, strict=True)}
    keys = list(zip(answers["corpus"], answers["id"], strict=True))
    answers = answers[[key in words for key in keys]].reset_index(drop=True)
    n_words = np.array([words[key] for key in zip(answers["corpus"], answers["id"], strict=True)])
    margins = answers[list(classifier.members)].to_numpy(dtype=np.float64)
    out = (answers["protocol"] == LEFT_OUT).to_numpy()
    chosen = out | (answers["corpus"] == home).to_numpy()
    corpora = list(dict.fromkeys(answers.loc[out, "corpus"]))
    sizes = answers.loc[chosen].groupby("corpus")["corpus"].transform("size").to_numpy(dtype=np.float64)
    counts = np.where(out[chosen], 1.0, float(len(corpora))) / sizes
    # Articles of home are spread over the folds, so that no fold is without them.
    place = {corpus: i for i, corpus in enumerate(corpora)}
    folds = np.array([place.get(c, i % len(corpora)) for i, c in enumerate(answers.loc[chosen, "corpus"])])
    labels = answers["label"].to_numpy(dtype=np.int64)
    say(f"weighing on {', '.join(corpora)}, each left out in turn, and held-out articles of {home}")
    unseen = classifier.fit_margins(margins[chosen], n_words[chosen], labels[chosen], folds, counts)
    classifier.home_ = fit_calibration(unseen[~out[chosen]], labels[chosen & ~out])
    columns = ["protocol", "id", "corpus", "split", "label", "p_fake"]
    return answers.loc[out, columns].assign(margin=unseen[out[chosen]]).reset_index(drop=True)
