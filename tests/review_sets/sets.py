"""Review sets made up for tests: values without a storage, with seeded random answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fakenews.review_sets.statistics import CATEGORIES
from fakenews.review_sets.values import Answer, Item, ModelAnswer, Results, Reviewer, ReviewSet

MODELS = (("tinybert", "TinyBERT"), ("tfidf", "TF-IDF"))


def results_of(items: Sequence[Item], reviewers: Sequence[Reviewer], **changes: Any) -> Results:
    values: dict[str, Any] = {
        "id": "id", "title": "A set", "instructions": "", "blind": True, "created": 0, "expires": 10**12,
        "closed": False, "n_articles": len(items), "n_pending": 0,
    }  # fmt: skip
    return Results(ReviewSet(**{**values, **changes}), tuple(items), tuple(reviewers))


def item(number: int, label: Any = None, **verdicts: Any) -> Item:
    """Return an article on which each model named says so."""
    models = tuple(ModelAnswer(m, dict(MODELS).get(m, m), 0.5, verdict) for m, verdict in verdicts.items())
    return Item(number, label, "", "", f"Article {number + 1}", models, "" if models else "too short")


def reviewer(number: int, answers: Sequence[Answer] | Mapping[int, Any] = (), name: str = "") -> Reviewer:
    """Return a reviewer with answers, or with a verdict for each article of a mapping."""
    if isinstance(answers, Mapping):
        answers = [Answer(i, verdict) for i, verdict in answers.items()]
    return Reviewer(number, name or f"Reviewer {number}", 0, (), {a.number: a for a in answers})


def random_results(seed: int, n_items: int = 30, n_reviewers: int = 6, blind: bool = True) -> Results:
    """Return answers of every kind, some missing; some articles have no label or no analysis."""
    rng = np.random.default_rng(seed)

    def opinion(truth: str, skill: float) -> Any:
        return truth if rng.random() < skill else str(rng.choice(CATEGORIES))

    truths = [str(rng.choice(CATEGORIES[:2])) for _ in range(n_items)]
    items = []
    for i, truth in enumerate(truths):
        said = {} if i % 11 == 5 else {model: opinion(truth, 0.6) for model, _ in MODELS}
        items.append(item(i, truth if i % 4 else None, **said))
    reviewers = []
    for number in range(1, n_reviewers + 1):
        answers = []
        for i, truth in enumerate(truths):
            if rng.random() < 0.25:
                continue
            first = opinion(truth, 0.5)
            after = opinion(truth, 0.5) if blind and rng.random() < 0.7 else None
            seconds = float(rng.integers(5, 300)) if rng.random() < 0.9 else None
            answers.append(Answer(i, first, int(rng.integers(1, 6)), seconds, after))
        reviewers.append(reviewer(number, answers))
    return results_of(items, reviewers, blind=blind)
