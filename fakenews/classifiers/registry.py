"""Which classifiers there are; their code is imported when one is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

from fakenews.classifiers.base import TextClassifier
from fakenews.classifiers.model_folder import StoredModel, reading
from fakenews.config import pick_device


@dataclass(frozen=True, slots=True)
class ClassifierSpec:
    """A classifier for the page and the commands: `load(folder, device)` gives it ready to answer.

    `device` is "auto", "cpu" or "cuda"; only what runs on torch looks at it.
    """

    name: str
    title: str
    description: str
    load: Callable[[Path, str], TextClassifier]


def _alone(path: str) -> Callable[[Path, str], TextClassifier]:
    """Return what loads a class, imported then, whose models run on the CPU without torch."""
    return lambda folder, device: resolve_name(path).load(folder)


def _on_device(path: str) -> Callable[[Path, str], TextClassifier]:
    """Return what loads a class, imported then, whose models run on torch."""
    return lambda folder, device: resolve_name(path).load(folder, pick_device(device))


def _load_ensemble(folder: Path, device: str) -> TextClassifier:
    from fakenews.classifiers.ensemble import EnsembleClassifier

    def member(stored: StoredModel) -> TextClassifier:
        with reading(stored):
            return get(stored.name).load(stored.folder, device)

    return EnsembleClassifier.load(folder, member)


_load_transformer = _on_device("fakenews.classifiers.transformer:TransformerClassifier")

CLASSIFIERS: dict[str, ClassifierSpec] = {
    "tinybert": ClassifierSpec(
        "tinybert", "TinyBERT", "A 4-layer, 312-wide BERT that reads word pieces in their order.", _load_transformer
    ),
    "tfidf": ClassifierSpec(
        "tfidf",
        "TF-IDF",
        "Counts of words and word pairs, weighed by logistic regression.",
        _alone("fakenews.classifiers.tfidf:TfidfClassifier"),
    ),
    "distilbert": ClassifierSpec(
        "distilbert", "DistilBERT", "A 6-layer, 768-wide BERT; trained by one command, not shipped.", _load_transformer
    ),
    "mpnet": ClassifierSpec(
        "mpnet",
        "MPNet, first 6 layers",
        "Not DistilBERT, though of its size: the embeddings and the first 6 of 12 layers of "
        "sentence-transformers/all-mpnet-base-v2 with a linear probe.",
        _load_transformer,
    ),
    "word2vec": ClassifierSpec(
        "word2vec",
        "Word2Vec",
        "The mean of word vectors, weighed by logistic regression.",
        _alone("fakenews.classifiers.word2vec:Word2VecClassifier"),
    ),
    "cnn": ClassifierSpec(
        "cnn",
        "CNN",
        "A convolution that looks for telling runs of three words.",
        _on_device("fakenews.classifiers.cnn:CnnClassifier"),
    ),
    "features": ClassifierSpec(
        "features",
        "Style features",
        "Lengths, punctuation, capitals, readability and tone, weighed by trees.",
        _alone("fakenews.classifiers.features:FeaturesClassifier"),
    ),
    "ensemble": ClassifierSpec(
        "ensemble",
        "Ensemble with MPNet",
        "MPNet, TinyBERT and TF-IDF, each trusted as held-out articles taught.",
        _load_ensemble,
    ),
    "ensemble-small": ClassifierSpec(
        "ensemble-small",
        "Ensemble",
        "TinyBERT and TF-IDF, each trusted as held-out articles taught.",
        _load_ensemble,
    ),
}


def get(name: str) -> ClassifierSpec:
    """Return the classifier of that name.

    Raise `ValueError` if there is none; the message lists those there are.
    """
    try:
        return CLASSIFIERS[name]
    except KeyError:
        raise ValueError(f"Unknown model {name!r}. Known: {', '.join(CLASSIFIERS)}.") from None


def of_folder(stored: StoredModel) -> ClassifierSpec:
    """Return the classifier of a folder: one of the registry's, or one that was added.

    Raise `ValueError` if it is neither.
    """
    if stored.added is None or stored.name in CLASSIFIERS:
        return get(stored.name)
    title = str(stored.added.get("title", "")) or stored.name
    kind = CLASSIFIERS.get(str(stored.added.get("kind", "")))
    load = _load_transformer if kind is None or kind.load is _load_ensemble else kind.load
    return ClassifierSpec(stored.name, title, "A model that was added here.", load)
