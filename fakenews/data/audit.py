"""`fakenews data audit`: the leakage of a labeled table, before any classifier has read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import wrap
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.data.duplicates import near_duplicate_groups
from fakenews.data.exact import normalized
from fakenews.data.leakage import (
    ExclusiveString,
    RuleResult,
    exclusive_strings,
    one_rule_baselines,
    raw_tokens,
    word_tokens,
)
from fakenews.schema import LABELS, JsonValue
from fakenews.text import clean, count_words, join

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SIMILARITY = 0.8  # Jaccard similarity from which two articles count as near duplicates


@dataclass(frozen=True, slots=True)
class AuditReport(JsonValue):
    """What `audit` found."""

    n: int  # rows
    counts: Mapping[str, int]  # rows per class, keys `schema.LABELS`
    empty_texts: int  # rows without a letter or digit in the body
    exact_duplicates: int  # rows whose normalized body stands in an earlier row
    exact_conflicts: int  # normalized bodies that carry both labels
    # near_duplicate_groups, near_duplicates: groups of two or more bodies of Jaccard similarity 0.8, exact repeats
    # included, and the rows in them beyond the first of each
    near_duplicate_groups: int
    near_duplicates: int
    near_conflicts: int  # groups that carry both labels
    # quantiles of the number of words of the body, per class: {"fake": {"0.05": ...}, ...}
    words: Mapping[str, Mapping[str, float]]
    # rules_raw, rules_neutral: one-rule baselines on the text as it is, and on the neutral text classifiers read
    rules_raw: tuple[RuleResult, ...]
    rules_neutral: tuple[RuleResult, ...]
    # exclusive_raw, exclusive_neutral: strings of one class only, likewise
    exclusive_raw: tuple[ExclusiveString, ...]
    exclusive_neutral: tuple[ExclusiveString, ...]
    seconds: float  # wall-clock time of the audit


def audit(
    frame: pd.DataFrame,
    seed: int = 42,
    progress: Callable[[float], None] | None = None,
    groups: NDArray[np.int64] | None = None,
) -> AuditReport:
    """Measure duplicates, label conflicts, leakage and length of a labeled table.

    An article of 400 words costs about 12 ms, most of it cleaning and MinHash: 9,000 of them take two to four minutes.

    Raise `ValueError` if the table has no rows.

    Parameters
    ----------
    frame : DataFrame
        From `table.read_table`.
    seed : int
        Seed of the MinHash permutations.
    progress : callable, optional
        Called with the fraction done, in [0, 1], never falling.
    groups : ndarray of shape (n,), optional
        Of near duplicates, where they are known.
    """
    if not len(frame):
        raise ValueError("There is nothing to audit: the table holds no rows.")
    started = perf_counter()
    report = progress or (lambda _: None)
    titles, bodies = frame["title"].tolist(), frame["text"].tolist()
    labels = frame["label"].to_numpy(dtype=np.int64)
    keys = [normalized(body) for body in bodies]
    empty = sum(not key for key in keys)
    exact = _group_numbers(keys)
    neutral: list[tuple[str, str]] = []
    for i, (title, body) in enumerate(zip(titles, bodies, strict=True)):
        neutral.append(neutral_parts(title, body))
        if i % 100 == 0:
            report(0.4 * i / len(frame))
    near = groups
    if near is None:
        near = near_duplicate_groups(bodies, SIMILARITY, seed, lambda done: report(0.4 + 0.5 * done))
    neutral_titles, neutral_bodies = [t for t, _ in neutral], [b for _, b in neutral]
    rules_raw = one_rule_baselines(titles, bodies, labels)
    rules_neutral = one_rule_baselines(neutral_titles, neutral_bodies, labels)
    raw_texts = [join(t, b) for t, b in zip(titles, bodies, strict=True)]
    exclusive_raw = exclusive_strings(raw_texts, labels, raw_tokens)
    report(0.95)
    exclusive_neutral = exclusive_strings([f"{t} {b}" for t, b in neutral], labels, word_tokens)
    report(1.0)
    near_sizes = np.bincount(near)
    return AuditReport(
        n=len(frame),
        counts={label: int((labels == i).sum()) for i, label in enumerate(LABELS)},
        empty_texts=empty,
        exact_duplicates=len(keys) - len(set(keys)),
        exact_conflicts=_conflicts(exact, labels),
        near_duplicate_groups=int((near_sizes > 1).sum()),
        near_duplicates=len(near) - len(near_sizes),
        near_conflicts=_conflicts(near, labels),
        words=_length_quantiles(bodies, labels),
        rules_raw=rules_raw,
        rules_neutral=rules_neutral,
        exclusive_raw=exclusive_raw,
        exclusive_neutral=exclusive_neutral,
        seconds=perf_counter() - started,
    )


def neutral_parts(title: str, body: str) -> tuple[str, str]:
    """Return the title and body of the neutral text that classifiers read of both together."""
    neutral = clean(join(title, body))
    cut = int(np.searchsorted(neutral.starts, len(title))) if title.strip() else 0
    return neutral.text[:cut].strip(), neutral.text[cut:].strip()


def _group_numbers(keys: list[str]) -> NDArray[np.int64]:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _conflicts(groups: NDArray[np.int64], labels: NDArray[np.int64]) -> int:
    """Return the number of groups (0 to k) with members of both classes."""
    size = int(groups.max()) + 1
    real = np.bincount(groups, weights=labels, minlength=size)
    return int(((real > 0) & (real < np.bincount(groups, minlength=size))).sum())


def _length_quantiles(bodies: list[str], labels: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    words = np.array([count_words(body) for body in bodies])
    return {
        label: {str(q): float(np.quantile(words[labels == i], q)) for q in QUANTILES}
        for i, label in enumerate(LABELS)
        if (labels == i).any()
    }


def describe(report: AuditReport) -> str:
    """Describe the report as lines for a terminal, 100 characters wide."""
    majority = max(report.counts.values()) / report.n
    lines = [
        f"{report.n:,} rows: {report.counts['fake']:,} fake, {report.counts['real']:,} real "
        f"(always answering the larger class is right {majority:.1%} of the time)",
        f"{report.exact_duplicates:,} exact duplicates, {report.exact_conflicts:,} texts with both labels, "
        f"{report.empty_texts:,} empty",
        f"{report.near_duplicate_groups:,} groups of near duplicates ({report.near_duplicates:,} rows too many), "
        f"{report.near_conflicts:,} of them with both labels",
    ]
    for label, quantiles in report.words.items():
        spread = ", ".join(f"{float(q):.0%} ≤ {words:,.0f}" for q, words in quantiles.items())
        lines.append(f"words per {label} text: {spread}")
    lines += ["", f"{'One rule alone':<48}{'says':>6}{'right':>8}{'in fake':>9}{'in real':>9}{'after cleaning':>17}"]
    for raw, neutral in zip(report.rules_raw, report.rules_neutral, strict=True):
        lines.append(
            f"{raw.title:<48}{raw.predicts or '–':>6}{raw.accuracy:>8.1%}{_percent(raw.share_fake):>9}"
            f"{_percent(raw.share_real):>9}{neutral.accuracy:>17.1%}"
        )
    for title, strings in (("as it is", report.exclusive_raw), ("after cleaning", report.exclusive_neutral)):
        lines += ["", f"In one class only, {title}:"]
        for label in LABELS:
            listed = ", ".join(f"“{s.string}” {s.share:.1%}" for s in strings if s.label == label)
            lines += wrap(f"{label}: {listed or 'nothing frequent'}", 98, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
