"""The page on which a reviewer works through a review set, pure: the page, and each article when it is asked for."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any

from markupsafe import Markup

from fakenews.review_sets.values import MAX_ARTICLES, ReviewSet, Shown
from fakenews.share.review import MAX_COMMENT, MAX_NAME, MAX_SPANS
from fakenews.share.snapshot import Snapshot
from fakenews.ui import export, render_highlights, render_shares, render_verdicts, render_words
from fakenews.ui.scripts import policy_of, script
from fakenews.ui.style import SET_CSS, document_style
from fakenews.ui.templates import draw

VERDICTS = (("fake", "Fake", "F"), ("real", "Real", "R"), ("cannot_judge", "Cannot tell", "?"))  # value, word, key
CONFIDENCES = ("a guess", "unsure", "fairly sure", "sure", "certain")  # words for 1 to 5
KEPT_CHARACTERS = 8000  # of the longest article whose drawing is kept: a quarter of a megabyte
LIMITS = {"name": MAX_NAME, "comment": MAX_COMMENT, "spans": MAX_SPANS}


def page(set_: ReviewSet) -> Markup:
    """Draw the page of a set, without any of its articles: these are asked for with the reviewer's key."""
    return draw(
        "review_set", "page", set=set_, until=render_shares.day(set_.expires), style=document_style(SET_CSS),
        code=_code(), verdicts=VERDICTS, confidences=CONFIDENCES, limits=LIMITS,
    )  # fmt: skip


def nothing(sentence: str) -> Markup:
    """Draw the page behind a link that shows nothing, and why."""
    return export.page("Review set", (render_shares.nothing(sentence),))


def policy() -> str:
    """Return the content security policy of the page."""
    return policy_of(_code())


@cache
def _code() -> Markup:
    """Return the script of the page, which is the same for all sets."""
    names = {"tip": script("tip"), "selection": script("selection"), "words": script("words")}
    own = {"outbox": script("set_outbox"), "main": script("review_set")}
    return draw("review_set", "code", **{name: Markup(source) for name, source in {**names, **own}.items()})


def article(shown: Shown) -> dict[str, Any]:
    """Draw an article as its reviewer may see it, as pieces of the page.

    `answer`, `words`, `heard` and `highlights` are None or empty where the models' answers may not be seen yet, or
    there are none. Every text keeps its characters, so marks are stretches of the reviewer's own text.
    """
    pieces: dict[str, Any] = {
        "number": shown.number,
        "text": None if shown.text is None else render_highlights.plain(shown.text),
        "answer": None,
        "words": "",
        "heard": "",
        "models": [],
        "highlights": {},
        "problem": shown.problem,
    }
    snapshot = shown.snapshot
    return pieces if snapshot is None else {**pieces, **_answer(snapshot)}


@lru_cache(maxsize=2 * MAX_ARTICLES)
def _kept(shown: Shown) -> bytes:
    return _json(shown)


def _json(shown: Shown) -> bytes:
    return json.dumps(article(shown), ensure_ascii=False).encode()


def article_json(shown: Shown) -> bytes:
    """Return the JSON of an article as it is drawn; the latest with models' answers are kept, as they are costly."""
    is_costly = shown.stored is not None and len(shown.text or "") <= KEPT_CHARACTERS
    return _kept(shown) if is_costly else _json(shown)


def _answer(snapshot: Snapshot) -> dict[str, Any]:
    titles = snapshot.titles
    explained = {e.classifier: e for e in snapshot.explanations}
    key = render_highlights.key()
    words = render_words.top_words([(titles[m], e) for m, e in explained.items()]) if explained else ""
    return {
        "answer": render_verdicts.verdicts(snapshot.analysis, titles, snapshot.records),
        "words": words,
        "heard": render_verdicts.verdicts_heard(snapshot.analysis, titles).striptags(),
        "models": [{"model": m, "title": titles[m]} for m in explained],
        "highlights": {
            m: render_highlights.highlighted(e, "word", snapshot.unread)
            + key
            + render_highlights.legend(e, titles[m], titles[e.explainer], e.grade is not None)
            for m, e in explained.items()
        },
    }
