"""Explanations side by side: sums over sentences, how alike they rank the words, and the words they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakenews.explain.surrogate import TOP_WORDS, rank_agreement
from fakenews.schema import Attribution, Explanation, Span
from fakenews.text import sentence_spans


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike several explanations of one text are."""

    names: tuple[str, ...]  # "model, method" of each explanation
    # two of them and Spearman's rank correlation of the weights of their strongest words, in [-1, 1]
    pairs: tuple[tuple[int, int, float], ...]
    # words among the strongest of every explanation, pulling the same way in all, in the order of the text
    shared: tuple[Span, ...]

    def to_dict(self, text: str) -> dict[str, Any]:
        """Return the JSON form, each shared word with its text."""
        return {
            "explanations": list(self.names),
            "pairs": [{"first": self.names[a], "second": self.names[b], "rank_agreement": r} for a, b, r in self.pairs],
            "shared": [{"start": s.start, "end": s.end, "text": text[s.start : s.end]} for s in self.shared],
        }


def agreement(explanations: Sequence[Explanation]) -> Agreement:
    """Compare explanations of one text.

    Raise `ValueError` if there are fewer than two, or they are of different texts.
    """
    if len(explanations) < 2 or len({e.text for e in explanations}) > 1:
        raise ValueError(f"Expected two or more explanations of one text, got {len(explanations)}.")
    weights = np.array([towards_fake(e) for e in explanations])  # (n_explanations, n_words)
    pairs = tuple((a, b, rank_agreement(weights[a], weights[b])) for a, b in combinations(range(len(weights)), 2))
    n_top = min(TOP_WORDS, weights.shape[1])
    strongest = np.zeros(weights.shape, dtype=bool)
    np.put_along_axis(strongest, np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :n_top], True, axis=1)
    alike = strongest.all(axis=0) & (np.abs(np.sign(weights).sum(axis=0)) == len(weights))
    words = explanations[0].attributions
    return Agreement(
        names=tuple(f"{e.classifier}, {e.explainer}" for e in explanations),
        pairs=pairs,
        shared=tuple(Span(words[i].start, words[i].end) for i in np.flatnonzero(alike)),
    )


def towards_fake(explanation: Explanation) -> NDArray[np.float64]:
    """Return the weights of an explanation signed towards fake, whatever its target, shape (n_words,)."""
    sign = 1.0 if explanation.target == "fake" else -1.0
    return np.array([sign * a.weight for a in explanation.attributions], dtype=np.float64)


def by_sentence(explanation: Explanation) -> tuple[Attribution, ...]:
    """Return the sums of the weights over every sentence of the user's text in which words were read."""
    sums: dict[int, float] = {}
    spans = sentence_spans(explanation.text)
    starts = [s.start for s in spans]
    for a in explanation.attributions:
        index = max(int(np.searchsorted(starts, a.start, side="right")) - 1, 0)
        sums[index] = sums.get(index, 0.0) + a.weight
    return tuple(Attribution(spans[i].start, spans[i].end, w) for i, w in sorted(sums.items()))
