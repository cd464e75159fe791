"""What a model's verdicts are worth: how often it gave one, and how often that was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fakenews.classifiers.base import Calibration, probabilities
from fakenews.evaluate.metrics import Evaluation, Interval, evaluate, wilson_interval
from fakenews.evaluate.protocols import LEFT_OUT, SHIPPED, is_unseen
from fakenews.schema import LABELS, Prediction
from fakenews.verdict import MIN_WORDS, judge

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How often a model gave a verdict, and how often that was right.

    Attributes
    ----------
    n, given, right : int
        Articles; those with a verdict; those whose verdict is the label.
    accuracy : float or None
        `right / given`; None where it gave none.
    interval : (low, high) or None
        95 % Wilson interval of `accuracy`.
    reasons : mapping of str to int
        Of the others, by reason (`verdict.REASONS`), the most frequent first; a text may have several.
    """

    n: int
    given: int
    right: int
    accuracy: float | None
    interval: Interval | None
    reasons: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "n": self.n,
            "given": self.given,
            "right": self.right,
            "accuracy": self.accuracy,
            "interval": list(self.interval) if self.interval else None,
            "reasons": dict(self.reasons),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Verdicts:
        """Inverse of `to_dict`."""
        interval = values["interval"]
        return cls(**{**values, "interval": (interval[0], interval[1]) if interval else None})


@dataclass(frozen=True, slots=True)
class TableResult:
    """What a model reached on a labelled table.

    Attributes
    ----------
    predictions : tuple of Prediction
        One per article.
    home : Evaluation
        Of the probability at home: right to read if the model knows the publishers.
    elsewhere : Evaluation or None
        Of the probability on publishers that were never seen; None where the model has none.
    verdicts : Verdicts
    """

    predictions: tuple[Prediction, ...]
    home: Evaluation
    elsewhere: Evaluation | None
    verdicts: Verdicts

    def to_dict(self) -> dict[str, Any]:
        """JSON form of the figures: those of `home`, with the others under keys of their own."""
        elsewhere = self.elsewhere.to_dict() if self.elsewhere else None
        return {**self.home.to_dict(), "elsewhere": elsewhere, "verdicts": self.verdicts.to_dict()}


def table_result(predictions: Sequence[Prediction], labels: Sequence[int]) -> TableResult:
    """Measure predictions against labels, 0 fake, 1 real.

    Raises
    ------
    ValueError
        If the numbers are bad (`metrics.check_arrays`).
    """
    away = [p.p_elsewhere for p in predictions if p.p_elsewhere is not None]
    return TableResult(
        tuple(predictions),
        evaluate(labels, np.array([p.p_fake for p in predictions])),
        evaluate(labels, np.array(away)) if away and len(away) == len(predictions) else None,
        verdicts(predictions, labels),
    )


def judged(rows: pd.DataFrame, calibration: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of predictions.parquet that a model answered as it is, or as publishers never seen: their `prediction`.

    Both probabilities decide, as on the page; what takes the text does not: its length, its language, how far it is
    from the training and what the verdicts on text like it were worth. `calibration` is that of evaluation.json.
    """
    import pandas as pd

    rows = rows[rows["protocol"].isin([*SHIPPED, LEFT_OUT])]
    unseen = np.array(
        [
            name == LEFT_OUT or is_unseen(name, corpus)
            for name, corpus in zip(rows["protocol"], rows["corpus"], strict=True)
        ],
        dtype=bool,
    )
    p_fake, margin = (rows[name].to_numpy(dtype=np.float64) for name in ("p_fake", "margin"))
    home = probabilities(margin, Calibration(**calibration["home"]))[:, 0] if "home" in calibration else p_fake
    p_home = np.where(unseen, home, p_fake)
    p_elsewhere = np.where(unseen, p_fake, rows["p_elsewhere"].to_numpy(dtype=np.float64))
    found = [
        judge("", p, m, MIN_WORDS, p_elsewhere=None if np.isnan(q) else q)
        for p, m, q in zip(p_home.tolist(), margin.tolist(), p_elsewhere.tolist(), strict=True)
    ]
    return rows.assign(prediction=pd.Series(found, index=rows.index, dtype=object))


def verdicts(predictions: Sequence[Prediction], labels: Sequence[int]) -> Verdicts:
    """Count the verdicts on labelled articles, and the reasons where there is none."""
    given = [(p, label) for p, label in zip(predictions, labels, strict=True) if p.verdict != "cannot_judge"]
    right = sum(p.verdict == LABELS[label] for p, label in given)
    reasons = Counter(reason for p in predictions for reason in p.reasons)
    low, high = wilson_interval(right, len(given)) if given else (0.0, 0.0)
    return Verdicts(
        len(predictions),
        len(given),
        right,
        right / len(given) if given else None,
        (float(low), float(high)) if given else None,
        dict(reasons.most_common()),
    )
