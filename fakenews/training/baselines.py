"""How the recipes that are fitted in one go are carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.config import pick_device
from fakenews.training.job import Fitted, Job, Log, Parts, labeled, weights

if TYPE_CHECKING:
    from fakenews.training.settings import Recipe


def fit_tfidf(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
    """Fit TF-IDF and logistic regression on the training part."""
    from fakenews.classifiers.tfidf import TfidfClassifier

    train = parts["train"]
    texts, labels = labeled(train)
    home, sample_weight = job.in_domain(train), weights(train)
    classifier = TfidfClassifier(cleaning=job.cleaning).fit(texts, labels, sample_weight)
    if not home.all():
        classifier.fit_domain(texts, home, sample_weight)
    return Fitted(classifier.calibrate(*labeled(job.in_domain_rows(parts["validation"]))), seed=42)


def fit_word2vec(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
    """Train word vectors on the training part; fit logistic regression on their mean."""
    from fakenews.classifiers.word2vec import Word2VecClassifier

    classifier = (
        Word2VecClassifier(cleaning=job.cleaning)
        .fit(*labeled(parts["train"]), weights(parts["train"]))
        .calibrate(*labeled(job.in_domain_rows(parts["validation"])))
    )
    return Fitted(classifier, classifier.seed)


def fit_cnn(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
    """Train word vectors and a convolution, stopped by the validation part."""
    from fakenews.classifiers.cnn import CnnClassifier

    held_out = labeled(job.in_domain_rows(parts["validation"]))
    classifier = CnnClassifier(device=pick_device(), cleaning=job.cleaning).fit(
        *labeled(parts["train"]), held_out, log, weights(parts["train"])
    )
    return Fitted(classifier.calibrate(*held_out), classifier.seed, history={"convolution": classifier.history_})


def fit_features(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
    """Fit gradient boosting on the style features of the training part."""
    from fakenews.classifiers.features import FeaturesClassifier

    classifier = (
        FeaturesClassifier(cleaning=job.cleaning)
        .fit(*labeled(parts["train"]), weights(parts["train"]))
        .calibrate(*labeled(job.in_domain_rows(parts["validation"])))
    )
    return Fitted(classifier, classifier.seed)
