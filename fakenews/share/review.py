"""What reviewers say of a shared analysis, and how far they and the models agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from fakenews.explain.agreement import towards_fake
from fakenews.explain.surrogate import TOP_WORDS
from fakenews.schema import Span
from fakenews.share.snapshot import Snapshot

Opinion = Literal["fake", "real", "cannot_judge"]
OPINIONS: dict[str, str] = {
    "fake": "Reads like fake news",
    "real": "Reads like real news",
    "cannot_judge": "I cannot say",
}
MAX_NAME, MAX_COMMENT, MAX_SPANS = 60, 2000, 200


@dataclass(frozen=True, slots=True)
class Review:
    """What one reviewer said of one shared analysis.

    Attributes
    ----------
    name : str
        As the reviewer gave it.
    begun, finished : int or None
        Milliseconds since 1970, UTC; `finished` is None where a blind review was begun only.
    first_verdict : Opinion or None
        Before the models' answers were seen; None where they were seen at once.
    verdict : Opinion or None
        With the models' answers in sight.
    agree : mapping of str to bool
        Whether the reviewer agrees with each model; may lack models.
    spans : tuple of Span
        Stretches of the text that the reviewer marked.
    comment : str
    """

    name: str
    begun: int
    finished: int | None = None
    first_verdict: Opinion | None = None
    verdict: Opinion | None = None
    agree: Mapping[str, bool] | None = None
    spans: tuple[Span, ...] = ()
    comment: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON form, spans as [start, end]."""
        return {**asdict(self), "agree": dict(self.agree or {}), "spans": [[s.start, s.end] for s in self.spans]}


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's κ of two raters over the items that both judged.

    Attributes
    ----------
    first, second : str
        Names of the raters.
    n : int
        Items in common.
    kappa : float or None
        In [-1, 1]; None where it is not defined: fewer than two items, or both raters gave one and the same answer
        throughout.
    agreed : float
        Share of the items on which they agree.
    """

    first: str
    second: str
    n: int
    kappa: float | None
    agreed: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an owner's reviews come to.

    Attributes
    ----------
    verdicts : tuple of Kappa
        Between reviewers, and of each reviewer with each model, over the shared analyses both judged. A reviewer's
        verdict is the one given before the models were seen, where there is one.
    marks : tuple of Kappa
        The same over words, of analyses in which the reviewer marked some: marked or not, and for models whether the
        word is among the twenty strongest.
    n_blind, n_changed : int
        Blind reviews, and those whose verdict was another once the models' answers were seen.
    """

    verdicts: tuple[Kappa, ...]
    marks: tuple[Kappa, ...]
    n_blind: int
    n_changed: int

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "verdicts": [k.to_dict() for k in self.verdicts],
            "marks": [k.to_dict() for k in self.marks],
            "blind_reviews": self.n_blind,
            "mind_changed": self.n_changed,
        }


def summarise(items: Sequence[tuple[Snapshot, Sequence[Review]]]) -> Summary:
    """Agreement over shared analyses and their reviews; reviewers are told apart by name, without regard to case."""
    said: dict[str, dict[Any, str]] = {}  # rater: item: verdict
    marked: dict[str, dict[Any, bool]] = {}  # rater: (item, word): marked
    people: dict[str, str] = {}
    finished = [r for _, reviews in items for r in reviews if r.finished is not None]
    for item, (snapshot, reviews) in enumerate(items):
        done = [r for r in reviews if r.finished is not None]
        for review in done:
            rater = people.setdefault(review.name.strip().casefold(), review.name.strip() or "no name")
            said.setdefault(rater, {})[item] = str(review.first_verdict or review.verdict)
            if review.spans:
                words = _words(snapshot)
                found = [any(s.start < w.end and w.start < s.end for s in review.spans) for w in words]
                marked.setdefault(rater, {}).update({(item, i): m for i, m in enumerate(found)})
        if done:
            for prediction in snapshot.analysis.predictions:
                title = snapshot.titles[prediction.model]
                said.setdefault(title, {})[item] = prediction.verdict
            for explanation in snapshot.explanations:
                weights = np.abs(towards_fake(explanation))
                top = set(np.argsort(-weights, kind="stable")[:TOP_WORDS].tolist())
                title = snapshot.titles[explanation.classifier]
                marked.setdefault(title, {}).update({(item, i): i in top for i in range(len(weights))})
    reviewers = list(dict.fromkeys(people.values()))
    blind = [r for r in finished if r.first_verdict is not None]
    return Summary(
        tuple(_kappas(said, reviewers)),
        tuple(_kappas(marked, reviewers)),
        len(blind),
        sum(r.verdict != r.first_verdict for r in blind),
    )


def _words(snapshot: Snapshot) -> list[Span]:
    """The words that were read; the same for all models."""
    explained = snapshot.explanations[0].attributions if snapshot.explanations else ()
    return [Span(a.start, a.end) for a in explained]


def _kappas(answers: Mapping[str, Mapping[Any, Any]], reviewers: Sequence[str]) -> Iterable[Kappa]:
    """Of all pairs with a reviewer in it that have an item in common."""
    others = [rater for rater in answers if rater not in reviewers]
    here = [r for r in reviewers if r in answers]
    for first, second in [*combinations(here, 2), *((r, o) for r in here for o in others)]:
        common = [item for item in answers[first] if item in answers[second]]
        if common:
            yield _kappa(first, second, [answers[first][i] for i in common], [answers[second][i] for i in common])


def _kappa(first: str, second: str, a: Sequence[Any], b: Sequence[Any]) -> Kappa:
    from sklearn.metrics import cohen_kappa_score

    agreed = sum(x == y for x, y in zip(a, b, strict=True)) / len(a)
    defined = len(a) > 1 and len({*a, *b}) > 1
    return Kappa(first, second, len(a), float(cohen_kappa_score(a, b)) if defined else None, agreed)
