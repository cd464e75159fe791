"""Whether an explanation holds: words are removed in its order, and the log-odds must follow.

Comprehensiveness and sufficiency of DeYoung et al., "ERASER", ACL 2020 (arXiv:1911.03429), on the log-odds, with the
classifier's own way of removing words. Bare, they cannot be compared between classifiers; Edin et al., "Normalized
AOPC", 2024 (arXiv:2408.08137) put them between bounds. Ours are random orders and the best order found: that of the
explanation itself, of exact weights or gradients, or of a greedy search that takes gradients anew as words go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, clean_text
from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.explain.base import MaskedLogOdds, Progress
from fakenews.explain.gradient import Differentiable, integrated_gradients
from fakenews.explain.linear import LinearTerms
from fakenews.explain.surrogate import prior_of
from fakenews.schema import Explanation, Grade

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)  # of the words, strongest first, as in ERASER
N_RANDOM = 3  # orders
GOOD, FAIR = 0.6, 0.3  # normalized, from which an explanation is good or fair
SMALLEST_GAIN = 0.05  # log-odds between random and best; where no order matters more, there is nothing to grade
_SEARCH = (
    0.01,
    0.03,
    0.06,
    0.1,
    0.15,
    0.2,
    0.3,
    0.5,
    1.0,
)  # shares removed up to which the greedy search follows one gradient
STRETCHES = 40  # of neighboring words, removed in turn where a classifier has no gradient


@dataclass(frozen=True, slots=True)
class Bounds:
    """What random orders and the best ones found reach on one text, for one classifier."""

    lean: float  # sign of the class the classifier leans to, positive for fake
    # random, best: comprehensiveness and sufficiency
    random: tuple[float, float]
    best: tuple[float, float]


def order_of(explanation: Explanation, lean: float) -> NDArray[np.int64]:
    """Return the words of an explanation, those that speak most for the class of sign `lean` first."""
    sign = lean if explanation.target == "fake" else -lean
    return np.argsort([-sign * a.weight for a in explanation.attributions], kind="stable")


def erased(log_odds: MaskedLogOdds, order: NDArray[np.int64], lean: float, full: float) -> tuple[float, float]:
    """Return comprehensiveness and sufficiency of an order of words, on log-odds towards the class of sign `lean`."""
    n = len(order)
    without = np.ones((len(SHARES), n), dtype=bool)
    for row, share in zip(without, SHARES, strict=True):
        row[order[: max(1, round(share * n))]] = False
    left = log_odds(np.concatenate([without, ~without]))
    lost = lean * (full - left)
    return float(lost[: len(SHARES)].mean()), float(lost[len(SHARES) :].mean())


def find_bounds(
    text: str, classifier: TextClassifier, seed: int = 42, progress: Progress = lambda share: None
) -> Bounds:
    """Return the bounds of a text with words.

    Costs about 60 verdicts, and ten gradients where the classifier has them; `progress` may raise to cancel.
    """
    n = len(clean_text(text).words)
    rng = np.random.default_rng(seed)
    log_odds = MaskedLogOdds(text, classifier, 1 + 2 * len(SHARES) * (N_RANDOM + 2), progress)
    full = float(log_odds(np.ones((1, n), dtype=bool))[0])
    lean = 1.0 if full >= 0 else -1.0
    drawn = [erased(log_odds, rng.permutation(n), lean, full) for _ in range(N_RANDOM)]
    tried = [erased(log_odds, order, lean, full) for order in _candidates(text, classifier, log_odds, lean, progress)]
    random = tuple(np.mean(drawn, axis=0).tolist())
    best = max(random[0], *(c for c, _ in tried)), min(random[1], *(s for _, s in tried))
    return Bounds(lean, (random[0], random[1]), best)


def grade(
    explanation: Explanation,
    classifier: TextClassifier,
    bounds: Bounds,
    progress: Progress = lambda share: None,
) -> Grade | None:
    """Grade an explanation; None where removing words moves the log-odds too little to tell orders apart.

    An order better than the best in `bounds` is the best itself.
    """
    started = time.perf_counter()
    n = len(explanation.attributions)
    if not n:
        return None
    masked = MaskedLogOdds(explanation.text, classifier, 2 * len(SHARES), progress)
    log_odds = explanation.log_odds if explanation.target == "fake" else -explanation.log_odds
    scores = erased(masked, order_of(explanation, bounds.lean), bounds.lean, log_odds)
    best = max(bounds.best[0], scores[0]), min(bounds.best[1], scores[1])
    gains = best[0] - bounds.random[0], bounds.random[1] - best[1]
    parts = [
        (value - low) / (high - low)
        for value, low, high in zip(scores, bounds.random, best, strict=True)
        if abs(high - low) >= SMALLEST_GAIN
    ]
    if max(gains) < SMALLEST_GAIN or not parts:
        return None
    normalized = float(np.clip(np.mean(parts), -1.0, 1.0))
    return Grade(*scores, bounds.random, best, normalized, _level(normalized), round(time.perf_counter() - started, 4))


def _level(normalized: float) -> Literal["good", "fair", "poor"]:
    return "good" if normalized >= GOOD else "fair" if normalized >= FAIR else "poor"


def _candidates(
    text: str, classifier: TextClassifier, log_odds: MaskedLogOdds, lean: float, progress: Progress
) -> Iterator[NDArray[np.int64]]:
    """Return orders that may be the best: from a linear classifier, or from removing stretches of words."""
    if isinstance(classifier, EnsembleClassifier):
        for member in classifier.members.values():
            if isinstance(member, LinearTerms | Differentiable):
                yield from _candidates(text, member, log_odds, lean, progress)
        return
    prior = prior_of(text, classifier, progress)
    if isinstance(classifier, LinearTerms | Differentiable):
        yield np.argsort(-lean * prior.weights, kind="stable")
    if isinstance(classifier, Differentiable):
        yield greedy_order(text, classifier, lean, progress)
    if not isinstance(classifier, LinearTerms | Differentiable):
        n = len(prior.weights)
        stretch = np.arange(n) * min(n, STRETCHES) // n
        without = log_odds(np.arange(stretch[-1] + 1)[:, None] != stretch)
        yield np.argsort(lean * without[stretch], kind="stable")


def greedy_order(text: str, classifier: Differentiable, lean: float, progress: Progress) -> NDArray[np.int64]:
    """Order words by a greedy search that removes them, taking the gradient anew at what is left."""
    n = len(clean_text(text).words)
    keep = np.ones(n, dtype=bool)
    order: list[int] = []
    for share in _SEARCH:
        left = np.flatnonzero(keep)
        gradients = integrated_gradients(text, classifier, 1, lambda _: progress(0.0), keep, ends=False).weights[left]
        chosen = left[np.argsort(-lean * gradients, kind="stable")]
        if share < 1.0:
            chosen = chosen[: max(0, round(share * n) - len(order))]
        order += chosen.tolist()
        keep[chosen] = False
        if not keep.any():
            break
    return np.array(order, dtype=np.int64)
