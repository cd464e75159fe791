"""A track record for a new text: how often a model's verdict was wrong on the held-out articles most like it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.metrics.evaluation import Interval, wilson_interval
from fakenews.schema import LABELS, JsonValue

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.similar.neighbors import Neighbors

K = 100  # nearest articles: an error of a tenth is then known to within six points
UNASKED, RIGHT, WRONG, SILENT = -1, 0, 1, 2  # what a model made of an article; the last gave no verdict


@dataclass(frozen=True, slots=True)
class TrackRecord(JsonValue):
    """How a model fared on held-out articles like a text."""

    model: str  # key of the classifier
    n: int  # verdicts on the nearest articles
    n_wrong: int  # how many of them were wrong
    error: float | None  # `n_wrong / n`; None where there was no verdict
    interval: Interval | None  # 95% Wilson interval of `error`
    corpora: Mapping[str, int]  # how many of the articles each corpus gave, the most first
    similarity: float  # mean cosine of the text and these articles, in [-1, 1]; near 0 there is nothing like it
    # Nearest articles that were looked at; None in records from before verdicts were counted, where `n` is all of them
    # and what was counted is the side of 50% that the probability was on
    n_nearest: int | None = None

    @property
    def mostly_wrong(self) -> bool:
        """Return whether wrong verdicts outnumber right ones by more than chance: the interval lies above a half."""
        return self.interval is not None and self.interval[0] > 0.5


def outcomes(neighbors: Neighbors, rows: pd.DataFrame) -> NDArray[np.int8]:
    """Return outcomes of a model on every article of the store, shape (n_articles,): RIGHT, WRONG, SILENT or UNASKED.

    `rows` are those of the model's predictions.parquet with their `prediction` (`verdicts.judged`).
    """
    verdicts = [prediction.verdict for prediction in rows["prediction"]]
    results = [
        SILENT if verdict == "cannot_judge" else RIGHT if verdict == LABELS[label] else WRONG
        for verdict, label in zip(verdicts, rows["label"], strict=True)
    ]
    of_article = dict(zip(zip(rows["corpus"], rows["id"], strict=True), results, strict=True))
    keys = zip(neighbors.articles["corpus"], neighbors.articles["id"], strict=True)
    return np.array([of_article.get(key, UNASKED) for key in keys], dtype=np.int8)


def track_record(
    neighbors: Neighbors, results: NDArray[np.int8], text: str, model: str, k: int = K
) -> TrackRecord | None:
    """Return how a model fared on the `k` held-out articles most like `text`, which never counts itself.

    None if it was asked about no other article of the store, or none has anything in common with the text.
    """
    of_all = neighbors.similarities(text)
    return record_of(neighbors, results, of_all, neighbors.identical(text, of_all), model, k)


def record_of(
    neighbors: Neighbors,
    results: NDArray[np.int8],
    of_all: NDArray[np.float64],
    without: NDArray[np.bool_],
    model: str,
    k: int = K,
) -> TrackRecord | None:
    """Return a `track_record` from the similarities of a text with all articles, less those in `without`."""
    candidates = np.flatnonzero((results != UNASKED) & ~without)
    similarities = of_all[candidates]
    if not similarities.any():
        return None
    order = np.argsort(-similarities, kind="stable")[:k]
    nearest = candidates[order]
    n_wrong = int((results[nearest] == WRONG).sum())
    n = n_wrong + int((results[nearest] == RIGHT).sum())
    return TrackRecord(
        model,
        n,
        n_wrong,
        n_wrong / n if n else None,
        wilson_interval(n_wrong, n) if n else None,
        dict(Counter(neighbors.articles["corpus"].iloc[nearest]).most_common()),
        float(similarities[order].mean()),
        len(nearest),
    )
