"""Cells and tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fakenews.metrics.evaluation import Evaluation
from fakenews.reporting.digits import Metric, against_guessing, metric_text


def cell(evaluation: Evaluation, metric: Metric) -> str:
    """Return a metric with its interval, and a word where it is no better than chance."""
    return ", ".join(filter(None, (str(metric_text(evaluation, metric)), against_guessing(evaluation, metric))))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))
