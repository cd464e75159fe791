"""The baseline: TF-IDF of 1–2-grams of words and punctuation, and logistic regression; exactly explainable, instant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import LogOddsClassifier, NotFittedError, Scores, clean_text, clean_text_as, lower_tokens
from fakenews.classifiers.checks import Weights, check_labels, check_texts, check_weights
from fakenews.classifiers.domain import DomainHead, fit_domain_head
from fakenews.classifiers.entries import Entries, of_file
from fakenews.classifiers.pieces import kept_pieces, summed_onto_words, words_of_pieces
from fakenews.schema import FAKE
from fakenews.text import TOKEN

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

_PIECE = re.compile(r"\w+|[^\w\s]")


@dataclass(eq=False, repr=False)
class TfidfClassifier(LogOddsClassifier):
    """TF-IDF of 1–2-grams (sublinear) of words and punctuation marks, and logistic regression.

    Punctuation belongs to the word before it: it goes with that word, and its weight is the word's.

    Parameters
    ----------
    max_features : int
        Most frequent n-grams kept; 200,000 take about 3 MB on disk.
    min_df : int
        Articles an n-gram must occur in.
    C : float
        Inverse strength of the L2 penalty.
    cleaning : {"neutral", "raw"}
        What is done to a text before its words are counted; "raw" is for measuring what cleaning takes away.
    """

    kind = "tfidf"
    name: str = "tfidf"
    max_features: int = 200_000
    min_df: int = 2
    C: float = 10.0
    vectorizer_: TfidfVectorizer | None = field(default=None, init=False)
    regression_: LogisticRegression | None = field(default=None, init=False)
    domain_: DomainHead | None = field(default=None, init=False)

    def fit(self, texts: Sequence[str], labels: Sequence[int], weights: Weights | None = None) -> Self:
        """Learn from the user's own texts (cleaned here) and labels 0 fake, 1 real.

        `weights` say how much each text counts; all alike if left out.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        texts = check_texts(texts)
        y = check_labels(texts, labels)
        sample_weight = check_weights(y, weights)
        vectorizer = TfidfVectorizer(
            ngram_range=(1, 2),
            sublinear_tf=True,
            min_df=self.min_df,
            max_features=self.max_features,
            token_pattern=r"\S+",
        )
        features = vectorizer.fit_transform([" ".join(self._pieces(text)) for text in texts])
        self.regression_ = LogisticRegression(C=self.C, max_iter=1000).fit(features, y, sample_weight)
        self.vectorizer_ = vectorizer
        return self

    def fit_domain(
        self, texts: Sequence[str], in_domain: Sequence[bool] | NDArray[np.bool_], weights: Weights | None = None
    ) -> Self:
        """Learn how in-domain a text is, after `fit`, from training texts and whether each is of the first corpus."""
        features = self._features([self._pieces(text) for text in check_texts(texts)])
        self.domain_ = fit_domain_head(features, in_domain, weights)
        return self

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of the fake class before calibration, shape (n_texts,)."""
        return self._log_odds([self._pieces(text) for text in check_texts(texts)])

    def predict_scores(self, texts: Sequence[str]) -> Scores:
        """Return the log-odds of fake before calibration and how in-domain each text is, each of shape (n_texts,)."""
        documents = [self._pieces(text) for text in check_texts(texts)]
        self._fitted()
        if self.domain_ is None or not documents:
            return Scores.out_of_domain(self._log_odds(documents))
        features = self._features(documents)
        return Scores(self._log_odds_of(features), self.domain_.in_domain(features))

    def masked_log_odds(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the log-odds of `text` without the words where `keep` is False; (n_samples, n_words)."""
        pieces = np.array(self._pieces(text), dtype=object)
        return self._log_odds(
            [pieces[row].tolist() for row in kept_pieces(keep, _words_of_pieces(text, self.cleaning))]
        )

    def linear_terms(self, text: str) -> tuple[NDArray[np.float64], float]:
        """Return the exact parts of the log-odds: one per word of `clean_text(text).words`, and the intercept.

        The value of an n-gram times its coefficient is shared equally among its occurrences and, within
        a bigram, between its two pieces; the pieces of a word, with its punctuation, are summed. Parts and intercept
        sum to the log-odds.
        """
        _, regression = self._fitted()
        pieces = self._pieces(text)
        row = self._features([pieces])
        term_weight = dict(
            zip(row.indices.tolist(), (row.data * self._coefficients()[row.indices]).tolist(), strict=True)
        )
        occurrences = self._occurrences(pieces)
        parts = np.zeros(len(pieces))
        for term, occurrences_of_term in occurrences.items():
            share = term_weight[term] / len(occurrences_of_term)
            for pieces_of_term in occurrences_of_term:
                for i in pieces_of_term:
                    parts[i] += share / len(pieces_of_term)
        words = _words_of_pieces(text, self.cleaning)
        *terms, rest = summed_onto_words(parts, words, len(clean_text(text).words)).tolist()
        return np.array(terms), rest - float(regression.intercept_[0])

    def known_share(self, text: str) -> float:
        """Share of the words of `text` that occur in the vocabulary, in [0, 1]; 0 for a text without words."""
        vectorizer, _ = self._fitted()
        tokens = lower_tokens(text, self.cleaning)
        return sum(t in vectorizer.vocabulary_ for t in tokens) / len(tokens) if tokens else 0.0

    def fit_ood(self, texts: Sequence[str], seed: int = 42) -> None:
        """Do nothing: the vocabulary is what distances are measured by."""

    def predict_with_ood_score(self, texts: Sequence[str]) -> tuple[Scores, NDArray[np.float64]]:
        """Return scores, and the share of words that are not in the vocabulary, shape (n_texts,)."""
        texts = check_texts(texts)
        return self.predict_scores(texts), np.array([1.0 - self.known_share(text) for text in texts])

    def save(self, folder: Path) -> None:
        """Write `model.skops` and `config.json`."""
        from zipfile import ZIP_DEFLATED

        import skops.io

        vectorizer, regression = self._fitted()
        folder.mkdir(parents=True, exist_ok=True)
        # A dictionary would be stored entry by entry, tens of thousands of files; the terms in order say the same.
        terms = np.array(sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__))
        bare = copy(vectorizer)
        bare.vocabulary_ = {}
        parts = {"vectorizer": bare, "terms": terms, "regression": regression}
        if self.domain_ is not None:
            parts |= {"domain_weights": self.domain_.weights, "domain_bias": np.array(self.domain_.bias)}
        skops.io.dump(parts, folder / "model.skops", compression=ZIP_DEFLATED, compresslevel=9)
        self._write_settings(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder written by `save`; refuses files that hold any type skops does not trust by itself."""
        import skops.io

        self = cls._from_settings(folder)
        with of_file():
            parts = Entries(skops.io.load(folder / "model.skops", trusted=[]))
        self.vectorizer_, self.regression_ = parts["vectorizer"], parts["regression"]
        self.vectorizer_.vocabulary_ = {term: i for i, term in enumerate(parts["terms"].tolist())}
        if "domain_weights" in parts:
            self.domain_ = DomainHead(parts["domain_weights"], float(parts["domain_bias"]))
        return self

    def _pieces(self, text: str) -> list[str]:
        """Return tokens and punctuation in lower case; a text without tokens has none."""
        neutral = clean_text_as(text, self.cleaning).neutral.text
        return [piece.lower() for piece in _PIECE.findall(neutral)] if TOKEN.search(neutral) else []

    def _fitted(self) -> tuple[TfidfVectorizer, LogisticRegression]:
        if self.vectorizer_ is None or self.regression_ is None:
            raise NotFittedError("This TfidfClassifier is not fitted yet: call fit or load first.")
        return self.vectorizer_, self.regression_

    def _coefficients(self) -> NDArray[np.float64]:
        """Return the coefficients towards fake, shape (n_terms,)."""
        _, regression = self._fitted()
        sign = -1.0 if regression.classes_[0] == FAKE else 1.0
        return np.asarray(sign * regression.coef_[0], dtype=np.float64)

    def _features(self, documents: Sequence[Sequence[str]]) -> csr_matrix:
        vectorizer, _ = self._fitted()
        return vectorizer.transform([" ".join(tokens) for tokens in documents])

    def _log_odds(self, documents: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        self._fitted()
        return self._log_odds_of(self._features(documents)) if documents else np.zeros(0)

    def _log_odds_of(self, features: csr_matrix) -> NDArray[np.float64]:
        _, regression = self._fitted()
        return np.asarray(features @ self._coefficients() - regression.intercept_[0], dtype=np.float64)

    def _occurrences(self, pieces: Sequence[str]) -> dict[int, list[tuple[int, ...]]]:
        vectorizer, _ = self._fitted()
        occurrences: dict[int, list[tuple[int, ...]]] = {}
        for i, piece in enumerate(pieces):
            terms = [(piece, (i,))] + ([(f"{piece} {pieces[i + 1]}", (i, i + 1))] if i + 1 < len(pieces) else [])
            for term, indices in terms:
                index = vectorizer.vocabulary_.get(term)
                if index is not None:
                    occurrences.setdefault(int(index), []).append(indices)
        return occurrences


@lru_cache(maxsize=8)
def _words_of_pieces(text: str, cleaning: str) -> NDArray[np.int64]:
    """Return the word of each of the pieces of a text, -1 for none; cached, because samples of a text come in turns."""
    neutral = clean_text_as(text, cleaning).neutral.text
    spans = [m.span() for m in _PIECE.finditer(neutral)] if TOKEN.search(neutral) else []
    return words_of_pieces(text, np.array(spans, dtype=np.int64).reshape(-1, 2), cleaning)
