"""Which classifiers there are; their code is imported when one is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


def _load_tfidf(folder: Path, device: str) -> TextClassifier:
    from fakenews.classifiers.tfidf import TfidfClassifier

    return TfidfClassifier.load(folder)


def _load_transformer(folder: Path, device: str) -> TextClassifier:
    from fakenews.classifiers.transformer import TransformerClassifier

    return TransformerClassifier.load(folder, pick_device(device))


def _load_word2vec(folder: Path, device: str) -> TextClassifier:
    from fakenews.classifiers.word2vec import Word2VecClassifier

    return Word2VecClassifier.load(folder)


def _load_cnn(folder: Path, device: str) -> TextClassifier:
    from fakenews.classifiers.cnn import CnnClassifier

    return CnnClassifier.load(folder, pick_device(device))


def _load_features(folder: Path, device: str) -> TextClassifier:
    from fakenews.classifiers.features import FeaturesClassifier

    return FeaturesClassifier.load(folder)


def _load_ensemble(folder: Path, device: str) -> TextClassifier:
    from fakenews.classifiers.ensemble import EnsembleClassifier

    def member(stored: StoredModel) -> TextClassifier:
        with reading(stored):
            return get(stored.name).load(stored.folder, device)

    return EnsembleClassifier.load(folder, member)


# Of models with another name than those below; an ensemble is none without its members.
_BY_KIND: dict[str, Callable[[Path, str], TextClassifier]] = {
    "transformer": _load_transformer,
    "tfidf": _load_tfidf,
    "word2vec": _load_word2vec,
    "cnn": _load_cnn,
    "features": _load_features,
}
CLASSIFIERS: dict[str, ClassifierSpec] = {
    "tinybert": ClassifierSpec(
        "tinybert", "TinyBERT", "A 4-layer, 312-wide BERT that reads word pieces in their order.", _load_transformer
    ),
    "tfidf": ClassifierSpec(
        "tfidf", "TF-IDF", "Counts of words and word pairs, weighed by logistic regression.", _load_tfidf
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
        "word2vec", "Word2Vec", "The mean of word vectors, weighed by logistic regression.", _load_word2vec
    ),
    "cnn": ClassifierSpec("cnn", "CNN", "A convolution that looks for telling runs of three words.", _load_cnn),
    "features": ClassifierSpec(
        "features",
        "Style features",
        "Lengths, punctuation, capitals, readability and tone, weighed by trees.",
        _load_features,
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

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    try:
        return CLASSIFIERS[name]
    except KeyError:
        raise ValueError(f"Unknown model {name!r}. Known: {', '.join(CLASSIFIERS)}.") from None


def of_folder(stored: StoredModel) -> ClassifierSpec:
    """Return the classifier of a folder: one of the registry's, or one that was added.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if stored.added is None or stored.name in CLASSIFIERS:
        return get(stored.name)
    title = str(stored.added.get("title", "")) or stored.name
    load = _BY_KIND.get(str(stored.added.get("kind", "")), _load_transformer)
    return ClassifierSpec(stored.name, title, "A model that was added here.", load)
