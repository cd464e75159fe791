"""What the API answers, as types from which its document is made; nothing is computed with them.

`tests/test_shares_api.py` compares them with answers of the running server, key by key. A value whose JSON has the
fields that it has itself stands for itself.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from fakenews.review_sets.statistics import SetSummary
from fakenews.review_sets.values import ModelAnswer
from fakenews.schema import Grade, Prediction, Target, Verdict
from fakenews.share.review import Opinion, Summary
from fakenews.similar.track_record import TrackRecord

Pair = tuple[int, int]  # characters: start, end


class Error(TypedDict):
    """What is wrong, and what to do."""

    error: str


class Word(TypedDict):
    """Characters `start` to `end` (exclusive) of the text, with the signed weight of the word."""

    start: int
    end: int
    text: str
    weight: float


class Words(TypedDict):
    """Characters `start` to `end` (exclusive) of the text."""

    start: int
    end: int
    text: str


class Edit(TypedDict):
    """What one edit of formatting did: whether there was anything to edit, and which models it flipped."""

    edit: str
    description: str
    changed: bool
    p_fake: dict[str, float]
    moved: list[str]


class Formatting(TypedDict):
    """How answers fared under edits of formatting; `p_fake` is that of the text as it is."""

    version: int
    p_fake: dict[str, float]
    moved: list[str]
    edits: list[Edit]
    seconds: float


class Analysis(TypedDict):
    """What models say of a text; `formatting` where it was asked for."""

    predictions: list[Prediction]
    n_words: int
    seconds: float
    track_records: list[TrackRecord]
    formatting: NotRequired[Formatting]


class _Explained(TypedDict):
    model: str
    method: str
    target: Target
    unit: Literal["log-odds", "probability"]
    base_value: float
    log_odds: float
    fidelity: float | None
    residual: float | None
    stability: float | None
    grade: Grade | None
    settings: dict[str, Any]
    seed: int
    seconds: float


class Explanation(_Explained):
    """How far each word moved a model towards `target`; `log_odds` is what it gave for the whole text."""

    attributions: list[Word]


class Step(TypedDict):
    """One line of the stream: the explanation so far, and the `share` of the work that is done.

    `seconds_left` is not known while it is graded.
    """

    share: float
    seconds_left: float | None
    explanation: Explanation


class Change(TypedDict):
    """What one model says before and after the edit."""

    model: str
    before: Prediction
    after: Prediction
    log_odds_change: float
    p_fake_change: float


class WhatIf(TypedDict):
    """The edited text, and what models say of both."""

    text: str
    changes: list[Change]
    seconds: float


class Sentence(Words):
    """A sentence of the text, by its number among those with words, from 1."""

    sentence: int


class Flip(TypedDict):
    """The fewest of its `sentences` without which the prediction flips; none where no set was found."""

    model: str
    sentences: int
    removed: list[Sentence]
    p_before: float
    p_after: float
    exact: bool
    evaluations: int
    seconds: float


class Ranks(TypedDict):
    """Spearman's rank correlation of the strongest words of two explanations."""

    first: str
    second: str
    rank_agreement: float


class Comparison(TypedDict):
    """Explanations by model and method, and the words that all of them count among the strongest."""

    explanations: list[str]
    pairs: list[Ranks]
    shared: list[Words]


class SharedExplanation(_Explained):
    """As of `explain`, but each attribution is [start, end, weight]."""

    attributions: list[tuple[int, int, float]]


class Snapshot(TypedDict):
    """An analysis as it stood, schema 2; `unread` is what cleaning removed."""

    schema: Literal[2]
    kind: Literal["fakenews analysis"]
    created: str
    text: str
    redacted: bool
    analysis: Analysis
    explanations: list[SharedExplanation]
    unread: list[Pair]
    titles: dict[str, str]
    records: dict[str, str]
    revisions: dict[str, str]
    code: dict[str, Any]


class Link(TypedDict):
    """`id` and `link` to read, `owner` and `owner_link` to delete and to see reviews; `expires` in milliseconds."""

    id: str
    link: str
    owner: str
    owner_link: str
    expires: int


class Hidden(TypedDict):
    """What a reader sees of a blind share before `begin`: the text, and nothing of the models' answers."""

    blind: Literal[True]
    hidden: Literal[True]
    expires: int
    text: str


class Shown(TypedDict):
    """What a link shows, and one sentence for each part that has changed since."""

    blind: bool
    hidden: Literal[False]
    expires: int
    changes: list[str]
    snapshot: Snapshot


class Begun(TypedDict):
    """The key to send the review with, and what the link shows now."""

    review: str
    snapshot: Snapshot


class Stored(TypedDict):
    """The review is stored."""

    stored: Literal[True]


class Expiry(TypedDict):
    """When the link ends, in milliseconds since 1970."""

    expires: int


class Deleted(TypedDict):
    """What was shared is gone, with its reviews."""

    deleted: Literal[True]


class Review(TypedDict):
    """What one reviewer said; times in milliseconds since 1970, without `finished` if it was begun only."""

    name: str
    begun: int
    finished: int | None
    first_verdict: Opinion | None
    verdict: Opinion | None
    agree: dict[str, bool]
    spans: list[Pair]
    comment: str


class Share(TypedDict):
    """One of an owner's shares."""

    id: str
    heading: str
    created: str
    expires: int
    blind: bool
    redacted: bool
    verdicts: dict[str, Verdict]
    reviews: list[Review]


class Shares(TypedDict):
    """Everything under an owner's key."""

    shares: list[Share]
    agreement: Summary


class ReviewSet(TypedDict):
    """A set as anyone with its link may see it; `n_pending` articles have yet to be analyzed.

    Reviewers can begin once it `is_ready`: all articles that it was made with are analyzed.
    """

    id: str
    title: str
    instructions: str
    blind: bool
    created: int
    expires: int
    closed: bool
    n_articles: int
    n_pending: int
    is_ready: bool


class OwnedSet(ReviewSet):
    """A set as its owner sees it listed."""

    n_reviewers: int


class Sets(TypedDict):
    """The sets under an owner's key."""

    sets: list[OwnedSet]


class BegunSet(TypedDict):
    """The key to answer with."""

    reviewer: str


class SetAnswer(TypedDict):
    """What one reviewer says of the article of this `number`; `saved` in milliseconds since 1970."""

    number: int
    verdict: Opinion
    confidence: int | None
    seconds: float | None
    after: Opinion | None
    spans: list[Pair]
    comment: str
    saved: int


class Reviewer(TypedDict):
    """A reviewer, the `order` in which this one sees the articles, by their numbers, and all answers."""

    number: int
    name: str
    begun: int
    order: list[int]
    answers: list[SetAnswer]


class SetArticle(TypedDict):
    """An article as a reviewer may see it.

    Without `snapshot` before a blind answer is given, and where there is no analysis; `problem` says why there is none.
    """

    number: int
    text: str | None
    snapshot: Snapshot | None
    problem: str


class SetItem(TypedDict):
    """An article of a set with the models' answers."""

    number: int
    label: Target | None
    corpus: str
    article: str
    heading: str
    models: list[ModelAnswer]
    problem: str


class Results(TypedDict):
    """A set with all articles, reviewers and answers, and what they come to."""

    set: ReviewSet
    items: list[SetItem]
    reviewers: list[Reviewer]
    summary: SetSummary
