"""Each corpus left out of training in turn: what a recipe is worth on publishers it has never seen.

The answers serve twice. They are evidence, and they say what a margin is worth elsewhere: the calibration for unseen
publishers is fitted on them, and for the figures of each corpus on those of the others only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import CalibratedClassifier, Calibration, TextClassifier, fit_calibration, probabilities
from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.data.mix import leave_out
from fakenews.data.splits import SPLITS
from fakenews.data.table import joined_texts
from fakenews.evaluate.evidence import predict_frame
from fakenews.evaluate.protocols import LEFT_OUT
from fakenews.training.job import Job, Parts, Say

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.training.recipes import Recipe

logger = logging.getLogger(__name__)

Answer = Callable[[str, "pd.DataFrame", "pd.DataFrame"], NDArray[np.float64]]  # corpus, the rest, its rows: margins


def measurable(tables: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Corpora that can be left out and measured: all but the first that hold both classes."""
    _, *others = tables
    return tuple(name for name in others if tables[name]["label"].nunique() > 1)


def left_out_rows(tables: Mapping[str, pd.DataFrame], answer: Answer, say: Say = logger.info) -> pd.DataFrame:
    """Answers to whole corpora that were left out of training, calibrated on each other.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        With their splits; the first stays in training always.
    answer : callable
        Given a corpus's name, the mix without it and its rows: log-odds of fake, by a model that learnt from that mix.

    Returns
    -------
    DataFrame
        Rows of `predictions.parquet` under the protocol «left-out».
    """
    import pandas as pd

    frames = []
    for corpus in measurable(tables):
        rest, out = leave_out(tables, corpus)
        say(f"{corpus} left out: {len(rest):,} rows to learn from, {len(out):,} to answer")
        margin = answer(corpus, rest, out)
        values = {"id": out["id"].to_numpy(), "corpus": corpus, "split": "all", "label": out["label"].to_numpy()}
        frames.append(pd.DataFrame({"protocol": LEFT_OUT, **values, "p_fake": 0.5, "margin": margin}))
    return calibrated_on_each_other(pd.concat(frames, ignore_index=True))


def calibrated_on_each_other(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with p_fake of every corpus by the calibration fitted on the other ones."""
    p_fake = np.full(len(rows), 0.5)
    corpora = rows["corpus"].to_numpy()
    for corpus in dict.fromkeys(corpora):
        own = corpora == corpus
        if not own.all():
            fitted = fit_elsewhere(rows[~own])
            p_fake[own] = probabilities(rows.loc[own, "margin"].to_numpy(), fitted)[:, 0]
    return rows.assign(p_fake=p_fake)


def as_left_out(rows: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """The rows, where those of articles in `left_out` have its p_fake: calibrated without the corpus they are from."""
    place = ["corpus", "id"]
    known = rows[place].merge(left_out[[*place, "p_fake"]].drop_duplicates(place), on=place, how="left")["p_fake"]
    return rows.assign(p_fake=np.where(known.isna(), rows["p_fake"], known))


def fit_elsewhere(rows: pd.DataFrame) -> Calibration:
    """What margins are worth on corpora that were left out; each corpus counts alike."""
    counts = 1.0 / rows.groupby("corpus")["corpus"].transform("size").to_numpy(dtype=np.float64)
    return fit_calibration(rows["margin"].to_numpy(dtype=np.float64), rows["label"].tolist(), counts)


def by_refitting(recipe: Recipe, job: Job, say: Say = logger.info) -> Answer:
    """Answers of the recipe fitted again without the corpus."""

    def answer(corpus: str, rest: pd.DataFrame, out: pd.DataFrame) -> NDArray[np.float64]:
        fitted = recipe.fit(recipe, replace(job, leave_out=corpus), split_parts(rest), say).classifier
        return np.asarray(fitted.predict_margin(joined_texts(out)), dtype=np.float64)

    return answer


def as_it_is(classifier: TextClassifier) -> Answer:
    """Answers of a model that learnt from the first corpus alone: it never saw any of the others."""

    def answer(corpus: str, rest: pd.DataFrame, out: pd.DataFrame) -> NDArray[np.float64]:
        rows = predict_frame(classifier, out, corpus, "all", protocol=LEFT_OUT)
        return np.asarray(rows["margin"], dtype=np.float64)

    return answer


def set_elsewhere(classifier: TextClassifier, rows: pd.DataFrame) -> None:
    """Give a classifier the calibration for unseen publishers; an ensemble asks its members for theirs."""
    if isinstance(classifier, CalibratedClassifier) and not isinstance(classifier, EnsembleClassifier):
        classifier.elsewhere_ = fit_elsewhere(rows)


def split_parts(frame: pd.DataFrame) -> Parts:
    """The rows of a table by their split."""
    return {name: frame[frame["split"] == name].reset_index(drop=True) for name in SPLITS}


def names_of(classifier: TextClassifier) -> Sequence[str]:
    """The corpora a classifier says it learnt from."""
    return tuple(classifier.info_.get("data", {}).get("corpora", ()))
