"""Style alone: some eighty named numbers of how a text is written, and gradient-boosted trees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import CleanedDocument, LogOddsClassifier, NotFittedError, clean_text_as
from fakenews.classifiers.checks import Weights, check_labels, check_texts, check_weights
from fakenews.classifiers.entries import Entries
from fakenews.classifiers.pieces import kept_pieces, words_of_pieces
from fakenews.classifiers.style import STYLE_FEATURES, style_vector
from fakenews.classifiers.trees import Trees
from fakenews.formatting import title_and_body
from fakenews.schema import FAKE

_CLOSES = re.compile(r"[.!?…](?=\s|$|[A-Z])")


@dataclass(eq=False, repr=False)
class FeaturesClassifier(LogOddsClassifier):
    """The features of `style.STYLE_FEATURES` and histogram gradient boosting.

    Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29 (2001), as
    scikit-learn grows it; stored and asked as plain arrays.

    Parameters
    ----------
    n_trees : int
    learning_rate : float
        Share of each tree's correction that is taken.
    max_leaf_nodes, min_samples_leaf : int
        Size of a tree, and texts a leaf must hold.
    feature_share : float
        Share of the features that a split may choose from.
    l2 : float
        Penalty on the values of the leaves. With 5 and a share of 0.3 corpora left out are ranked no better, and what
        is said of them is off by 0.11 instead of 0.08 (expected calibration error).
    seed : int
    cleaning : {"neutral", "raw"}
        As in `LogOddsClassifier`.
    """

    kind = "features"
    name: str = "features"
    n_trees: int = 500
    learning_rate: float = 0.06
    max_leaf_nodes: int = 15
    min_samples_leaf: int = 20
    feature_share: float = 0.1
    l2: float = 200.0
    seed: int = 42
    trees_: Trees | None = field(default=None, init=False)

    def fit(self, texts: Sequence[str], labels: Sequence[int], weights: Weights | None = None) -> Self:
        """Learn from the user's own texts (cleaned here) and labels 0 fake, 1 real.

        `weights` say how much each text counts; all alike if left out.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        texts = check_texts(texts)
        y = check_labels(texts, labels)
        sample_weight = check_weights(y, weights)
        boosting = HistGradientBoostingClassifier(
            max_iter=self.n_trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.feature_share,
            l2_regularization=self.l2,
            early_stopping=False,
            random_state=self.seed,
        )
        self.trees_ = Trees.of(
            boosting.fit(
                _vectors(with_lower_title(clean_text_as(text, self.cleaning)) for text in texts),
                y == FAKE,
                sample_weight,
            )
        )
        return self

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of the fake class before calibration, shape (n_texts,)."""
        return self._fitted().score(
            _vectors(with_lower_title(clean_text_as(text, self.cleaning)) for text in check_texts(texts))
        )

    def masked_log_odds(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the log-odds of `text` with the words where `keep` is False cut out; keep is (n_samples, n_words)."""
        known = clean_text_as(text, self.cleaning)
        kept = kept_pieces(keep, words_of_pieces(text, known.word_edges, self.cleaning))
        return self._fitted().score(_vectors(cut(known, row) for row in kept))

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `config.json`."""
        from safetensors.numpy import save_file

        trees = self._fitted()
        folder.mkdir(parents=True, exist_ok=True)
        names = np.frombuffer(_names().encode("utf-8"), dtype=np.uint8)
        save_file({**trees.tensors(), "features": names}, folder / "model.safetensors")
        self._write_settings(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder written by `save`.

        Raise `ValueError` if its trees were grown on other features than this code computes.
        """
        from safetensors.numpy import load_file

        self = cls._from_settings(folder)
        tensors = Entries(load_file(folder / "model.safetensors"))
        if tensors["features"].tobytes().decode("utf-8") != _names():
            raise ValueError(f"{folder} was trained on other features than this code computes: train it again.")
        self.trees_ = Trees.from_tensors(tensors)
        return self

    def _fitted(self) -> Trees:
        if self.trees_ is None:
            raise NotFittedError("This FeaturesClassifier is not fitted yet: call fit or load first.")
        return self.trees_


def with_lower_title(known: CleanedDocument) -> str:
    """Lower the title, where there is one: its capitals are a template's choice."""
    title, _ = title_and_body(known.source)
    text, end = known.neutral.text, int(np.searchsorted(known.neutral.starts, len(title)))
    lowered = text[:end].lower()
    return lowered + text[end:] if len(lowered) == end else text


def cut(known: CleanedDocument, keep: NDArray[np.bool_]) -> str:
    """Cut the words whose `keep` is False out of what `with_lower_title` returns, with one gap where they stood.

    Of the gaps around a run of cut words, the first that ends a sentence stays, else the first: so sentences keep
    their ends, and commas do not outlive their clauses.
    """
    text, words = with_lower_title(known), known.words
    if not words:
        return text
    edges = [*(word.start for word in words[1:]), len(text)]
    pieces: list[str] = []
    gap = text[: words[0].start]
    for word, edge, is_kept in zip(words, edges, keep, strict=True):
        after = text[word.end : edge]
        if is_kept:
            pieces += (gap, text[word.start : word.end])
            gap = after
        elif _CLOSES.search(after) and not _CLOSES.search(gap):
            gap = after
    return "".join((*pieces, gap))


def _names() -> str:
    return "\n".join(feature.name for feature in STYLE_FEATURES)


def _vectors(texts: Iterator[str]) -> NDArray[np.float64]:
    vectors = [style_vector(text) for text in texts]
    return np.stack(vectors) if vectors else np.zeros((0, len(STYLE_FEATURES)))
