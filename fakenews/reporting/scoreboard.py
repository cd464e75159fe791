"""Every model under every protocol and at what cost: the scoreboard as a value, computed from the evidence alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from fakenews.evidence.protocols import PROTOCOLS
from fakenews.evidence.results import ModelEvidence, ProtocolResult
from fakenews.metrics.evaluation import Evaluation, of_guessing
from fakenews.metrics.flips import ANY
from fakenews.reporting.digits import Metric, against_guessing, compared_words, metric_text, percent_text

NOTHING = "–"
IN_DOMAIN = "grouped"
COVERAGE = "0.7"
_LOWER_IS_BETTER = frozenset({"ece", "brier", "log_loss"})


class Cell(NamedTuple):
    """One figure in print; `value` is None, and `text` a dash, where it was not measured.

    `detail` stands in small type beside it: an interval, or the range over corpora. `best` marks the best of a column,
    and `note` says where it does not clear what guessing reaches.
    """

    value: float | None
    text: str
    detail: str = ""
    best: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the scoreboard."""

    group: str  # group, title: what stands over several columns, and over this one
    title: str
    better: Literal["high", "low"]
    note: str  # what the figure is; one sentence
    leads: bool = False  # whether it stands for its group where the others are folded away


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """Models by columns; `rows` holds one tuple of cells per model, in the order of `models` and `columns`.

    `guessing` holds what always answering with the larger class reaches, by column; it is empty for a metric of which
    that says nothing.
    """

    metric: Metric
    columns: tuple[Column, ...]
    models: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    guessing: tuple[Cell, ...] = ()


def scoreboard(evidences: Sequence[ModelEvidence], metric: Metric) -> Scoreboard:
    """Lay out what the models reached.

    Parameters
    ----------
    evidences : sequence of ModelEvidence
    metric : Metric
        Shown for every protocol; flip rate and cost stand beside it whatever it is.
    """
    better: Literal["high", "low"] = "low" if metric in _LOWER_IS_BETTER else "high"
    makers: list[tuple[Column, Callable[[ModelEvidence], Cell]]] = [
        (
            Column("In-domain", PROTOCOLS[name].title, better, PROTOCOLS[name].description, name == IN_DOMAIN),
            lambda evidence, name=name: _in_domain(evidence, name, metric),  # type: ignore[misc]
        )
        for name in ("seed", "one-corpus", IN_DOMAIN, "time", "title-only")
    ]
    makers += [
        (
            Column(
                "Out-of-domain", "mean", better,
                "Mean over corpora of whole articles, each left out of training or never in it, and their range.", True,
            ),
            lambda evidence: _out_of_domain(evidence, metric),
        ),
        (
            Column(
                "Out-of-domain", "right at 70% coverage", "high",
                "Accuracy, in the mean over these corpora, on the seven articles in ten it is surest of.",
            ),
            _surest,
        ),
        (
            Column(
                "Out-of-domain", "verdicts given", "high",
                "Articles of these corpora on which it gives a verdict, in the mean. What is too close to call gets "
                "none.",
            ),
            _given,
        ),
        (
            Column(
                "Out-of-domain", "verdicts right", "high",
                "Verdicts that are right among those given, in the mean over these corpora.",
            ),
            _right,
        ),
        (
            Column(
                "Robustness", "flipped by formatting", "low",
                "Unseen articles whose predicted class some edit of the formatting test flips.", True,
            ),
            _moved,
        ),
        (Column("Cost", "ms", "low", "Milliseconds for one article on two CPU cores, cleaning included.", True), _ms),
        (
            Column("Cost", "MB", "low", "Size of the model's files, millions of bytes, and of its members'."),
            lambda evidence: _plain(sum(e.size_mb for e in _with_members(evidence, evidences))),
        ),
        (
            Column("Cost", "train, min", "low", "Minutes of training, its members' too; model cards name the device."),
            lambda evidence: _minutes(_with_members(evidence, evidences)),
        ),
    ]  # fmt: skip
    columns = tuple(column for column, _ in makers)
    table = [[make(evidence) for _, make in makers] for evidence in evidences]
    marked = list(
        zip(*(_with_best(cells, c) for cells, c in zip(zip(*table, strict=True), columns, strict=True)), strict=True)
    )
    guessing = _guessing(evidences, metric)
    row = tuple(guessing.get(c.title, Cell(None, "")) for c in columns) if guessing else ()
    return Scoreboard(metric, columns, tuple(e.model for e in evidences), tuple(marked), row)


def foreign(evidence: ModelEvidence) -> dict[str, Evaluation]:
    """Return evaluations on corpora of whole articles, of both classes, that the model never saw, by corpus."""
    return {name: evaluation for name, (evaluation, _) in evidence.unseen.items()}


def figure(evaluation: Evaluation, metric: Metric) -> Cell:
    """Return a metric on one set of articles, with its interval and what has to be said of it."""
    value: float | None = getattr(evaluation, metric)
    return Cell(value, *metric_text(evaluation, metric), note=against_guessing(evaluation, metric))


def guessed(evaluation: Evaluation, metric: Metric) -> Cell:
    """Return the same of always answering with the larger class."""
    value = of_guessing(evaluation, metric)
    if value is None:
        return Cell(None, NOTHING)
    return Cell(value, f"{100 * value:.1f}%" if metric == "accuracy" else f"{value:.2f}")


def _test_part(result: ProtocolResult) -> str | None:
    return next((name for name in result.corpora if name.endswith("/test")), None)


def _in_domain(evidence: ModelEvidence, protocol: str, metric: Metric) -> Cell:
    result = evidence.protocols.get(protocol)
    name = result and _test_part(result)
    if not result or not name:
        return Cell(None, NOTHING)
    return figure(result.corpora[name], metric)


def _out_of_domain(evidence: ModelEvidence, metric: Metric) -> Cell:
    evaluations = list(foreign(evidence).values())
    cell = _mean_of([getattr(e, metric) for e in evaluations], metric)
    guesses = [g for e in evaluations if (g := of_guessing(e, metric)) is not None]
    intervals = [e.intervals[metric] for e in evaluations if metric in e.intervals]
    if cell.value is None or not len(evaluations) == len(guesses) == len(intervals):
        return cell
    # Articles are drawn corpus by corpus, so the variances of independent means add up.
    half = float(np.linalg.norm([(high - low) / 2 for low, high in intervals])) / len(evaluations)
    words = compared_words(metric, (cell.value - half, cell.value + half), float(np.mean(guesses)))
    return cell._replace(note=words)


def _guessing(evidences: Sequence[ModelEvidence], metric: Metric) -> dict[str, Cell]:
    """Return what always answering with the larger class reaches, by title of the column."""
    others = {name: evaluation for evidence in evidences for name, evaluation in foreign(evidence).items()}
    guesses = [g for e in others.values() if (g := of_guessing(e, metric)) is not None]
    titles = ("mean", "right at 70% coverage", "verdicts right") if metric == "accuracy" else ("mean",)
    cells = dict.fromkeys(titles, _mean_of(guesses, metric)) if guesses else {}
    for evidence in evidences:
        for name, result in evidence.protocols.items():
            part = _test_part(result)
            if part and of_guessing(result.corpora[part], metric) is not None:
                cells[PROTOCOLS[name].title] = guessed(result.corpora[part], metric)
    return cells


def _mean_of(values: Sequence[float], metric: Metric) -> Cell:
    """Return the mean of a metric over corpora, and its range."""
    if not values or metric == "accuracy":
        return _mean(values)
    mean = float(np.mean(values))
    low, high = (f"{bound:.2f}" for bound in (min(values), max(values)))
    return Cell(mean, f"{mean:.2f}", f"{low}–{high}" if low != high else "")


def _surest(evidence: ModelEvidence) -> Cell:
    curves = [curve for _, curve in evidence.unseen.values()]
    if not curves:
        return Cell(None, NOTHING)
    right = 1.0 - float(np.mean([c.error[COVERAGE] for c in curves]))
    return Cell(right, percent_text(right))


def _given(evidence: ModelEvidence) -> Cell:
    return _mean([counted.given / counted.n for counted in evidence.verdicts_unseen.values()])


def _right(evidence: ModelEvidence) -> Cell:
    return _mean([g.accuracy for g in evidence.verdicts_unseen.values() if g.accuracy is not None])


def _mean(shares: Sequence[float]) -> Cell:
    """Return the mean of shares, one per corpus, and their range."""
    if not shares:
        return Cell(None, NOTHING)
    mean = float(np.mean(shares))
    return Cell(mean, percent_text(mean), f"{100 * min(shares):.0f}–{100 * max(shares):.0f}")


def _moved(evidence: ModelEvidence) -> Cell:
    result = evidence.protocols.get(IN_DOMAIN)
    if result is None or result.formatting is None:
        return Cell(None, NOTHING)
    rate = result.formatting.rate_of_all(ANY)
    low, high = result.formatting.edits[ANY].interval
    return Cell(rate, f"{100 * rate:.1f}%", f"{100 * low:.1f}–{100 * high:.1f}")


def _ms(evidence: ModelEvidence) -> Cell:
    return _plain(evidence.latency_ms)


def _with_members(evidence: ModelEvidence, evidences: Sequence[ModelEvidence]) -> list[ModelEvidence]:
    """Return the model, and those that it asks (of an ensemble, named with their revisions)."""
    names = {member.split()[0] for member in str(evidence.training.get("members", "")).split(",") if member.strip()}
    return [evidence, *(e for e in evidences if e.model in names)]


def _minutes(evidences: Sequence[ModelEvidence]) -> Cell:
    minutes = [e.training.get("minutes") for e in evidences]
    return _plain(None if None in minutes else sum(float(m) for m in minutes if m is not None))


def _plain(value: float | None) -> Cell:
    if value is None:
        return Cell(None, NOTHING)
    return Cell(value, "< 0.1" if value < 0.05 else f"{value:,.1f}" if value < 10 else f"{value:,.0f}")


def _with_best(cells: Sequence[Cell], column: Column) -> list[Cell]:
    """Return the cells of a column with the best marked, all of them if several print alike; none of a single model."""
    known = [c for c in cells if c.value is not None]
    if len(known) < 2:
        return list(cells)
    pick = max if column.better == "high" else min
    best = pick(known, key=lambda c: float(c.value or 0.0)).text
    return [c._replace(best=c.text == best) for c in cells]
