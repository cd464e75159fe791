"""What the answers to a review set come to: accuracy, agreement and changed minds, pure.

A verdict is the first one a reviewer gave, unless something else is said; in a blind set it was given before the
models' answers were shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.ensemble import MEMBERS
from fakenews.explain.surrogate import rank_agreement
from fakenews.metrics.evaluation import Interval, wilson_interval
from fakenews.review_sets.values import Answer, Item, Label, Results, Reviewer, Weights
from fakenews.schema import JsonValue, Span
from fakenews.share.review import Kappa, Opinion, kappa_of

CATEGORIES: tuple[Opinion, ...] = ("fake", "real", "cannot_judge")
MAX_PAIRED = 50  # reviewers up to whom every pair is compared; of more, nobody reads the list
N_RESAMPLES, SEED = 1000, 42
UNDEFINED = 2.0  # in place of the α of a resample in which everyone gives the same answer
ALONE = "No article was answered by two reviewers, so nothing can be said on agreement yet."
ONE_ANSWER = "All gave one and the same answer where several answered, so agreement beyond chance is not defined."
MANY = f"Pairs of reviewers are compared in sets of up to {MAX_PAIRED} reviewers."
_NONE = -1  # in place of a category: no answer
_Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rate(JsonValue):
    """A share with its counts."""

    part: int
    whole: int
    share: float | None  # `part / whole`; None where `whole` is 0
    interval: Interval | None  # 95% Wilson interval of `share`


@dataclass(frozen=True, slots=True)
class MindChanges(JsonValue):
    """Verdicts before and after the models' answers were shown, in a blind set."""

    n: int  # answers that say what the verdict is after it
    changed: int  # of them, those with another verdict
    # Of those changed: towards_label, away_from_label: to the label, and from it, where the article has one;
    # towards_model: to what `SetSummary.lead` said
    towards_label: int
    away_from_label: int
    towards_model: int


@dataclass(frozen=True, slots=True)
class ReviewerSummary(JsonValue):
    """What one reviewer's answers come to."""

    number: int
    name: str  # another one for each reviewer of the set
    answered: int  # articles
    cannot_judge: int  # of them, those without a verdict
    accuracy: Rate  # verdicts that are the label, of those given on labeled articles
    after: Rate | None  # the same of the verdicts that stand since the models were seen; None where none was given then
    majority: Rate  # answers that are the majority's of the other reviewers, where these have one
    seconds: float | None  # median of an article
    confidence: float | None  # mean, in [1, 5]
    changes: MindChanges


@dataclass(frozen=True, slots=True)
class ModelSummary(JsonValue):
    """What one model's answers come to."""

    model: str
    title: str
    analyzed: int  # articles
    no_verdict: int  # of them, those without a verdict
    accuracy: Rate
    majority: Rate  # verdicts that are the reviewers' majority, of those given where they have one


@dataclass(frozen=True, slots=True)
class Alpha(JsonValue):
    """Krippendorff's α of all reviewers; fake, real and cannot_judge are names without an order."""

    alpha: float | None  # at most 1, which is full agreement; 0 is chance
    interval: Interval | None  # 95%, percentiles of a bootstrap over articles; None where it has no width
    n: int  # articles answered by two reviewers or more
    why: str  # one sentence where `alpha` is None, else empty


@dataclass(frozen=True, slots=True)
class ArticleSummary(JsonValue):
    """What was said of one article."""

    number: int
    label: Label | None
    fake: int  # fake, real, cannot_judge: reviewers who said so
    real: int
    cannot_judge: int
    majority: Opinion | None  # None where two are said equally often
    entropy: float | None  # bits, from 0 where all say the same to 1.58; None without an answer
    seconds: float | None  # median
    models: Mapping[str, Opinion]  # each model's verdict; empty where it was not analyzed


@dataclass(frozen=True, slots=True)
class WordAgreement(JsonValue):
    """How alike reviewers and a model rank the words of an article."""

    model: str
    title: str
    n: int  # articles in which reviewers marked words and the model gave weights
    # Mean over them of Spearman's rank correlation between the share of those who marked words that marked a word, and
    # its absolute weight, in [-1, 1]
    agreement: float | None


@dataclass(frozen=True, slots=True)
class SetSummary(JsonValue):
    """What a review set comes to."""

    n_articles: int
    n_labeled: int
    n_answers: int
    reviewers: tuple[ReviewerSummary, ...]
    models: tuple[ModelSummary, ...]
    lead: (
        str  # model towards which minds are said to change: the first ensemble, else the first; empty if there is none
    )
    alpha: Alpha
    kappas: tuple[Kappa, ...]  # of reviewers with one another; empty above `MAX_PAIRED`, as `kappas_missing` then says
    kappas_missing: str
    model_kappas: tuple[Kappa, ...]  # of each reviewer with each model
    changes: MindChanges  # of all reviewers
    articles: tuple[ArticleSummary, ...]  # those on which reviewers disagree most first
    words: tuple[WordAgreement, ...]  # empty where nobody marked any


class _Table(NamedTuple):
    """Answers as codes, which are indices into `CATEGORIES`, or `_NONE`."""

    first: _Codes  # (n_reviewers, n_articles)
    last: _Codes
    models: _Codes  # (n_models, n_articles)
    labels: _Codes  # (n_articles,)
    counts: _Codes  # (n_articles, 3), how many reviewers said first what


def summarize(results: Results, weights: Mapping[int, Mapping[str, Weights]] | None = None) -> SetSummary:
    """Summarize the answers to a set.

    Parameters
    ----------
    weights : mapping of int to mapping, optional
        By article (those of `marked` are enough) and model, the weights of the words (`SetStore.weights`).
    """
    titles = {m.model: m.title for item in results.items for m in item.models}
    names = _names(results.reviewers, titles.values())
    table = _table(results, list(titles))
    lead = next((model for model in titles if model in MEMBERS), next(iter(titles), ""))
    says = table.models[list(titles).index(lead)] if lead else np.full(len(results.items), _NONE)
    changes = [_changes(r, results.items, says) for r in results.reviewers]
    answered = [i for i, row in enumerate(table.first) if np.any(row != _NONE)]
    is_few = len(answered) <= MAX_PAIRED
    pairs = combinations(answered, 2) if is_few else ()
    kappas = [_kappa(names[a], names[b], table.first[a], table.first[b]) for a, b in pairs]
    with_models = [
        _kappa(names[a], title, table.first[a], table.models[b])
        for a in answered
        for b, title in enumerate(titles.values())
    ]
    return SetSummary(
        n_articles=len(results.items),
        n_labeled=int(np.sum(table.labels != _NONE)),
        n_answers=int(np.sum(table.first != _NONE)),
        reviewers=tuple(
            _reviewer(r, i, names[i], table, changes[i], results.set.blind) for i, r in enumerate(results.reviewers)
        ),
        models=tuple(_model(model, title, table.models[i], table) for i, (model, title) in enumerate(titles.items())),
        lead=lead,
        alpha=_alpha(table.counts),
        kappas=tuple(k for k in kappas if k is not None),
        kappas_missing="" if is_few else MANY,
        model_kappas=tuple(k for k in with_models if k is not None),
        changes=_sum(changes),
        articles=_articles(results, table),
        words=_words(results.reviewers, weights or {}, titles),
    )


def marked(results: Results) -> list[int]:
    """Return the numbers of the articles in which a reviewer marked words."""
    return sorted({a.number for r in results.reviewers for a in r.answers.values() if a.spans})


def _names(reviewers: Sequence[Reviewer], titles: Iterable[str]) -> list[str]:
    """Return a name for each reviewer that no other reviewer and no model has: "Ada", then "Ada (2)"."""
    models = {title.casefold() for title in titles}
    taken = set(models)
    names = []
    for reviewer in reviewers:
        name = first = f"{reviewer.name} (reviewer)" if reviewer.name.casefold() in models else reviewer.name
        for n in count(2):
            if name.casefold() not in taken:
                break
            name = f"{first} ({n})"
        taken.add(name.casefold())
        names.append(name)
    return names


def _table(results: Results, models: Sequence[str]) -> _Table:
    code: dict[str, int] = {name: i for i, name in enumerate(CATEGORIES)}
    column = {item.number: i for i, item in enumerate(results.items)}
    first = np.full((len(results.reviewers), len(column)), _NONE)
    last = first.copy()
    said = np.full((len(models), len(column)), _NONE)
    for i, reviewer in enumerate(results.reviewers):
        for answer in reviewer.answers.values():
            first[i, column[answer.number]] = code[answer.verdict]
            last[i, column[answer.number]] = code[answer.last]
    for item in results.items:
        for model in item.models:
            said[models.index(model.model), column[item.number]] = code[model.verdict]
    labels = np.array([code[item.label] if item.label else _NONE for item in results.items], dtype=np.int64)
    return _Table(first, last, said, labels, _counts(first))


def _counts(codes: _Codes) -> _Codes:
    """Return how many say what, shape (n_articles, 3)."""
    return np.stack([np.sum(codes == k, axis=0) for k in range(len(CATEGORIES))], axis=1)


def _majority(counts: _Codes) -> _Codes:
    """Return what more say than anything else, shape (n_articles,); `_NONE` where nothing is."""
    most = counts.max(axis=1, initial=0)
    alone = np.sum(counts == most[:, None], axis=1) == 1
    return np.where(alone & (most > 0), counts.argmax(axis=1), _NONE)


def _reviewer(
    reviewer: Reviewer, i: int, name: str, table: _Table, changes: MindChanges, blind: bool
) -> ReviewerSummary:
    mine = table.first[i]
    others = _majority(table.counts - _counts(table.first[i : i + 1]))
    answers = reviewer.answers.values()
    confidences = [a.confidence for a in answers if a.confidence is not None]
    return ReviewerSummary(
        number=reviewer.number,
        name=name,
        answered=len(answers),
        cannot_judge=int(np.sum(mine == CATEGORIES.index("cannot_judge"))),
        accuracy=_accuracy(mine, table.labels),
        after=_accuracy(table.last[i], table.labels) if blind and changes.n else None,
        majority=_agreement(mine, others),
        seconds=_median(list(answers)),
        confidence=float(np.mean(confidences)) if confidences else None,
        changes=changes,
    )


def _model(model: str, title: str, said: _Codes, table: _Table) -> ModelSummary:
    return ModelSummary(
        model=model,
        title=title,
        analyzed=int(np.sum(said != _NONE)),
        no_verdict=int(np.sum(said == CATEGORIES.index("cannot_judge"))),
        accuracy=_accuracy(said, table.labels),
        majority=_agreement(_given(said), _majority(table.counts)),
    )


def _accuracy(codes: _Codes, labels: _Codes) -> Rate:
    return _agreement(_given(codes), labels)


def _given(codes: _Codes) -> _Codes:
    """Return verdicts alone: no answer in place of "cannot_judge"."""
    return np.where(codes == CATEGORIES.index("cannot_judge"), _NONE, codes)


def _agreement(codes: _Codes, others: _Codes) -> Rate:
    both = (codes != _NONE) & (others != _NONE)
    return _rate(int(np.sum(both & (codes == others))), int(np.sum(both)))


def _rate(part: int, whole: int) -> Rate:
    return Rate(part, whole, part / whole, wilson_interval(part, whole)) if whole else Rate(part, whole, None, None)


def _median(answers: Sequence[Answer]) -> float | None:
    seconds = [a.seconds for a in answers if a.seconds is not None]
    return float(np.median(seconds)) if seconds else None


def _changes(reviewer: Reviewer, items: Sequence[Item], says: _Codes) -> MindChanges:
    by_number = {item.number: (item.label, int(said)) for item, said in zip(items, says, strict=True)}
    seen = [a for a in reviewer.answers.values() if a.after is not None]
    changed = [(a.verdict, str(a.after), *by_number[a.number]) for a in seen if a.after != a.verdict]
    return MindChanges(
        n=len(seen),
        changed=len(changed),
        towards_label=sum(after == label for _, after, label, _ in changed),
        away_from_label=sum(first == label for first, _, label, _ in changed),
        towards_model=sum(
            said != _NONE and after == CATEGORIES[said] != "cannot_judge" for _, after, _, said in changed
        ),
    )


def _sum(changes: Sequence[MindChanges]) -> MindChanges:
    names = ("n", "changed", "towards_label", "away_from_label", "towards_model")
    return MindChanges(**{name: sum(getattr(c, name) for c in changes) for name in names})


def _kappa(first: str, second: str, a: _Codes, b: _Codes) -> Kappa | None:
    both = (a != _NONE) & (b != _NONE)
    return kappa_of(first, second, a[both].tolist(), b[both].tolist()) if both.any() else None


def _alpha(counts: _Codes) -> Alpha:
    """Return α of counts of shape (n_articles, 3)."""
    import krippendorff
    from scipy.stats import bootstrap

    units = counts[counts.sum(axis=1) > 1]
    if not len(units):
        return Alpha(None, None, 0, ALONE)
    if np.sum(units.any(axis=0)) < 2:
        return Alpha(None, None, len(units), ONE_ANSWER)

    def alpha(drawn: NDArray[np.int64]) -> float:
        some = units[drawn]
        if np.sum(some.any(axis=0)) < 2:
            return UNDEFINED
        return float(krippendorff.alpha(value_counts=some, level_of_measurement="nominal"))

    value = alpha(np.arange(len(units)))
    if len(units) < 2:
        return Alpha(value, None, len(units), "")
    drawn = bootstrap(
        (np.arange(len(units)),), alpha, vectorized=False, n_resamples=N_RESAMPLES, method="percentile",
        rng=np.random.default_rng(SEED),
    ).bootstrap_distribution  # fmt: skip
    low, high = (float(end) for end in np.percentile(drawn[drawn < UNDEFINED], (2.5, 97.5)))
    return Alpha(value, (low, high) if low < high else None, len(units), "")


def _articles(results: Results, table: _Table) -> tuple[ArticleSummary, ...]:
    from scipy.stats import entropy

    counts, majority = table.counts, _majority(table.counts)
    found = []
    for i, item in enumerate(results.items):
        fake, real, cannot_judge = (int(n) for n in counts[i])
        found.append(
            ArticleSummary(
                number=item.number,
                label=item.label,
                fake=fake,
                real=real,
                cannot_judge=cannot_judge,
                majority=None if majority[i] == _NONE else CATEGORIES[majority[i]],
                entropy=float(entropy(counts[i], base=2)) if counts[i].any() else None,
                seconds=_median([r.answers[item.number] for r in results.reviewers if item.number in r.answers]),
                models={m.model: m.verdict for m in item.models},
            )
        )
    return tuple(
        sorted(
            found,
            key=lambda a: (
                -1.0 if a.entropy is None else a.entropy,
                a.fake + a.real + a.cannot_judge,
                -a.number,
            ),
            reverse=True,
        )
    )


def _words(
    reviewers: Sequence[Reviewer], weights: Mapping[int, Mapping[str, Weights]], titles: Mapping[str, str]
) -> tuple[WordAgreement, ...]:
    found: dict[str, list[float]] = {}
    for number, by_model in weights.items():
        answers = [r.answers[number] for r in reviewers if number in r.answers]
        marks = [a.spans for a in answers if a.spans]
        for model, words in by_model.items():
            values = found.setdefault(model, [])
            agreement = _rank(marks, words) if marks else None
            if agreement is not None:
                values.append(agreement)
    return tuple(
        WordAgreement(model, titles.get(model, model), len(values), float(np.mean(values)) if values else None)
        for model, values in found.items()
    )


def _rank(marks: Sequence[Sequence[Span]], words: Weights) -> float | None:
    """Return the rank agreement of marks and weights; None where all words are marked, or weigh, the same."""
    if not words:
        return None
    starts, ends, signed = (np.array(column, dtype=np.float64) for column in zip(*words, strict=True))
    hits = [np.any([(s.start < ends) & (starts < s.end) for s in spans], axis=0) for spans in marks]
    share, strength = np.mean(hits, axis=0), np.abs(signed)
    if np.ptp(share) == 0 or np.ptp(strength) == 0:
        return None
    return rank_agreement(share, strength, n_top=len(words))
