"""What a model's verdicts are worth: how often it gave one, and how often that was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fakenews.metrics.evaluation import Evaluation, Interval, evaluate, wilson_interval
from fakenews.schema import LABELS, JsonValue, Prediction


@dataclass(frozen=True, slots=True)
class Verdicts(JsonValue):
    """How often a model gave a verdict, and how often that was right."""

    n: int  # n, given, right: articles; those with a verdict; those whose verdict is the label
    given: int
    right: int
    accuracy: float | None  # `right / given`; None where it gave none
    interval: Interval | None  # 95% Wilson interval of `accuracy`
    # Of the others, by reason (`verdict.REASONS`), the most frequent first; a text may have several
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TableResult:
    """What a model reached on a labeled table."""

    predictions: tuple[Prediction, ...]  # one per article
    evaluation: Evaluation  # of its probabilities
    verdicts: Verdicts

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the figures: those of `evaluation`, and the verdicts under a key of their own."""
        return {**self.evaluation.to_dict(), "verdicts": self.verdicts.to_dict()}


def table_result(predictions: Sequence[Prediction], labels: Sequence[int]) -> TableResult:
    """Measure predictions against labels, 0 fake, 1 real.

    Raise `ValueError` if the numbers are bad (`metrics.check_arrays`).
    """
    p_fake = np.array([p.p_fake for p in predictions])
    return TableResult(tuple(predictions), evaluate(labels, p_fake), verdicts(predictions, labels))


def labels_warning(evaluation: Evaluation, labels: Mapping[str, str]) -> str:
    """Say that labels may be the other way round, where the whole interval of ROC AUC lies below 0.5; else "".

    Parameters
    ----------
    labels : mapping of str to str
        What each value of the label was read as (`table.LabeledTable.labels`).
    """
    low, high = evaluation.intervals.get("roc_auc", (0.0, 1.0))
    if evaluation.roc_auc is None or high >= 0.5:
        return ""
    real = next((value for value, label in labels.items() if label == "real"), "1")
    return (
        f"ROC AUC lies below 0.5 ({low:.2f} to {high:.2f}): the labels may be the other way round. If {real} means "
        f"fake, say so with --fake {real}."
    )


def verdicts(predictions: Sequence[Prediction], labels: Sequence[int]) -> Verdicts:
    """Count the verdicts on labeled articles, and the reasons where there is none."""
    judged = [(p, label) for p, label in zip(predictions, labels, strict=True) if p.verdict != "cannot_judge"]
    right = sum(p.verdict == LABELS[label] for p, label in judged)
    reasons = Counter(reason for p in predictions for reason in p.reasons)
    return Verdicts(
        len(predictions),
        len(judged),
        right,
        right / len(judged) if judged else None,
        wilson_interval(right, len(judged)) if judged else None,
        dict(reasons.most_common()),
    )
