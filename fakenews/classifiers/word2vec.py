"""Texts as the mean of their words' vectors: blind to order, but words of one kind count alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import LogOddsClassifier, NotFittedError, clean_text, lower_tokens
from fakenews.classifiers.checks import Weights, check_labels, check_texts, check_weights
from fakenews.classifiers.embeddings import WordVectors, train_vectors
from fakenews.classifiers.entries import Entries
from fakenews.classifiers.pieces import kept_pieces, summed_onto_words, words_of_tokens
from fakenews.schema import FAKE


@dataclass(eq=False, repr=False)
class Word2VecClassifier(LogOddsClassifier):
    """Mean of Word2Vec vectors and logistic regression.

    The mean of vectors times coefficients is the mean of one number per word, so that is all a verdict adds up. A
    constant could be moved between those numbers and the intercept; the average text of the training decides: a word's
    number says how it differs from that, and the intercept is that text's log-odds.

    Parameters
    ----------
    width, window, min_count, max_words, epochs, skip_gram, seed
        See `embeddings.train_vectors`; 20,000 words of 300 numbers take 6 MB on disk.
    C : float
        Inverse strength of the L2 penalty, on features of unit variance.
    """

    kind = "word2vec"
    name: str = "word2vec"
    width: int = 300
    window: int = 5
    min_count: int = 5
    max_words: int = 20_000
    epochs: int = 5
    skip_gram: bool = False
    C: float = 30.0
    seed: int = 42
    vectors_: WordVectors | None = field(default=None, init=False)
    center_: NDArray[np.float64] = field(init=False)  # mean of the training texts' means
    coefficients_: NDArray[np.float64] = field(init=False)  # towards fake, one per entry of a vector
    intercept_: float = field(init=False)
    _scores: NDArray[np.float64] = field(init=False)  # centered vectors times coefficients, one per word

    def fit(self, texts: Sequence[str], labels: Sequence[int], weights: Weights | None = None) -> Self:
        """Learn vectors and coefficients from the user's own texts (cleaned here) and labels 0 fake, 1 real.

        `weights` say how much each text counts; all alike if left out.
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        texts = check_texts(texts)
        y = check_labels(texts, labels)
        sample_weight = check_weights(y, weights)
        documents = [lower_tokens(text, self.cleaning) for text in texts]
        vectors = train_vectors(
            documents,
            width=self.width,
            window=self.window,
            min_count=self.min_count,
            max_words=self.max_words,
            epochs=self.epochs,
            skip_gram=self.skip_gram,
            seed=self.seed,
        )
        matrix = vectors.matrix().astype(np.float64)
        means = np.stack([_mean(matrix, vectors.rows(words)) for words in documents])  # [n_texts, width]
        scaler = StandardScaler().fit(means, sample_weight=sample_weight)
        regression = LogisticRegression(C=self.C, max_iter=2000).fit(scaler.transform(means), y == FAKE, sample_weight)
        return self._set(vectors, scaler.mean_, regression.coef_[0] / scaler.scale_, float(regression.intercept_[0]))

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of the fake class before calibration, shape (n_texts,)."""
        vectors = self._fitted()
        rows = [vectors.rows(lower_tokens(text, self.cleaning)) for text in check_texts(texts)]
        return np.array([self.intercept_ + _mean(self._scores, row) for row in rows], dtype=np.float64)

    def masked_log_odds(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the log-odds of `text` without the words where `keep` is False; (n_samples, n_words)."""
        rows = self._fitted().rows(lower_tokens(text, self.cleaning))
        counted = kept_pieces(keep, words_of_tokens(text, self.cleaning)) & (rows > 0)
        sums = counted @ self._scores[rows]
        return np.asarray(self.intercept_ + sums / np.maximum(counted.sum(axis=1), 1), dtype=np.float64)

    def linear_terms(self, text: str) -> tuple[NDArray[np.float64], float]:
        """Return the exact parts of the log-odds: one per word of `clean_text(text).words`, and the intercept."""
        rows = self._fitted().rows(lower_tokens(text, self.cleaning))
        parts = self._scores[rows] / max(int((rows > 0).sum()), 1)
        words = words_of_tokens(text, self.cleaning)
        *terms, rest = summed_onto_words(parts, words, len(clean_text(text).words)).tolist()
        return np.array(terms), self.intercept_ + rest

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `config.json`."""
        from safetensors.numpy import save_file

        vectors = self._fitted()
        folder.mkdir(parents=True, exist_ok=True)
        regression = {
            "center": self.center_,
            "coefficients": self.coefficients_,
            "intercept": np.array([self.intercept_]),
        }
        save_file({**vectors.tensors(), **regression}, folder / "model.safetensors")
        self._write_settings(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder written by `save`."""
        from safetensors.numpy import load_file

        self = cls._from_settings(folder)
        tensors = Entries(load_file(folder / "model.safetensors"))
        vectors = WordVectors.from_tensors(tensors)
        return self._set(vectors, tensors["center"], tensors["coefficients"], float(tensors["intercept"].item()))

    def _set(
        self, vectors: WordVectors, center: NDArray[np.float64], coefficients: NDArray[np.float64], intercept: float
    ) -> Self:
        self.vectors_, self.center_, self.coefficients_, self.intercept_ = vectors, center, coefficients, intercept
        parts = np.array_split(vectors.matrix(), 16)  # all of it in double precision would be 100 MB for a moment
        self._scores = np.concatenate([(part.astype(np.float64) - center) @ coefficients for part in parts])
        self._scores[0] = 0.0  # a word without a vector
        return self

    def _fitted(self) -> WordVectors:
        if self.vectors_ is None:
            raise NotFittedError("This Word2VecClassifier is not fitted yet: call fit or load first.")
        return self.vectors_


def _mean(values: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of the `values` of known words; zero where there are none."""
    known = rows[rows > 0]
    return np.asarray(values[known].sum(axis=0) / max(len(known), 1), dtype=np.float64)
