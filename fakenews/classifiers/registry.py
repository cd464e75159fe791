"""Which classifiers there are; their code is imported when one is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fakenews.classifiers.base import TextClassifier
from fakenews.config import pick_device


@dataclass(frozen=True, slots=True)
class ClassifierSpec:
    """A classifier for the page and the commands: `load(folder, device)` gives it ready to answer.

    `device` is «auto», «cpu» or «cuda»; only what runs on torch looks at it.
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
}


def get(name: str) -> ClassifierSpec:
    """The classifier of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    try:
        return CLASSIFIERS[name]
    except KeyError:
        raise ValueError(f"Unknown model {name!r}. Known: {', '.join(CLASSIFIERS)}.") from None
