"""The list under the figures: errors, articles of one cell of the confusion matrix, or those nearest the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from fakenews.data.table import joined_texts
from fakenews.metrics.error_analysis import cell_mask, close_to_call, misclassified
from fakenews.schema import FAKE, LABELS, REAL
from fakenews.similar.training import TrainingArticle, TrainingArticles
from fakenews.text import count_words
from fakenews.ui import render
from fakenews.ui.measured import AS_SHIPPED, ERRORS, Looked
from fakenews.ui.templates import draw

ROWS = 100  # of the table; more are counted, not drawn
DOUBTFUL = "doubtful"
LONGEST = 60  # characters of a twin's title
TWINS = (
    "Nearest training article: of those the model was trained on, the one most alike in words, from 0 to 1 for a copy "
    "(cosine of TF-IDF), with its label."
)
OTHERS = ", where the models as shipped answer, on the whole text, which they may have been trained on"
WIDTH = 0.1  # no further from the threshold is doubtful
CELLS = {
    ERRORS: "All errors",
    DOUBTFUL: "Doubtful articles, nearest the threshold",
    "0,1": "Fake articles that read like the real class",
    "1,0": "Real articles that read like the fake class",
    "0,0": "Fake articles that read like the fake class",
    "1,1": "Real articles that read like the real class",
}


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


def headers(looked: Looked, twins: TrainingArticles | None = None) -> list[tuple[str, bool]]:
    """Return titles of the columns, and whether they hold numbers; the last is there where the training text is."""
    first = [("Title" if looked.scored.has_text else "Article id", False), ("True", False), ("Predicted", False)]
    if not looked.scored.has_text:
        return [*first, ("p (fake)", True)]
    last = [] if twins is None else [("Nearest training article", False)]
    return [*first, ("p (fake)", True), ("Words", True), ("Date", True), *last]


def rows(
    looked: Looked, shown: NDArray[np.int64], twins: TrainingArticles | None = None
) -> list[tuple[str, tuple[str, ...]]]:
    """Return key and cells of each article; no key without its text."""
    frame = looked.scored.frame.iloc[shown]
    found = [_row(looked, row) for _, row in frame.iterrows()]
    if twins is None or not looked.scored.has_text:
        return found
    nearest = (_twin(twin) for twin in twins.nearest(joined_texts(frame)))
    return [(key, (*cells, twin)) for (key, cells), twin in zip(found, nearest, strict=True)]


def listed(looked: Looked, twins: TrainingArticles | None = None) -> tuple[Markup, Markup]:
    """Draw the heading with counts, and the table."""
    key, scored = looked.view.cell, looked.scored
    articles = chosen(looked, key)
    doubtful = key == DOUBTFUL
    count = f"{len(articles):,} of {len(looked.labels):,}"
    count += f", no further than {WIDTH:g} from the threshold of {looked.view.threshold:.2f}" if doubtful else ""
    count += f", the {ROWS} {'nearest' if doubtful else 'most confident'} shown" if len(articles) > ROWS else ""
    if scored.has_text and len(articles):
        count += " · a title opens the article in Analyse" + (OTHERS if looked.view.protocol != AS_SHIPPED else "")
    hint = "" if scored.has_text else f"{scored.hint} The demo articles can be opened without it."
    heading = draw("dataset", "list_heading", title=CELLS[key], count=count, hint=hint)
    if not len(articles):
        return heading, render.caption("No article falls in here.")
    table = render.table(headers(looked, twins), rows(looked, articles[:ROWS], twins), CELLS[key])
    return heading, table + (render.caption(TWINS) if twins is not None and scored.has_text else Markup())


def _twin(twin: TrainingArticle) -> str:
    if twin.similarity < 0.005:
        return "none shares its words"
    title = twin.title if len(twin.title) <= LONGEST else f"{twin.title[: LONGEST - 1].rstrip()}…"
    return f"{twin.similarity:.2f}, {LABELS[twin.label]}: {title}"


def _row(looked: Looked, row: Any) -> tuple[str, tuple[str, ...]]:
    predicted = LABELS[FAKE] if row["p_fake"] >= looked.view.threshold else LABELS[REAL]
    numbers = (LABELS[int(row["label"])], predicted, render.percent(float(row["p_fake"])))
    if not looked.scored.has_text:
        return "", (str(row["id"]), *numbers)
    title = str(row["title"]).strip() or str(row["text"])[:70].strip() + "…"
    return str(row["id"]), (title, *numbers, f"{count_words(row['text']):,}", str(row["date"])[:10])
