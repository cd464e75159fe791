"""The results in Markdown: what README and docs say of all models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fakenews.data.registry import DATASETS
from fakenews.evidence.protocols import LEFT_OUT, PROTOCOLS
from fakenews.evidence.results import ModelEvidence
from fakenews.metrics.coverage import CoverageRisk
from fakenews.metrics.evaluation import Evaluation, of_guessing
from fakenews.metrics.flips import ANY
from fakenews.reporting.digits import cell, markdown_table, percent_text, size_text

SUMMARY, RESULTS = "summary", "results"  # what is generated in README.md and in docs/evaluation.md
_FROM_EASY_TO_HARD = ("seed", "one-corpus", "grouped", "title-only", "time", LEFT_OUT)


def summary_table(evidences: Sequence[ModelEvidence]) -> str:
    """Return the README's results in Markdown: a row per model, in-domain beside out-of-domain."""
    header = (
        "Model", "Accuracy, in-domain", "ROC AUC, out-of-domain", "Accuracy, out-of-domain", "Calibration error",
        "Verdicts, out-of-domain", "Size", "Time per article",
    )  # fmt: skip
    rows = [
        (
            evidence.model, _in_domain(evidence)[0], *_out_of_domain(evidence)[:3], _out_of_domain(evidence)[4],
            size_text(evidence.size_mb), "–" if evidence.latency_ms is None else f"{evidence.latency_ms:.0f} ms",
        )
        for evidence in evidences
    ]  # fmt: skip
    return markdown_table(header, rows)


def results_table(evidences: Sequence[ModelEvidence], oracle: Mapping[str, float] | None = None) -> str:
    """Return all results in Markdown: a row per model, a row per corpus left out, and how each model was made.

    Claims, posts, corpora of one class and parts that chose a setting stand on the model cards. `oracle` is ROC AUC
    by corpus of what weights fitted on that corpus reach (`oracle.oracle_auc_left_out`).
    """
    bounds = oracle or {}
    header = (
        "Model", "Accuracy, in-domain", "ROC AUC", "ECE", "ROC AUC, out-of-domain, mean", "Accuracy", "ECE",
        "Error at 70% coverage", "Verdicts, out-of-domain", "Moved by formatting",
    )  # fmt: skip
    left_out = [name for name in DATASETS if any(name in _left_out(evidence) for evidence in evidences)]
    rows = [(evidence.model, *_in_domain(evidence), *_out_of_domain(evidence)) for evidence in evidences]
    per_corpus = [
        (
            f"`{name}`",
            f"{_size(evidences, name):,}",
            *(_auc(evidence, name) for evidence in evidences),
            *([f"{bounds[name]:.2f}" if name in bounds else "–"] if bounds else []),
        )
        for name in left_out
    ]
    notes = [
        f"- {evidence.model}: trained on {_trained_on(evidence)}; split {evidence.protocol}, seed {evidence.seed}, "
        f"text {evidence.cleaning['name']} {evidence.cleaning['version']}, {_cost(evidence)}"
        for evidence in evidences
    ]
    tables = [markdown_table(header, rows)]
    if per_protocol := _per_protocol(evidences):
        tables.append(
            "Accuracy of the same recipes on held-out articles, by the way of measuring, which *Compare* explains:\n\n"
            + markdown_table(
                ("Way of measuring", *(evidence.model for evidence in evidences), "always the larger class"),
                per_protocol,
            )
        )
    if per_corpus:
        tables.append(
            "ROC AUC on each corpus, by models that had never seen it:\n\n"
            + markdown_table(
                ("Corpus", "n", *(evidence.model for evidence in evidences), *(["oracle weights"] if bounds else [])),
                per_corpus,
            )
        )
    if bounds:
        tables.append(
            "Oracle weights (an upper bound): all single models together, weighed with the labels of the corpus that "
            "is measured, which nobody has who meets a new publisher. Better weights than the ensemble's end about "
            f"there, at {np.mean(list(bounds.values())):.2f} in the mean; the rest takes other models, or publishers "
            "more like these to learn from."
        )
    return "\n\n".join((*tables, "\n".join(notes)))


def _per_protocol(evidences: Sequence[ModelEvidence]) -> list[tuple[str, ...]]:
    """Return a row for each way to measure unseen articles, from what is usually published to what a visitor meets."""
    rows = []
    for name in _FROM_EASY_TO_HARD:
        accuracies = [_accuracy_under(evidence, name) for evidence in evidences]
        if any(accuracies):
            rows.append((PROTOCOLS[name].title, *(cell or "–" for cell in accuracies), _guessed_under(evidences, name)))
    return rows


def _guessed_under(evidences: Sequence[ModelEvidence], protocol: str) -> str:
    """Return the accuracy of always answering with the larger class; the mean where there are several corpora."""
    evaluations = {n: e for evidence in evidences for n, e in _answered_under(evidence, protocol).items()}
    shares = [share for e in evaluations.values() if (share := of_guessing(e, "accuracy")) is not None]
    return percent_text(float(np.mean(shares))) if shares else "–"


def _accuracy_under(evidence: ModelEvidence, protocol: str) -> str:
    """Return accuracy with its interval, the mean of several corpora; nothing where it was not measured."""
    evaluations = list(_answered_under(evidence, protocol).values())
    if len(evaluations) == 1:
        return cell(evaluations[0], "accuracy")
    return percent_text(float(np.mean([e.accuracy for e in evaluations]))) if evaluations else ""


def _answered_under(evidence: ModelEvidence, protocol: str) -> dict[str, Evaluation]:
    """Return what a protocol measures: its test part, or the corpora left out."""
    result = evidence.protocols.get(protocol)
    corpora = result.corpora.items() if result else ()
    return {name: e for name, e in corpora if protocol == LEFT_OUT or name.endswith("/test")}


def _left_out(evidence: ModelEvidence) -> dict[str, tuple[Evaluation, CoverageRisk]]:
    """Return what is known of corpora that the protocol "left-out" measures, by name."""
    result = evidence.protocols.get(LEFT_OUT)
    return {n.partition("/")[0]: (e, result.coverage[n]) for n, e in result.corpora.items()} if result else {}


def _in_domain(evidence: ModelEvidence) -> tuple[str, ...]:
    home = next((e for name, e in evidence.corpora.items() if name.endswith("/test")), None)
    return tuple(cell(home, m) if home else "–" for m in ("accuracy", "roc_auc", "ece"))


def _out_of_domain(evidence: ModelEvidence) -> tuple[str, ...]:
    evaluations = list(_left_out(evidence).values())
    grouped = evidence.protocols.get("grouped")
    flips = grouped.formatting if grouped else None
    moved = f"{100 * flips.rate_of_all(ANY):.1f}%" if flips else "–"
    if not evaluations:
        return ("–", "–", "–", "–", "–", moved)
    aucs = [e.roc_auc for e, _ in evaluations if e.roc_auc is not None]
    means = [float(np.mean([getattr(e, m) for e, _ in evaluations])) for m in ("accuracy", "ece")]
    at, always = (float(np.mean([c.error[k] for _, c in evaluations])) for k in ("0.7", "1.0"))
    return (
        f"{np.mean(aucs):.3f} ({min(aucs):.2f}–{max(aucs):.2f})", percent_text(means[0]), f"{means[1]:.3f}",
        f"{percent_text(at)} of {percent_text(always)}", _verdicts_out_of_domain(evidence), moved,
    )  # fmt: skip


def _verdicts_out_of_domain(evidence: ModelEvidence) -> str:
    """Return the mean over corpora left out of the share of verdicts given, and of the right ones among these."""
    counted = list(evidence.protocols[LEFT_OUT].verdicts.values())
    right = [verdicts.accuracy for verdicts in counted if verdicts.accuracy is not None]
    if not right:
        return "–"
    share = float(np.mean([verdicts.given / verdicts.n for verdicts in counted]))
    return f"{percent_text(share)}, {percent_text(float(np.mean(right)))} right"


def _size(evidences: Sequence[ModelEvidence], corpus: str) -> int:
    return max(_left_out(evidence)[corpus][0].n for evidence in evidences if corpus in _left_out(evidence))


def _auc(evidence: ModelEvidence, corpus: str) -> str:
    evaluation = _left_out(evidence).get(corpus)
    return cell(evaluation[0], "roc_auc") if evaluation else "–"


def _trained_on(evidence: ModelEvidence) -> str:
    return str(evidence.training.get("rows", "unnamed rows")).partition(", near duplicates")[0]


def replace_results(page: str, part: str, table: str) -> str:
    """Return the page with `table` between the two markers of a part.

    Raise `ValueError` if `<!-- PART:begin -->` and `<!-- PART:end -->` are not there once each, in this order.
    """
    begin, end = f"<!-- {part}:begin -->", f"<!-- {part}:end -->"
    head, begin_found, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not begin_found or not closed or any(marker in head + tail for marker in (begin, end)):
        raise ValueError(f"The page must hold {begin} and {end} once each, in this order.")
    return f"{head}{begin}\n{table.strip()}\n{end}{tail}"


def _cost(evidence: ModelEvidence) -> str:
    minutes, device = evidence.training.get("minutes"), evidence.training.get("device")
    parts = []
    if minutes is not None:
        parts.append(f"trained in {_minutes(minutes)}")
    if device is not None:
        parts.append(f"on {device}")
    training = [" ".join(parts)] if parts else []
    speed = [] if evidence.latency_ms is None else [f"{evidence.latency_ms:.0f} ms per article"]
    beside = " beside its members" if "members" in evidence.training else ""
    return ", ".join((*training, size_text(evidence.size_mb) + beside, *speed))


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} seconds"
    return f"{minutes:.0f} minute{'' if round(minutes) == 1 else 's'}"
