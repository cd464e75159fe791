"""The list under the figures: errors, articles of one cell of the confusion matrix, or those nearest the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakenews.evaluate.error_analysis import cell_mask, close_to_call, misclassified
from fakenews.schema import FAKE, LABELS, REAL
from fakenews.text import count_words
from fakenews.ui import render
from fakenews.ui.measured import ERRORS, Looked

ROWS = 100  # of the table; more are counted, not drawn
DOUBTFUL = "doubtful"
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
    """Row and column of the confusion matrix that a key of `CELLS` means, if it means one."""
    return None if key in (ERRORS, DOUBTFUL) else (int(key[0]), int(key[2]))


def chosen(looked: Looked, key: str) -> NDArray[np.int64]:
    """Positions of the articles a key of `CELLS` means: doubtful ones nearest first, others most confident first."""
    labels, p_fake, threshold = looked.labels, looked.p_fake, looked.view.threshold
    if key == ERRORS:
        return misclassified(labels, p_fake, threshold)
    cell, distance = cell_of(key), np.abs(p_fake - threshold)
    if cell is None:
        members, order = np.flatnonzero(close_to_call(p_fake, threshold=threshold, width=WIDTH)), distance
    else:
        members, order = np.flatnonzero(cell_mask(labels, p_fake, threshold, *cell)), -distance
    return members[np.argsort(order[members], kind="stable")]


def headers(looked: Looked) -> list[tuple[str, bool]]:
    """Titles of the columns, and whether they hold numbers."""
    first = [("Title" if looked.scored.here else "Article id", False), ("True", False), ("Predicted", False)]
    return first + [("p (fake)", True), ("Words", True), ("Date", True)][: 3 if looked.scored.here else 1]


def rows(looked: Looked, shown: NDArray[np.int64]) -> list[tuple[str, tuple[str, ...]]]:
    """Key and cells of each article; no key without its text."""
    return [_row(looked, row) for _, row in looked.scored.frame.iloc[shown].iterrows()]


def listed(looked: Looked) -> tuple[str, str]:
    """Heading with counts, and the table."""
    key, scored = looked.view.cell, looked.scored
    found = chosen(looked, key)
    doubtful = key == DOUBTFUL
    count = f"{len(found):,} of {len(looked.labels):,}"
    count += f", no further than {WIDTH:g} from the threshold of {looked.view.threshold:.2f}" if doubtful else ""
    count += f", the {ROWS} {'nearest' if doubtful else 'most confident'} shown" if len(found) > ROWS else ""
    can_open = " · a title opens the article in Analyse" if scored.here and len(found) else ""
    heading = f'<div class="fn-whybar"><h2>{CELLS[key]}</h2><p class="fn-meta">{count}{can_open}</p></div>'
    if not scored.here:
        heading += render.problem(f"{scored.hint} The demo articles can be opened without it.")
    if not len(found):
        return heading, '<p class="fn-meta">No article falls in here.</p>'
    return heading, render.table(headers(looked), rows(looked, found[:ROWS]), CELLS[key])


def _row(looked: Looked, row: Any) -> tuple[str, tuple[str, ...]]:
    predicted = LABELS[FAKE] if row["p_fake"] >= looked.view.threshold else LABELS[REAL]
    numbers = (LABELS[int(row["label"])], predicted, render.percent(float(row["p_fake"])))
    if not looked.scored.here:
        return "", (str(row["id"]), *numbers)
    title = str(row["title"]).strip() or str(row["text"])[:70].strip() + "…"
    return str(row["id"]), (title, *numbers, f"{count_words(row['text']):,}", str(row["date"])[:10])
