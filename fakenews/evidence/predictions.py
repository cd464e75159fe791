"""Asking a classifier about whole corpora: the rows of `predictions.parquet`, and what an answer costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fakenews.classifiers.base import Scores, TextClassifier
from fakenews.data import own
from fakenews.data.base import TextNotHere
from fakenews.data.registry import DATASETS, load
from fakenews.data.table import joined_texts
from fakenews.evidence.protocols import LEFT_OUT, SHIPPED, of_corpus
from fakenews.verdict import MIN_WORDS, judge

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Progress = Callable[[str, float], None]
_CHUNK = 256  # articles between two reports of progress


def predict_frame(
    classifier: TextClassifier,
    frame: pd.DataFrame,
    corpus: str,
    split: str,
    progress: Progress | None = None,
    protocol: str | None = None,
) -> pd.DataFrame:
    """Return the rows of `predictions.parquet` for a labeled table (`report.PREDICTION_TYPES`).

    Without a `protocol`, it is the one of `protocols.SHIPPED` that the part of the corpus belongs to.
    """
    from fakenews.classifiers.precision import fast_products

    texts = joined_texts(frame)
    p_fake, log_odds, in_domain = (np.zeros(len(texts)) for _ in range(3))
    for start in range(0, len(texts), _CHUNK):
        part = slice(start, start + _CHUNK)
        with fast_products():
            scores = classifier.predict_scores(texts[part])
        log_odds[part], in_domain[part], p_fake[part] = *scores, classifier.calibrated(scores)
        if progress:
            progress(f"{corpus}/{split}", min(1.0, (start + _CHUNK) / len(texts)))
    return prediction_rows(frame, corpus, split, Scores(log_odds, in_domain), p_fake, protocol)


def prediction_rows(
    frame: pd.DataFrame,
    corpus: str,
    split: str,
    scores: Scores,
    p_fake: NDArray[np.float64],
    protocol: str | None = None,
) -> pd.DataFrame:
    """Return the rows of `predictions.parquet` for answers to a labeled table, as `predict_frame`."""
    import pandas as pd

    return pd.DataFrame(
        {
            "protocol": protocol or of_corpus(corpus, split, frame["label"].nunique() > 1),
            "id": frame["id"].to_numpy(),
            "corpus": corpus,
            "split": split,
            "label": frame["label"].to_numpy(),
            "p_fake": p_fake,
            "log_odds": scores.log_odds,
            "in_domain": scores.in_domain,
        }
    )


def scores_of(rows: pd.DataFrame) -> Scores:
    """Return scores behind rows of `predictions.parquet`; a missing `in_domain` is 0."""
    log_odds = rows["log_odds"].to_numpy(dtype=np.float64)
    if "in_domain" not in rows:
        return Scores.out_of_domain(log_odds)
    return Scores(log_odds, np.nan_to_num(rows["in_domain"].to_numpy(dtype=np.float64)))


def predict_other_corpora(
    classifier: TextClassifier,
    folder: Path | None,
    skip: Collection[str],
    progress: Progress | None = None,
    protocols: Collection[str] = SHIPPED,
) -> pd.DataFrame:
    """Predict on every corpus whose text is here and that is not in `skip`, overlap with ISOT removed.

    `protocols` keeps those that belong to one of them; the others are not asked.
    """
    import pandas as pd

    parts = []
    for name, frame in other_corpora(folder, skip):
        if of_corpus(name, "all", frame["label"].nunique() > 1) in protocols:
            parts.append(predict_frame(classifier, frame, name, "all", progress))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def other_corpora(folder: Path | None, skip: Collection[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield every corpus whose text is here and that is not in `skip`, overlap with ISOT removed.

    Raise `ValueError` if one of the files breaks the table's promise.
    """
    for name, spec in DATASETS.items():
        if name in skip:
            continue
        try:
            frame = load(name, folder, remove=[r.name for r in spec.removals if r.overlap_with])
        except TextNotHere:
            continue
        yield name, frame
    for name in own.corpora(folder):
        if name not in skip:
            yield name, load(name, folder)


def latency_ms(classifier: TextClassifier, texts: Sequence[str], repeats: int = 3) -> float:
    """Return the median milliseconds of one article asked alone, after one unmeasured pass; cleaning included."""
    from fakenews.classifiers.base import cleaned

    classifier.predict_proba([texts[0]])
    seconds = []
    for _ in range(repeats):
        for text in texts:
            cleaned.cache_clear()
            started = time.perf_counter()
            classifier.predict_proba([text])
            seconds.append(time.perf_counter() - started)
    return float(np.median(seconds) * 1000)


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Give rows of predictions.parquet their `prediction`, those that a model answered as it is or without a corpus.

    The probability decides, as on the page; what takes the text does not: its length, its language, how far it is from
    the training and what the verdicts on text like it were worth.
    """
    import pandas as pd

    rows = rows[rows["protocol"].isin([*SHIPPED, LEFT_OUT])]
    p_fake, log_odds = (rows[name].to_numpy(dtype=np.float64).tolist() for name in ("p_fake", "log_odds"))
    predictions = [judge("", p, m, MIN_WORDS) for p, m in zip(p_fake, log_odds, strict=True)]
    return rows.assign(prediction=pd.Series(predictions, index=rows.index, dtype=object))
