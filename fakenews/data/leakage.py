"""Leakage: strings that tell a class without a word of the story, by one-rule baselines and class-exclusive strings.

A corpus whose classes come from different publishers can be separated by a dateline or a quotation mark. Whoever
measures a classifier on it should know how far these alone would get.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakenews.schema import FAKE, LABELS, REAL


class Rule(NamedTuple):
    """A pattern as a classifier: it is looked for in the title or in the body."""

    name: str
    title: str
    reads: Literal["title", "body"]
    pattern: re.Pattern[str]


_PUNCTUATION = ".,;:!?…()[]{}\"'‘’“”\u00ab\u00bb-–—"

RULES: tuple[Rule, ...] = (
    Rule("reuters", "contains “(Reuters)”", "body", re.compile(r"\(Reuters\)")),
    Rule("curly_quote", "has a curly quote", "body", re.compile("[‘’“”]")),
    Rule(
        "orphaned_clitic",
        "has an orphaned clitic (“couldn t”)",
        "body",
        re.compile(r"(?<=[A-Za-z]) (?:s|t|re|ve|ll|d|m)(?=[\s.,;:!?)]|$)"),
    ),
    Rule("capitals", "has a word in capitals in its title", "title", re.compile(r"\b[A-Z]{4,}\b")),
    Rule("featured_image", "contains “Featured image”", "body", re.compile(r"Featured image", re.I)),
    Rule("picture_link", "contains “pic.twitter.com”", "body", re.compile(r"pic\.twitter\.com")),
    Rule("via", "contains “Via:”", "body", re.compile(r"\b[Vv]ia:")),
    Rule("address", "contains a web address", "body", re.compile(r"https?:|\bwww\.", re.I)),
)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """How well one rule alone tells the classes apart."""

    name: str
    title: str
    # class the rule answers where it finds its string, the other one where it does not: whichever way scores better.
    # None where no article has the string; the accuracy is then that of always answering the larger class.
    predicts: Literal["fake", "real"] | None
    accuracy: float  # share of right answers; no better than the larger class means that the rule leaks nothing
    # share_fake, share_real: share of the class that has the string; None for a class without articles
    share_fake: float | None
    share_real: float | None


@dataclass(frozen=True, slots=True)
class ExclusiveString:
    """A word or pair of words in `n` articles (`share`) of the class `label`, and in none of the other."""

    string: str
    label: Literal["fake", "real"]
    n: int
    share: float


def one_rule_baselines(
    titles: Sequence[str], bodies: Sequence[str], labels: NDArray[np.int64]
) -> tuple[RuleResult, ...]:
    """Score every rule of `RULES` as a classifier, in their order; `labels` of shape (n,), n > 0."""
    results = []
    for rule in RULES:
        texts = titles if rule.reads == "title" else bodies
        matches = np.array([rule.pattern.search(text) is not None for text in texts])
        as_real = float((matches == (labels == REAL)).mean())
        results.append(
            RuleResult(
                rule.name,
                rule.title,
                None if not matches.any() else LABELS[int(as_real >= 0.5)],
                max(as_real, 1.0 - as_real),
                _share(matches, labels == FAKE),
                _share(matches, labels == REAL),
            )
        )
    return tuple(results)


def _share(matches: NDArray[np.bool_], members: NDArray[np.bool_]) -> float | None:
    return float(matches[members].mean()) if members.any() else None


def raw_tokens(text: str) -> list[str]:
    """Return what stands between spaces, punctuation included: "(Reuters)", "Via:"."""
    return text.split()


def word_tokens(text: str) -> list[str]:
    """Return what stands between spaces, without punctuation at its ends: "U.S", "Reuters"."""
    return [word for word in (token.strip(_PUNCTUATION) for token in text.split()) if word]


def exclusive_strings(
    texts: Sequence[str],
    labels: NDArray[np.int64],
    tokens: Callable[[str], list[str]],
    min_share: float = 0.01,
    min_articles: int = 5,
    top: int = 15,
) -> tuple[ExclusiveString, ...]:
    """Return tokens and pairs of neighbors that occur in one class only.

    Parameters
    ----------
    texts : sequence of str
        Title and body in one.
    labels : ndarray of shape (n_texts,)
        0 fake, 1 real.
    tokens : callable
        `raw_tokens` or `word_tokens`; case counts.
    min_share, min_articles : float, int
        A string must be in this share of its class, and in this many articles.
    top : int
        At most so many per class, the most frequent first. Pairs that contain an exclusive token are left out.

    Returns
    -------
    tuple of ExclusiveString
        Fake first; empty where one class has no articles.
    """
    lists = [tokens(text) for text in texts]
    classes = [[words for words, y in zip(lists, labels, strict=True) if y == label] for label in (FAKE, REAL)]
    if not all(classes):
        return ()
    least = [max(min_articles, ceil(min_share * len(members))) for members in classes]
    singles = [Counter(w for words in members for w in set(words)) for members in classes]
    result: list[ExclusiveString] = []
    for label, other in ((FAKE, REAL), (REAL, FAKE)):
        frequent = {w for w, n in singles[label].items() if n >= least[label]}
        exclusive = {w: singles[label][w] for w in frequent if w not in singles[other]}
        # A pair cannot be in more articles than either of its words: only frequent words need pairing.
        words_to_pair = frequent - exclusive.keys()
        pairs = Counter(p for words in classes[label] for p in _pairs(words, words_to_pair))
        candidates = {p for p, n in pairs.items() if n >= least[label]}
        in_other_class = {p for words in classes[other] for p in _pairs(words, words_to_pair) & candidates}
        exclusive |= {" ".join(p): pairs[p] for p in candidates - in_other_class}
        ranked = sorted(exclusive.items(), key=lambda item: (-item[1], item[0]))[:top]
        result += [ExclusiveString(s, LABELS[label], n, n / len(classes[label])) for s, n in ranked]
    return tuple(result)


def _pairs(words: Iterable[str], allowed: set[str]) -> set[tuple[str, str]]:
    return {(one, two) for one, two in pairwise(words) if one in allowed and two in allowed}
