"""How the recipes that are fitted in one go are carried out: from the baseline to the ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.classifiers import store
from fakenews.config import pick_device
from fakenews.training.job import Fitted, Job, Parts, Say, labelled

if TYPE_CHECKING:
    from fakenews.training.recipes import Recipe


def fit_tfidf(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """TF-IDF of the training part and logistic regression."""
    from fakenews.classifiers.tfidf import TfidfClassifier

    classifier = TfidfClassifier(cleaning=job.cleaning).fit(*labelled(parts["train"]))
    return Fitted(classifier.calibrate(*labelled(parts["validation"])), seed=42)


def fit_word2vec(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Word vectors of the training part, their mean, logistic regression."""
    from fakenews.classifiers.word2vec import Word2VecClassifier

    classifier = (
        Word2VecClassifier(cleaning=job.cleaning)
        .fit(*labelled(parts["train"]))
        .calibrate(*labelled(parts["validation"]))
    )
    return Fitted(classifier, classifier.seed)


def fit_cnn(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Word vectors of the training part and a convolution, stopped by the validation part."""
    from fakenews.classifiers.cnn import CnnClassifier

    held_out = labelled(parts["validation"])
    classifier = CnnClassifier(device=pick_device(), cleaning=job.cleaning).fit(
        *labelled(parts["train"]), held_out, say
    )
    return Fitted(classifier.calibrate(*held_out), classifier.seed, history={"convolution": classifier.history_})


def fit_features(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Style features of the training part and gradient boosting."""
    from fakenews.classifiers.features import FeaturesClassifier

    classifier = (
        FeaturesClassifier(cleaning=job.cleaning)
        .fit(*labelled(parts["train"]))
        .calibrate(*labelled(parts["validation"]))
    )
    return Fitted(classifier, classifier.seed)


def fit_ensemble(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Weights of the members found beside the ensemble's folder, from the validation part.

    The temperature comes from the cross-validation inside `fit`; fitted again on the same rows it would flatter itself.
    """
    from fakenews.classifiers.ensemble import MEMBERS, EnsembleClassifier

    beside = job.out.resolve().parent
    here = [store.find(name, beside) for name in MEMBERS if name in store.shipped(beside)]
    say(f"members in {beside.name}: {', '.join(stored.name for stored in here) or 'none'}")
    classifier = EnsembleClassifier(members={stored.name: store.load(stored) for stored in here})
    classifier.fit(*labelled(parts["validation"]))
    told = {"members": ", ".join(f"{stored.name} {stored.revision}" for stored in here)}
    return Fitted(classifier, classifier.seed, "validation", told=told)
