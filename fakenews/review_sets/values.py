"""What a review set is made of, and what its reviewers say, as values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from fakenews.engine.errors import InputError
from fakenews.schema import JsonValue, Span
from fakenews.share.events import unpacked
from fakenews.share.links import owner_set_address, set_address
from fakenews.share.review import Opinion, check_verdict, checked_comment, cleaned
from fakenews.share.snapshot import Snapshot

MAX_ARTICLES = 200  # of one set
MAX_REVIEWERS = 500  # of one set
MAX_TITLE, MAX_INSTRUCTIONS = 120, 4000  # characters
CONFIDENCES = (1, 2, 3, 4, 5)  # how sure a reviewer is, from a guess to certain
MAX_SECONDS = 86_400.0  # spent on one article; longer is a page left open

Label = Literal["fake", "real"]
Weights = Sequence[tuple[int, int, float]]  # start, end and weight of every word that a model read


@dataclass(frozen=True, slots=True)
class NewItem:
    """An article that goes into a set.

    With a `corpus` and the id of the `article` in it, its text can be found again; `keep_text` says whether it is
    stored with the set all the same.
    """

    text: str  # as `Judge.check` returned it
    label: Label | None = None  # what the corpus or the table says
    corpus: str = ""
    article: str = ""
    keep_text: bool = True

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the text, by which it is known again."""
        return digest_of(self.text)


@dataclass(frozen=True, slots=True)
class ModelAnswer(JsonValue):
    """What one model says of one article."""

    model: str
    title: str  # name for people
    p_fake: float
    verdict: Opinion


@dataclass(frozen=True, slots=True)
class Item:
    """An article of a set, as its owner and its reviewers see it listed; `number` is from 0 in the order of adding."""

    number: int
    label: Label | None
    corpus: str
    article: str
    heading: str  # first line of the text, shortened; empty where the text is not here
    models: tuple[ModelAnswer, ...] = ()  # empty until it is analyzed, or where it cannot be
    problem: str = ""  # why there is no analysis
    is_pending: bool = False  # whether it has yet to be analyzed


@dataclass(frozen=True, slots=True)
class Shown:
    """An article as one reviewer may see it."""

    number: int
    text: str | None  # None where it may not be stored and its corpus is not here
    stored: bytes | None  # the packed analysis; None before a blind answer is given, and where there is none
    problem: str = ""  # why there is no text or no analysis

    @property
    def values(self) -> Mapping[str, Any] | None:
        """Return the analysis as JSON has it."""
        return None if self.stored is None else {**unpacked(self.stored), "text": self.text}

    @property
    def snapshot(self) -> Snapshot | None:
        """Return the analysis."""
        values = self.values
        return None if values is None else Snapshot.from_dict(values)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one reviewer says of one article; `number` is the article's."""

    number: int
    verdict: Opinion  # in a blind set the one given before the models' answers were shown
    confidence: int | None = None  # one of `CONFIDENCES`
    seconds: float | None = None  # from opening the article to the verdict
    after: Opinion | None = None  # the verdict with the models' answers in sight; in a blind set only
    spans: tuple[Span, ...] = ()  # stretches of the text that the reviewer marked
    comment: str = ""
    saved: int = 0  # milliseconds since 1970, UTC

    @property
    def last(self) -> Opinion:
        """Return the verdict that stands."""
        return self.after or self.verdict

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, spans as [start, end]."""
        return {
            "number": self.number,
            "verdict": self.verdict,
            "confidence": self.confidence,
            "seconds": self.seconds,
            "after": self.after,
            "spans": [[s.start, s.end] for s in self.spans],
            "comment": self.comment,
            "saved": self.saved,
        }


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One reviewer with all answers, by the numbers of the articles."""

    number: int  # from 1, in the order of coming
    name: str  # as given; two reviewers may have the same
    begun: int  # milliseconds since 1970, UTC
    order: tuple[int, ...]  # numbers of the articles in the order in which this one sees them
    answers: dict[int, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReviewSet:
    """A set as anyone with its link may see it."""

    id: str
    title: str
    instructions: str
    blind: bool
    created: int  # created, expires: milliseconds since 1970, UTC
    expires: int
    closed: bool  # whether answers are taken no more
    n_articles: int
    n_pending: int  # articles that have yet to be analyzed, which reviewers do not see before
    is_ready: bool = True  # whether reviewers can begin: all articles that it was made with are analyzed

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Results:
    """A set with everything in it, as its owner sees it."""

    set: ReviewSet
    items: tuple[Item, ...]
    reviewers: tuple[Reviewer, ...]


@dataclass(frozen=True, slots=True)
class SetLink:
    """What whoever makes a set gets: `id` for reviewers, `owner` to read and change it."""

    id: str
    owner: str
    expires: int  # milliseconds since 1970, UTC

    def to_dict(self, base: str) -> dict[str, Any]:
        """Return the JSON form, with the addresses of both on the server at `base`."""
        addresses = {"link": set_address(base, self.id), "owner_link": owner_set_address(base, self.id, self.owner)}
        return {"id": self.id, "owner": self.owner, "expires": self.expires, **addresses}


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def order_of(set_seed: int, reviewer_seed: int, n_articles: int) -> tuple[int, ...]:
    """Return the order in which a reviewer sees the articles; those added later change the order of no others."""
    keys = np.random.default_rng([set_seed, reviewer_seed]).random(MAX_ARTICLES)[:n_articles]
    return tuple(np.argsort(keys, kind="stable").tolist())


def checked_title(title: str) -> str:
    """Return the title of a set as it is stored; raise `InputError` if there is none or it is too long."""
    title = " ".join(cleaned(title).split())
    if not title:
        raise InputError("Give the set a title: reviewers see it first.")
    if len(title) > MAX_TITLE:
        raise InputError(f"The title has {len(title):,} characters; at most {MAX_TITLE} fit.")
    return title


def checked_instructions(instructions: str) -> str:
    """Return the instructions as they are stored: plain text; raise `InputError` if they are too long."""
    instructions = cleaned(instructions).strip()
    if len(instructions) > MAX_INSTRUCTIONS:
        raise InputError(f"The instructions have {len(instructions):,} characters; at most {MAX_INSTRUCTIONS:,} fit.")
    return instructions


def checked_answer(answer: Answer) -> Answer:
    """Return an answer as it is stored, its comment cleaned; raise `InputError` if something in it cannot be taken."""
    check_verdict(answer.verdict)
    if answer.after is not None:
        check_verdict(answer.after)
    if answer.confidence is not None and answer.confidence not in CONFIDENCES:
        raise InputError(f"Got confidence {answer.confidence}: give 1 (a guess) to 5 (certain), or none.")
    if answer.seconds is not None and not 0 <= answer.seconds <= MAX_SECONDS:
        raise InputError(f"Got {answer.seconds:g} seconds: give 0 to {MAX_SECONDS:,.0f}, or none.")
    return replace(answer, comment=checked_comment(answer.comment))
