"""Numbers as words on a page: no more digits than the interval supports, and never "100 %"."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import Literal, NamedTuple

from fakenews.metrics.evaluation import Evaluation, Interval, of_guessing, wilson_interval

Metric = Literal["accuracy", "macro_f1", "roc_auc", "ece", "brier", "log_loss"]

METRIC_NAMES: dict[Metric, str] = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "roc_auc": "ROC AUC",
    "ece": "Calibration error (ECE)",
    "brier": "Brier score",
    "log_loss": "Log-loss",
}


class MetricText(NamedTuple):
    """A metric and its 95 % interval in print, as "97.8 %" and "97.0–98.5"; the interval may be ""."""

    value: str
    interval: str

    def __str__(self) -> str:
        return f"{self.value} ({self.interval})" if self.interval else self.value


def metric_text(evaluation: Evaluation, metric: Metric) -> MetricText:
    """Print one metric: accuracy in per cent, the others as they are; "–" for one that does not exist.

    Of one class alone there is no macro-F1, which would be the F1 of that class and say what the accuracy says.

    The last digit is not finer than a thirtieth of the interval, nor of 3 / n: what n articles without an error
    leave open (the rule of three, Hanley and Lippman-Hand, JAMA 249, 1983). Without an interval it is taken to be as
    wide as that of a share of n articles, see `_supposed_width`.
    """
    value: float | None = getattr(evaluation, metric)
    if value is None or (metric == "macro_f1" and evaluation.roc_auc is None):
        return MetricText("–", "")
    low, high = evaluation.intervals.get(metric, (value, value))
    width = high - low if metric in evaluation.intervals else _supposed_width(evaluation, metric, value)
    width = max(width, 3 / evaluation.n)
    if metric == "accuracy":
        decimals = _decimals(100 * width, most=2)
        return MetricText(
            f"{_number(100 * value, decimals, top=100)} %", _range((100 * low, 100 * high), decimals, top=100)
        )
    decimals = _decimals(width, most=4)
    top = None if metric == "log_loss" else 1
    return MetricText(_number(value, decimals, top), _range((low, high), decimals, top))


def against_guessing(evaluation: Evaluation, metric: Metric) -> str:
    """Words for a metric whose interval does not clear what guessing reaches (`metrics.of_guessing`), else ""."""
    guessed = of_guessing(evaluation, metric)
    if guessed is None or metric not in evaluation.intervals:
        return ""
    return compared_words(metric, evaluation.intervals[metric], guessed)


def compared_words(metric: Metric, interval: Interval, guessed: float) -> str:
    """Say "no better than chance", or worse, where an interval does not lie above what guessing reaches; else ""."""
    low, high = interval
    than = "chance" if metric == "roc_auc" else "the larger class"
    return "" if low > guessed else f"{'worse' if high < guessed else 'no better'} than {than}"


def area_text(area: float, evaluation: Evaluation) -> str:
    """Print another area under a curve with as many digits as the ROC AUC of the same articles."""
    value = metric_text(evaluation, "roc_auc").value
    return _number(area, len(value.partition(".")[2]), top=1)


def share_text(part: int, whole: int) -> str:
    """Print `part` of `whole` in per cent, as "98.1 %"; "all", "none", and "–" where there is no whole."""
    if whole == 0:
        return "–"
    if part in (0, whole):
        return "all" if part else "none"
    low, high = wilson_interval(part, whole)
    return f"{_number(100 * part / whole, _decimals(100 * float(high - low), most=1), top=100)} %"


def size_text(megabytes: float) -> str:
    """Print a size in millions of bytes, as "28.7 MB", "less than 0.1 MB"."""
    return f"{megabytes:.1f} MB" if megabytes >= 0.05 else "less than 0.1 MB"


def percent_text(share: float) -> str:
    """Print a share in [0, 1] in whole per cent, as "97 %", "> 99 %"."""
    return f"{_number(100 * share, 0, top=100)} %"


def counted(count: int, noun: str) -> str:
    """Print a number of things, as "1 article", "2,000 articles"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(parts: Sequence[str]) -> str:
    """Print a list, as "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _supposed_width(evaluation: Evaluation, metric: Metric, value: float) -> float:
    """Width of Wilson's interval of a share of that value; of a log-loss, which is no share, the widest one."""
    share = 0.5 if metric == "log_loss" else value
    low, high = wilson_interval(share * evaluation.n, evaluation.n)
    return float(high - low)


def _decimals(width: float, most: int) -> int:
    return min(most, max(0, floor(-log10(width / 30))))


def _number(value: float, decimals: int, top: int | None) -> str:
    text, unit = f"{value:.{decimals}f}", 10.0**-decimals
    if float(text) == 0:
        return f"< {unit:.{decimals}f}"
    if top is not None and float(text) >= top:
        return f"> {top - unit:.{decimals}f}"
    return text


def _range(interval: Interval, decimals: int, top: int | None) -> str:
    low, high = (f"{bound:.{decimals}f}" for bound in interval)
    at_bottom, at_top = float(low) == 0, top is not None and float(high) >= top
    if low == high or (at_bottom and at_top):
        return ""
    if at_top:
        return f"≥ {low}"
    return f"≤ {high}" if at_bottom else f"{low}–{high}"
