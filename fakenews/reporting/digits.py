"""Numbers and tables as text, with fixed decimals; a share is never "100%"."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from fakenews.metrics.evaluation import Evaluation, Interval, of_guessing

Metric = Literal["accuracy", "macro_f1", "roc_auc", "ece", "brier", "log_loss"]

METRIC_NAMES: dict[Metric, str] = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "roc_auc": "ROC AUC",
    "ece": "Calibration error (ECE)",
    "brier": "Brier score",
    "log_loss": "Log-loss",
}
METRIC_NOTES: dict[Metric, str] = {
    "accuracy": "Share of articles whose predicted class is their label.",
    "macro_f1": "F1 score, the harmonic mean of precision and recall, in the mean of both classes.",
    "roc_auc": "Chance that a fake article gets a higher probability of fake than a real one; guessing has 0.5.",
    "ece": "Mean gap between the confidence of the predictions and the share of them that is right; 0 is best.",
    "brier": "Mean squared error of the probability; 0 is best.",
    "log_loss": "Mean negative log-likelihood of the labels; 0 is best.",
}


class MetricText(NamedTuple):
    """A metric and its 95% interval in print, as "97.8%" and "97.0–98.5"; the interval may be ""."""

    value: str
    interval: str

    def __str__(self) -> str:
        return f"{self.value} ({self.interval})" if self.interval else self.value


def metric_text(evaluation: Evaluation, metric: Metric) -> MetricText:
    """Print one metric: accuracy in percent with one decimal, the others with three; "–" for one that is missing.

    Of one class alone there is no macro-F1, which would be the F1 of that class and say what the accuracy says.
    """
    value: float | None = getattr(evaluation, metric)
    if value is None or (metric == "macro_f1" and evaluation.roc_auc is None):
        return MetricText("–", "")
    low, high = evaluation.intervals.get(metric, (value, value))
    if metric == "accuracy":
        return MetricText(_percent(value), _range(100 * low, 100 * high, decimals=1, top=100))
    top = math.inf if metric == "log_loss" else 1
    return MetricText(_number(value, 3, top), _range(low, high, decimals=3, top=top))


def against_guessing(evaluation: Evaluation, metric: Metric) -> str:
    """Note a metric whose interval does not clear what guessing reaches (`metrics.of_guessing`), else ""."""
    guessed = of_guessing(evaluation, metric)
    if guessed is None or metric not in evaluation.intervals:
        return ""
    return compared_words(metric, evaluation.intervals[metric], guessed)


def compared_words(metric: Metric, interval: Interval, guessed: float) -> str:
    """Say "no better than chance", or worse, where an interval does not lie above what guessing reaches; else ""."""
    low, high = interval
    than = "chance" if metric == "roc_auc" else "the larger class"
    return "" if low > guessed else f"{'worse' if high < guessed else 'no better'} than {than}"


def area_text(area: float) -> str:
    """Print an area under a curve as `metric_text` prints the ROC AUC."""
    return _number(area, 3, top=1)


def share_text(part: int, whole: int) -> str:
    """Print `part` of `whole` in percent, as "98.1%"; "all", "none", and "–" where there is no whole."""
    if whole == 0:
        return "–"
    if part in (0, whole):
        return "all" if part else "none"
    return _percent(part / whole)


def size_text(megabytes: float) -> str:
    """Print a size in millions of bytes, as "28.7 MB", "less than 0.1 MB"."""
    return f"{megabytes:.1f} MB" if megabytes >= 0.05 else "less than 0.1 MB"


def percent_text(share: float) -> str:
    """Print a share in [0, 1] in whole percent, as "97%", "> 99%"."""
    return f"{_number(100 * share, 0, top=100)}%"


def counted(count: int, noun: str) -> str:
    """Print a number of things, as "1 article", "2,000 articles"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(parts: Sequence[str]) -> str:
    """Print a list, as "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def cell(evaluation: Evaluation, metric: Metric) -> str:
    """Print a metric with its interval, and a word where it is no better than chance."""
    return ", ".join(filter(None, (str(metric_text(evaluation, metric)), against_guessing(evaluation, metric))))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))


def _percent(share: float) -> str:
    return f"{_number(100 * share, 1, top=100)}%"


def _range(low: float, high: float, decimals: int, top: float) -> str:
    start, end = f"{low:.{decimals}f}", f"{high:.{decimals}f}"
    if start == end:
        return ""
    return f"≥ {start}" if float(end) >= top else f"{start}–{end}"


def _number(value: float, decimals: int, top: float) -> str:
    """Print a number of [0, top], never as 0 or as `top`."""
    text, unit = f"{value:.{decimals}f}", 10.0**-decimals
    if float(text) == 0:
        return f"< {unit:.{decimals}f}"
    return f"> {top - unit:.{decimals}f}" if float(text) >= top else text
