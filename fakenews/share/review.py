"""What reviewers say of a shared analysis, and how far they and the models agree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from fakenews.engine.errors import InputError
from fakenews.explain.agreement import towards_fake
from fakenews.explain.surrogate import TOP_WORDS
from fakenews.schema import JsonValue, Span
from fakenews.share.snapshot import Snapshot
from fakenews.text import encodable

Opinion = Literal["fake", "real", "cannot_judge"]
OPINIONS: dict[str, str] = {
    "fake": "Reads like fake news",
    "real": "Reads like real news",
    "cannot_judge": "I cannot say",
}
MAX_NAME, MAX_COMMENT, MAX_SPANS = 60, 2000, 200
Rater = tuple[str, str]  # kind and name, so that a reviewer named like a model is not taken for it
_PERSON, _MODEL = "person", "model"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tabs and line ends


@dataclass(frozen=True, slots=True)
class Review:
    """What one reviewer said of one shared analysis."""

    name: str  # as the reviewer gave it
    begun: int  # begun, finished: milliseconds since 1970, UTC; `finished` is None where a blind review was begun only
    finished: int | None = None
    first_verdict: Opinion | None = None  # before the models' answers were seen; None where they were seen at once
    verdict: Opinion | None = None  # with the models' answers in sight
    agree: Mapping[str, bool] | None = None  # whether the reviewer agrees with each model; may lack models
    spans: tuple[Span, ...] = ()  # stretches of the text that the reviewer marked
    comment: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, spans as [start, end]."""
        return {**asdict(self), "agree": dict(self.agree or {}), "spans": [[s.start, s.end] for s in self.spans]}


@dataclass(frozen=True, slots=True)
class Kappa(JsonValue):
    """Cohen's κ of two raters over the items that both judged."""

    first: str  # first, second: names of the raters
    second: str
    n: int  # items in common
    # In [-1, 1]; None where it is not defined: fewer than two items, or both raters gave one and the same answer
    # throughout
    kappa: float | None
    agreed: float  # share of the items on which they agree


@dataclass(frozen=True, slots=True)
class Summary(JsonValue):
    """What an owner's reviews come to."""

    # Between reviewers, and of each reviewer with each model, over the shared analyses both judged. A reviewer's
    # verdict is the first one given before the models were seen, where there is one.
    verdicts: tuple[Kappa, ...]
    # The same over words, of analyses in which the reviewer marked some: marked or not, and for models whether the word
    # is among the twenty strongest
    marks: tuple[Kappa, ...]
    # blind_reviews, mind_changed: blind reviews, one for each reviewer and analysis, and those whose verdict was
    # another once the models' answers were seen
    blind_reviews: int
    mind_changed: int


def summarize(items: Sequence[tuple[Snapshot, Sequence[Review]]]) -> Summary:
    """Summarize agreement over shared analyses and their reviews; a reviewer is a name, in any case.

    Who reviews one analysis twice has seen the models' answers by then: the first blind verdict stays, and of what was
    said with the answers in sight the last counts.
    """
    verdicts: dict[Rater, dict[Any, str]] = {}  # rater: item: verdict
    marked: dict[Rater, dict[Any, bool]] = {}  # rater: (item, word): marked
    names: dict[Rater, str] = {}
    changed: list[bool] = []  # of every blind review
    for item, (snapshot, reviews) in enumerate(items):
        reviews_by_rater: dict[Rater, list[Review]] = {}
        for review in reviews:
            reviews_by_rater.setdefault((_PERSON, review.name.strip().casefold()), []).append(review)
        for person, theirs in reviews_by_rater.items():
            done = [r for r in theirs if r.finished is not None]
            if not done:
                continue
            names.setdefault(person, done[0].name.strip() or "no name")
            first = next((r.first_verdict for r in theirs if r.first_verdict is not None), None)
            verdicts.setdefault(person, {})[item] = str(first or done[-1].verdict)
            if first is not None:
                changed.append(done[-1].verdict != first)
            for review in done:
                if review.spans:
                    highlighted = [
                        any(s.start < w.end and w.start < s.end for s in review.spans) for w in _words(snapshot)
                    ]
                    marked.setdefault(person, {}).update({(item, i): m for i, m in enumerate(highlighted)})
        if any(r.finished is not None for r in reviews):
            names.update({(_MODEL, p.model): snapshot.titles[p.model] for p in snapshot.analysis.predictions})
            for prediction in snapshot.analysis.predictions:
                verdicts.setdefault((_MODEL, prediction.model), {})[item] = prediction.verdict
            for explanation in snapshot.explanations:
                weights = np.abs(towards_fake(explanation))
                top = set(np.argsort(-weights, kind="stable")[:TOP_WORDS].tolist())
                model = (_MODEL, explanation.classifier)
                marked.setdefault(model, {}).update({(item, i): i in top for i in range(len(weights))})
    titles = {title.casefold() for (kind, _), title in names.items() if kind == _MODEL}
    for kind, name in list(names):
        if kind == _PERSON and name in titles:
            names[kind, name] += " (reviewer)"
    return Summary(tuple(_kappas(verdicts, names)), tuple(_kappas(marked, names)), len(changed), sum(changed))


def kappa_of(first: str, second: str, a: Sequence[Any], b: Sequence[Any]) -> Kappa:
    """Return Cohen's κ of two named raters from what they said of the same items, one or more."""
    from sklearn.metrics import cohen_kappa_score

    agreed = sum(x == y for x, y in zip(a, b, strict=True)) / len(a)
    defined = len(a) > 1 and len({*a, *b}) > 1
    return Kappa(first, second, len(a), float(cohen_kappa_score(a, b)) if defined else None, agreed)


def checked_name(name: str) -> str:
    """Return a reviewer's name as it is stored."""
    name = " ".join(cleaned(name).split())
    if not name:
        raise InputError("Give a name first, any name: it tells your reviews from others'.")
    if len(name) > MAX_NAME:
        raise InputError(f"The name has {len(name)} characters; at most {MAX_NAME} fit.")
    return name


def checked_comment(comment: str) -> str:
    """Return a reviewer's comment as it is stored."""
    comment = cleaned(comment).strip()
    if len(comment) > MAX_COMMENT:
        raise InputError(f"The comment has {len(comment):,} characters; at most {MAX_COMMENT:,} fit.")
    return comment


def check_verdict(verdict: str) -> None:
    """Refuse what is none of `OPINIONS`."""
    if verdict not in OPINIONS:
        raise InputError(f"Give a verdict, one of {', '.join(OPINIONS)}; got {verdict[:40]!r}.")


def checked_agreement(agree: Mapping[str, bool], snapshot: Snapshot) -> dict[str, bool]:
    """Return whether a reviewer agrees with each model, all of which are the snapshot's."""
    models = [p.model for p in snapshot.analysis.predictions]
    for model in agree:
        if model not in models:
            raise InputError(f"There is no model {model[:40]!r} in this analysis. Here: {', '.join(models)}.")
    return dict(agree)


def checked_spans(spans: Sequence[Span], length: int) -> list[list[int]]:
    """Return the stretches that a reviewer marked, in order and each once, as [start, end], in a text of `length`."""
    if len(spans) > MAX_SPANS:
        raise InputError(f"{len(spans):,} stretches are marked; at most {MAX_SPANS} fit.")
    for span in spans:
        if not 0 <= span.start < span.end <= length:
            raise InputError(f"Got the stretch [{span.start}, {span.end}]: each is [start, end] within 0 to {length}.")
    return [list(pair) for pair in sorted({(span.start, span.end) for span in spans})]


def cleaned(written: str) -> str:
    """Return what a visitor wrote, without characters that an index or a page cannot hold."""
    return _CONTROL.sub(" ", encodable(written))


def _words(snapshot: Snapshot) -> list[Span]:
    """Return the words that were read; the same for all models."""
    explained = snapshot.explanations[0].attributions if snapshot.explanations else ()
    return [Span(a.start, a.end) for a in explained]


def _kappas(answers: Mapping[Rater, Mapping[Any, Any]], names: Mapping[Rater, str]) -> Iterable[Kappa]:
    """Return kappas of all pairs with a reviewer in it that have an item in common."""
    people = [rater for rater in names if rater[0] == _PERSON and rater in answers]
    models = [rater for rater in answers if rater[0] == _MODEL]
    for first, second in [*combinations(people, 2), *((p, m) for p in people for m in models)]:
        a, b = answers[first], answers[second]
        common = [item for item in a if item in b]
        if common:
            yield kappa_of(names[first], names[second], [a[i] for i in common], [b[i] for i in common])
