"""Exact weights of classifiers that add up words: coefficient times value, nothing sampled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier
from fakenews.explain.base import Progress, SampleRange, WordExplainer, WordWeights


@runtime_checkable
class LinearTerms(Protocol):
    """What a classifier must say of itself to be explained exactly."""

    def linear_terms(self, text: str) -> tuple[NDArray[np.float64], float]:
        """Return what every word of `clean_text(text).words` adds to the log-odds of fake, and the intercept."""


class LinearExplainer(WordExplainer):
    """Coefficient times value of every word, a pair's contribution halved onto its two words.

    Weights and intercept (`base_value`) sum to the log-odds.
    """

    name: ClassVar[str] = "linear"
    samples: ClassVar[SampleRange | None] = None
    explains: ClassVar[Any] = LinearTerms

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress, known: float | None
    ) -> Iterator[WordWeights]:
        yield linear_weights(text, classifier, known)


def linear_weights(text: str, classifier: TextClassifier, log_odds: float | None = None) -> WordWeights:
    """Return exact weights of a classifier that has `linear_terms`.

    Raise `TypeError` if it has none.
    """
    if not isinstance(classifier, LinearTerms):
        raise TypeError(f"The classifier {classifier.name!r} has no linear_terms.")
    weights, intercept = classifier.linear_terms(text)
    if log_odds is None:
        log_odds = float(classifier.decision_function([text])[0])
    return WordWeights(weights, base_value=intercept, log_odds=log_odds, settings={"rule": "coefficient x value"})
