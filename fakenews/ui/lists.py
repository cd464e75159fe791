"""The list under the figures: errors, articles of one cell of the confusion matrix, or those nearest the threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from fakenews.data import registry
from fakenews.data.table import joined_texts
from fakenews.metrics.error_analysis import cell_mask, close_to_call, misclassified
from fakenews.reporting.digits import counted
from fakenews.schema import FAKE, LABELS, REAL
from fakenews.similar.neighbors import NearestArticle, Neighbors
from fakenews.text import count_words
from fakenews.ui import render
from fakenews.ui.measured import AS_SHIPPED, ERRORS, Looked
from fakenews.ui.templates import draw
from fakenews.verdict import MIN_WORDS, REASONS, UNDECIDED

ROWS = 100  # of the table; more are counted, not drawn
DOUBTFUL = "doubtful"
LONGEST = 60  # characters of the nearest training article's title
BEGINNING = 60  # characters of a text that are shown under its title
OTHERS = ", where the models as shipped answer, on the whole text, which they may have been trained on"
WIDTH = 0.1  # no further from the threshold is doubtful
CELLS = {
    ERRORS: "All errors",
    DOUBTFUL: "Articles nearest the threshold",
    "0,1": "Fake articles taken for real",
    "1,0": "Real articles taken for fake",
    "0,0": "Fake articles predicted fake",
    "1,1": "Real articles predicted real",
}
Probabilities = Mapping[str, Mapping[str, float]]  # of other models, by title and by id


class Article(NamedTuple):
    """A row of the list; `key` and what is read of the text are empty where the text is not here."""

    key: str
    name: str
    beginning: str
    cells: tuple[str, ...]
    numbers: tuple[str, ...]
    reason: str
    nearest: str


def cell_of(key: str) -> tuple[int, int] | None:
    """Return row and column of the confusion matrix that a key of `CELLS` means, if it means one."""
    return None if key in (ERRORS, DOUBTFUL) else (int(key[0]), int(key[2]))


def chosen(looked: Looked, key: str) -> NDArray[np.int64]:
    """Return positions of the articles of a key of `CELLS`: doubtful ones nearest first, others most confident."""
    labels, p_fake, threshold = looked.labels, looked.p_fake, looked.view.threshold
    if key == ERRORS:
        return misclassified(labels, p_fake, threshold)
    cell, distance = cell_of(key), np.abs(p_fake - threshold)
    if cell is None:
        members, order = np.flatnonzero(close_to_call(p_fake, threshold=threshold, width=WIDTH)), distance
    else:
        members, order = np.flatnonzero(cell_mask(labels, p_fake, threshold, *cell)), -distance
    return members[np.argsort(order[members], kind="stable")]


def table(
    looked: Looked,
    shown: NDArray[np.int64],
    title: str,
    others: Probabilities,
    twins: Neighbors | None = None,
    live: bool = True,
) -> Markup:
    """Draw articles with the probabilities of the model, called `title`, and of others; `live` ones can be opened."""
    frame = looked.scored.frame.iloc[shown]
    nearest: Sequence[str] = [""] * len(frame)
    if twins is not None and looked.scored.has_text:
        nearest = [_twin(twin) for twin in twins.nearest(joined_texts(frame))]
    rows = [_article(looked, row, others, twin) for (_, row), twin in zip(frame.iterrows(), nearest, strict=True)]
    key = looked.view.cell
    values = {"label": CELLS[key], "models": [title, *others], "articles": rows, "live": live}
    return draw("dataset", "articles", **values, has_text=looked.scored.has_text, has_nearest=any(nearest))


def listed(looked: Looked, title: str, others: Probabilities, twins: Neighbors | None = None) -> dict[str, Markup]:
    """Draw the heading with counts, and the table; where the text is not here, how to get it and the table folded."""
    key, scored = looked.view.cell, looked.scored
    articles = chosen(looked, key)
    doubtful = key == DOUBTFUL
    count = f"{len(articles):,} of {len(looked.labels):,}"
    count += f", no further than {WIDTH:g} from the threshold of {looked.view.threshold:.2f}" if doubtful else ""
    count += f", the {ROWS} {'nearest' if doubtful else 'most confident'} shown" if len(articles) > ROWS else ""
    if scored.has_text and len(articles):
        count += " · a title opens the article in Analyse" + (OTHERS if looked.view.protocol != AS_SHIPPED else "")
    heading = draw("dataset", "list_heading", title=CELLS[key], count=count)
    if not len(articles):
        return {"list_heading": heading, "table": render.caption("No article falls in here.")}
    rows = table(looked, articles[:ROWS], title, others, twins)
    if not scored.has_text:
        spec = registry.DATASETS.get(looked.view.corpus)
        folded = f"{counted(min(len(articles), ROWS), 'article')} by id"
        rows = draw("dataset", "missing", hint=scored.hint, spec=spec, folded=folded, table=rows)
    return {"list_heading": heading, "table": rows}


def _twin(twin: NearestArticle) -> str:
    if twin.similarity < 0.005:
        return "none shares its words"
    title = twin.title if len(twin.title) <= LONGEST else f"{twin.title[: LONGEST - 1].rstrip()}…"
    return f"{twin.similarity:.2f}, {LABELS[twin.label]}: {title}"


def _article(looked: Looked, row: Any, others: Probabilities, nearest: str) -> Article:
    threshold, id_ = looked.view.threshold, str(row["id"])
    own, beside = float(row["p_fake"]), [found.get(id_) for found in others.values()]
    cells = (LABELS[int(row["label"])], LABELS[FAKE] if own >= threshold else LABELS[REAL])
    numbers = tuple("–" if p is None else render.percent(p) for p in (own, *beside))
    known = [own, *(p for p in beside if p is not None)]
    if not looked.scored.has_text:
        return Article("", id_, "", cells, numbers, _reason(known, int(row["label"]), threshold), "")
    text, title = " ".join(str(row["text"]).split()), str(row["title"]).strip()
    n_words, date = count_words(text), str(row["date"])[:10]
    start = text[:BEGINNING].strip() + ("…" if len(text) > BEGINNING else "")
    beginning = " · ".join(filter(None, (date, counted(n_words, "word"), start if title else "")))
    reason = _reason(known, int(row["label"]), threshold, n_words)
    return Article(id_, title or start, beginning, cells, numbers, reason, nearest)


def _reason(p_fake: Sequence[float], label: int, threshold: float, n_words: int = MIN_WORDS) -> str:
    """Return why Analyse would give no verdict, or else whether the other model is as wrong; "" where neither."""
    low, high = UNDECIDED
    if n_words < MIN_WORDS:
        return f"only {counted(n_words, 'word')}"
    if low < p_fake[0] < high:
        return REASONS["too_close"]
    if len(p_fake) < 2 or low < p_fake[1] < high:
        return ""
    sides = [p >= threshold for p in p_fake]
    if sides[0] != sides[1]:
        return "the models disagree"
    return "both models wrong" if sides[0] != (label == FAKE) else ""
