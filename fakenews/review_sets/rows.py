"""Rows of the tables as values of a review set."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fakenews.review_sets.values import Answer, Item, ModelAnswer, ReviewSet, Shown, Weights, digest_of
from fakenews.schema import Span
from fakenews.share.events import unpacked
from fakenews.share.snapshot import heading_of
from fakenews.share.tables import ITEMS

if TYPE_CHECKING:
    from sqlalchemy import Row

NO_TEXT = "The text of this article is not stored with the set, and this server does not have it in the corpus “{}”."
TEXT_COLUMNS = (ITEMS.c.text, ITEMS.c.corpus, ITEMS.c.article, ITEMS.c.digest)  # that `text_of` reads


def set_of(row: Row[Any], id_: str, n_articles: int, n_pending: int, is_ready: bool) -> ReviewSet:
    """Return the set in a row of the table of sets."""
    return ReviewSet(
        id=id_,
        title=row.title,
        instructions=row.instructions,
        blind=row.blind,
        created=row.created,
        expires=row.expires,
        closed=row.closed is not None,
        n_articles=n_articles,
        n_pending=n_pending,
        is_ready=is_ready,
    )


def item_of(row: Row[Any], text_in_corpus: Callable[[str, str], str | None] = lambda *_: None) -> Item:
    """Return the article in a row of the table of items."""
    return Item(
        number=row.number,
        label=row.label,
        corpus=row.corpus,
        article=row.article,
        heading=heading_of(text_of(row, text_in_corpus) or ""),
        models=tuple(ModelAnswer.from_dict(values) for values in json.loads(row.models or "[]")),
        problem=row.problem or "",
        is_pending=row.analyzed is None,
    )


def shown_of(row: Row[Any], text_in_corpus: Callable[[str, str], str | None], is_open: bool) -> Shown:
    """Return an article with its text, and with its analysis where it may be seen."""
    text = text_of(row, text_in_corpus)
    if text is None:
        return Shown(row.number, None, None, NO_TEXT.format(row.corpus))
    return Shown(row.number, text, row.snapshot if is_open else None, row.problem or "")


def text_of(row: Row[Any], text_in_corpus: Callable[[str, str], str | None]) -> str | None:
    """Return the text of an article, stored with the set or in its corpus; None where it is in neither."""
    if row.text is not None:
        return str(unpacked(row.text))
    text = text_in_corpus(row.corpus, row.article)
    return text if text is not None and digest_of(text) == row.digest else None


def weights_of(stored: bytes) -> dict[str, Weights]:
    """Return the weight of every word by each model that was explained, from an analysis as it is stored."""
    return {e["model"]: [(a[0], a[1], a[2]) for a in e["attributions"]] for e in unpacked(stored)["explanations"]}


def answer_of(row: Row[Any]) -> Answer:
    """Return the answer in a row of the table of answers."""
    body = json.loads(row.body)
    return Answer(
        number=row.number,
        verdict=row.verdict,
        confidence=row.confidence,
        seconds=row.seconds,
        after=row.after,
        spans=tuple(Span(*pair) for pair in body["spans"]),
        comment=body["comment"],
        saved=row.saved,
    )
